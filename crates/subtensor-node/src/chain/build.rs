//! Building a block from its plan.
//!
//! In: a plan and the chain so far. Out: the block, its state, its events. The same plan on the same chain gives the same
//! block. Signatures were checked when the extrinsics came in.

use std::collections::BTreeSet;
use std::sync::Arc;

use subxt::config::substrate::{Digest, DigestItem, H256, SubstrateHeader};
use subxt::ext::codec::Encode;

use super::{BLOCK_HASHES, Block, Chain, Plan};
use crate::NodeError;
use crate::chain::Action;
use crate::events::{Events, Phase};
use crate::extrinsic::{Signed, blake2_256, set_time};
use crate::genesis::FULL_BURN;
use crate::layer::{Layer, n};
use crate::runtime::{FINNEY, Runtime};
use crate::store::Changes;
use crate::{api, dispatch, epoch, genesis};

/// The first digest item names the slot, as Aura does.
const AURA: [u8; 4] = *b"aura";

/// What came of a plan.
pub(super) struct Built {
    pub(super) hash: [u8; 32],
    pub(super) transactions: Vec<[u8; 32]>,
    /// The plan without what could not be applied.
    pub(super) plan: Plan,
}

impl Chain {
    pub(super) fn build_genesis(&mut self, runtime: Arc<Runtime>) {
        let mut state = Layer::new(Arc::clone(&runtime), &self.store, 0);
        let genesis = self.config.genesis.clone();
        genesis.write(&mut state);
        state.put("Timestamp", "Now", &[], &genesis.time_ms);
        state.put("System", "Number", &[], &0u32);
        let changes = state.into_changes();
        let plan = Plan { time_ms: genesis.time_ms, fork: 0, extrinsics: Vec::new(), actions: Vec::new() };
        self.push(&changes, plan, Vec::new(), runtime);
    }

    pub(super) fn build(&mut self, plan: &Plan) -> Result<Built, NodeError> {
        let best = self.best();
        let height = best.checked_add(1).ok_or_else(|| NodeError::State("the chain is full".into()))?;
        let runtime = self.runtime().ok_or_else(|| NodeError::State("no genesis".into()))?;
        let parent = self.block(best).map_or([0; 32], |block| block.hash);
        let mut state = Layer::new(Arc::clone(&runtime), &self.store, best);
        let mut events = Events::new(&runtime);
        begin(&mut state, height, parent, plan.time_ms);
        events.enter(Phase::Extrinsic(0));
        events.succeeded(true, false);

        let mut applied = Vec::new();
        for raw in &plan.extrinsics {
            events.enter(Phase::Extrinsic(applied.len() as u32 + 1));
            if let Some(who) = apply(raw, height, &mut state, &mut events) {
                applied.push((Arc::clone(raw), who));
            }
        }
        events.enter(Phase::Finalization);
        let netuid = genesis::netuid(&state);
        epoch::step(&mut state, &mut events, netuid, height);
        let mut next = Arc::clone(&runtime);
        for action in &plan.actions {
            match action {
                Action::Upgrade { without } => {
                    events.push("System", "CodeUpdated", &());
                    next = upgraded(&next, &self.config.genesis.without, without)?;
                }
                other => act(other, &mut state, &mut events, (netuid, height)),
            }
        }
        let (bytes, count) = events.into_bytes();
        if let Some(key) = state.runtime().key("System", "Events", &[]) {
            state.set_raw(key, Some(bytes));
        }
        state.put("System", "EventCount", &[], &count);
        let changes = state.into_changes();
        for (_, (who, nonce)) in &applied {
            self.pool.remove(*who, *nonce);
        }
        let raws: Vec<Arc<[u8]>> = applied.into_iter().map(|(raw, _)| raw).collect();
        let plan = Plan { extrinsics: raws.clone(), ..plan.clone() };
        let mut body = vec![Arc::from(set_time(&runtime, plan.time_ms))];
        body.extend(raws);
        let block = self.push(&changes, plan.clone(), body, next);
        Ok(Built { hash: block.hash, transactions: block.transactions.clone(), plan })
    }

