//! What a lab is to look like: nodes with names, and the line that each hangs on.
//!
//! In: a plan in Rust or JSON. Out: the same plan, checked. It refuses names that are no words, more nodes than there are
//! address blocks, and lines that no home has; it does not touch the machine.

use serde::{Deserialize, Serialize};

use crate::LabError;

/// Nodes of a lab at most: each costs two namespaces, two threads and an address block.
pub const MAX_NODES: usize = 64;
/// Longest name: with the lab's own words before it, a namespace's name stays below 64 characters.
const MAX_NAME: usize = 24;
/// Fastest line, in Mbit/s: what the user-space box still carries on one core.
const MAX_MBIT: u32 = 2_000;
/// Longest delay of a line in milliseconds: the far side of the earth and back is under 300.
const MAX_DELAY_MS: f64 = 2_000.0;

/// A lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The nodes; the first gets the first address block.
    pub nodes: Vec<Node>,
}

/// A machine and how it hangs on the internet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Lower-case letters, digits and `-`.
    pub name: String,
    /// At home behind a router, or in the open.
    #[serde(flatten)]
    pub place: Place,
}

/// Where a node is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum Place {
    /// A public address and nothing before it, as a rented server has.
    Public {
        /// Mbit/s each way; none: as fast as the machine.
        #[serde(default)]
        mbit: Option<u32>,
    },
    /// Behind a router on a home line.
    Home(Line),
}

/// A home line and its router.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Mbit/s towards the internet.
    pub up_mbit: u32,
    /// Mbit/s towards home.
    pub down_mbit: u32,
    /// Milliseconds one way between home and internet; two homes are the sum of theirs apart.
    #[serde(default)]
    pub delay_ms: f64,
    /// Packets lost in each direction, in percent.
    #[serde(default)]
    pub loss_percent: f64,
    /// What the router does to addresses.
    #[serde(default)]
    pub nat: Nat,
    /// Whether the router drops what comes in unasked. A router that translates addresses always does.
    #[serde(default)]
    pub firewall: bool,
}

/// Address translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nat {
    /// The home machine has a public address.
    #[default]
    None,
    /// One public address, ports kept: a hole can be punched.
    PortRestricted,
    /// One public address, another port for each connection: no hole can be punched.
    Symmetric,
}

impl Line {
    /// 20 Mbit/s up, 100 down: the commonest line of the slower half.
    pub const SLOW: Self = Self::of(20, 100);
    /// 110 Mbit/s up, 500 down: the line that the reference's paper supposes.
    pub const FAST: Self = Self::of(110, 500);

    const fn of(up_mbit: u32, down_mbit: u32) -> Self {
        Self { up_mbit, down_mbit, delay_ms: 0.0, loss_percent: 0.0, nat: Nat::None, firewall: false }
    }

    /// The same line, so many milliseconds one way.
    #[must_use]
    pub const fn delayed(self, delay_ms: f64) -> Self {
        Self { delay_ms, ..self }
    }

    /// The same line, losing so many percent each way.
    #[must_use]
    pub const fn lossy(self, loss_percent: f64) -> Self {
        Self { loss_percent, ..self }
    }

    /// The same line behind such a router.
    #[must_use]
    pub const fn behind(self, nat: Nat) -> Self {
        Self { nat, ..self }
    }

    /// Whether a box must carry the packets, or a plain cable does.
    pub(crate) fn needs_box(&self) -> bool {
        self.delay_ms > 0.0 || self.loss_percent > 0.0
    }

    /// `110/500 Mbit/s, 20 ms, 0.1 % loss, symmetric NAT`.
    pub fn words(&self) -> String {
        let mut words = format!("{}/{} Mbit/s", self.up_mbit, self.down_mbit);
        if self.delay_ms > 0.0 {
            words += &format!(", {} ms one way", self.delay_ms);
        }
        if self.loss_percent > 0.0 {
            words += &format!(", {} % loss", self.loss_percent);
        }
        match self.nat {
            Nat::None if self.firewall => words += ", firewall",
            Nat::None => {}
            Nat::PortRestricted => words += ", port-restricted NAT",
            Nat::Symmetric => words += ", symmetric NAT",
        }
        words
    }
}

