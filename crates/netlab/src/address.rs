//! Who has which address.
//!
//! The lab's internet is 11.0.0.0/8: a range that everybody takes for public (the ranges for documentation and tests are
//! refused as not global by the very code that runs here) and that is rarely seen in the wild. Nothing leaves the lab.

use std::net::Ipv4Addr;

use crate::plan::{Nat, Node, Place};

/// The internet's end of every line.
pub(crate) const INTERNET: Ipv4Addr = Ipv4Addr::new(11, 255, 255, 1);

/// The addresses of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// First address of the block that the internet routes to this line; /24.
    pub(crate) block: Ipv4Addr,
    /// What the machine itself has.
    pub(crate) own: Ipv4Addr,
    /// Its router's side of the home; none in the open.
    pub(crate) gateway: Option<Ipv4Addr>,
    /// What the internet sees.
    pub(crate) public: Ipv4Addr,
}

impl Addresses {
    /// For the node at `index`, below 256.
    pub(crate) fn of(index: usize, node: &Node) -> Self {
        let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
        let block = Ipv4Addr::new(11, 0, number, 0);
        let router = Ipv4Addr::new(11, 0, number, 1);
        match &node.place {
            Place::Public { .. } => Self { block, own: router, gateway: None, public: router },
            Place::Home(line) if line.nat == Nat::None => {
                let own = Ipv4Addr::new(11, 0, number, 2);
                Self { block, own, gateway: Some(router), public: own }
            }
            Place::Home(_) => Self {
                block,
                own: Ipv4Addr::new(192, 168, number, 2),
                gateway: Some(Ipv4Addr::new(192, 168, number, 1)),
                public: router,
            },
        }
    }

    /// The router's address on the internet's side.
    pub(crate) fn router(&self) -> Ipv4Addr {
        let [a, b, c, _] = self.block.octets();
        Ipv4Addr::new(a, b, c, 1)
    }
}
