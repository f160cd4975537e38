//! TUN devices: a network device whose packets a program reads and writes.
//!
//! In: a device's name, on a thread that is already in the right namespace. Out: its file, non-blocking. The device is
//! gone when the file is closed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;

/// `struct ifreq` as far as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: libc::c_short,
    rest: [u8; 22],
}

/// Makes the device in this thread's namespace.
pub(crate) fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    let flags = libc::IFF_TUN | libc::IFF_NO_PI;
    let flags = libc::c_short::try_from(flags).map_err(|_| io::Error::other("the flags of a TUN do not fit"))?;
    let mut request = Request { name: [0; 16], flags, rest: [0; 22] };
    // One byte stays zero.
    let bytes = name.as_bytes().get(..name.len().min(15)).unwrap_or_default();
    request.name[..bytes.len()].copy_from_slice(bytes);
    // SAFETY: the file is open, and TUNSETIFF reads and writes one `struct ifreq` (40 bytes), which `request` is.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    if done == 0 { Ok(file) } else { Err(io::Error::last_os_error()) }
}
