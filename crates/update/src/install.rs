//! How this program came to this machine, which decides who may replace it.
//!
//! In: the program's path. Out: [`Install`]. What a package manager put there is its own: overwriting it would break its
//! records, and the next upgrade would bring the old file back. Such a user is told what to do instead.

use std::path::{Path, PathBuf};

use crate::whole_file::read_bounded;

/// Longest list of a package's files that is read: ours has a hundred lines.
const MAX_LIST_BYTES: u64 = 1 << 20;
/// Where dpkg keeps the names of a package's files.
const DPKG_LIST: &str = "var/lib/dpkg/info/covey.list";
/// Where rpm keeps its records, newer and older.
const RPM_RECORDS: [&str; 2] = ["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// Folders that belong to the system or to a package manager.
const SYSTEM: [&str; 9] = ["usr", "opt", "bin", "sbin", "nix", "snap", "app", "gnu", "Program Files"];

/// How it came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Install {
    /// Unpacked or installed for this user into this folder: it may replace itself.
    Own(PathBuf),
    /// By dpkg.
    Deb,
    /// By rpm.
    Rpm,
    /// By something else that owns the folder, or into one that cannot be written.
    System,
    /// One file that carries everything.
    AppImage,
}

impl Install {
    /// How the program at `program` came here. `root` is the file system's, `appimage` what the variable of that name says.
    pub fn of(program: &Path, root: &Path, appimage: bool) -> Self {
        if appimage {
            return Self::AppImage;
        }
        let list = read_bounded(&root.join(DPKG_LIST), MAX_LIST_BYTES).ok().flatten().unwrap_or_default();
        let below = program.strip_prefix(root).unwrap_or(program);
        let own_line = Path::new("/").join(below);
        if String::from_utf8_lossy(&list).lines().any(|line| Path::new(line) == own_line) {
            return Self::Deb;
        }
        let first = below.components().find_map(|part| match part {
            std::path::Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let in_system = first.is_some_and(|first| SYSTEM.contains(&first));
        if in_system
            && below.starts_with("usr")
            && RPM_RECORDS.iter().any(|records| root.join(records).is_dir())
            && list.is_empty()
        {
            return Self::Rpm;
        }
        match program.parent() {
            Some(folder) if !in_system && can_write(folder) => Self::Own(folder.to_owned()),
            _ => Self::System,
        }
    }

    /// Of this process.
    pub fn of_this_program() -> Self {
        let appimage = std::env::var_os("APPIMAGE").is_some();
        match std::env::current_exe().and_then(|program| program.canonicalize()) {
            Ok(program) => Self::of(&program, Path::new("/"), appimage),
            Err(_) => Self::System,
        }
    }

    /// Whether the programs may replace themselves.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// What a user can do instead: the key of a text.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Own(_) => None,
            Self::Deb => Some("update-hint-deb"),
            Self::Rpm => Some("update-hint-rpm"),
            Self::System => Some("update-hint-system"),
            Self::AppImage => Some("update-hint-appimage"),
        }
    }
}

/// Whether a file can be made in a folder: tried, since rights are more than one bit.
fn can_write(folder: &Path) -> bool {
    let probe = folder.join(format!(".covey-can-write-{}", std::process::id()));
    let made = std::fs::File::create_new(&probe).is_ok();
    if made {
        let _ = std::fs::remove_file(&probe);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_managers_file_is_told_from_ones_own() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let own = root.join("home/me/covey/covey");
        let system = root.join("usr/bin/covey");
        for program in [&own, &system] {
            std::fs::create_dir_all(program.parent().unwrap()).unwrap();
            std::fs::write(program, b"").unwrap();
        }
        assert_eq!(Install::of(&own, root, false), Install::Own(own.parent().unwrap().to_owned()));
        assert_eq!(Install::of(&own, root, true), Install::AppImage);
        assert_eq!(Install::of(&system, root, false), Install::System);
        assert!(std::fs::read_dir(own.parent().unwrap()).unwrap().count() == 1, "nothing is left of the probe");
        std::fs::create_dir_all(root.join("var/lib/rpm")).unwrap();
        assert_eq!(Install::of(&system, root, false), Install::Rpm);
        let list = root.join(DPKG_LIST);
        std::fs::create_dir_all(list.parent().unwrap()).unwrap();
        std::fs::write(&list, "/.\n/usr\n/usr/bin\n/usr/bin/covey\n").unwrap();
        assert_eq!(Install::of(&system, root, false), Install::Deb);
        // Beside a package there may be a copy of one's own.
        assert!(Install::of(&own, root, false).is_ours());
        for install in [Install::Deb, Install::Rpm, Install::System, Install::AppImage] {
            assert!(install.hint().is_some() && !install.is_ours());
        }
    }
}
