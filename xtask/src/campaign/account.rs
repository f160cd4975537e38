//! A rehearsal's account: its last JSON line, as far as campaigns need it.

use serde_json::Value;
use std::collections::BTreeMap;

/// The figures of one rehearsal. What the line lacks is `None`, and then whatever depends on it does not hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Account {
    pub(super) rounds: Option<u64>,
    pub(super) peers: Option<u64>,
    pub(super) text: String,
    pub(super) loss_first: Option<f64>,
    pub(super) loss_last: Option<f64>,
    pub(super) accepted: Option<u64>,
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) theta_equal: bool,
    pub(super) one_verdict_each: bool,
    pub(super) credits_add_up: bool,
    pub(super) books_match: bool,
    pub(super) cheaters_paid: Option<f64>,
    pub(super) restarts: Option<u64>,
    pub(super) wire_bytes_per_param: Option<f64>,
    pub(super) wall_secs: Option<f64>,
}

impl Account {
    /// Reads a line; `None` if it is not the summary.
    pub(super) fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        if value["event"] != "summary" {
            return None;
        }
        let rejected = value["rejected"].as_object().into_iter().flatten();
        let rao = |key: &str| value[key].as_u64();
        let peers_paid: Option<u64> = value["credits_by_peer"]
            .as_object()?
            .values()
            .map(Value::as_u64)
            .try_fold(0, |sum: u64, paid| sum.checked_add(paid?));
        let others = ["credits_validators", "credits_owner", "credits_burned"];
        let paid = others.iter().fold(peers_paid, |sum, key| sum?.checked_add(rao(key)?));
        Some(Self {
            rounds: value["rounds"].as_u64(),
            peers: value["peers"].as_u64(),
            text: value["text"].as_str().unwrap_or("unknown").to_owned(),
            loss_first: value["eval_loss_first"].as_f64(),
            loss_last: value["eval_loss_last"].as_f64(),
            accepted: value["accepted"].as_u64(),
            rejected: rejected.filter_map(|(reason, count)| Some((reason.clone(), count.as_u64()?))).collect(),
            theta_equal: value["theta_hash_equal"] == true,
            one_verdict_each: value["verdicts_per_peer_round_ok"] == true,
            credits_add_up: paid.is_some() && paid == rao("emitted"),
            books_match: value["books_match"] == true,
            cheaters_paid: value["cheaters_paid"].as_f64(),
            restarts: value["restarts"].as_u64(),
            wire_bytes_per_param: value["wire_bytes_per_param"].as_f64(),
            wall_secs: value["wall_s"].as_f64(),
        })
    }

    /// One line for the terminal.
    pub(super) fn in_short(&self) -> String {
        format!("held-out loss {} → {}; {}", number(self.loss_first, 3), number(self.loss_last, 3), self.refusals())
    }

    /// Whether a submission was refused for what it was; probation and absence are no refusals.
    pub(super) fn refused_some(&self) -> bool {
        self.rejected.iter().any(|(reason, count)| *count > 0 && reason != "on_probation" && reason != "missed")
    }

    /// What was not accepted and why, in words.
    pub(super) fn refusals(&self) -> String {
        if self.rejected.is_empty() {
            return "nothing else".to_owned();
        }
        let each: Vec<String> =
            self.rejected.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        each.join(", ")
    }
}

/// A figure with so many decimals, or that it is not known.
pub(super) fn number(value: Option<f64>, decimals: usize) -> String {
    // An empty sum of floats is -0.0; nobody wants to read that.
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{:.decimals$}", value + 0.0))
}
