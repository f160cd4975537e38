//! The tray's host: registers the app's icon as a panel would, reads its menu, presses an entry. All over D-Bus.

use crate::session::{Session, eventually};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use zbus::blocking::Connection;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// `org.kde.StatusNotifierWatcher`, as panels offer it.
struct Watcher {
    items: Arc<Mutex<Vec<(String, String)>>>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
#[expect(clippy::needless_pass_by_value, reason = "zbus hands the header over")]
impl Watcher {
    fn register_status_notifier_item(&self, #[zbus(header)] header: zbus::message::Header<'_>, service: &str) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = match service.starts_with('/') {
            true => (sender, service.to_owned()),
            false => (service.to_owned(), "/StatusNotifierItem".to_owned()),
        };
        self.items.lock().unwrap().push(item);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.items.lock().unwrap().iter().map(|(name, path)| format!("{name}{path}")).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A panel with room for icons.
pub(crate) struct Panel {
    bus: Connection,
    items: Arc<Mutex<Vec<(String, String)>>>,
}

/// A menu entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
}

impl Panel {
    /// Puts the panel up.
    pub(crate) fn new(session: &Session) -> Self {
        let items = Arc::new(Mutex::new(Vec::new()));
        let watcher = Watcher { items: Arc::clone(&items) };
        let bus = session.connect();
        bus.object_server().at("/StatusNotifierWatcher", watcher).unwrap();
        bus.request_name("org.kde.StatusNotifierWatcher").unwrap();
        Self { bus, items }
    }

    /// Waits for an icon.
    pub(crate) fn wait_for_icon(&self) {
        eventually("the tray icon is registered", || !self.items.lock().unwrap().is_empty());
    }

    /// The newest icon's menu, sub-menus after their parent.
    pub(crate) fn menu(&self) -> Vec<Entry> {
        let (name, menu) = self.address();
        let reply = self
            .bus
            .call_method(
                Some(name.as_str()),
                menu.as_str(),
                Some("com.canonical.dbusmenu"),
                "GetLayout",
                &(0, -1, Vec::<String>::new()),
            )
            .unwrap();
        let (_, root): (u32, Layout) = reply.body().deserialize().unwrap();
        let mut entries = Vec::new();
        flatten(root, &mut entries);
        entries
    }

    /// Presses the entry whose label begins so.
    pub(crate) fn press(&self, label: &str) {
        let entry = self.entry(label).unwrap_or_else(|| panic!("no entry {label:?} in {:?}", self.menu()));
        assert!(entry.enabled, "{label:?} can't be pressed now: {:?}", self.menu());
        let (name, menu) = self.address();
        let event = (entry.id, "clicked", Value::from(0), 0u32);
        self.bus
            .call_method(Some(name.as_str()), menu.as_str(), Some("com.canonical.dbusmenu"), "Event", &event)
            .unwrap();
    }

    /// The entry whose label begins so.
    pub(crate) fn entry(&self, label: &str) -> Option<Entry> {
        self.menu().into_iter().find(|entry| entry.label.starts_with(label))
    }

    /// Waits until the entry can or cannot be pressed.
    pub(crate) fn wait_until(&self, label: &str, enabled: bool) {
        eventually(&format!("{label:?} in the tray is {}", if enabled { "on" } else { "off" }), || {
            self.entry(label).is_some_and(|entry| entry.enabled == enabled)
        });
    }

    fn address(&self) -> (String, OwnedObjectPath) {
        let (name, path) = self.items.lock().unwrap().last().cloned().unwrap();
        let menu = self
            .bus
            .call_method(
                Some(name.as_str()),
                path.as_str(),
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &("org.kde.StatusNotifierItem", "Menu"),
            )
            .unwrap();
        let menu: OwnedValue = menu.body().deserialize().unwrap();
        (name, menu.try_into().unwrap())
    }
}

fn flatten((id, properties, children): Layout, entries: &mut Vec<Entry>) {
    let text = |name: &str| properties.get(name).and_then(|value| <&str>::try_from(value).ok());
    if let Some(label) = text("label") {
        // A single underscore marks a key; two stand for one.
        let label = label.replace("__", "\u{0}").replace('_', "").replace('\u{0}', "_");
        let enabled = properties.get("enabled").and_then(|value| bool::try_from(value).ok()).unwrap_or(true);
        entries.push(Entry { id, label, enabled });
    }
    for child in children {
        if let Ok(child) = Layout::try_from(child) {
            flatten(child, entries);
        }
    }
}
