//! The accessibility tree of the window, read and pressed as a screen reader does.

use crate::session::{Session, eventually};
use zbus::blocking::{Connection, connection};
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
/// Nodes that are read at most: a window has some hundreds.
const MAX_NODES: usize = 5000;

/// Roles of what can be pressed: check box, menu item, tab, button, radio button, toggle button, link.
const PRESSABLE: [u32; 7] = [7, 35, 37, 43, 44, 62, 88];

/// A reader of the session's accessibility bus.
pub(crate) struct Reader {
    bus: Connection,
}

/// Prints what the window says if a test fails while it waits.
struct Told<'r> {
    reader: &'r Reader,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let names: Vec<String> =
                self.reader.nodes().into_iter().map(|node| format!("{} {:?}", node.role, node.name)).collect();
            eprintln!("the accessibility tree: {names:#?}");
        }
    }
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    application: String,
    path: OwnedObjectPath,
    pub(crate) role: u32,
    pub(crate) name: String,
}

impl Reader {
    /// Connects.
    pub(crate) fn new(session: &Session) -> Self {
        let reply = session
            .connect()
            .call_method(Some("org.a11y.Bus"), "/org/a11y/bus", Some("org.a11y.Bus"), "GetAddress", &())
            .unwrap();
        let address: String = reply.body().deserialize().unwrap();
        Self { bus: connection::Builder::address(address.as_str()).unwrap().build().unwrap() }
    }

    /// Every node of every program. A node that goes away while it is read is left out.
    pub(crate) fn nodes(&self) -> Vec<Node> {
        let root = ("org.a11y.atspi.Registry".to_owned(), "/org/a11y/atspi/accessible/root".try_into().unwrap());
        let (mut waiting, mut nodes) = (vec![root], Vec::new());
        while let Some((application, path)) = waiting.pop() {
            if nodes.len() >= MAX_NODES {
                break;
            }
            waiting.extend(self.children(&application, &path).into_iter().rev());
            if let Some(node) = self.node(application, path) {
                nodes.push(node);
            }
        }
        nodes
    }

    /// Presses the control of that name, once it is there.
    pub(crate) fn press(&self, name: &str) {
        let mut found = None;
        eventually(&format!("the window has a control {name:?}"), || {
            found = self.control(name);
            found.is_some()
        });
        let node = found.unwrap();
        self.bus
            .call_method(
                Some(node.application.as_str()),
                node.path.as_str(),
                Some("org.a11y.atspi.Action"),
                "DoAction",
                &0i32,
            )
            .unwrap_or_else(|error| panic!("{node:?} can't be pressed: {error}"));
    }

    /// Waits for a text that contains this.
    pub(crate) fn wait_for_text(&self, text: &str) {
        let told = Told { reader: self };
        eventually(&format!("the window says {text:?}"), || self.nodes().iter().any(|node| node.name.contains(text)));
        drop(told);
    }

    /// A control that can be pressed and has that name, or one that begins so.
    pub(crate) fn control(&self, name: &str) -> Option<Node> {
        let nodes = self.nodes();
        let fits = |node: &&Node, exact: bool| {
            PRESSABLE.contains(&node.role) && if exact { node.name == name } else { node.name.starts_with(name) }
        };
        nodes.iter().find(|node| fits(node, true)).or_else(|| nodes.iter().find(|node| fits(node, false))).cloned()
    }

    fn children(&self, application: &str, path: &OwnedObjectPath) -> Vec<(String, OwnedObjectPath)> {
        let reply = self.bus.call_method(Some(application), path.as_str(), Some(ACCESSIBLE), "GetChildren", &());
        reply.ok().and_then(|reply| reply.body().deserialize().ok()).unwrap_or_default()
    }

    fn node(&self, application: String, path: OwnedObjectPath) -> Option<Node> {
        let bus = &self.bus;
        let name = bus
            .call_method(
                Some(application.as_str()),
                path.as_str(),
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &(ACCESSIBLE, "Name"),
            )
            .ok()?;
        let name: OwnedValue = name.body().deserialize().ok()?;
        let role = bus.call_method(Some(application.as_str()), path.as_str(), Some(ACCESSIBLE), "GetRole", &()).ok()?;
        let role: u32 = role.body().deserialize().ok()?;
        Some(Node { application, path, role, name: String::try_from(name).ok()? })
    }
}
