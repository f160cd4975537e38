//! A D-Bus of its own for one test. Its process ends with it, by its id.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Nothing is activated: what answers on this bus was started by the test.
const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=SOCKET</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"#;

/// One bus.
pub(crate) struct Bus {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl Bus {
    /// `None`, and a line that says so, where there is no dbus-daemon.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("sn").tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        fs::write(&config, CONFIG.replace("SOCKET", &folder.path().join("bus").to_string_lossy())).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.arg("--config-file").arg(&config).args(["--nofork", "--print-address=1"]);
        let Ok(mut daemon) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            eprintln!("not run: dbus-daemon is not installed (package dbus)");
            return None;
        };
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "the bus did not come up: {address:?}");
        Some(Self { folder, daemon })
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }

    pub(crate) async fn connect(&self) -> zbus::Connection {
        zbus::connection::Builder::address(self.address().as_str()).unwrap().build().await.unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
