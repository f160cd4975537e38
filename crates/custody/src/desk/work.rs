//! One order, worked off on a thread that may block.
//!
//! In: the order and the words that are open. Out: what happened, in order, the words that stay open, and the wallets as
//! they are now.

use types::Problem;
use view_model::{KeychainState, WalletRow};

use super::{Unlocked, keychain_after};
use crate::vaults::{Backup, Vaults};
use crate::{DeskEvent, DeskOrder};

/// What came of an order.
pub(super) struct Done {
    pub(super) events: Vec<DeskEvent>,
    pub(super) backup: Option<Box<Backup>>,
    pub(super) keychain: Option<KeychainState>,
    pub(super) rows: Vec<WalletRow>,
    /// What is wrong with a file in the folder.
    pub(super) problem: Option<Problem>,
}

/// The events of an order, and the words that stay open.
type Outcome = Result<(Vec<DeskEvent>, Option<Box<Backup>>), (Problem, Option<Box<Backup>>)>;

pub(super) fn work(vaults: &Vaults, order: DeskOrder, backup: Option<Box<Backup>>, unlocked: &Unlocked) -> Done {
    let deed = order.deed();
    if order == DeskOrder::ProbeKeychain {
        let state = vaults.probe();
        let event = match &state {
            KeychainState::Unusable(problem) => DeskEvent::Failed { deed, problem: problem.clone() },
            _ => DeskEvent::Done { deed, name: String::new(), place: None },
        };
        let (rows, problem) = vaults.rows(unlocked);
        return Done { events: vec![event], backup, keychain: Some(state), rows, problem };
    }
    let (events, backup, keychain) = match carry_out(vaults, order, backup) {
        Ok((events, backup)) => (events, backup, None),
        Err((problem, backup)) => {
            let keychain = keychain_after(&problem);
            (vec![DeskEvent::Failed { deed, problem }], backup, keychain)
        }
    };
    let (rows, problem) = vaults.rows(unlocked);
    Done { events, backup, keychain, rows, problem }
}

fn carry_out(vaults: &Vaults, order: DeskOrder, backup: Option<Box<Backup>>) -> Outcome {
    let deed = order.deed();
    let done = |name: String, place: Option<String>| vec![DeskEvent::Done { deed, name, place }];
    let made = |result: Result<Vec<DeskEvent>, Problem>, backup| match result {
        Ok(events) => Ok((events, backup)),
        Err(problem) => Err((problem, backup)),
    };
    match order {
        DeskOrder::Create { name, words, passphrase } => match vaults.create(&name, words, passphrase) {
            Ok((info, new)) => {
                let event = DeskEvent::Made { name, hotkey: info.hotkey.ss58(), words_follow: true };
                Ok((vec![event, words_of(&new)], Some(new)))
            }
            Err(problem) => Err((problem, backup)),
        },
        DeskOrder::Import { name, from, passphrase } => {
            let result = vaults
                .import(&name, from, passphrase)
                .map(|info| vec![DeskEvent::Made { name, hotkey: info.hotkey.ss58(), words_follow: false }]);
            made(result, backup)
        }
        DeskOrder::BackUp { name, passphrase } => match vaults.begin_backup(&name, passphrase) {
            Ok(new) => Ok((vec![words_of(&new)], Some(new))),
            Err(problem) => Err((problem, None)),
        },
        DeskOrder::ShowWords => show_again(backup),
        DeskOrder::CheckQuiz { words } => check(backup, &words),
        DeskOrder::SetPayout { name, address } => {
            let result = vaults.set_payout(name.as_deref(), &address);
            made(result.map(|coldkey| done(name.unwrap_or_default(), Some(coldkey.ss58()))), backup)
        }
        DeskOrder::ExportBtcli { name, passphrase, password, folder } => {
            let result = vaults.export(&name, passphrase, password, &folder);
            made(result.map(|path| done(name, Some(path.display().to_string()))), backup)
        }
        DeskOrder::Migrate { name, passphrase, capsule, path, parts } => {
            let result = vaults.migrate(&name, passphrase, capsule, path.as_ref(), &parts);
            made(result.map(|()| done(name, Some(path))), backup)
        }
        DeskOrder::Remove { name, typed } => made(vaults.remove(&name, &typed).map(|()| done(name, None)), backup),
        // The rest needs no thread that may block, or only looks.
        DeskOrder::List
        | DeskOrder::ProbeKeychain
        | DeskOrder::WipeWords
        | DeskOrder::Unlock { .. }
        | DeskOrder::Lock { .. } => Ok((Vec::new(), backup)),
    }
}

fn words_of(backup: &Backup) -> DeskEvent {
    DeskEvent::Words { name: backup.name().to_owned(), words: backup.words(), numbers: backup.numbers() }
}

fn no_words() -> Problem {
    Problem::new("no_words_open", "The words were put away", "Open the wallet again to see them.")
}

fn show_again(backup: Option<Box<Backup>>) -> Outcome {
    let Some(mut backup) = backup else { return Err((no_words(), None)) };
    match backup.ask_others() {
        Ok(()) => Ok((vec![words_of(&backup)], Some(backup))),
        Err(problem) => Err((problem, Some(backup))),
    }
}

fn check(backup: Option<Box<Backup>>, words: &[view_model::Secret]) -> Outcome {
    let Some(mut backup) = backup else { return Err((no_words(), None)) };
    match backup.check(words) {
        Ok(true) => Ok((vec![DeskEvent::Quiz { right: true }], None)),
        Ok(false) => Ok((vec![DeskEvent::Quiz { right: false }], Some(backup))),
        Err(problem) => Err((problem, Some(backup))),
    }
}
