//! Where a rehearsal plays: which chain keeps it, what befalls that chain, how payloads travel.
//!
//! In: words from the command line (hostile). Out: checked kinds. It starts nothing.

use std::str::FromStr;

use clap::ValueEnum;

/// Which chain a rehearsal runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ChainKind {
    /// The embedded ledger; its clock waits for the peers.
    #[default]
    Ledger,
    /// A Subtensor node for tests, with the real node's formats; its clock waits for nobody.
    Subtensor,
}

/// How a rehearsal's payloads travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExchangeKind {
    /// From peer to peer with libp2p over loopback, as over the internet.
    #[default]
    Network,
    /// Through folders on this machine.
    Folders,
}

/// What can befall a node or its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Disturbance {
    /// The node drops all connections and takes none for a while.
    Outage,
    /// The last blocks that are not final are replaced by others.
    Reorg,
    /// No new head for a while.
    Stall,
    /// The runtime is upgraded.
    Upgrade,
}

/// A disturbance in its round: `reorg@3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disturb {
    /// What happens.
    pub what: Disturbance,
    /// In which round.
    pub round: u64,
}

impl FromStr for Disturb {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let kinds = || Disturbance::value_variants().iter().filter_map(Disturbance::to_possible_value);
        let known = || kinds().map(|kind| kind.get_name().to_owned()).collect::<Vec<_>>().join(", ");
        let (word, round) = s.split_once('@').ok_or_else(|| format!("`{s}` is not KIND@ROUND"))?;
        let what = Disturbance::from_str(word, false)
            .map_err(|_| format!("no disturbance `{word}`; there are: {}", known()))?;
        let round = round.parse().map_err(|_| format!("`{round}` is no round"))?;
        Ok(Self { what, round })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_reads_as_kind_at_round() {
        assert_eq!("reorg@3".parse(), Ok(Disturb { what: Disturbance::Reorg, round: 3 }));
        for wrong in ["reorg", "reorg@", "reorg@-1", "quake@3", "@3", ""] {
            assert!(wrong.parse::<Disturb>().is_err(), "{wrong}");
        }
    }
}
