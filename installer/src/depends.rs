//! What must be installed beside Covey, in Debian's names and in Fedora's.
//!
//! In: what the programs are linked to (`elf`). Out: dependency lists. Fedora's are the sonames themselves. It refuses a
//! library that nobody said a Debian package for, so that a new one can't be forgotten.

use crate::PackError;
use crate::elf::{self, Needs};

/// Debian's package for a library that a program of ours is linked to. Names that end in `t64` are those of Debian 13
/// and Ubuntu 24.04, the others of Debian 12 and Ubuntu 22.04.
const DEBIAN: [(&str, &str); 17] = [
    ("ld-linux-x86-64.so.2", "libc6"),
    ("libc.so.6", "libc6"),
    ("libm.so.6", "libc6"),
    ("libgcc_s.so.1", "libgcc-s1"),
    ("libstdc++.so.6", "libstdc++6"),
    ("libatk-1.0.so.0", "libatk1.0-0t64 | libatk1.0-0"),
    ("libcairo.so.2", "libcairo2"),
    ("libdbus-1.so.3", "libdbus-1-3"),
    ("libgdk-3.so.0", "libgtk-3-0t64 | libgtk-3-0"),
    ("libgdk_pixbuf-2.0.so.0", "libgdk-pixbuf-2.0-0"),
    ("libgio-2.0.so.0", "libglib2.0-0t64 | libglib2.0-0"),
    ("libglib-2.0.so.0", "libglib2.0-0t64 | libglib2.0-0"),
    ("libgobject-2.0.so.0", "libglib2.0-0t64 | libglib2.0-0"),
    ("libgtk-3.so.0", "libgtk-3-0t64 | libgtk-3-0"),
    ("libjavascriptcoregtk-4.1.so.0", "libjavascriptcoregtk-4.1-0"),
    ("libsoup-3.0.so.0", "libsoup-3.0-0"),
    ("libwebkit2gtk-4.1.so.0", "libwebkit2gtk-4.1-0"),
];

/// Libraries that are opened by name when they are needed, which no linker's table shows: tray, window, drawing; each
/// with Debian's package.
const LOADED: [(&str, &str); 6] = [
    ("libayatana-appindicator3.so.1", "libayatana-appindicator3-1"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    ("libXcursor.so.1", "libxcursor1"),
    ("libXi.so.6", "libxi6"),
    ("libEGL.so.1", "libegl1"),
    ("libvulkan.so.1", "libvulkan1"),
];

/// What comes with the runtime pack and is no package's.
const FROM_PACK: [&str; 4] = ["libtorch.so", "libtorch_cpu.so", "libc10.so", "libgomp.so.1"];

/// What people see more of when it is there.
pub const DEBIAN_RECOMMENDS: &str =
    "mesa-vulkan-drivers, gnome-keyring | kwalletmanager | keepassxc, dbus-user-session";

/// Both lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    /// `libc6 (>= 2.36)`, sorted, each once.
    pub debian: Vec<String>,
    /// `libgtk-3.so.0()(64bit)`, sorted, each once.
    pub fedora: Vec<String>,
}

/// Dependencies of programs, given by name.
///
/// # Errors
/// [`PackError::Program`], [`PackError::Library`].
pub fn of<'a>(programs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Dependencies, PackError> {
    let mut debian = Vec::new();
    let mut fedora = Vec::new();
    let mut glibc = None;
    for (program, bytes) in programs {
        let Needs { libraries, glibc: newest, .. } = elf::needs(program, bytes)?;
        glibc = glibc.max(newest);
        for library in libraries.into_iter().filter(|library| !FROM_PACK.contains(&library.as_str())) {
            let Some((_, package)) = DEBIAN.iter().find(|(soname, _)| *soname == library) else {
                return Err(PackError::Library { program: program.to_owned(), library });
            };
            debian.extend((*package != "libc6").then(|| (*package).to_owned()));
            // Fedora's own packages ask for the C library by its symbols' version, below.
            fedora.extend((*package != "libc6").then(|| format!("{library}()(64bit)")));
        }
    }
    if let Some((major, minor)) = glibc {
        debian.push(format!("libc6 (>= {major}.{minor})"));
        fedora.push(format!("libc.so.6(GLIBC_{major}.{minor})(64bit)"));
    }
    debian.extend(LOADED.map(|(_, package)| package.to_owned()));
    fedora.extend(LOADED.map(|(library, _)| format!("{library}()(64bit)")));
    for list in [&mut debian, &mut fedora] {
        list.sort();
        list.dedup();
    }
    Ok(Dependencies { debian, fedora })
}
