//! TCP's congestion control inside the lab: cubic, as desktops have it.
//!
//! A machine may default to BBR, which hides what loss does to everybody else. A namespace may only choose what the
//! machine allows to all, so cubic is added to that list where it is missing: the one setting outside its own
//! namespaces that a lab changes. It adds a choice and changes no default.

use std::fs;
use std::io;

use crate::LabError;

const ALLOWED: &str = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
const CHOSEN: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// What the lab asks for.
pub const WANTED: &str = "cubic";

/// Lets namespaces choose cubic.
///
/// # Errors
/// The system's reason, for instance that this kernel has no cubic.
pub(crate) fn allow() -> Result<(), LabError> {
    let doing = || LabError::io("allow cubic to namespaces");
    let allowed = fs::read_to_string(ALLOWED).map_err(doing())?;
    if allowed.split_whitespace().any(|name| name == WANTED) {
        return Ok(());
    }
    fs::write(ALLOWED, format!("{} {WANTED}", allowed.trim())).map_err(doing())
}

/// Chooses cubic in this thread's namespace and says what is chosen then.
pub(crate) fn choose() -> io::Result<String> {
    fs::write(CHOSEN, WANTED)?;
    Ok(fs::read_to_string(CHOSEN)?.trim().to_owned())
}
