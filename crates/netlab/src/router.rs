//! A home router: address translation and a firewall that drops what comes in unasked.

use crate::LabError;
use crate::namespace::Namespace;
use crate::plan::{Line, Nat};

/// The side of the home.
pub(crate) const LAN: &str = "lan0";
/// The side of the internet.
pub(crate) const WAN: &str = "wan0";

/// Sets the router's rules.
pub(crate) fn set_rules(space: &Namespace, line: &Line) -> Result<(), LabError> {
    let translate = match line.nat {
        Nat::None if !line.firewall => return Ok(()),
        Nat::None => "",
        Nat::PortRestricted => "masquerade",
        Nat::Symmetric => "masquerade fully-random",
    };
    let mut rules = format!(
        "table ip filter {{\n\
         chain through {{ type filter hook forward priority 0; policy drop; iifname \"{LAN}\" accept; ct state established,related accept; }}\n\
         chain inwards {{ type filter hook input priority 0; policy accept; iifname \"{WAN}\" ct state new,invalid drop; }}\n}}\n"
    );
    if !translate.is_empty() {
        rules += &format!(
            "table ip translate {{\n chain out {{ type nat hook postrouting priority 100; oifname \"{WAN}\" {translate}; }}\n}}\n"
        );
    }
    space.nft(&rules)
}
