//! SparseLoCo's wire side: error feedback, top-k, 2-bit quantiser, index coding, submission container, aggregation,
//! outer step.
//!
//! In: flat `&[f32]` buffers in the order of the run's tensors, and container bytes from strangers. Out: signed
//! submissions, and parameters after an outer step that are the same bits on every machine. It knows no rounds' clock, no
//! peers, no files, no secret keys and no torch.

mod cpu;
mod layout;
mod topk;

mod indices;
mod quantise;
mod record;

mod compress;
mod container;
mod decode;
mod outer;
mod submission;
mod theta;

pub mod reference;

pub use compress::{CompressError, compress, compress_dense};
pub use container::{Draft, DraftStats, HEADER_BYTES, MAGIC, SIGNATURE_BYTES, SubmissionHeader, VERSION};
pub use decode::{DecodeError, Expected, decode, decode_owned};
pub use layout::{Layout, LayoutError, TensorLayout};
pub use outer::{OuterError, OuterStats, clip_factors, outer_step, probe};
pub use quantise::{MAX_MAGNITUDE, TensorCodebook};
pub use submission::Submission;
pub use theta::theta_hash;

// The integration tests' fixture names this crate from outside; so do the unit tests that share it.
#[cfg(test)]
extern crate self as sparseloco;
#[cfg(test)]
#[path = "../tests/it/fixture.rs"]
#[expect(dead_code, reason = "shared with the integration tests")]
mod fixture;
