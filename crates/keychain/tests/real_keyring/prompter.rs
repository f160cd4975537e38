//! The window in which GNOME Keyring asks for a password, played by the test: it says no, or nothing.
//!
//! The protocol is GCR's (`org.gnome.keyring.internal.Prompter`): the keyring names a callback object, is told when the
//! prompter is ready, and asks through it. Saying yes would take a key exchange; saying no takes one word.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zbus::blocking::{Connection, MessageIterator};
use zbus::message::{Header, Message, Type};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, Value};

use crate::desktop::Desktop;

const NAME: &str = "org.gnome.keyring.SystemPrompter";
const CALLBACK: &str = "org.gnome.keyring.internal.Prompter.Callback";

/// What the person in front of it does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    SaysNo,
    SaysNothing,
}

/// Holds the prompter's name on the bus until dropped.
pub(crate) struct Prompter {
    connection: Connection,
    asked: Arc<AtomicBool>,
}

impl Prompter {
    pub(crate) fn start(desktop: &Desktop, manner: Manner) -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        let connection = desktop.connect();
        let answering = (connection.clone(), Arc::clone(&asked));
        let calls = MessageIterator::from(&connection);
        // It ends with the bus, and with the connection.
        std::thread::Builder::new()
            .name("prompter".into())
            .spawn(move || {
                for call in calls.map_while(Result::ok) {
                    if call.message_type() == Type::MethodCall {
                        answer(&answering.0, &call, manner, &answering.1);
                    }
                }
            })
            .unwrap();
        connection.request_name(NAME).unwrap();
        Self { connection, asked }
    }

    /// Whether the keyring asked for a password.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Prompter {
    fn drop(&mut self) {
        let _ = self.connection.release_name(NAME);
    }
}

fn answer(connection: &Connection, call: &Message, manner: Manner, asked: &AtomicBool) {
    let header = call.header();
    // The keyring takes nothing before its own call has returned.
    connection.reply(&header, &()).unwrap();
    match header.member().unwrap().as_str() {
        "BeginPrompting" => ready(connection, &header, &path_of(call), ""),
        "PerformPrompt" => {
            asked.store(true, Ordering::SeqCst);
            let body = call.body();
            let (callback, ..): (ObjectPath<'_>, String, HashMap<String, Value<'_>>, String) =
                body.deserialize().unwrap();
            if manner == Manner::SaysNo {
                ready(connection, &header, &callback.into(), "no");
            }
        }
        "StopPrompting" => tell(connection, &header, &path_of(call), "PromptDone", &()),
        other => panic!("the keyring called {other}"),
    }
}

fn path_of(call: &Message) -> OwnedObjectPath {
    call.body().deserialize::<ObjectPath<'_>>().unwrap().into()
}

fn ready(connection: &Connection, header: &Header<'_>, callback: &OwnedObjectPath, answer: &str) {
    let none: HashMap<&str, Value<'_>> = HashMap::new();
    tell(connection, header, callback, "PromptReady", &(answer, none, ""));
}

/// Sent and not waited for, so that the next call can be answered.
fn tell<B>(connection: &Connection, header: &Header<'_>, callback: &OwnedObjectPath, method: &str, body: &B)
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    let message = Message::method_call(callback.as_str(), method)
        .unwrap()
        .destination(header.sender().unwrap().to_owned())
        .unwrap()
        .interface(CALLBACK)
        .unwrap()
        .with_flags(zbus::message::Flags::NoReplyExpected)
        .unwrap()
        .build(body)
        .unwrap();
    connection.send(&message).unwrap();
}
