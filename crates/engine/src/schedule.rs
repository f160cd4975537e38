//! The inner learning rate in closed form (protocol.md §2.1).
//!
//! In: the run's schedule and the inner step. Out: the rate. A closed form has no state to lose: a peer that joins late
//! or restarts is on everybody's schedule at once.

use types::manifest::InnerSchedule;

/// Both warm-ups start at this fraction of their peak (the reference's `start_factor`).
const START_FRACTION: f64 = 1e-6;

/// The learning rate of inner step `step`, counted from 0 over the whole run.
///
/// `steps_since_restart` counts from 0 after a checkpoint was loaded; `None` in undisturbed training. Past its length
/// the cosine stays at its floor (the reference's would rise again; no run got there).
pub fn lr_at(schedule: &InnerSchedule, step: u64, steps_since_restart: Option<u64>) -> f64 {
    if let Some(anneal) = schedule.anneal.filter(|anneal| step >= anneal.start) {
        let k = step - anneal.start;
        let peak = schedule.peak * anneal.peak_fraction;
        return if k < anneal.warmup_steps {
            let start = schedule.peak * START_FRACTION;
            start + (peak - start) * (k as f64 / anneal.warmup_steps as f64)
        } else {
            peak * (1.0 - (k - anneal.warmup_steps) as f64 / anneal.decay_steps as f64).max(0.0)
        };
    }
    let base = if step < schedule.warmup_steps {
        let fraction = step as f64 / schedule.warmup_steps as f64;
        schedule.peak * (START_FRACTION + (1.0 - START_FRACTION) * fraction)
    } else {
        cosine(schedule, step)
    };
    base * restart_factor(schedule.restart_warmup_steps, steps_since_restart)
}

fn cosine(schedule: &InnerSchedule, step: u64) -> f64 {
    let stood_still = schedule.flat.map_or(0, |flat| step.saturating_sub(flat.start).min(flat.steps));
    let advanced = step.saturating_sub(stood_still).saturating_sub(schedule.warmup_steps);
    let fraction = (advanced as f64 / schedule.cosine_steps as f64).min(1.0);
    let floor = schedule.peak * schedule.floor_fraction;
    floor + (schedule.peak - floor) * (1.0 + (std::f64::consts::PI * fraction).cos()) / 2.0
}

fn restart_factor(warmup_steps: u64, since: Option<u64>) -> f64 {
    match since {
        Some(k) if k < warmup_steps => (k + 1) as f64 / warmup_steps as f64,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use types::manifest::{AnnealSchedule, FlatWindow};

    use super::*;

    /// The reference's schedule (protocol.md §2), with the given peak.
    fn reference(peak: f64) -> InnerSchedule {
        InnerSchedule {
            peak,
            warmup_steps: 1500,
            cosine_steps: 140_000,
            floor_fraction: 0.1,
            flat: Some(FlatWindow { start: 82_200, steps: 13_500 }),
            anneal: None,
            restart_warmup_steps: 30,
        }
    }

    fn check(schedule: &InnerSchedule, step: u64, expected: f64, relative: f64) {
        let got = lr_at(schedule, step, None);
        assert!((got - expected).abs() <= relative * expected.abs(), "step {step}: {got} against {expected}");
    }

    #[test]
    fn warm_up_is_linear_from_a_millionth() {
        let schedule = reference(1.17e-4);
        check(&schedule, 0, 1.17e-10, 1e-12);
        check(&schedule, 750, 1.17e-4 * (1e-6 + (1.0 - 1e-6) / 2.0), 1e-12);
        check(&schedule, 1499, 1.17e-4 * (1e-6 + (1.0 - 1e-6) * 1499.0 / 1500.0), 1e-12);
    }

    #[test]
    fn cosine_passes_the_verified_values() {
        let schedule = reference(1.2e-4);
        check(&schedule, 1_500, 1.2e-4, 1e-12);
        check(&schedule, 40_000, 1.01e-4, 0.005);
        check(&schedule, 82_200, 5.3e-5, 0.01);
        check(&schedule, 110_000, 3.7e-5, 0.01);
        check(&schedule, 150_000, 1.23e-5, 0.005);
        check(&schedule, 1_500 + 140_000 + 13_500, 1.2e-5, 1e-12);
        check(&schedule, 10_000_000, 1.2e-5, 1e-12);
    }

    #[test]
    fn the_flat_window_stands_still_and_nothing_is_skipped() {
        let schedule = reference(1.2e-4);
        let at = |step| lr_at(&schedule, step, None);
        assert!((82_200..=95_700).step_by(500).all(|step| at(step) == at(82_200)));
        assert!(at(82_199) > at(82_200) && at(95_701) < at(95_700));
        let mut unflattened = schedule.clone();
        unflattened.flat = None;
        assert_eq!(at(95_700 + 1234), lr_at(&unflattened, 82_200 + 1234, None));
    }

    #[test]
    fn anneal_warms_up_then_falls_to_zero() {
        let mut schedule = reference(1.17e-4);
        schedule.anneal =
            Some(AnnealSchedule { start: 183_000, warmup_steps: 100, peak_fraction: 0.25, decay_steps: 4500 });
        check(&schedule, 183_000, 1.17e-10, 1e-12);
        check(&schedule, 183_050, 1.17e-4 * (1e-6 + (0.25 - 1e-6) * 0.5), 1e-12);
        check(&schedule, 183_100, 1.17e-4 * 0.25, 1e-12);
        check(&schedule, 183_100 + 2250, 1.17e-4 * 0.125, 1e-12);
        assert_eq!(lr_at(&schedule, 183_100 + 4500, None), 0.0);
        assert_eq!(lr_at(&schedule, 1_000_000, None), 0.0);
        check(&schedule, 182_999, 1.17e-5, 1e-12);
        assert_eq!(
            lr_at(&schedule, 183_100, Some(0)),
            lr_at(&schedule, 183_100, None),
            "no restart ramp in the anneal"
        );
    }

    #[test]
    fn a_restart_ramps_up_over_thirty_steps() {
        let schedule = reference(1.2e-4);
        let full = lr_at(&schedule, 40_000, None);
        for (since, factor) in [(0, 1.0 / 30.0), (14, 0.5), (28, 29.0 / 30.0), (29, 1.0), (30, 1.0), (5000, 1.0)] {
            assert_eq!(lr_at(&schedule, 40_000, Some(since)), full * factor, "{since}");
        }
    }

    #[test]
    fn a_schedule_without_warm_up_starts_at_its_peak() {
        let schedule = InnerSchedule { warmup_steps: 0, restart_warmup_steps: 0, flat: None, ..reference(1e-3) };
        assert_eq!(lr_at(&schedule, 0, Some(0)), 1e-3);
    }

    proptest::proptest! {
        #[test]
        fn the_rate_never_leaves_zero_to_peak(
            step in 0u64..u64::MAX / 2,
            warmup_steps in 0u64..5000,
            cosine_steps in 1u64..1_000_000,
            flat in proptest::option::of((0u64..100_000, 0u64..100_000)),
            since in proptest::option::of(0u64..100),
            step_is_small in proptest::bool::ANY,
        ) {
            let step = if step_is_small { step % 200_000 } else { step };
            let flat = flat.map(|(start, steps)| FlatWindow { start, steps });
            let schedule = InnerSchedule { warmup_steps, cosine_steps, flat, ..reference(1e-3) };
            let lr = lr_at(&schedule, step, since);
            proptest::prop_assert!((0.0..=1e-3).contains(&lr), "{}", lr);
        }
    }
}
