//! Reads a hotkey's pay-outs from its run's chain into its book.
//!
//! In: a run folder, the chain, a hotkey. Out: a book that covers every final block from the key's registration on; what an
//! outage or a stopped peer left out is read next time, and nothing is counted twice. It estimates nothing: a pay-out
//! that the chain does not show is not in the book.

use std::path::{Path, PathBuf};

use chain::{ChainError, Head, Neuron, Registration};
use earnings::{
    BlockRange, BlockTime, Book, BookError, BookId, EpochFact, Pace, Price, PriceAt, PriceSource, Reading, Standing,
    standing_at,
};
use types::manifest::Clock;
use types::{BlockNumber, Hotkey};

use crate::chains::RunChain;
use crate::outcome::PeerError;
use crate::places::RunFolder;
use crate::replica::blocking;

/// The book's file in a peer's own folder.
pub const BOOK_FILE: &str = "earnings.redb";
/// Blocks read at a time: a ledger call returns a bounded number of pay-outs, and a node a bounded number of blocks.
const PAGE_BLOCKS: u64 = 2_048;

/// Why pay-outs could not be read or booked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayError {
    /// The chain refused or does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The book.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The work was torn down.
    #[error(transparent)]
    Task(#[from] PeerError),
}

/// A key's place and the chain's end, as of the reading.
#[derive(Debug, Clone)]
pub struct Read {
    /// The newest final block.
    pub head: Head,
    /// The key's place, if it has one.
    pub standing: Standing,
    /// First block that could have paid it.
    pub since: BlockNumber,
}

/// Whose book this is.
pub fn book_id(run: &RunFolder, chain: &RunChain, hotkey: Hotkey) -> BookId {
    let subnet = run.manifest().chain.subtensor.map(|subtensor| subtensor.netuid);
    BookId { network: chain.backend.network(), subnet, hotkey }
}

/// Blocks between two pay-outs, and their length; a paced clock has none that could be foretold.
pub fn pace(run: &RunFolder) -> Pace {
    let chain = &run.manifest().chain;
    let block_ms = match chain.clock {
        Clock::Interval { block_ms } | Clock::Paced { block_ms, .. } => block_ms,
    };
    Pace { tempo_blocks: chain.tempo, block_ms }
}

/// Brings the book in `folder` up to the newest final block. The file is open only while something is written, so that the
/// command line and a running peer do not lock each other out for long.
///
/// # Errors
/// [`PayError`]; what was read before stands.
pub async fn sync(run: &RunFolder, chain: &RunChain, hotkey: Hotkey, folder: &Path) -> Result<Read, PayError> {
    let id = book_id(run, chain, hotkey);
    let path = folder.join(BOOK_FILE);
    let head = chain.backend.head().await?;
    let neurons = chain.backend.neurons().await?;
    let place = place_of(&neurons, hotkey);
    let since = place.map_or(BlockNumber(0), |place| place.block);
    let wanted = BlockRange::new(since.0, head.number.0 + 1);
    for gap in with_book(&path, &id, move |book| book.gaps(wanted)).await? {
        let mut from = gap.from.0;
        while from < gap.to.0 {
            let range = BlockRange::new(from, gap.to.0.min(from + PAGE_BLOCKS));
            let reading = read(run, chain, range, &head, place.as_slice()).await?;
            with_book(&path, &id, move |book| book.take(&reading)).await?;
            from = range.to.0;
        }
    }
    let standing = place.map_or(Standing::Never, |place| Standing::Registered { place });
    Ok(Read { head, standing, since })
}

/// Does something with the book, off the async threads.
///
/// # Errors
/// [`PayError::Book`].
pub async fn with_book<T: Send + 'static>(
    path: &Path,
    id: &BookId,
    work: impl FnOnce(&Book) -> Result<T, BookError> + Send + 'static,
) -> Result<T, PayError> {
    let (path, id): (PathBuf, BookId) = (path.to_owned(), id.clone());
    Ok(blocking(move || Book::open_or_create(&path, &id).and_then(|book| work(&book))).await??)
}

fn place_of(neurons: &[Neuron], hotkey: Hotkey) -> Option<Registration> {
    let own = neurons.iter().find(|neuron| neuron.hotkey == hotkey)?;
    Some(Registration { uid: own.uid, block: own.registered_at })
}

/// All pay-outs of a range, with what else is known of each.
async fn read(
    run: &RunFolder,
    chain: &RunChain,
    range: BlockRange,
    head: &Head,
    places: &[Registration],
) -> Result<Reading, PayError> {
    let block_ms = pace(run).block_ms;
    let mut epochs = Vec::new();
    for reward in chain.backend.epochs(range.from, range.to).await? {
        let behind = head.number.0.saturating_sub(reward.block.0).saturating_mul(block_ms);
        let mut time = BlockTime { ms: head.time_ms.saturating_sub(behind), exact: false };
        let mut price = None;
        if let Some(bittensor) = &chain.bittensor {
            // A node that has pruned the block still has the pay-out; price and time then stay unknown.
            if let Ok(quote) = bittensor.quote(reward.block).await {
                time = BlockTime { ms: quote.time_ms, exact: true };
                // A test network's pool has a price too; what is worth nothing has none here.
                let worth = quote.alpha_price.filter(|_| chain.backend.network().has_value);
                price = worth.map(|rao| PriceAt {
                    price: Price::of_unit(rao.0),
                    source: PriceSource::RuntimeCall,
                    block: reward.block,
                });
            }
        }
        epochs.push(EpochFact { hash: None, time, standing: standing_at(places, reward.block), price, reward });
    }
    Ok(Reading { range, finalized: head.number, epochs })
}
