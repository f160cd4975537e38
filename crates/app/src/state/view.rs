//! The snapshot: everything the window may show, as plain values.

use super::{Job, State, money};
use types::ByteCount;
use view_model::{
    AppSnapshot, Fit, HelpView, LinkPath, NetworkView, PeerLink, Reachability, RunCard, RunKind, RunSnapshot, Told,
};

impl State {
    /// Everything but series, log and words.
    pub(crate) fn snapshot(&self, now_ms: u64) -> AppSnapshot {
        let activity = self.activity(now_ms);
        let run =
            RunSnapshot { problems: self.problems.rows(), activity: activity.clone(), ..self.run.snapshot(now_ms) };
        AppSnapshot {
            version: self.version.clone(),
            appearance: self.appearance,
            recovery: self.work.recovery(self.pauses.first().is_some(), now_ms),
            pauses: self.shown_pauses(&activity, now_ms),
            machine: view_model::MachineView { roles: self.gpus.roles(), ..self.machine.clone() },
            gpus: self.gpus.view(&self.settings.gpus, now_ms),
            rounds: self.rounds.tiles(),
            timeline: self.rounds.timeline(now_ms),
            training: self.training.view(),
            earnings: self.money.view(&self.book(), self.kind(), &self.settings.energy, now_ms, &self.zone),
            network: self.shown_network(now_ms),
            runs: self.cards(&run),
            join: self.join_view(),
            wallet: self.wallet.clone(),
            settings: self.settings.clone(),
            engine: self.engine_view(),
            update: self.update_view(),
            help: self.help(),
            wizard: self.wizard.view(),
            toasts: self.notices.toasts(),
            run,
        }
    }

    fn help(&self) -> HelpView {
        HelpView {
            checks: self.help.checks.clone(),
            checking: self.help.checking,
            report: self.help.report.clone(),
            report_saved: self.help.report_saved.clone(),
            uptime: self.uptime.shown(),
            data_folder: self.help.data_folder.clone(),
        }
    }

    /// A run's network as its peer says it; a rehearsal's peers are all here.
    pub(super) fn shown_network(&self, now_ms: u64) -> NetworkView {
        let view = self.network.view(self.settings.network.month, now_ms, &self.zone);
        if self.kind() == RunKind::Shared {
            return view;
        }
        let me = self.work.process().map_or(super::MY_PEER, |process| process.job.peer_name());
        let run = self.run.snapshot(now_ms);
        NetworkView {
            peers: run.peers.iter().filter(|row| row.name != me).map(local_peer).collect(),
            reachability: Reachability::NotNeeded,
            local_only: true,
            ..view
        }
    }

    /// Without a card the processor trains, from the computer's memory.
    pub(super) fn memory(&self) -> Option<ByteCount> {
        self.gpus.largest().or(self.machine.memory)
    }

    /// The rehearsal's card, then the runs that were added.
    pub(super) fn cards(&self, run: &RunSnapshot) -> Vec<RunCard> {
        let chosen = self.settings.behaviour.run.as_str();
        let live = |id: &str| {
            let job = self.work.process().map(|process| &process.job);
            match job {
                Some(Job::Rehearse(_)) => id == money::REHEARSAL_BOOK,
                Some(Job::Train { run, .. }) => id == run,
                None => false,
            }
        };
        let facts = |id: &str| run.run.as_ref().filter(|_| live(id));
        let peers = |id: &str| live(id).then(|| u32::try_from(run.peers.len()).unwrap_or(u32::MAX));
        let rehearsal = RunCard {
            id: money::REHEARSAL_BOOK.to_owned(),
            name: self.locale.text("run-rehearsal-name"),
            kind: RunKind::Rehearsal,
            model_params: facts(money::REHEARSAL_BOOK).map(|facts| facts.model_params),
            tokens_done: None,
            peers: peers(money::REHEARSAL_BOOK),
            round: run.round.filter(|_| live(money::REHEARSAL_BOOK)).map(|round| round.0),
            pays: Told::new("run-pays-nothing"),
            fit: Fit::Fits(Told::new("run-fits-rehearsal")),
            chosen: chosen == money::REHEARSAL_BOOK,
            suggested: None,
            live: live(money::REHEARSAL_BOOK),
            founder: None,
            link: None,
            source: None,
        };
        let memory = self.memory();
        let known = self.runs.iter().map(|known| RunCard {
            chosen: chosen == known.card.id,
            live: live(&known.card.id),
            peers: peers(&known.card.id).or(known.card.peers),
            round: run.round.filter(|_| live(&known.card.id)).map(|round| round.0).or(known.card.round),
            fit: known.card.model_params.map_or(Fit::Unknown, |parameters| crate::runs::fit(parameters, memory)),
            ..known.card.clone()
        });
        let mut known: Vec<RunCard> = known.collect();
        super::rank::rank(&mut known, memory);
        std::iter::once(rehearsal).chain(known).collect()
    }
}

/// A process of a rehearsal.
fn local_peer(row: &view_model::PeerRow) -> PeerLink {
    PeerLink {
        name: row.name.clone(),
        uid: row.uid,
        path: LinkPath::Local,
        quic: None,
        rtt_ms: None,
        up: None,
        down: None,
        phase: row.phase,
        verdict: row.verdict.map(|row| row.verdict),
        fault: None,
    }
}
