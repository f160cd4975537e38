//! A desktop of its own for one test: a screen (Xvfb) with a window manager (openbox), a session bus, an unlocked GNOME
//! keyring, an accessibility bus, a tray. Nothing outside its temporary folder is read or written; all ends with it.

use std::fs::{self, File, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for something that takes a second on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const A11Y_LAUNCHER: &str = "/usr/libexec/at-spi-bus-launcher";
const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=SOCKET</listen><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"#;

/// The desktop.
pub(crate) struct Session {
    home: tempfile::TempDir,
    display: String,
    /// In the order of their start; ended the other way round.
    children: Vec<Child>,
    wayland: Option<&'static str>,
}

impl Session {
    /// A desktop under X11.
    pub(crate) fn x11() -> Self {
        let home = tempfile::Builder::new().prefix("covey-desktop").tempdir().unwrap();
        let run = home.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
        let mut session = Self { home, display: String::new(), children: Vec::new(), wayland: None };
        session.start_screen();
        session.start_bus();
        session.start_keyring();
        session.start("openbox", &[]);
        session.start_accessibility();
        session
    }

    /// The same with weston on the screen, and programs that find no X server.
    pub(crate) fn wayland() -> Self {
        let mut session = Self::x11();
        let socket = "covey-wayland";
        let size = ["--width=1240", "--height=780"];
        let args = ["--backend=x11-backend.so", "--use-pixman", "--idle-time=0", "--socket=covey-wayland"];
        session.start("weston", &[&args[..], &size[..]].concat());
        eventually("weston listens", || session.home().join("run").join(socket).exists());
        session.wayland = Some(socket);
        session
    }

    /// The folder of this session.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// From now on the app finds a profile whose owner has been through the wizard; its rehearsal is small and long.
    pub(crate) fn with_a_welcomed_owner(self) -> Self {
        fs::create_dir_all(self.data()).unwrap();
        let settings = r#"{"version":1,"behaviour":{"welcomed":true},"rehearsal":{"peers":2,"rounds":100}}"#;
        fs::write(self.data().join("settings.json"), settings).unwrap();
        self
    }

    /// The app's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.home().join("data/covey")
    }

    /// A program in this session and no other.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        command.env("XDG_RUNTIME_DIR", self.home().join("run")).current_dir(self.home());
        command.env("XDG_DATA_HOME", self.home().join("data")).env("XDG_CACHE_HOME", self.home().join("cache"));
        command.env("XDG_CONFIG_HOME", self.home().join("config")).env("LIBGL_ALWAYS_SOFTWARE", "1");
        // Settings in memory: on this bus nobody keeps them, and then "accessibility is on" would not hold.
        command.env("GSETTINGS_BACKEND", "memory");
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus_address()).env("LANG", "C.UTF-8");
        match self.wayland {
            Some(socket) => command.env("WAYLAND_DISPLAY", socket).env("GDK_BACKEND", "wayland"),
            None => command.env("DISPLAY", &self.display),
        };
        command
    }

    /// A connection to the session's bus.
    pub(crate) fn connect(&self) -> zbus::blocking::Connection {
        zbus::blocking::connection::Builder::address(self.bus_address().as_str()).unwrap().build().unwrap()
    }

    /// Writes the screen to `FOLDER/name.png`, where a folder is asked for by `COVEY_SCREENSHOTS`.
    pub(crate) fn screenshot(&self, name: &str) {
        let Some(folder) = std::env::var_os("COVEY_SCREENSHOTS").map(PathBuf::from) else { return };
        fs::create_dir_all(&folder).unwrap();
        let mut command = self.command("import");
        command.env("DISPLAY", &self.display).args(["-window", "root"]).arg(folder.join(format!("{name}.png")));
        // ImageMagick is a convenience for people; the test does not need the picture.
        if command.status().is_err() {
            eprintln!("no screenshot: ImageMagick's `import` is not installed");
        }
    }

    /// The same, once something is on the screen: a compositor shows what was painted a little later.
    pub(crate) fn screenshot_when_drawn(&self, name: &str) {
        let Some(folder) = std::env::var_os("COVEY_SCREENSHOTS").map(PathBuf::from) else { return };
        let path = folder.join(format!("{name}.png"));
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            self.screenshot(name);
            let mut command = self.command("identify");
            let mean = command.args(["-format", "%[mean]"]).arg(&path).output();
            let mean = mean.ok().and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().ok());
            // Of 65535; `None`: there is no ImageMagick, and no picture to wait for.
            if mean.is_none_or(|mean| mean > 600.0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn start_screen(&mut self) {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x820x24", "-nolisten", "tcp", "-noreset"]);
        let mut screen = spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut number = String::new();
        BufReader::new(screen.stdout.take().unwrap()).read_line(&mut number).unwrap();
        self.children.push(screen);
        self.display = format!(":{}", number.trim());
        assert!(self.display.len() > 1, "Xvfb did not come up");
    }

    fn start_bus(&mut self) {
        let config = self.home().join("bus.conf");
        fs::write(&config, BUS_CONFIG.replace("SOCKET", &self.bus_socket().to_string_lossy())).unwrap();
        let mut command = self.command("dbus-daemon");
        command.arg("--config-file").arg(&config).args(["--nofork", "--print-address=1"]);
        let mut bus = spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        self.children.push(bus);
    }

    fn start_keyring(&mut self) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets", "--unlock"]).stdin(Stdio::piped());
        let mut daemon = spawn(command.stdout(Stdio::null()).stderr(Stdio::null()));
        daemon.stdin.take().unwrap().write_all(b"test-password").unwrap();
        self.children.push(daemon);
        self.wait_for_name("org.freedesktop.secrets");
    }

    fn start_accessibility(&mut self) {
        self.start(A11Y_LAUNCHER, &["--launch-immediately"]);
        self.wait_for_name("org.a11y.Bus");
        let bus = self.connect();
        let enabled = zbus::zvariant::Value::from(true);
        bus.call_method(
            Some("org.a11y.Bus"),
            "/org/a11y/bus",
            Some("org.freedesktop.DBus.Properties"),
            "Set",
            &("org.a11y.Status", "IsEnabled", enabled),
        )
        .unwrap();
    }

    fn start(&mut self, program: &str, args: &[&str]) {
        let log = File::create(self.home().join(format!("{}.log", program.replace('/', "_")))).unwrap();
        let mut command = self.command(program);
        command.args(args).stdout(log.try_clone().unwrap()).stderr(log);
        let child = spawn(&mut command);
        self.children.push(child);
    }

    fn wait_for_name(&self, name: &str) {
        let bus = self.connect();
        let bus = zbus::blocking::fdo::DBusProxy::new(&bus).unwrap();
        let name = zbus::names::BusName::try_from(name.to_owned()).unwrap();
        eventually(&format!("{name} is on the bus"), || bus.name_has_owner(name.clone()).unwrap());
    }

    fn bus_socket(&self) -> PathBuf {
        self.home().join("run/bus")
    }

    fn bus_address(&self) -> String {
        format!("unix:path={}", self.bus_socket().display())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawn(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| {
        panic!("{:?}: {error}; `cargo xtask test` installs what these tests need", command.get_program())
    })
}

/// Waits until something holds; fails if it never does.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
