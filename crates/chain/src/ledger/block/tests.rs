//! Golden bytes, and readers that take hostile ones.

use proptest::prelude::*;
use types::Round;

use super::*;

fn key(fill: u8) -> Hotkey {
    Hotkey([fill; 32])
}

fn transaction(call: Call) -> Transaction {
    Transaction { hotkey: key(0xaa), nonce: 258, call, signature: Signature([0xbb; 64]) }
}

fn sample_block() -> Block {
    let reward = EpochReward {
        block: BlockNumber(64),
        minted: Rao(1000),
        owner: Rao(180),
        burned: Rao(10),
        miner: vec![(Uid(2), Rao(400))],
        validator: vec![(Uid(0), Rao(300)), (Uid(1), Rao(110))],
    };
    Block {
        number: BlockNumber(64),
        parent: Hash32([1; 32]),
        time_ms: 1_700_000_000_000,
        state: Hash32([2; 32]),
        genesis: Vec::new(),
        reward: Some(reward),
        transactions: vec![
            transaction(Call::Register),
            transaction(Call::Publish(Record::Attest { round: Round(5), have: vec![Uid(1), Uid(9)] })),
            transaction(Call::SetWeights(vec![(Uid(2), 65_535)])),
        ],
        signature: Signature([3; 64]),
    }
}

#[test]
fn golden_transactions() {
    let check = |call: Call, kind: u8, body: &[u8]| {
        let mut want = vec![kind];
        want.extend([0xaa; 32]);
        want.extend([2, 1, 0, 0, 0, 0, 0, 0]);
        want.extend(body);
        want.extend([0xbb; 64]);
        let made = transaction(call);
        assert_eq!(made.to_bytes(), want);
        assert_eq!(Transaction::from_bytes(&want).unwrap(), made);
    };
    check(Call::Register, 1, &[]);
    let record = Record::Commit { round: Round(3), root: Hash32([4; 32]), bytes: 5, theta: Hash32([6; 32]) };
    let mut body = vec![81];
    body.extend(record.to_bytes());
    check(Call::Publish(record), 2, &body);
    check(Call::SetWeights(vec![(Uid(2), 0x0102), (Uid(258), 3)]), 3, &[2, 0, 2, 0, 2, 1, 2, 1, 3, 0]);
}

#[test]
fn golden_block() {
    let bytes = sample_block().to_bytes();
    assert_eq!(&bytes[..13], b"CVLB\x01\x40\0\0\0\0\0\0\0");
    assert_eq!(bytes.len(), BLOCK_BYTES);
    // The hash every later block and every signature builds on.
    assert_eq!(sample_block().hash().to_string(), BLOCK_HASH);
    assert_eq!(Block::from_bytes(&bytes).unwrap(), sample_block());
}

const BLOCK_BYTES: usize = 594;
const BLOCK_HASH: &str = "2c4425b2321336b051cb8d28d7a48af76d61ba40579153a5a1ea701e73fbe7fb";

#[test]
fn every_cut_and_every_extra_byte_is_refused() {
    let bytes = sample_block().to_bytes();
    for n in 0..bytes.len() {
        assert!(Block::from_bytes(&bytes[..n]).is_err(), "{n}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(Block::from_bytes(&longer), Err(DecodeError::Trailing(1)));
}

#[test]
fn a_claimed_length_costs_nothing() {
    let mut bytes = sample_block().to_bytes();
    // The transaction count claims four billion.
    let at = bytes.len() - 64 - sample_block().transactions.iter().map(|t| 4 + t.to_bytes().len()).sum::<usize>() - 4;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Block::from_bytes(&bytes), Err(DecodeError::TooMany { what: "transactions", .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_a_transaction_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(t) = Transaction::from_bytes(&bytes) {
            prop_assert_eq!(t.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_damaged_block_reads_as_what_it_says_or_not_at_all(at in 0usize..600, flip in 1u8..) {
        let mut bytes = sample_block().to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(block) = Block::from_bytes(&bytes) {
            prop_assert_eq!(block.to_bytes(), bytes);
            prop_assert_ne!(block, sample_block());
        }
    }
}