    /// Hashes and appends a block.
    fn push(&mut self, changes: &Changes, plan: Plan, body: Vec<Arc<[u8]>>, runtime: Arc<Runtime>) -> Block {
        let number = self.blocks.len() as u32;
        let parent = self.blocks.last();
        // Not a Merkle root: it commits to all states, and nobody asks this node for proofs.
        let mut root = parent.map_or([0; 32], |block| block.header.state_root.0).to_vec();
        changes.encode_to(&mut root);
        let slot = (u64::from(number), plan.fork).encode();
        let header = SubstrateHeader {
            parent_hash: H256(parent.map_or([0; 32], |block| block.hash)),
            number: u64::from(number),
            state_root: H256(blake2_256(&root)),
            extrinsics_root: H256(blake2_256(&body.iter().map(|raw| raw.to_vec()).collect::<Vec<_>>().encode())),
            digest: Digest { logs: vec![DigestItem::PreRuntime(AURA, slot)] },
        };
        let hash = blake2_256(&header.encode());
        let transactions = body.iter().skip(1).map(|raw| blake2_256(raw)).collect();
        let block = Block { hash, header, body, transactions, runtime, plan: Arc::new(plan) };
        self.store.apply(number, changes);
        self.blocks.push(block.clone());
        block
    }
}

fn begin(state: &mut Layer<'_>, height: u32, parent: [u8; 32], time_ms: u64) {
    state.put("System", "Number", &[], &height);
    state.put("System", "ParentHash", &[], &parent);
    state.put("System", "BlockHash", &[n(height - 1)], &parent);
    if let Some(old) = (height - 1).checked_sub(BLOCK_HASHES) {
        state.remove("System", "BlockHash", &[n(old)]);
    }
    state.put("Timestamp", "Now", &[], &time_ms);
    let netuid = genesis::netuid(state);
    state.set_sub("RegistrationsThisBlock", &[n(netuid)], &0u16);
}

/// Applies an extrinsic: fee and counter stay taken even if the call fails. `None` if it is not its turn or the fee cannot
/// be paid; then nothing happened.
fn apply(raw: &[u8], height: u32, state: &mut Layer<'_>, events: &mut Events<'_>) -> Option<(types::Hotkey, u32)> {
    let signed = Signed::decode(raw, state.runtime()).ok()?;
    let (nonce, free) = state.account(signed.signer);
    let fee = api::fee(state, &signed, raw.len());
    if signed.nonce != nonce {
        return None;
    }
    let (left, next) = (free.checked_sub(fee)?, nonce.checked_add(1)?);
    state.set_account(signed.signer, next, left);
    let pays = signed.call.pays();
    if fee > 0 {
        events.push("Balances", "Withdraw", &(signed.signer.0, fee));
    }
    events.keep();
    state.begin();
    let result = dispatch::apply(&signed.call, signed.signer, height, state, events);
    if result.is_ok() {
        state.keep();
    } else {
        state.undo();
        events.undo();
    }
    if fee > 0 {
        events.push("TransactionPayment", "TransactionFeePaid", &(signed.signer.0, fee, signed.tip));
    }
    match result {
        Ok(()) => events.succeeded(false, pays),
        Err(failure) => events.failed(failure, pays),
    }
    Some((signed.signer, nonce))
}

/// The runtime one spec version on, lacking more.
fn upgraded(
    runtime: &Runtime,
    always: &BTreeSet<String>,
    without: &BTreeSet<String>,
) -> Result<Arc<Runtime>, NodeError> {
    let base = Runtime::finney()?.spec_version();
    let bumps = runtime.spec_version().saturating_sub(base).saturating_add(1);
    let lacking = always.union(without).cloned().collect();
    Ok(Arc::new(Runtime::new(FINNEY, bumps, &lacking)?))
}

fn act(action: &Action, state: &mut Layer<'_>, events: &mut Events<'_>, (netuid, height): (u16, u32)) {
    let net = [n(netuid)];
    match action {
        Action::FullBurn { on } => state.set_raw(FULL_BURN.to_vec(), on.then(|| vec![1])),
        Action::Deregister { uid } => dispatch::deregister(state, events, netuid, *uid, height),
        Action::Price { tao_in, alpha_in } => {
            state.set_sub("SubnetTAO", &net, &tao_in.0);
            state.set_sub("SubnetAlphaIn", &net, &alpha_in.0);
        }
        Action::Endow { account, free } => {
            let (nonce, before) = state.account(*account);
            state.set_account(*account, nonce, before.saturating_add(free.0));
            events.push("Balances", "Deposit", &(account.0, free.0));
        }
        Action::Validator { hotkey, stake, permit } => {
            state.set_stake(netuid, *hotkey, stake.0);
            if let Some(uid) = state.uid(netuid, *hotkey) {
                let count = state.sub::<u16>("SubnetworkN", &net);
                let place = (usize::from(uid), usize::from(count));
                dispatch::set_at(state, netuid, "ValidatorPermit", place, *permit);
            }
            epoch::write_stake_weights(state, netuid);
        }
        Action::Registration { allowed, burn } => {
            state.set_sub("NetworkRegistrationAllowed", &net, allowed);
            state.set_sub("Burn", &net, &burn.0);
        }
        // Changes the runtime, not the state.
        Action::Upgrade { .. } => {}
    }
}
