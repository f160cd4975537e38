//! A whole ledger process: file, sequencer and socket, started and ended together.
//!
//! In: where file and socket are, whose run it is, the sequencer's signer. Out: a served ledger until it is cancelled. It
//! installs no signal handler and prints nothing.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use types::Signer;

use super::door::InProcess;
use super::genesis::Genesis;
use super::mempool::Mempool;
use super::sequencer::{Sequencer, SequencerOptions};
use super::server::{ServeOptions, Server};
use super::store::Ledger;
use crate::ChainError;

/// What it takes to host a run's ledger.
pub struct Host {
    /// The ledger's file; made if there is none.
    pub file: PathBuf,
    /// Its socket (on Windows: a pipe named after this path). At most about 100 bytes on Unix.
    pub socket: PathBuf,
    /// The run.
    pub genesis: Genesis,
    /// Signs blocks; must be the sequencer's key.
    pub signer: Arc<dyn Signer>,
    /// Expected miners and the clock.
    pub sequencer: SequencerOptions,
    /// Bounds of the socket.
    pub serve: ServeOptions,
}

impl Host {
    /// Opens the file, binds the socket, makes blocks and answers until `cancel`.
    ///
    /// # Errors
    /// Those of [`Ledger::open_or_create`], [`Server::bind`] and [`Sequencer::run`]. After [`ChainError::Storage`] it may be
    /// run again once there is room; clients wait for it as long as they were told to.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), ChainError> {
        let now_ms = (self.sequencer.now_ms)();
        let ledger = Ledger::open_or_create(&self.file, &self.genesis, now_ms, &*self.signer).await?;
        // The file is locked from here on, so nobody else's ledger of this run is behind the socket.
        let server = Server::bind(&self.socket)?;
        let ledger = Arc::new(ledger);
        let (mempool, inbox) = Mempool::new(ledger.genesis_hash());
        let backend = InProcess::new(Arc::clone(&ledger), mempool);
        let sequencer = Sequencer::new(ledger, self.signer, self.sequencer, inbox);
        let stop = cancel.child_token();
        let sequencing = async {
            let ended = Box::pin(sequencer.run(stop.clone())).await;
            // A ledger that makes no blocks any more must not look alive.
            stop.cancel();
            ended
        };
        let (ended, ()) = tokio::join!(sequencing, Box::pin(server.run(&backend, self.serve, stop.clone())));
        ended
    }
}
