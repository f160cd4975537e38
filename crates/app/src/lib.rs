//! The app's brain without a window: one state, one supervisor, one loop.
//!
//! In: presses and requests from the shell, words of the peer, facts of the machine. Out: words for the shell (tray, window,
//! notices) and a peer process that runs exactly when it should. [`run`] is the whole of it. The state is pure
//! (`State::apply` takes an event and gives effects); everything that touches the world is in the workers around it. It draws
//! nothing, links no trainer and holds no key.

mod api;
mod crash;
mod ctl;
mod doctor;
mod driver;
mod engine;
mod files;
mod look;
mod picture;
mod receipts;
mod release;
mod report;
mod runs;
mod session;
mod settings_file;
mod state;
mod supervisor;
mod updates;

pub use api::{AppError, Config, FromShell, NoticeKind, Times, ToShell, TrayLabels, TrayView};
pub use ctl::{CtlReply, CtlRequest};
pub use driver::run;
pub use release::Release;
pub use state::{RunState, Then};
