//! The made-up run: its members, their keys, their bindings.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use exchange::Library;
use swarm::{LineLimits, Membership, NodeKey, SignedBinding, SwarmInput};
use tokio::sync::watch;
use types::{Hash32, Hotkey, PeerBinding, Round, RunId, SignPayload, Signature, Signer as _, Uid};
use wallet::LocalSigner;

use super::NodeArgs;

/// The run that all nodes of the lab are in.
pub(super) const RUN: RunId = RunId(Hash32([7; 32]));
const GENESIS: Hash32 = Hash32([9; 32]);
/// The members' keys follow from this and their numbers.
const MASTER: [u8; 32] = *b"the lab's keys are worth nothing";
/// A binding holds for longer than any experiment takes.
const LIFE_MS: u64 = 24 * 60 * 60 * 1000;

fn signer(number: u16) -> LocalSigner {
    LocalSigner::derive(&MASTER, &format!("member {number}"))
}

fn hotkey(number: u16) -> Hotkey {
    signer(number).hotkey()
}

/// What the chain would say; with the senders that must live as long as the swarm.
type Held = (watch::Sender<Option<Membership>>, watch::Sender<LineLimits>);

/// What the swarm is started with.
pub(super) fn input(args: &NodeArgs, library: Arc<Library>) -> (SwarmInput, Held) {
    let members = (0..args.members).map(|number| (Uid(number), hotkey(number))).collect();
    let membership = Membership { genesis: GENESIS, netuid: 0, round: Round(1), members, validators: Vec::new() };
    let (chain, membership) = watch::channel(Some(membership));
    let (limits, line) = watch::channel(LineLimits { up: args.up, ..LineLimits::default() });
    (SwarmInput { library, membership, line, offer: None, open: false }, (chain, limits))
}

/// That this network key speaks for the member.
pub(super) async fn binding(key: &NodeKey, number: u16) -> anyhow::Result<SignedBinding> {
    let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let binding = PeerBinding {
        genesis: GENESIS,
        netuid: 0,
        hotkey: hotkey(number),
        peer_key: key.public(),
        seq: now_ms,
        expires_ms: now_ms + LIFE_MS,
    };
    let message = SignedBinding::message(&binding);
    let hotkey_signature = signer(number).sign(&SignPayload::PeerBinding(binding)).await?;
    let signed: [u8; 64] =
        key.sign(&message).try_into().map_err(|_| anyhow::anyhow!("the network key did not sign"))?;
    Ok(SignedBinding { binding, hotkey_signature, peer_signature: Signature(signed) })
}
