//! Which of the known runs is the best one for this computer, and why in one sentence (product.md row 10).
//!
//! In: cards with what they need and what they pay, and this computer's memory. Out: the runs in order and a reason for the first.
//! Pure. A run that surely does not fit is never suggested.

use std::cmp::Reverse;
use types::ByteCount;
use view_model::{Fit, RunCard, Told, units};

/// The key of the sentence that a run pays on a chain with a price.
const PAYS: &str = "run-pays-subnet";

/// Puts the best run first and marks it with the reason.
pub(crate) fn rank(cards: &mut [RunCard], memory: Option<ByteCount>) {
    cards.sort_by_key(|card| {
        let size = card.model_params.unwrap_or(0);
        (class(card), Reverse(pays(card)), Reverse(size), Reverse(card.peers.unwrap_or(0)), card.name.clone())
    });
    let reason = reason(cards, memory);
    if let Some(best) = cards.first_mut() {
        best.suggested = reason;
    }
}

/// Fits, may fit, does not.
fn class(card: &RunCard) -> u8 {
    match card.fit {
        Fit::Fits(_) => 0,
        Fit::Unknown => 1,
        Fit::DoesNotFit(_) => 2,
    }
}

fn pays(card: &RunCard) -> bool {
    card.pays.key == PAYS
}

fn reason(cards: &[RunCard], memory: Option<ByteCount>) -> Option<Told> {
    let best = cards.first()?;
    let fitting: Vec<&RunCard> = cards.iter().filter(|card| class(card) == 0).collect();
    let params = best.model_params.map(units::parameters).unwrap_or_default();
    let have = memory.map(units::memory).unwrap_or_default();
    match class(best) {
        0 if cards.len() == 1 => Some(Told::new("rank-only").with("have", have)),
        0 if fitting.len() == 1 => Some(Told::new("rank-only-fit").with("have", have)),
        0 if pays(best) && fitting.iter().any(|card| !pays(card)) => {
            Some(Told::new("rank-pays").with("params", params).with("have", have))
        }
        0 if fitting.iter().skip(1).any(|card| card.model_params < best.model_params) => {
            Some(Told::new("rank-largest").with("params", params).with("have", have))
        }
        0 => Some(Told::new("rank-alike").with("have", have)),
        1 => Some(Told::new("rank-unknown")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use locale::Locale;
    use view_model::RunKind;

    fn card(name: &str, params: u64, pays: &str) -> RunCard {
        RunCard {
            id: name.to_owned(),
            name: name.to_owned(),
            kind: RunKind::Shared,
            model_params: (params > 0).then_some(params),
            tokens_done: None,
            peers: None,
            round: None,
            pays: Told::new(pays),
            fit: Fit::Unknown,
            chosen: false,
            suggested: None,
            live: false,
            founder: None,
            link: None,
            source: None,
        }
    }

    /// A fake machine's memory in GiB against runs: what comes first, and the sentence.
    fn best(gib: Option<u64>, runs: &[(&str, u64, &str)]) -> (String, String) {
        let memory = gib.map(|gib| ByteCount(gib << 30));
        let mut cards: Vec<RunCard> = runs.iter().map(|(name, params, pays)| card(name, *params, pays)).collect();
        for card in &mut cards {
            card.fit = card.model_params.map_or(Fit::Unknown, |params| crate::runs::fit(params, memory));
        }
        rank(&mut cards, memory);
        assert!(cards.iter().skip(1).all(|card| card.suggested.is_none()), "one is suggested at most");
        let said = cards[0].suggested.clone().unwrap_or_default().say(&Locale::english());
        (cards[0].name.clone(), said)
    }

    const SMALL: (&str, u64, &str) = ("small", 150_000_000, "run-pays-ledger");
    const MIDDLE: (&str, u64, &str) = ("middle", 1_240_000_000, "run-pays-ledger");
    const LARGE: (&str, u64, &str) = ("large", 72_700_000_000, "run-pays-subnet");
    const PAYING: (&str, u64, &str) = ("paying", 150_000_000, "run-pays-subnet");
    const UNREAD: (&str, u64, &str) = ("unread", 0, "");

    #[test]
    fn fake_machines_get_their_golden_sentences() {
        let all = [SMALL, MIDDLE, LARGE];
        let golden = [
            ((Some(40), &all[..]), "middle", "The largest model that fits: 1.24 B parameters into 40.0 GiB (estimate)"),
            ((Some(8), &all[..]), "small", "The only run that fits into 8.00 GiB (estimate)"),
            ((Some(1), &all[..]), "large", ""),
            (
                (Some(40), &[SMALL, PAYING, MIDDLE][..]),
                "paying",
                "It pays, and it fits: 150 M parameters into 40.0 GiB (estimate)",
            ),
            ((Some(8), &[SMALL][..]), "small", "It fits into 8.00 GiB (estimate)"),
            ((Some(8), &[SMALL, SMALL][..]), "small", "It fits into 8.00 GiB (estimate), as do others of its size"),
            ((None, &all[..]), "large", "Nobody knows yet whether it fits; its file will tell"),
            ((Some(1), &[SMALL, UNREAD][..]), "unread", "Nobody knows yet whether it fits; its file will tell"),
        ];
        for ((gib, runs), name, sentence) in golden {
            assert_eq!(best(gib, runs), (name.to_owned(), sentence.to_owned()), "{gib:?}");
        }
    }

    #[test]
    fn without_runs_nothing_is_suggested() {
        rank(&mut [], Some(ByteCount(1)));
    }
}
