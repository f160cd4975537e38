//! The address of `--metrics`.
//!
//! In: a port, or an address with a port (hostile, from the command line). Out: where to listen. A port alone is this
//! machine's own; who wants others to read the page writes an address of this machine out in full. Names are refused:
//! what they stand for may change.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::Args;

/// Where the page is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsAddress(pub SocketAddr);

/// Not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a port nor an address with a port, such as 9100 or 127.0.0.1:9100")]
pub struct AddressError(String);

/// The argument, for every role that works in a run.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct MetricsArgs {
    /// Serve figures for Prometheus at this port of this machine (`9100`), or at an address written out in full
    /// (`192.0.2.7:9100`: everybody who reaches it can read them). Off by default.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<MetricsAddress>,
}

impl FromStr for MetricsAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = text.strip_prefix(':').unwrap_or(text);
        // Digits only: `parse` would take a sign.
        if port.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(port) = port.parse()
        {
            return Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
        }
        text.parse().map(Self).map_err(|_| AddressError(text.to_owned()))
    }
}

impl MetricsAddress {
    /// Whether only this machine's own programs reach it.
    pub fn is_loopback(&self) -> bool {
        self.0.ip().to_canonical().is_loopback()
    }
}