impl Node {
    /// A node at home.
    pub fn home(name: impl Into<String>, line: Line) -> Self {
        Self { name: name.into(), place: Place::Home(line) }
    }

    /// A node in the open, as fast as the machine.
    pub fn public(name: impl Into<String>) -> Self {
        Self { name: name.into(), place: Place::Public { mbit: None } }
    }

    /// Its line in words.
    pub fn words(&self) -> String {
        match &self.place {
            Place::Public { mbit: None } => "public, not shaped".to_owned(),
            Place::Public { mbit: Some(mbit) } => format!("public, {mbit} Mbit/s"),
            Place::Home(line) => line.words(),
        }
    }
}

impl Plan {
    /// Checks the plan.
    ///
    /// # Errors
    /// [`LabError::Plan`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), LabError> {
        let wrong = |why: String| Err(LabError::Plan(why));
        if self.nodes.is_empty() || self.nodes.len() > MAX_NODES {
            return wrong(format!("{} nodes; a lab has 1 to {MAX_NODES}", self.nodes.len()));
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let name = &node.name;
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(word) || name == "internet" {
                return wrong(format!("{name:?} is no name for a node"));
            }
            if self.nodes[..index].iter().any(|other| other.name == *name) {
                return wrong(format!("two nodes are called {name}"));
            }
            match &node.place {
                Place::Public { mbit: None } => {}
                Place::Public { mbit: Some(mbit) } if (1..=MAX_MBIT).contains(mbit) => {}
                Place::Public { mbit: Some(mbit) } => return wrong(format!("{name}: {mbit} Mbit/s")),
                Place::Home(line) => line.check(name)?,
            }
        }
        Ok(())
    }
}

impl Line {
    fn check(&self, name: &str) -> Result<(), LabError> {
        let rates = 1..=MAX_MBIT;
        let fits = rates.contains(&self.up_mbit)
            && rates.contains(&self.down_mbit)
            && (0.0..=MAX_DELAY_MS).contains(&self.delay_ms)
            && (0.0..=100.0).contains(&self.loss_percent);
        if fits { Ok(()) } else { Err(LabError::Plan(format!("{name}: no line is like that: {}", self.words()))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_back_from_json_and_defaults_are_harmless() {
        let text = r#"{"nodes":[{"name":"seed","place":"public"},
            {"name":"a","place":"home","up_mbit":20,"down_mbit":100,"delay_ms":20.5,"nat":"symmetric"}]}"#;
        let plan: Plan = serde_json::from_str(text).unwrap();
        let line = Line::SLOW.delayed(20.5).behind(Nat::Symmetric);
        assert_eq!(plan, Plan { nodes: vec![Node::public("seed"), Node::home("a", line)] });
        plan.check().unwrap();
        let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        assert_eq!(again, plan);
    }

    #[test]
    fn a_lab_that_cannot_be_is_refused() {
        let refused = |nodes: Vec<Node>| Plan { nodes }.check().unwrap_err().to_string();
        refused(vec![]);
        refused(vec![Node::public("a"); MAX_NODES + 1]);
        assert!(refused(vec![Node::public("a"), Node::public("a")]).contains("two nodes"));
        for name in ["", "A", "a b", "../a", "internet", &"a".repeat(MAX_NAME + 1)] {
            assert!(refused(vec![Node::public(name)]).contains("no name"), "{name}");
        }
        for line in [
            Line { up_mbit: 0, ..Line::SLOW },
            Line { down_mbit: MAX_MBIT + 1, ..Line::SLOW },
            Line::SLOW.delayed(-1.0),
            Line::SLOW.delayed(f64::NAN),
            Line::SLOW.lossy(101.0),
        ] {
            refused(vec![Node::home("a", line)]);
        }
    }
}
