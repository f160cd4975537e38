//! Windows: asked through its own libraries. What sleeps and ends is not heard: waking up is seen by the clocks.

use std::mem::{size_of, zeroed};
use std::ptr::null_mut;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::Power::{
    PowerClearRequest, PowerCreateRequest, PowerRequestSystemRequired, PowerSetRequest,
};
use windows_sys::Win32::System::Registry::{HKEY_CURRENT_USER, RRF_RT_REG_DWORD, RegGetValueW};
use windows_sys::Win32::System::SystemInformation::GetTickCount;
use windows_sys::Win32::System::SystemServices::POWER_REQUEST_CONTEXT_VERSION;
use windows_sys::Win32::System::Threading::{POWER_REQUEST_CONTEXT_SIMPLE_STRING, REASON_CONTEXT, REASON_CONTEXT_0};
use windows_sys::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTime;
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO};
use windows_sys::Win32::UI::Shell::{
    QUNS_BUSY, QUNS_PRESENTATION_MODE, QUNS_RUNNING_D3D_FULL_SCREEN, SHQueryUserNotificationState,
};

use crate::clock::Clocks;
use crate::config::Places;
use crate::keep_awake::KeepAwakeError;
use crate::reading::{Appearance, FullScreen, Reading, idle_secs};

/// A request to the power manager. It ends with its handle.
#[derive(Debug)]
pub(crate) struct Lock(HANDLE);

// SAFETY: a power request is a kernel object that any thread may use and close.
unsafe impl Send for Lock {}
// SAFETY: nothing is done with it through a shared reference.
unsafe impl Sync for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        // SAFETY: the handle came from PowerCreateRequest and is closed here only.
        unsafe {
            PowerClearRequest(self.0, PowerRequestSystemRequired);
            CloseHandle(self.0);
        }
    }
}

#[expect(dead_code, reason = "Windows says these to windows only, and this crate opens none")]
pub(crate) enum Told {
    Sleep(Option<Lock>),
    Woke,
    Ending(Option<Lock>),
    Look(Appearance),
}

pub(crate) struct Desktop;

impl Desktop {
    pub(crate) fn new(_places: Places, _tracker: &TaskTracker) -> Self {
        Self
    }

    pub(crate) async fn told(&mut self) -> Told {
        std::future::pending().await
    }

    pub(crate) async fn read(&mut self, reading: &mut Reading) {
        reading.idle_secs = since_last_input();
        reading.full_screen = full_screen();
        reading.appearance.dark = light_apps().map(|light| !light);
    }
}

fn since_last_input() -> Option<u64> {
    let mut info = LASTINPUTINFO { cbSize: u32::try_from(size_of::<LASTINPUTINFO>()).ok()?, dwTime: 0 };
    // SAFETY: the structure says its size and outlives the call.
    let (known, now) = unsafe { (GetLastInputInfo(&mut info) != 0, GetTickCount()) };
    // Both counters wrap after 49 days, together.
    known.then(|| u64::from(now.wrapping_sub(info.dwTime)) / 1000).and_then(idle_secs)
}

fn full_screen() -> Option<FullScreen> {
    let mut state = 0;
    // SAFETY: the state outlives the call.
    let answer = unsafe { SHQueryUserNotificationState(&mut state) };
    if answer != 0 {
        return None;
    }
    let filled = [QUNS_BUSY, QUNS_RUNNING_D3D_FULL_SCREEN, QUNS_PRESENTATION_MODE].contains(&state);
    Some(if filled { FullScreen::Program { app: String::new() } } else { FullScreen::Nothing })
}

fn light_apps() -> Option<bool> {
    let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<u16>>();
    let key = wide("Software\\Microsoft\\Windows\\CurrentVersion\\Themes\\Personalize");
    let name = wide("AppsUseLightTheme");
    let (mut value, mut size) = (0u32, 4u32);
    // SAFETY: both names end in 0, and four bytes are offered for a value of four.
    let answer = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_DWORD,
            null_mut(),
            (&raw mut value).cast(),
            &mut size,
        )
    };
    (answer == 0).then_some(value != 0)
}

/// `Instant` goes on during sleep, the unbiased time does not.
pub(crate) fn clocks() -> Clocks {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let with_sleep = START.elapsed();
    let mut ticks = 0;
    // SAFETY: the number outlives the call.
    let known = unsafe { QueryUnbiasedInterruptTime(&mut ticks) } != 0;
    // In units of 100 ns.
    let awake = if known { Duration::from_nanos(ticks.saturating_mul(100)) } else { with_sleep };
    Clocks { with_sleep, awake }
}

pub(crate) async fn keep_awake(_places: &Places, why: &str) -> Result<Lock, KeepAwakeError> {
    let mut why: Vec<u16> = why.encode_utf16().chain([0]).collect();
    // SAFETY: all zeros is a valid value of this plain structure.
    let mut text: REASON_CONTEXT_0 = unsafe { zeroed() };
    text.SimpleReasonString = why.as_mut_ptr();
    let context = REASON_CONTEXT {
        Version: POWER_REQUEST_CONTEXT_VERSION,
        Flags: POWER_REQUEST_CONTEXT_SIMPLE_STRING,
        Reason: text,
    };
    // SAFETY: the reason ends in 0 and outlives the call, which copies it.
    let handle = unsafe { PowerCreateRequest(&context) };
    if handle.is_null() || handle.addr() == usize::MAX {
        return Err(KeepAwakeError::Refused("no power request".to_owned()));
    }
    let lock = Lock(handle);
    // SAFETY: the handle is open.
    match unsafe { PowerSetRequest(handle, PowerRequestSystemRequired) } {
        0 => Err(KeepAwakeError::Refused("the power request was not taken".to_owned())),
        _ => Ok(lock),
    }
}
