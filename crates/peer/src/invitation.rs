//! A run's invitation on this machine: made, shown, kept.
//!
//! In: a run and the addresses of a node that knows it. Out: a `covey://join/…` link, as text, as a picture for a
//! terminal, and in a file that others may read at any time. It asks nobody and checks nobody's identity.

use std::path::PathBuf;

use qrcode::render::unicode;
use qrcode::{EcLevel, QrCode};
use types::{JoinLink, LinkError, MAX_ADDRESSES, RunId};

/// A run's link in its folder, written by its seed.
pub const LINK_FILE: &str = "link.txt";

/// Where runs lie on this machine unless somebody says otherwise: `runs` in the user's data folder.
pub fn runs_dir() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        var("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        var("XDG_DATA_HOME").or_else(|| var("HOME").map(|home| home.join(".local").join("share")))
    };
    base.map(|dir| dir.join("covey").join("runs"))
}

/// The invitation to a run through a node with this identity and these addresses, the best first: those that others can
/// reach, then those on the same network, then other nodes that know the run; loopback only if there is nothing else.
///
/// # Errors
/// [`LinkError`] if there is no address at all, or one has no shape.
pub fn invite(
    run: RunId,
    peer: &str,
    external: &[String],
    listen: &[String],
    others: &[String],
) -> Result<JoinLink, LinkError> {
    let mut addresses: Vec<String> = Vec::new();
    // In an order of its own, so that the same node gives the same link whenever it starts; IPv4 first, since it gets
    // through from more places.
    let mut listen: Vec<&String> = listen.iter().collect();
    listen.sort_by_key(|address| (address.starts_with("/ip6/"), address.contains("/udp/"), *address));
    // Link-local addresses mean nothing without the name of an interface.
    let far = listen.iter().copied().filter(|address| !is_loopback(address) && !address.starts_with("/ip6/fe80:"));
    let others = others.iter().filter(|address| !is_loopback(address) && !address.contains(peer));
    for address in external.iter().chain(far).chain(others) {
        let address = with_peer(address, peer);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        addresses.extend(listen.iter().map(|address| with_peer(address, peer)));
    }
    addresses.truncate(MAX_ADDRESSES);
    JoinLink::new(run, addresses)
}

fn with_peer(address: &str, peer: &str) -> String {
    if address.contains("/p2p/") { address.to_owned() } else { format!("{address}/p2p/{peer}") }
}

fn is_loopback(address: &str) -> bool {
    address.starts_with("/ip4/127.") || address.starts_with("/ip6/::1/")
}

/// The link as a QR code for a terminal, or `None` if it is too long for one.
pub fn picture(link: &JoinLink) -> Option<String> {
    // A terminal is read off a clean screen: the lowest level of correction keeps the picture small.
    let code = QrCode::with_error_correction_level(link.to_string(), EcLevel::L).ok()?;
    // Light modules are drawn and dark ones left out: right on a dark terminal, and readers take the reverse as well.
    Some(code.render::<unicode::Dense1x2>().build())
}

#[cfg(test)]
mod tests {
    use types::Hash32;

    use super::*;

    const PEER: &str = "12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";

    fn invited(external: &[&str], listen: &[&str]) -> Result<Vec<String>, LinkError> {
        let owned = |list: &[&str]| list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        let others = owned(&["/ip4/127.0.0.1/tcp/9/p2p/Q", "/ip4/198.51.100.9/tcp/9/p2p/Q"]);
        let link = invite(RunId(Hash32([1; 32])), PEER, &owned(external), &owned(listen), &others)?;
        Ok(link.addresses.iter().map(|a| a.replace(PEER, "P")).collect())
    }

    #[test]
    fn the_address_that_others_reach_comes_first_and_loopback_only_alone() {
        let listen = ["/ip4/127.0.0.1/tcp/7", "/ip6/fe80::1/tcp/7", "/ip4/192.168.1.5/tcp/7", "/ip6/::1/udp/7/quic-v1"];
        assert_eq!(
            invited(&["/dns4/example.org/tcp/7"], &listen).unwrap(),
            ["/dns4/example.org/tcp/7/p2p/P", "/ip4/192.168.1.5/tcp/7/p2p/P", "/ip4/198.51.100.9/tcp/9/p2p/Q"]
        );
        let alone = |listen: &[String]| invite(RunId(Hash32([1; 32])), PEER, &[], listen, &[]);
        let only = format!("/ip4/127.0.0.1/tcp/7/p2p/{PEER}");
        assert_eq!(alone(&["/ip4/127.0.0.1/tcp/7".to_owned()]).unwrap().addresses, [only]);
        assert_eq!(alone(&[]), Err(LinkError::Count(0)));
        let many: Vec<String> = (0..20).map(|n| format!("/ip4/10.0.0.{n}/tcp/7")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(invited(&[], &many).unwrap().len(), MAX_ADDRESSES);
        assert_eq!(invited(&[&format!("/ip4/1.2.3.4/tcp/7/p2p/{PEER}")], &[]).unwrap()[0], "/ip4/1.2.3.4/tcp/7/p2p/P");
    }

    #[test]
    fn a_link_is_a_picture_too() {
        let link = invite(RunId(Hash32([1; 32])), PEER, &["/ip4/203.0.113.7/tcp/4001".into()], &[], &[]).unwrap();
        let picture = picture(&link).unwrap();
        let lines: Vec<&str> = picture.lines().collect();
        assert!((20..60).contains(&lines.len()), "{}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()));
        assert!(picture.chars().any(|c| c == '█' || c == '▀' || c == '▄'));
    }
}
