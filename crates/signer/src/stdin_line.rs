//! The first line of standard input, for a secret that whoever started this process sends over its pipe.
//!
//! In: standard input, read byte by byte past every buffer, so that nothing after the line is taken and no copy of the
//! secret stays in one. Out: the line, wiped on drop. It refuses long lines and an end without a line.

use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroizing;

use crate::secret_file::MAX_BYTES;

/// Reads up to the first line break.
///
/// # Errors
/// What the system said; the line is too long, is no UTF-8 or does not end.
pub(crate) fn read() -> io::Result<Zeroizing<String>> {
    read_from(&mut handle()?)
}

/// Standard input without Rust's buffer.
#[cfg(unix)]
fn handle() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn handle() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

fn read_from(from: &mut impl Read) -> io::Result<Zeroizing<String>> {
    // Large enough from the start: a buffer that grows leaves copies behind that nobody wipes.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut byte = [0u8];
    loop {
        from.read_exact(&mut byte)?;
        match byte[0] {
            b'\n' => break,
            _ if line.len() == MAX_BYTES => return Err(io::Error::new(io::ErrorKind::InvalidData, "too long")),
            byte => line.push(byte),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_taken_as_it_is_and_nothing_behind_it() {
        let mut input: &[u8] = b" four bears \nnext";
        assert_eq!(*read_from(&mut input).unwrap(), " four bears ");
        assert_eq!(input, b"next");
        assert_eq!(*read_from(&mut &b"\n"[..]).unwrap(), "");
    }

    #[test]
    fn a_line_without_an_end_a_long_one_and_bytes_that_are_no_text_are_refused() {
        let long = [vec![b'a'; MAX_BYTES + 1], b"\n".to_vec()].concat();
        for bad in [b"".as_slice(), b"abc", &long, b"\xff\xfe\n"] {
            assert!(read_from(&mut &*bad).is_err(), "{} bytes", bad.len());
        }
        let longest = [vec![b'a'; MAX_BYTES], b"\n".to_vec()].concat();
        assert_eq!(read_from(&mut longest.as_slice()).unwrap().len(), MAX_BYTES);
    }
}
