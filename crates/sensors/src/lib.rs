//! What the desktop says: battery, use of the computer, full screen, meeting, line, lock, sleep, look, programs, room.
//!
//! In: the operating system, asked every two seconds and listened to in between. Out: a bounded stream of [`Sensed`]. Each
//! source is asked on its own and has a deadline; one that is absent, silent or talks nonsense gives `None`, which is
//! "cannot tell", never a guess. It decides nothing, and opens no window and no port.
//!
//! On Linux it speaks D-Bus (logind, NetworkManager, Mutter, the settings portal), X11 over its local socket, sysfs and
//! procfs. On Windows it asks the system's libraries. Elsewhere only battery, memory, disk and programs are known.

mod battery;
mod clock;
mod config;
#[cfg(not(any(target_os = "linux", windows)))]
mod elsewhere;
mod keep_awake;
#[cfg(target_os = "linux")]
mod linux;
mod programs;
mod reading;
mod room;
mod sensors;
#[cfg(windows)]
mod windows;
mod worker;

#[cfg(not(any(target_os = "linux", windows)))]
use elsewhere as os;
#[cfg(target_os = "linux")]
use linux as os;
#[cfg(windows)]
use windows as os;

pub use config::{Config, Places};
pub use keep_awake::{KeepAwake, KeepAwakeError};
pub use reading::{Appearance, Battery, FullScreen, Reading};
pub use sensors::{Hold, Sensed, Sensors};
