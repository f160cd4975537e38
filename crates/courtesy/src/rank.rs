//! Which reason is told first, and which ones a person may overrule.

use view_model::PauseReason;

/// Whether Resume overrules the reason. What makes work impossible or does harm is not a matter of taste.
pub fn can_be_overridden(reason: &PauseReason) -> bool {
    use PauseReason::{
        App, Battery, Charging, FullScreen, GpuBusy, InUse, Loud, Meeting, Metered, Quota, Schedule, SessionLocked,
        Tariff, Unprofitable, User, UserUntilTomorrow,
    };
    matches!(
        reason,
        User | UserUntilTomorrow
            | App { .. }
            | GpuBusy { .. }
            | FullScreen
            | Meeting
            | Battery
            | Charging { .. }
            | InUse
            | Metered
            | Quota
            | Schedule
            | Tariff { .. }
            | Unprofitable
            | Loud { .. }
            | SessionLocked
    )
}

/// Place of a reason: the user's own, then what stops everything, what somebody has to mend, what somebody can end now by
/// doing something else, and what only time or the settings end.
pub(crate) fn rank(reason: &PauseReason) -> u8 {
    match reason {
        PauseReason::User | PauseReason::UserUntilTomorrow => 0,
        PauseReason::Sleep | PauseReason::Update => 1,
        PauseReason::NoGpu
        | PauseReason::GpuLost
        | PauseReason::WalletLocked
        | PauseReason::HotkeyElsewhere
        | PauseReason::Clock { .. }
        | PauseReason::Disk { .. }
        | PauseReason::Memory { .. } => 2,
        PauseReason::App { .. } => 3,
        PauseReason::GpuBusy { .. } => 4,
        PauseReason::FullScreen => 5,
        PauseReason::Meeting => 6,
        PauseReason::Battery => 7,
        PauseReason::Charging { .. } => 8,
        PauseReason::Offline => 9,
        PauseReason::Metered => 10,
        PauseReason::Hot { .. } => 11,
        PauseReason::Loud { .. } => 12,
        PauseReason::InUse => 13,
        PauseReason::SessionLocked => 14,
        PauseReason::Quota => 15,
        PauseReason::Schedule => 16,
        PauseReason::Tariff { .. } => 17,
        PauseReason::Unprofitable => 18,
        // A reason that is newer than this table is told, after the known ones.
        _ => 19,
    }
}
