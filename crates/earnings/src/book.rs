//! The book: one redb file with every pay-out of one hotkey on one network.
//!
//! In: readings of a chain, energy samples. Out: rows, gaps that are still to be read. A reading goes to disk whole or not at all;
//! the same reading twice changes nothing; what is confirmed never changes. A file that is not ours, not this key's, too
//! large or damaged is refused with a typed error and left as it is.

mod guarded;
mod power;
#[cfg(test)]
pub(crate) mod tests;

use std::fs;
use std::path::Path;

use chain::NetworkInfo;
use redb::{ReadableTable, Table, TableDefinition};
use serde::{Deserialize, Serialize};
use types::{BlockNumber, Hotkey};

use self::guarded::{Guarded, sealed, unsealed};
use crate::coverage::{self, BlockRange};
use crate::error::{BookError, storage};
use crate::reward::{Reading, Reward};

/// Version of the file; a book of another version is not touched.
const BOOK_VERSION: u64 = 1;
/// Block → JSON of a [`Reward`] and its checksum.
const REWARDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rewards");
/// Name → JSON and its checksum: `head` is a [`Header`], `covered` a list of ranges.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// redb's page cache; its default of 1 GiB is for servers.
const CACHE_BYTES: usize = 4 << 20;
/// A row is 600 bytes at most; one epoch each 72 minutes for 30 years fits.
const MAX_BOOK_BYTES: u64 = 256 << 20;
/// A row is about 400 bytes of JSON.
const MAX_ROW_BYTES: usize = 2048;
/// Ranges merge, so there are few: one per hole.
const MAX_META_BYTES: usize = 256 << 10;
/// Most blocks of one reading that may hold a pay-out; the same bound as the chain's.
const MAX_READING: usize = chain::MAX_EPOCHS;

/// Whose book it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookId {
    /// The network; its genesis hash, decimals and whether its unit has value are part of the identity.
    pub network: NetworkInfo,
    /// The subnet, on networks that have them.
    pub subnet: Option<u16>,
    /// The key that is paid.
    pub hotkey: Hotkey,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u64,
    id: BookId,
}

/// What a reading changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Pay-outs that the book did not have.
    pub new: usize,
    /// Pay-outs that were pending and are now confirmed.
    pub confirmed: usize,
    /// Pending pay-outs that the chain no longer has, or has otherwise.
    pub replaced: usize,
}

fn database(path: &Path) -> Result<Guarded, BookError> {
    match fs::metadata(path) {
        Ok(file) if file.len() > MAX_BOOK_BYTES => {
            let (path, bytes, limit) = (path.to_owned(), file.len(), MAX_BOOK_BYTES);
            return Err(BookError::TooLarge { path, bytes, limit });
        }
        _ => {}
    }
    let open = || redb::Builder::new().set_cache_size(CACHE_BYTES).create(path);
    Guarded::open(|| {
        open().map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => BookError::InUse(path.to_owned()),
            other => storage(other),
        })
    })
}

/// Whose book it is; `None` for a new file, or one whose beginning was cut off.
fn header(database: &Guarded) -> Result<Option<Header>, BookError> {
    database.read(|read| match read.open_table(META) {
        Ok(meta) => read_meta(&meta, "head"),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(storage(error)),
    })
}

/// The book of one key on one network.
#[derive(Debug)]
pub struct Book {
    database: Guarded,
    id: BookId,
}

impl Book {
    /// Opens the book at `path`, or begins it there.
    ///
    /// # Errors
    /// [`BookError::OtherBook`], [`BookError::Version`], [`BookError::TooLarge`], [`BookError::InUse`],
    /// [`BookError::Corrupt`] or [`BookError::Storage`].
    pub fn open_or_create(path: &Path, id: &BookId) -> Result<Self, BookError> {
        let book = Self { database: database(path)?, id: id.clone() };
        book.check_or_write_header(path)?;
        Ok(book)
    }

    /// Opens the book at `path`, whoever's it is; `None` if there is none.
    ///
    /// # Errors
    /// As [`Self::open_or_create`], but for [`BookError::OtherBook`].
    pub fn open(path: &Path) -> Result<Option<Self>, BookError> {
        if !path.exists() {
            return Ok(None);
        }
        let database = database(path)?;
        let Some(Header { id, .. }) = header(&database)? else { return Ok(None) };
        let book = Self { database, id };
        book.check_or_write_header(path)?;
        Ok(Some(book))
    }

