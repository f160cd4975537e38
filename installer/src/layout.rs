//! Where each file of Covey lies on Linux, the same in every package: programs together in `lib/covey` (the app starts
//! only the peer beside it), links to them in `bin`, and what a desktop looks for in `share`.
//!
//! In: programs and the repository's files. Out: a tree below `usr/`, or below the portable archive's folder.

use crate::tree::Tree;
use crate::{PackError, elf};
use std::path::{Path, PathBuf};

/// The programs that people get, in `lib/covey`: app, trainer, signer, and what fetches the engine where there is no window.
pub const PROGRAMS: [&str; 4] = ["covey", "covey-peer", "covey-release", "covey-signer"];

/// Edge lengths of the icons, which `cargo xtask icons` draws.
pub const ICON_SIZES: [u32; 9] = [16, 22, 24, 32, 48, 64, 128, 256, 512];

/// (in the repository, in the package)
const FILES: [(&str, &str); 9] = [
    ("installer/linux/covey.desktop", "share/applications/covey.desktop"),
    ("installer/linux/covey-link.desktop", "share/applications/covey-link.desktop"),
    ("installer/linux/covey-run.xml", "share/mime/packages/covey.xml"),
    ("installer/linux/org.covey.desktop.metainfo.xml", "share/metainfo/org.covey.desktop.metainfo.xml"),
    ("installer/linux/covey-peer@.service", "lib/systemd/user/covey-peer@.service"),
    ("icons/covey.svg", "share/icons/hicolor/scalable/apps/covey.svg"),
    ("LICENSE", "share/doc/covey/LICENSE"),
    ("README.md", "share/doc/covey/README.md"),
    ("CHANGELOG.md", "share/doc/covey/CHANGELOG.md"),
];

/// Where the parts come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The repository.
    pub root: PathBuf,
    /// The folder with the built programs.
    pub programs: PathBuf,
    /// The licences of everything that is linked in; see `licences`.
    pub third_party: String,
}

impl Source {
    /// A text of the repository.
    ///
    /// # Errors
    /// [`PackError::Io`].
    pub fn text(&self, path: &str) -> Result<String, PackError> {
        std::fs::read_to_string(self.root.join(path)).map_err(PackError::io(path))
    }

    /// A program, with the build machine's folders taken out of it.
    fn program(&self, name: &str) -> Result<Vec<u8>, PackError> {
        elf::without_absolute_search_path(name, bytes(&self.programs.join(name))?)
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, PackError> {
    std::fs::read(path).map_err(PackError::io(path.display().to_string()))
}

/// The files below `usr/`.
///
/// # Errors
/// A part that is missing, or a program that is none.
pub fn tree(source: &Source) -> Result<Tree, PackError> {
    let mut tree = Tree::default();
    for name in PROGRAMS {
        tree.program(format!("lib/covey/{name}"), source.program(name)?)?;
        tree.link(format!("bin/{name}"), format!("../lib/covey/{name}"))?;
    }
    tree.program("lib/covey/clear-data", source.text("installer/linux/clear-data.sh")?)?;
    for (from, to) in FILES {
        tree.file(to, bytes(&source.root.join(from))?)?;
    }
    for size in ICON_SIZES {
        let icon = bytes(&source.root.join(format!("icons/{size}x{size}.png")))?;
        tree.file(format!("share/icons/hicolor/{size}x{size}/apps/covey.png"), icon)?;
    }
    tree.file("share/doc/covey/copyright", source.text("installer/linux/copyright")?)?;
    tree.file("share/doc/covey/THIRD-PARTY.txt", source.third_party.clone())?;
    Ok(tree)
}
