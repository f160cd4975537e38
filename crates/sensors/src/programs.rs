//! Which programs of a list run. The list of processes is read only if there is a list.

use std::path::Path;

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Programs that are looked for.
const MOST: usize = 64;

/// Those of `wanted` that run, as they stand there.
pub(crate) fn running(system: &mut System, wanted: &[String]) -> Vec<String> {
    let wanted: Vec<(String, &String)> =
        wanted.iter().take(MOST).map(|name| (plain(name), name)).filter(|(plain, _)| !plain.is_empty()).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let what = ProcessRefreshKind::nothing().with_exe(UpdateKind::OnlyIfNotSet).with_cmd(UpdateKind::OnlyIfNotSet);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what.without_tasks());
    let found = |plain: &str| system.processes().values().any(|process| is_called(process, plain));
    wanted.iter().filter(|(plain, _)| found(plain)).map(|(_, name)| (*name).clone()).collect()
}

/// The kernel's name for it is cut to 15 bytes, the file may be an interpreter's or Wine's: any of the three counts.
fn is_called(process: &Process, wanted: &str) -> bool {
    let file = process.exe().and_then(Path::file_name).map(|name| plain(&name.to_string_lossy()));
    let first = process.cmd().first().map(|word| plain(last_part(&word.to_string_lossy())));
    plain(&process.name().to_string_lossy()) == wanted
        || file.as_deref() == Some(wanted)
        || first.as_deref() == Some(wanted)
}

/// Wine's programs are called by a Windows path.
fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// `Game.exe` is `game`.
fn plain(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_people_write_them() {
        assert_eq!(plain(" Game.EXE "), "game");
        assert_eq!(last_part("C:\\Games\\Game.exe"), "Game.exe");
        assert_eq!(last_part("/usr/bin/game"), "game");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_is_seen_while_it_runs_also_by_a_name_longer_than_the_kernel_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a-game-with-a-long-name");
        std::fs::copy("/bin/sleep", &program).unwrap();
        let wanted = vec!["A-Game-With-A-Long-Name.exe".to_owned(), "no-such-program-runs".to_owned(), " ".to_owned()];
        let mut system = System::new();
        assert_eq!(running(&mut system, &wanted), Vec::<String>::new());
        let mut child = std::process::Command::new(&program).arg("600").spawn().unwrap();
        assert_eq!(running(&mut system, &wanted), ["A-Game-With-A-Long-Name.exe"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(running(&mut system, &wanted), Vec::<String>::new());
    }
}