    /// A book in memory only, for tests and rehearsals.
    ///
    /// # Errors
    /// [`BookError::Storage`] if there is no memory for it.
    pub fn in_memory(id: &BookId) -> Result<Self, BookError> {
        let backend = redb::backends::InMemoryBackend::new();
        let builder = || redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend);
        let database = Guarded::open(|| builder().map_err(storage))?;
        let book = Self { database, id: id.clone() };
        book.check_or_write_header(Path::new("(memory)"))?;
        Ok(book)
    }

    fn check_or_write_header(&self, path: &Path) -> Result<(), BookError> {
        match header(&self.database)? {
            Some(header) => self.check_header(path, &header),
            None => self.database.write(|write| {
                write.open_table(REWARDS).map_err(storage)?;
                power::create(write)?;
                let mut meta = write.open_table(META).map_err(storage)?;
                write_meta(&mut meta, "head", &Header { version: BOOK_VERSION, id: self.id.clone() })
            }),
        }
    }

    fn check_header(&self, path: &Path, header: &Header) -> Result<(), BookError> {
        if header.version != BOOK_VERSION {
            return Err(BookError::Version { found: header.version, known: BOOK_VERSION });
        }
        let identity =
            |id: &BookId| (id.network.genesis, id.network.decimals, id.network.has_value, id.subnet, id.hotkey);
        if identity(&header.id) == identity(&self.id) {
            return Ok(());
        }
        Err(BookError::OtherBook { path: path.to_owned(), found: Box::new(header.id.clone()) })
    }

    /// Whose book it is.
    pub fn id(&self) -> &BookId {
        &self.id
    }

    /// Takes a reading. Blocks up to `finalized` are confirmed and never read again; later ones are pending.
    ///
    /// # Errors
    /// [`BookError::Conflict`] if a confirmed pay-out reads otherwise now, [`BookError::Invalid`] if the reading contradicts
    /// itself. Either way nothing of it is kept.
    pub fn take(&self, reading: &Reading) -> Result<Taken, BookError> {
        let rows = rows_of(reading)?;
        self.database.write(|write| {
            let mut rewards = write.open_table(REWARDS).map_err(storage)?;
            let mut taken = Taken::default();
            let old = read_rows(&rewards, reading.range)?;
            for gone in old.iter().filter(|old| rows.binary_search_by_key(&old.block, |row| row.block).is_err()) {
                if gone.confirmed_at.is_some() {
                    return Err(BookError::Conflict { block: gone.block, field: "pay-out" });
                }
                rewards.remove(gone.block.0).map_err(storage)?;
                taken.replaced += 1;
            }
            for read in &rows {
                let before = old.binary_search_by_key(&read.block, |row| row.block).ok().map(|at| &old[at]);
                let row = merge(before, read, &mut taken)?;
                if before != Some(&row) {
                    write_row(&mut rewards, &row)?;
                }
            }
            let mut meta = write.open_table(META).map_err(storage)?;
            let covered = read_covered(&meta)?;
            let to = BlockNumber(reading.range.to.0.min(reading.finalized.0.saturating_add(1)));
            let covered = coverage::with(&covered, BlockRange { from: reading.range.from, to });
            write_meta(&mut meta, "covered", &covered)?;
            Ok(taken)
        })
    }

    /// Drops pending pay-outs from block `from` on: a reorg took them back. Returns how many.
    ///
    /// # Errors
    /// [`BookError::RetractsConfirmed`] if one of them was confirmed; nothing is dropped then.
    pub fn retract_from(&self, from: BlockNumber) -> Result<usize, BookError> {
        self.database.write(|write| {
            let mut rewards = write.open_table(REWARDS).map_err(storage)?;
            let covered = read_covered(&write.open_table(META).map_err(storage)?)?;
            if let Some(last) = covered.last().filter(|last| last.to > from) {
                return Err(BookError::RetractsConfirmed { from, confirmed: BlockNumber(last.to.0 - 1) });
            }
            let old = read_rows(&rewards, BlockRange { from, to: BlockNumber(u64::MAX) })?;
            if let Some(confirmed) = old.iter().find(|row| row.confirmed_at.is_some()) {
                return Err(BookError::RetractsConfirmed { from, confirmed: confirmed.block });
            }
            for row in &old {
                rewards.remove(row.block.0).map_err(storage)?;
            }
            Ok(old.len())
        })
    }

    /// What of `from..to` is still to be read: never read, or read before it was final. Ascending.
    ///
    /// # Errors
    /// [`BookError::Corrupt`] or [`BookError::Storage`].
    pub fn gaps(&self, wanted: BlockRange) -> Result<Vec<BlockRange>, BookError> {
        Ok(coverage::gaps(&self.covered()?, wanted))
    }

    /// The blocks that were read when they were final. Ascending, disjoint.
    ///
    /// # Errors
    /// [`BookError::Corrupt`] or [`BookError::Storage`].
    pub fn covered(&self) -> Result<Vec<BlockRange>, BookError> {
        self.database.read(|read| read_covered(&read.open_table(META).map_err(storage)?))
    }

    /// Pay-outs of a range of blocks, ascending.
    ///
    /// # Errors
    /// [`BookError::Corrupt`] or [`BookError::Storage`].
    pub fn rewards(&self, range: BlockRange) -> Result<Vec<Reward>, BookError> {
        self.database.read(|read| read_rows(&read.open_table(REWARDS).map_err(storage)?, range))
    }

    /// Every pay-out, blocks ascending.
    ///
    /// # Errors
    /// As for [`Book::rewards`].
    pub fn all_rewards(&self) -> Result<Vec<Reward>, BookError> {
        self.rewards(BlockRange { from: BlockNumber(0), to: BlockNumber(u64::MAX) })
    }
}

