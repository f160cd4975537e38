//! What a founder's machine must remember of its run: where it listens and whom it starts.
//!
//! In: the command line at the founding. Out: `found.json` in the run folder, read back at each later start. It holds no
//! key and nothing that the manifest holds.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::places::{PlacesError, read_bounded};

/// Name of the file in the run folder.
pub const FOUND_FILE: &str = "found.json";
/// Its version.
pub(super) const VERSION: u32 = 1;
/// A page.
const MAX_BYTES: u64 = 64 * 1024;
/// Ports tried before giving up on one that is free for TCP and UDP alike.
const PORT_TRIES: u32 = 32;

/// What the founder's machine does for its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundSettings {
    /// Format version.
    pub version: u32,
    /// Multiaddresses that the seed listens at.
    pub listen: Vec<String>,
    /// Multiaddresses at which others reach it besides.
    pub external: Vec<String>,
    /// No QUIC.
    pub tcp_only: bool,
    /// Validators on this machine.
    pub validators: u32,
    /// Peers to wait for before the first round.
    pub expected_peers: u32,
}

/// Why the folder of an earlier founding cannot be gone on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It cannot be read.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// It does not read.
    #[error("`{path}` does not read: {why}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        why: String,
    },
}

impl FoundSettings {
    /// Reads `found.json`.
    ///
    /// # Errors
    /// [`SettingsError`]: a run folder without one was not founded here.
    pub fn open(dir: &Path) -> Result<Self, SettingsError> {
        let path = dir.join(FOUND_FILE);
        let bytes = read_bounded(&path, MAX_BYTES)?;
        let settings: Self = serde_json::from_slice(&bytes)
            .map_err(|e| SettingsError::Syntax { path: path.clone(), why: e.to_string() })?;
        if settings.version != VERSION {
            let why = format!("it has version {}; this build speaks version {VERSION}", settings.version);
            return Err(SettingsError::Syntax { path, why });
        }
        Ok(settings)
    }

    /// The file's bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // A plain struct of numbers and strings: serialisation has no failing case.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Fills in a free port where no address was given, so that links stay good across restarts.
    pub(super) fn with_addresses(mut self) -> std::io::Result<Self> {
        if self.listen.is_empty() {
            let (port, six) = free_port()?;
            let hosts = [Some("/ip4/0.0.0.0"), six.then_some("/ip6/::")];
            for host in hosts.into_iter().flatten() {
                self.listen.push(format!("{host}/tcp/{port}"));
                if !self.tcp_only {
                    self.listen.push(format!("{host}/udp/{port}/quic-v1"));
                }
            }
        }
        Ok(self)
    }

    /// The addresses under which this machine's own processes find the seed.
    pub(super) fn seen_from_here(&self, peer: &str) -> Vec<String> {
        let local = |address: &String| {
            let address = address.replacen("/ip4/0.0.0.0/", "/ip4/127.0.0.1/", 1).replacen("/ip6/::/", "/ip6/::1/", 1);
            format!("{address}/p2p/{peer}")
        };
        self.listen.iter().map(local).collect()
    }
}

/// A port that is free now for TCP and UDP, and whether it is for IPv6 as well.
fn free_port() -> std::io::Result<(u16, bool)> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
    for _ in 0..PORT_TRIES {
        let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let port = tcp.local_addr()?.port();
        match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)) {
            Ok(_udp) => {
                // Where IPv6 sockets take IPv4 as well, the port is in use by the two above: then its loopback tells.
                return Ok((port, UdpSocket::bind((Ipv6Addr::LOCALHOST, port)).is_ok()));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> FoundSettings {
        FoundSettings {
            version: VERSION,
            listen: Vec::new(),
            external: vec!["/dns4/example.org/tcp/4001".into()],
            tcp_only: false,
            validators: 2,
            expected_peers: 1,
        }
    }

    #[test]
    fn a_run_keeps_the_port_it_was_founded_with() {
        let found = settings().with_addresses().unwrap();
        assert!(found.listen[0].starts_with("/ip4/0.0.0.0/tcp/") && found.listen[1].ends_with("/quic-v1"));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FOUND_FILE), found.to_bytes()).unwrap();
        assert_eq!(FoundSettings::open(dir.path()).unwrap(), found);
        assert_eq!(found.clone().with_addresses().unwrap(), found);
        let own = FoundSettings { tcp_only: true, ..settings() }.with_addresses().unwrap();
        assert!(own.listen.iter().all(|address| address.contains("/tcp/")));
    }

    #[test]
    fn own_processes_find_the_seed_on_loopback() {
        let listen = ["/ip4/0.0.0.0/tcp/7", "/ip6/::/udp/7/quic-v1", "/ip4/192.0.2.1/tcp/7"].map(String::from).to_vec();
        let here = FoundSettings { listen, ..settings() }.seen_from_here("12D3");
        let expected =
            ["/ip4/127.0.0.1/tcp/7/p2p/12D3", "/ip6/::1/udp/7/quic-v1/p2p/12D3", "/ip4/192.0.2.1/tcp/7/p2p/12D3"];
        assert_eq!(here, expected);
    }

    #[test]
    fn what_another_version_wrote_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(FoundSettings::open(dir.path()), Err(SettingsError::Places(_))));
        for text in ["", "{}", "[", &String::from_utf8(FoundSettings { version: 2, ..settings() }.to_bytes()).unwrap()]
        {
            std::fs::write(dir.path().join(FOUND_FILE), text).unwrap();
            assert!(matches!(FoundSettings::open(dir.path()), Err(SettingsError::Syntax { .. })), "{text}");
        }
    }
}
