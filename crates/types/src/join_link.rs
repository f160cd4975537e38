//! A run's invitation: `covey://join/<run id>?at=<address>&at=<address>`.
//!
//! In: text from a chat, a web page or a picture (hostile). Out: the run's id and up to [`MAX_ADDRESSES`] network addresses
//! of nodes that know the run. The addresses are libp2p multiaddresses that end in `/p2p/<peer id>`; only their shape is
//! checked here. Trust comes from the id: whatever those nodes answer must be the manifest of this hash.

use std::fmt;
use std::str::FromStr;

use crate::{Hash32, RunId};

/// What a link begins with.
pub const LINK_PREFIX: &str = "covey://join/";
/// Addresses in a link at most: three operators, two transports each, and room.
pub const MAX_ADDRESSES: usize = 8;
/// Characters of an address at most; the longest honest one goes through a relay and has about 200.
pub const MAX_ADDRESS_CHARS: usize = 256;
/// Characters of a link at most: anything longer is refused unread.
pub const MAX_LINK_CHARS: usize = LINK_PREFIX.len() + 64 + MAX_ADDRESSES * (MAX_ADDRESS_CHARS + 4);

/// An invitation to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinLink {
    /// The run.
    pub run: RunId,
    /// Nodes that know it.
    pub addresses: Vec<String>,
}

/// Text that is no invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Longer than [`MAX_LINK_CHARS`].
    #[error("the link has {0} characters, more than {MAX_LINK_CHARS}")]
    TooLong(usize),
    /// Something else.
    #[error("a link to a run begins with {LINK_PREFIX}")]
    Prefix,
    /// Not 64 hexadecimal digits.
    #[error("the run's id must have 64 hexadecimal digits")]
    Run,
    /// A word other than `at=`.
    #[error("the link has a part that this build does not know: `{0}`")]
    Part(String),
    /// None, or too many.
    #[error("the link names {0} addresses; there must be 1 to {MAX_ADDRESSES}")]
    Count(usize),
    /// Not the shape of an address.
    #[error("`{0}` is no network address of a peer")]
    Address(String),
}

impl JoinLink {
    /// An invitation.
    ///
    /// # Errors
    /// [`LinkError::Count`] or [`LinkError::Address`].
    pub fn new(run: RunId, addresses: Vec<String>) -> Result<Self, LinkError> {
        if !(1..=MAX_ADDRESSES).contains(&addresses.len()) {
            return Err(LinkError::Count(addresses.len()));
        }
        match addresses.iter().find(|address| !is_address(address)) {
            Some(wrong) => Err(LinkError::Address(wrong.chars().take(MAX_ADDRESS_CHARS).collect())),
            None => Ok(Self { run, addresses }),
        }
    }
}

/// Slashes, names and numbers as multiaddresses have them; nothing that would need escaping in a link.
fn is_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | ':' | '-' | '_');
    text.len() <= MAX_ADDRESS_CHARS && text.starts_with('/') && text.contains("/p2p/") && text.chars().all(plain)
}

impl fmt::Display for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LINK_PREFIX}{}", self.run)?;
        for (i, address) in self.addresses.iter().enumerate() {
            write!(f, "{}at={address}", if i == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl FromStr for JoinLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        if text.len() > MAX_LINK_CHARS {
            return Err(LinkError::TooLong(text.len()));
        }
        let rest = text.trim().strip_prefix(LINK_PREFIX).ok_or(LinkError::Prefix)?;
        let (run, parts) = rest.split_once('?').unwrap_or((rest, ""));
        // Some programs put a slash behind what they take for a host.
        let run: Hash32 = run.trim_end_matches('/').parse().map_err(|_| LinkError::Run)?;
        let mut addresses = Vec::new();
        for part in parts.split('&').filter(|part| !part.is_empty()) {
            let address = part.strip_prefix("at=").ok_or_else(|| LinkError::Part(part.chars().take(32).collect()))?;
            addresses.push(address.to_owned());
        }
        Self::new(RunId(run), addresses)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TCP: &str = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";
    const QUIC: &str =
        "/dns4/seed.example.org/udp/4001/quic-v1/p2p/12D3KooWGatU9DevEeJaxRLJLvXnSAbZ8vQbTxjH8xhBHj6qyJ3z";

    #[test]
    fn golden_link() {
        let link = JoinLink::new(RunId(Hash32([0xab; 32])), vec![TCP.into(), QUIC.into()]).unwrap();
        let text = format!("covey://join/{}?at={TCP}&at={QUIC}", "ab".repeat(32));
        assert_eq!(link.to_string(), text);
        assert_eq!(text.parse::<JoinLink>().unwrap(), link);
        assert_eq!(format!(" {text}\n").parse::<JoinLink>().unwrap(), link, "copied with the line around it");
    }

    #[test]
    fn what_is_no_invitation_is_refused_with_its_reason() {
        let id = "ab".repeat(32);
        let refused = |text: &str| text.parse::<JoinLink>().unwrap_err();
        assert_eq!(refused("https://example.org"), LinkError::Prefix);
        assert_eq!(refused("covey://join/abc?at=/p2p/x"), LinkError::Run);
        assert_eq!(refused(&format!("covey://join/{id}")), LinkError::Count(0));
        assert_eq!(refused(&format!("covey://join/{id}?run=1")), LinkError::Part("run=1".into()));
        assert_eq!(refused(&format!("covey://join/{id}?at=/ip4/1.2.3.4")), LinkError::Address("/ip4/1.2.3.4".into()));
        let many = format!("covey://join/{id}?{}", ["at=/p2p/x"; 9].join("&"));
        assert_eq!(refused(&many), LinkError::Count(9));
        assert!(matches!(refused(&"x".repeat(100_000)), LinkError::TooLong(100_000)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(covey://join/)?[a-f0-9]{60,66}(\\?at=[/a-z0-9.%&=]{0,80})?") {
            if let Ok(link) = text.parse::<JoinLink>() {
                prop_assert_eq!(link.to_string().parse::<JoinLink>().unwrap(), link);
            }
        }
    }
}
