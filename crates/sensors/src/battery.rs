//! How the computer is fed: all its batteries together. Batteries of mice and headsets do not count.

use starship_battery::units::ratio::percent as of_hundred;
use starship_battery::{Manager, State};

use crate::reading::Battery;

/// No computer has more.
const MOST_BATTERIES: usize = 8;

/// What the system's batteries say; `None` if they cannot be read.
pub(crate) fn read() -> Option<Battery> {
    let batteries = Manager::new().and_then(|manager| manager.batteries()).ok()?;
    let all: Vec<_> = batteries.take(MOST_BATTERIES).collect();
    let asked = all.len();
    let cells: Vec<Cell> = all
        .into_iter()
        .flatten()
        .map(|one| Cell { state: one.state(), percent: one.state_of_charge().get::<of_hundred>() })
        .collect();
    // A battery that cannot be read may be the one that feeds the computer.
    if cells.is_empty() && asked > 0 { None } else { together(&cells) }
}

struct Cell {
    state: State,
    percent: f32,
}

fn together(cells: &[Cell]) -> Option<Battery> {
    if cells.is_empty() {
        return Some(Battery::default());
    }
    let any = |state| cells.iter().any(|cell| cell.state == state);
    let (on_battery, charging) = (any(State::Discharging) || any(State::Empty), any(State::Charging));
    if !on_battery && !charging && cells.iter().all(|cell| cell.state == State::Unknown) {
        return None;
    }
    let levels: Vec<f32> = cells.iter().map(|cell| cell.percent).filter(|level| level.is_finite()).collect();
    let mean = levels.iter().sum::<f32>() / levels.len().max(1) as f32;
    let percent = (!levels.is_empty()).then(|| mean.clamp(0.0, 100.0).round() as u32);
    // Where one of two is emptied while the other is filled, the computer is on mains.
    Some(Battery { on_battery: on_battery && !charging, charging, percent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[(State, f32)]) -> Option<Battery> {
        together(&cells.iter().map(|(state, percent)| Cell { state: *state, percent: *percent }).collect::<Vec<_>>())
    }

    fn fed(on_battery: bool, charging: bool, percent: u32) -> Option<Battery> {
        Some(Battery { on_battery, charging, percent: Some(percent) })
    }

    #[test]
    fn the_states_of_all_batteries_give_one_answer() {
        assert_eq!(of(&[]), Some(Battery { on_battery: false, charging: false, percent: None }), "a desktop");
        assert_eq!(of(&[(State::Discharging, 41.4)]), fed(true, false, 41));
        assert_eq!(of(&[(State::Empty, 0.0)]), fed(true, false, 0));
        assert_eq!(of(&[(State::Charging, 79.6)]), fed(false, true, 80));
        assert_eq!(of(&[(State::Full, 100.0)]), fed(false, false, 100));
        assert_eq!(of(&[(State::Unknown, 60.0)]), None, "held at a level, or fed by it: nobody says");
        assert_eq!(of(&[(State::Full, 100.0), (State::Discharging, 50.0)]), fed(true, false, 75));
        assert_eq!(of(&[(State::Charging, 10.0), (State::Discharging, 50.0)]), fed(false, true, 30));
    }

    #[test]
    fn levels_that_are_none_are_left_out() {
        let nan = Some(Battery { on_battery: true, charging: false, percent: None });
        assert_eq!(of(&[(State::Discharging, f32::NAN)]), nan);
        assert_eq!(of(&[(State::Discharging, 900.0)]), fed(true, false, 100));
        assert_eq!(of(&[(State::Discharging, -3.0)]), fed(true, false, 0));
    }

    #[test]
    fn this_computer_answers_or_says_that_it_cannot_tell() {
        if let Some(battery) = read() {
            assert!(battery.percent.is_none_or(|percent| percent <= 100));
        }
    }
}
