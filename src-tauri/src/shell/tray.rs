//! The tray: a picture, the one sentence, and everything that can be pressed without a window.
//!
//! In: what the app says about itself. Out: presses. Linux trays have no click events, so every way in is a menu entry;
//! where there is no tray at all, the window and `covey ctl` do the same.

use super::tray_icon;
use app::{FromShell, TrayLabels, TrayView};
use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItem, MenuItemBuilder, Submenu, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Wry};
use view_model::{Intent, PauseFor, Screen, StopWhen};

const HOUR_SECS: u64 = 3600;

/// The tray and its entries.
pub(crate) struct Tray {
    icon: TrayIcon<Wry>,
    sentence: MenuItem<Wry>,
    start: MenuItem<Wry>,
    stop: MenuItem<Wry>,
    finish: MenuItem<Wry>,
    pause: Submenu<Wry>,
    pauses: [MenuItem<Wry>; 6],
    resume: MenuItem<Wry>,
    open: MenuItem<Wry>,
    quit: MenuItem<Wry>,
    shown: Option<TrayView>,
}

/// A press in the menu.
#[derive(Debug)]
pub(crate) enum Press {
    /// For the app.
    App(FromShell),
    /// Show the window.
    Open,
}

impl Tray {
    /// Puts the tray up. Texts come with the first [`Self::show`].
    pub(crate) fn new(app: &AppHandle, on_press: impl Fn(Press) + Send + Sync + 'static) -> tauri::Result<Self> {
        let item = |id: &str, enabled: bool| MenuItemBuilder::with_id(id, "Covey").enabled(enabled).build(app);
        let (sentence, start, stop) = (item("sentence", false)?, item("start", true)?, item("stop", false)?);
        let (finish, resume) = (item("finish", false)?, item("resume", false)?);
        let pauses = [
            item("quarter", true)?,
            item("hour", true)?,
            item("four", true)?,
            item("tomorrow", true)?,
            item("battery", true)?,
            item("resumed", true)?,
        ];
        let mut pause = SubmenuBuilder::with_id(app, "pause", "Covey");
        for entry in &pauses {
            pause = pause.item(entry);
        }
        let pause = pause.build()?;
        let (open, quit) = (item("open", true)?, item("quit", true)?);
        let menu: Menu<Wry> = MenuBuilder::new(app)
            .item(&sentence)
            .separator()
            .items(&[&start, &stop, &finish])
            .item(&pause)
            .item(&resume)
            .separator()
            .items(&[&open, &quit])
            .build()?;
        let icon = TrayIconBuilder::with_id("covey")
            .icon(picture(view_model::Tone::Neutral))
            .menu(&menu)
            .on_menu_event(move |_, event| {
                if let Some(press) = press(event.id().as_ref()) {
                    on_press(press);
                }
            })
            .build(app)?;
        Ok(Self { icon, sentence, start, stop, finish, pause, pauses, resume, open, quit, shown: None })
    }

    /// Shows a new state; touches only what changed, because every touch is a message to the desktop.
    pub(crate) fn show(&mut self, view: TrayView) -> tauri::Result<()> {
        let before = self.shown.as_ref();
        if before == Some(&view) {
            return Ok(());
        }
        if before.is_none_or(|before| before.tone != view.tone) {
            self.icon.set_icon(Some(picture(view.tone)))?;
        }
        if before.is_none_or(|before| before.labels != view.labels) {
            self.label(&view.labels)?;
        }
        if before.is_none_or(|before| before.sentence != view.sentence) {
            self.sentence.set_text(&view.sentence)?;
            self.icon.set_tooltip(Some(&view.sentence))?;
        }
        if before.is_none_or(|before| before.quit_price != view.quit_price || before.labels != view.labels) {
            self.quit.set_text(quit_text(&view))?;
        }
        self.start.set_enabled(view.can_start)?;
        for item in [&self.stop, &self.finish] {
            item.set_enabled(view.can_stop)?;
        }
        self.pause.set_enabled(view.can_stop && !view.paused)?;
        self.resume.set_enabled(view.paused)?;
        self.shown = Some(view);
        Ok(())
    }

    fn label(&self, labels: &TrayLabels) -> tauri::Result<()> {
        self.start.set_text(&labels.start)?;
        self.stop.set_text(&labels.stop)?;
        self.finish.set_text(&labels.stop_round)?;
        self.pause.set_text(&labels.pause_for)?;
        let texts = [
            &labels.pause_quarter,
            &labels.pause_hour,
            &labels.pause_four,
            &labels.pause_tomorrow,
            &labels.pause_battery,
            &labels.pause_open,
        ];
        for (item, text) in self.pauses.iter().zip(texts) {
            item.set_text(text)?;
        }
        self.resume.set_text(&labels.resume)?;
        self.open.set_text(&labels.open)
    }
}

fn picture(tone: view_model::Tone) -> Image<'static> {
    Image::new_owned(tray_icon::rgba(tone), tray_icon::EDGE, tray_icon::EDGE)
}

/// `Quit`, and what it costs now if it costs anything.
fn quit_text(view: &TrayView) -> String {
    match view.quit_price.is_empty() {
        true => view.labels.quit.clone(),
        false => format!("{} ({})", view.labels.quit, view.quit_price),
    }
}

fn press(id: &str) -> Option<Press> {
    let pause = |for_how_long| Intent::Pause { for_how_long };
    let intent = match id {
        "start" => Intent::Start,
        "stop" => Intent::Stop { when: StopWhen::Now },
        "finish" => Intent::Stop { when: StopWhen::EndOfRound },
        "quarter" => pause(PauseFor::Secs { secs: HOUR_SECS / 4 }),
        "hour" => pause(PauseFor::Secs { secs: HOUR_SECS }),
        "four" => pause(PauseFor::Secs { secs: 4 * HOUR_SECS }),
        "resumed" => pause(PauseFor::UntilResumed),
        "tomorrow" => pause(PauseFor::UntilTomorrow),
        "battery" => pause(PauseFor::WhileOnBattery),
        "resume" => Intent::Resume,
        "quit" => Intent::Quit,
        "open" => return Some(Press::Open),
        _ => return None,
    };
    Some(Press::App(FromShell::Intent(intent)))
}

/// Where the menu's Open leads.
pub(crate) const OPENS: Screen = Screen::Home;
