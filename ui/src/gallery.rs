//! Sample states of the window, for tests, snapshots and people who want to see all of them.
//!
//! In: nothing. Out: models with made-up but plausible facts. Nothing here runs in the app.
