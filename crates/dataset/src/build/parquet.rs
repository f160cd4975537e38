//! Text columns of Parquet files, read in batches without Arrow.
//!
//! In: a `.parquet` file (hostile) and a column's name. Out: one document per row; rows without text are left out. A
//! nested column, or one that is no byte string, is refused. The `parquet` crate allocates what a page's header asks
//! for, up to 2 GiB: a limit of that crate.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::BuildError;
use super::pieces::{Piece, PieceSource, pieces_of};

/// Rows read at a time.
const BATCH_ROWS: usize = 64;

pub(super) struct ParquetColumn {
    file: SerializedFileReader<File>,
    path: PathBuf,
    column: usize,
    next_group: usize,
    group: Option<ColumnReaderImpl<ByteArrayType>>,
    row: u64,
    ready: VecDeque<Piece>,
}

impl ParquetColumn {
    pub(super) fn open(path: &Path, field: &str) -> Result<Self, BuildError> {
        let unsupported = |why: String| BuildError::Unsupported { path: path.to_path_buf(), why };
        let file = File::open(path).map_err(BuildError::io("read", path))?;
        let file = SerializedFileReader::new(file).map_err(|e| unsupported(e.to_string()))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let column = schema.columns().iter().position(|column| column.path().string() == field);
        let column = column.ok_or_else(|| unsupported(format!("there is no column `{field}`")))?;
        let described = schema.column(column);
        let is_text = described.physical_type() == Type::BYTE_ARRAY;
        if !is_text || described.max_rep_level() > 0 || described.max_def_level() > 1 {
            return Err(unsupported(format!("column `{field}` is no plain text column")));
        }
        let path = path.to_path_buf();
        Ok(Self { file, path, column, next_group: 0, group: None, row: 0, ready: VecDeque::new() })
    }

    fn error(&self, why: &(impl ToString + ?Sized)) -> BuildError {
        BuildError::Record { path: self.path.clone(), record: self.row + 1, why: why.to_string() }
    }

    /// Opens the next row group; `false` behind the last.
    fn open_group(&mut self) -> Result<bool, BuildError> {
        if self.next_group >= self.file.num_row_groups() {
            return Ok(false);
        }
        let reader = self.file.get_row_group(self.next_group).and_then(|group| group.get_column_reader(self.column));
        match reader.map_err(|e| self.error(&e))? {
            ColumnReader::ByteArrayColumnReader(reader) => self.group = Some(reader),
            _ => return Err(self.error("the column changes its type")),
        }
        self.next_group += 1;
        Ok(true)
    }
}

/// Values and the number of rows read; fewer values than rows where rows are null.
fn read_batch(reader: &mut ColumnReaderImpl<ByteArrayType>) -> Result<(Vec<ByteArray>, usize), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let (rows, _, _) = reader.read_records(BATCH_ROWS, Some(&mut levels), None, &mut values)?;
    Ok((values, rows))
}

impl PieceSource for ParquetColumn {
    fn next_piece(&mut self) -> Result<Option<Piece>, BuildError> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            let Some(reader) = self.group.as_mut() else {
                if self.open_group()? {
                    continue;
                }
                return Ok(None);
            };
            let (values, rows) = read_batch(reader).map_err(|e| self.error(&e))?;
            if rows == 0 {
                self.group = None;
                continue;
            }
            for value in values.iter().filter(|value| !value.is_empty()) {
                let text = String::from_utf8_lossy(value.data());
                let lossy = matches!(text, std::borrow::Cow::Owned(_));
                pieces_of(text.into_owned(), lossy, &mut self.ready);
            }
            self.row += rows as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::Int32Type;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    const SCHEMA: &str = "message m { required int32 id; optional binary text (UTF8); repeated binary tags (UTF8); }";

    /// Two row groups; every third text is null, one is empty, one is not UTF-8.
    fn write(path: &Path, compression: Compression) -> Vec<String> {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let mut file = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
        let mut written = Vec::new();
        for group in 0..2 {
            let mut rows = file.next_row_group().unwrap();
            let levels: Vec<i16> = (0..150).map(|row| i16::from(row % 3 != 0)).collect();
            let mut texts: Vec<Vec<u8>> =
                (0..100).map(|row| format!("text {row} of group {group}").into_bytes()).collect();
            texts[5].clear();
            texts[6] = vec![b'a', 0xff];
            let mut column = rows.next_column().unwrap().unwrap();
            column.typed::<Int32Type>().write_batch(&[1; 150], None, None).unwrap();
            column.close().unwrap();
            let values: Vec<ByteArray> = texts.iter().cloned().map(ByteArray::from).collect();
            let mut column = rows.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
            let mut column = rows.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&[], Some(&[0; 150]), Some(&[0; 150])).unwrap();
            column.close().unwrap();
            rows.close().unwrap();
            let kept = texts.iter().filter(|text| !text.is_empty());
            written.extend(kept.map(|text| String::from_utf8_lossy(text).into_owned()));
        }
        file.close().unwrap();
        written
    }

    #[test]
    fn every_row_with_text_is_a_document() {
        let dir = tempfile::tempdir().unwrap();
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())] {
            let path = dir.path().join("a.parquet");
            let want = write(&path, compression);
            let mut column = ParquetColumn::open(&path, "text").unwrap();
            let mut got = Vec::new();
            while let Some(piece) = column.next_piece().unwrap() {
                assert!(piece.ends_document && piece.lossy == piece.text.contains('\u{fffd}'));
                got.push(piece.text);
            }
            assert_eq!(got, want, "{compression:?}");
        }
    }

    #[test]
    fn other_columns_and_broken_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        write(&path, Compression::SNAPPY);
        for column in ["nothing", "id", "tags"] {
            assert!(matches!(ParquetColumn::open(&path, column), Err(BuildError::Unsupported { .. })), "{column}");
        }
        let bytes = std::fs::read(&path).unwrap();
        for cut in (0..bytes.len()).step_by(97) {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(matches!(ParquetColumn::open(&path, "text"), Err(BuildError::Unsupported { .. })), "{cut}");
        }
    }
}
