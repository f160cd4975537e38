//! The five acceptance lamps: what a peer finds out about its own payload before it uploads it.
//!
//! In: the results of the peer's own checks. Out: green, amber or red with a sentence each, and whether to hold the
//! payload back. A lamp is an estimate: validators judge with other data.

use serde::{Deserialize, Serialize};
use types::RejectReason;
use types::manifest::GauntletParams;

use crate::loss_score::LossSample;

/// Fewer blocks than this before the deadline, and the commitment may come too late.
const TIGHT_BLOCKS: u64 = 2;

/// What a peer measured on its own payload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnCheck {
    /// Why its own decoder refuses it, if it does.
    pub refused: Option<RejectReason>,
    /// Blocks left before a commitment is late.
    pub blocks_left: u64,
    /// Whether the peer's parameters are the ones the others started from.
    pub in_sync: bool,
    /// L2 norm of the update.
    pub norm: f32,
    /// Lower median of the last round's norms, if there was one.
    pub median_norm: Option<f32>,
    /// Mean loss on assigned data, before and after the probe.
    pub own: (f64, f64),
    /// Mean loss on random data, before and after the probe.
    pub random: (f64, f64),
}

/// A lamp's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LampState {
    /// Fine.
    Green,
    /// May be refused.
    Amber,
    /// Would be refused.
    Red,
}

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lamp {
    /// `Format`, `Liveness`, `Sync`, `Norm` or `Contribution`.
    pub name: &'static str,
    /// Its colour.
    pub state: LampState,
    /// One sentence.
    pub why: String,
}

/// The lamps, always in this order: Format, Liveness, Sync, Norm, Contribution.
pub fn lamps(params: &GauntletParams, own: &OwnCheck) -> [Lamp; 5] {
    [format(own), liveness(own), sync(own), norm(params, own), contribution(own)]
}

/// Why the payload should not be sent: the first red lamp's sentence.
pub fn hold_back(lamps: &[Lamp; 5]) -> Option<String> {
    lamps.iter().find(|lamp| lamp.state == LampState::Red).map(|lamp| lamp.why.clone())
}

fn lamp(name: &'static str, state: LampState, why: impl Into<String>) -> Lamp {
    Lamp { name, state, why: why.into() }
}

fn format(own: &OwnCheck) -> Lamp {
    match own.refused {
        None => lamp("Format", LampState::Green, "The payload decodes and its signature holds"),
        Some(reason) => lamp("Format", LampState::Red, format!("Others would refuse it: {}", reason.words())),
    }
}

fn liveness(own: &OwnCheck) -> Lamp {
    let (state, why) = match own.blocks_left {
        0 => (LampState::Red, "The deadline has passed".to_owned()),
        left if left < TIGHT_BLOCKS => (LampState::Amber, format!("Only {left} block left before the deadline")),
        left => (LampState::Green, format!("{left} blocks left before the deadline")),
    };
    lamp("Liveness", state, why)
}

fn sync(own: &OwnCheck) -> Lamp {
    if own.in_sync {
        lamp("Sync", LampState::Green, "The parameters are the run's")
    } else {
        lamp("Sync", LampState::Red, "The parameters are not the run's; catching up is needed")
    }
}

fn norm(params: &GauntletParams, own: &OwnCheck) -> Lamp {
    if !own.norm.is_finite() {
        return lamp("Norm", LampState::Red, "The update's norm is not a finite number");
    }
    if own.norm <= 0.0 {
        return lamp("Norm", LampState::Red, "The update is empty");
    }
    let Some(median) = own.median_norm.filter(|median| median.is_finite() && *median > 0.0) else {
        return lamp("Norm", LampState::Green, "There is no earlier round to compare the norm with");
    };
    let ratio = own.norm / median;
    let state = match ratio / params.norm_reject_factor {
        share if share > 1.0 => LampState::Red,
        share if share > 0.5 => LampState::Amber,
        _ => LampState::Green,
    };
    lamp("Norm", state, format!("The norm is {ratio:.2} times the last round's median"))
}

fn contribution(own: &OwnCheck) -> Lamp {
    let sample = LossSample {
        own_before: own.own.0,
        own_after: own.own.1,
        random_before: own.random.0,
        random_after: own.random.1,
    };
    let Some(improvement) = sample.improvement() else {
        return lamp("Contribution", LampState::Red, "The loss after the update is not a finite number");
    };
    let percent = |value: f64| 100.0 * value;
    let figures = format!(
        "{:+.3} % on assigned data, {:+.3} % on random data",
        percent(improvement.own),
        percent(improvement.random)
    );
    // Two small samples disagree by chance, so only an update that helps neither is held back.
    let (state, words) = match (improvement.own > 0.0, improvement.random > 0.0) {
        (false, false) => (LampState::Red, "The update does not lower the loss"),
        (true, true) if improvement.sign() > 0.0 => (LampState::Green, "The update lowers the loss"),
        (true, true) => (LampState::Amber, "The update helps random data more than the assigned"),
        _ => (LampState::Amber, "The update lowers the loss only on part of the data"),
    };
    lamp("Contribution", state, format!("{words}: {figures}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> OwnCheck {
        OwnCheck {
            refused: None,
            blocks_left: 5,
            in_sync: true,
            norm: 1.0,
            median_norm: Some(1.0),
            own: (3.0, 2.9),
            random: (3.0, 2.95),
        }
    }

    fn check(own: OwnCheck, at: usize, state: LampState) {
        let lamps = lamps(&GauntletParams::default(), &own);
        assert_eq!(lamps.each_ref().map(|l| l.name), ["Format", "Liveness", "Sync", "Norm", "Contribution"]);
        assert_eq!(lamps[at].state, state, "{}", lamps[at].why);
        let others = lamps.iter().enumerate().filter(|(i, _)| *i != at);
        assert!(others.map(|(_, lamp)| lamp.state).all(|state| state == LampState::Green));
        assert_eq!(hold_back(&lamps).is_some(), state == LampState::Red);
    }

    #[test]
    fn a_sound_payload_is_all_green() {
        check(good(), 0, LampState::Green);
        check(OwnCheck { median_norm: None, ..good() }, 3, LampState::Green);
    }

    #[test]
    fn each_lamp_sees_its_own_fault() {
        use LampState::{Amber, Red};
        check(OwnCheck { refused: Some(RejectReason::Format), ..good() }, 0, Red);
        check(OwnCheck { blocks_left: 1, ..good() }, 1, Amber);
        check(OwnCheck { blocks_left: 0, ..good() }, 1, Red);
        check(OwnCheck { in_sync: false, ..good() }, 2, Red);
        check(OwnCheck { norm: 6.0, ..good() }, 3, Amber);
        check(OwnCheck { norm: 10.5, ..good() }, 3, Red);
        check(OwnCheck { norm: f32::NAN, ..good() }, 3, Red);
        check(OwnCheck { norm: 0.0, ..good() }, 3, Red);
        check(OwnCheck { random: (3.0, 2.8), ..good() }, 4, Amber);
        check(OwnCheck { random: (3.0, 3.1), ..good() }, 4, Amber);
        check(OwnCheck { own: (3.0, 3.1), random: (3.0, 3.1), ..good() }, 4, Red);
        check(OwnCheck { own: (3.0, f64::NAN), ..good() }, 4, Red);
    }
}
