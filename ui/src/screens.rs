//! The screens. Each is a function of the scene and of its own state that only the window has: a tab, a filter, a field.

pub(crate) mod courtesy;
pub(crate) mod earnings;
mod engine;
mod fetch;
pub(crate) mod forms;
pub(crate) mod help;
pub(crate) mod home;
mod join;
pub(crate) mod network;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod training;
mod update;
pub(crate) mod wallet;
pub(crate) mod wizard;

/// What only the window knows of each screen.
#[derive(Default)]
pub(crate) struct States {
    pub(crate) home: home::State,
    pub(crate) training: training::State,
    pub(crate) earnings: earnings::State,
    pub(crate) network: network::State,
    pub(crate) runs: runs::State,
    pub(crate) wallet: wallet::State,
    pub(crate) settings: settings::State,
    pub(crate) help: help::State,
    pub(crate) wizard: wizard::State,
}
