//! A desktop session of its own for one test: a home, a D-Bus bus, and the real GNOME Keyring.
//!
//! Nothing outside its temporary folder is read or written, and every process ends with it, by its id.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A session's processes start in well under a second each, on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing is activated: what answers on this bus was started by the test.
const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=SOCKET</listen><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"#;

/// One session.
pub(crate) struct Desktop {
    home: tempfile::TempDir,
    bus: Option<Child>,
    keyring: Option<Child>,
}

impl Desktop {
    /// A home without a bus.
    pub(crate) fn without_bus() -> Self {
        let home = tempfile::Builder::new().prefix("kc").tempdir().unwrap();
        fs::create_dir(home.path().join("run")).unwrap();
        fs::set_permissions(home.path().join("run"), Permissions::from_mode(0o700)).unwrap();
        Self { home, bus: None, keyring: None }
    }

    /// A bus on which no keychain answers.
    pub(crate) fn without_keyring() -> Self {
        let mut desktop = Self::without_bus();
        let config = desktop.home().join("bus.conf");
        fs::write(&config, BUS_CONFIG.replace("SOCKET", &desktop.socket().to_string_lossy())).unwrap();
        let mut command = desktop.command("dbus-daemon");
        command.arg("--config-file").arg(&config).args(["--nofork", "--print-address=1"]);
        let mut bus = start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        desktop.bus = Some(bus);
        assert!(address.starts_with("unix:"), "the bus did not come up: {address:?}");
        desktop
    }

    /// A bus and a keyring that is unlocked.
    pub(crate) fn unlocked() -> Self {
        let mut desktop = Self::without_keyring();
        desktop.start_keyring(Some("test-password"));
        desktop
    }

    /// Starts the keyring: unlocked by a password, or as it lies on disk.
    pub(crate) fn start_keyring(&mut self, password: Option<&str>) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).stdin(Stdio::piped());
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut daemon = start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let mut stdin = daemon.stdin.take().unwrap();
        stdin.write_all(password.unwrap_or_default().as_bytes()).unwrap();
        drop(stdin);
        self.keyring = Some(daemon);
        let bus = self.connect();
        let bus = zbus::blocking::fdo::DBusProxy::new(&bus).unwrap();
        let name = zbus::names::BusName::try_from("org.freedesktop.secrets").unwrap();
        let began = Instant::now();
        while !bus.name_has_owner(name.clone()).unwrap() {
            assert!(began.elapsed() < PATIENCE, "gnome-keyring-daemon did not take its name on the bus");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the keyring and waits for its end.
    pub(crate) fn stop_keyring(&mut self) {
        end(&mut self.keyring);
    }

    /// Stops the keyring where it is, or lets it go on.
    pub(crate) fn freeze_keyring(&self, freeze: bool) {
        let signal = if freeze { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        let pid = rustix::process::Pid::from_child(self.keyring.as_ref().unwrap());
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// A connection to this session's bus.
    pub(crate) fn connect(&self) -> zbus::blocking::Connection {
        zbus::blocking::connection::Builder::address(self.address().as_str()).unwrap().build().unwrap()
    }

    /// The home folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A program in this session and no other, without a screen.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        command.env("XDG_RUNTIME_DIR", self.home().join("run")).current_dir(self.home());
        // Without a bus the address leads nowhere, so that no default leads to the user's.
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address());
        command
    }

    /// Fails if any file of the home holds one of the secrets: raw, in hex or in base64.
    pub(crate) fn assert_nowhere(&self, secrets: &[&[u8]]) {
        let files = files(self.home());
        for file in &files {
            let bytes = fs::read(file).unwrap();
            for secret in secrets {
                for needle in encodings(secret) {
                    let found = bytes.windows(needle.len()).any(|window| window == needle);
                    assert!(!found, "{} holds a secret in plain text", file.display());
                }
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.home().join("run/bus")
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        end(&mut self.keyring);
        end(&mut self.bus);
    }
}

fn start(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| {
        panic!("{:?}: {error}; this test needs the packages gnome-keyring and dbus", command.get_program())
    })
}

/// SIGKILL also ends a stopped process, and a keyring has nothing left to write once it has answered.
fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn encodings(secret: &[u8]) -> [Vec<u8>; 4] {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    [secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes(), base64.into_bytes()]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            out.extend(files(&entry.path()));
        } else if kind.is_file() {
            out.push(entry.path());
        }
    }
    out
}