fn merge(before: Option<&Reward>, read: &Reward, taken: &mut Taken) -> Result<Reward, BookError> {
    let Some(before) = before else {
        taken.new += 1;
        return Ok(read.clone());
    };
    let row = before.merged(read).map_err(|field| BookError::Conflict { block: read.block, field })?;
    if before.confirmed_at.is_none() && row.confirmed_at.is_some() {
        taken.confirmed += 1;
    }
    if before.confirmed_at.is_none() && (before.amount(), before.hash) != (row.amount(), row.hash.and(before.hash)) {
        taken.replaced += 1;
    }
    Ok(row)
}

fn rows_of(reading: &Reading) -> Result<Vec<Reward>, BookError> {
    if reading.epochs.len() > MAX_READING {
        return Err(BookError::Invalid("more pay-outs than one reading may have"));
    }
    let rows: Vec<Reward> =
        reading.epochs.iter().map(|fact| Reward::from_fact(fact, reading.finalized)).collect::<Result<_, _>>()?;
    if rows.iter().any(|row| !reading.range.contains(row.block)) {
        return Err(BookError::Invalid("a pay-out outside the range that was read"));
    }
    if rows.windows(2).any(|w| w[0].block >= w[1].block) {
        return Err(BookError::Invalid("pay-outs that do not ascend"));
    }
    Ok(rows)
}

fn read_rows(table: &impl ReadableTable<u64, &'static [u8]>, range: BlockRange) -> Result<Vec<Reward>, BookError> {
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for row in table.range(range.from.0..range.to.0).map_err(storage)? {
        let (block, bytes) = row.map_err(storage)?;
        rows.push(read_row(block.value(), bytes.value())?);
    }
    Ok(rows)
}

fn read_row(block: u64, bytes: &[u8]) -> Result<Reward, BookError> {
    let corrupt = |why: &str| BookError::Corrupt(format!("row {block}: {why}"));
    if bytes.len() > MAX_ROW_BYTES {
        return Err(corrupt("longer than any row"));
    }
    let bytes = unsealed(&block.to_be_bytes(), bytes).map_err(corrupt)?;
    let row: Reward = serde_json::from_slice(bytes).map_err(|e| corrupt(&e.to_string()))?;
    if row.block.0 != block {
        return Err(corrupt("it carries another number"));
    }
    row.check().map_err(corrupt)?;
    Ok(row)
}

fn write_row(table: &mut Table<'_, u64, &'static [u8]>, row: &Reward) -> Result<(), BookError> {
    let bytes = serde_json::to_vec(row).map_err(|e| BookError::Storage(e.to_string()))?;
    table.insert(row.block.0, sealed(&row.block.0.to_be_bytes(), &bytes).as_slice()).map_err(storage)?;
    Ok(())
}

fn read_meta<T: for<'de> Deserialize<'de>>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<T>, BookError> {
    let Some(bytes) = table.get(name).map_err(storage)? else { return Ok(None) };
    let bytes = bytes.value();
    if bytes.len() > MAX_META_BYTES {
        return Err(BookError::Corrupt(format!("`{name}` is longer than it can be")));
    }
    let corrupt = |why: &str| BookError::Corrupt(format!("`{name}`: {why}"));
    let bytes = unsealed(name.as_bytes(), bytes).map_err(corrupt)?;
    serde_json::from_slice(bytes).map(Some).map_err(|e| corrupt(&e.to_string()))
}

fn read_covered(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Vec<BlockRange>, BookError> {
    let covered: Vec<BlockRange> = read_meta(meta, "covered")?.unwrap_or_default();
    if covered.iter().any(BlockRange::is_empty) || covered.windows(2).any(|w| w[0].to >= w[1].from) {
        return Err(BookError::Corrupt("the ranges that were read overlap".into()));
    }
    Ok(covered)
}

fn write_meta(
    table: &mut Table<'_, &'static str, &'static [u8]>,
    name: &str,
    value: &impl Serialize,
) -> Result<(), BookError> {
    let bytes = serde_json::to_vec(value).map_err(|e| BookError::Storage(e.to_string()))?;
    if bytes.len() > MAX_META_BYTES - 64 {
        return Err(BookError::Invalid("more holes than the book can name; read the oldest ones first"));
    }
    table.insert(name, sealed(name.as_bytes(), &bytes).as_slice()).map_err(storage)?;
    Ok(())
}
