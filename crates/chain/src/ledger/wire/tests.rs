//! Golden words, and frames no honest side sends.

use types::{Rao, Uid};

use super::*;

const SOON: Duration = Duration::from_secs(5);

async fn read(bytes: &[u8]) -> Result<Option<Request>, FrameError> {
    read_frame(&mut &bytes[..], SOON, SOON).await
}

#[tokio::test]
async fn golden_frames() {
    let mut out = Vec::new();
    write_frame(&mut out, &Request::WaitHead { after: BlockNumber(7), wait_ms: 20_000 }).await.unwrap();
    assert_eq!(out[..4], 45u32.to_le_bytes());
    assert_eq!(&out[4..], br#"{"ask":"wait_head","after":7,"wait_ms":20000}"#);
    let reason = ChainError::Nonce { expected: 3, got: 1 };
    let text = serde_json::to_string(&Reply::Refused { reason: reason.clone() }).unwrap();
    assert_eq!(text, r#"{"answer":"refused","reason":{"error":"nonce","expected":3,"got":1}}"#);
    assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), Reply::Refused { reason });
}

#[tokio::test]
async fn hostile_frames_are_refused() {
    assert!(matches!(read(&[]).await, Ok(None)));
    assert!(matches!(read(&[1, 0]).await, Err(FrameError::Io(_))));
    assert!(matches!(read(&[10, 0, 0, 0, b'{']).await, Err(FrameError::Io(_))));
    assert!(matches!(read(&u32::MAX.to_le_bytes()).await, Err(FrameError::TooLong(_))));
    for text in ["", "{}", "null", r#"{"ask":"shutdown"}"#, r#"{"ask":"records","from":1,"to":2,"more":1}"#, "[[[[[[[["]
    {
        let mut frame = (text.len() as u32).to_le_bytes().to_vec();
        frame.extend(text.as_bytes());
        assert!(matches!(read(&frame).await, Err(FrameError::Syntax)), "{text}");
    }
    let deep = "[".repeat(MAX_FRAME_BYTES);
    let mut frame = (deep.len() as u32).to_le_bytes().to_vec();
    frame.extend(deep.as_bytes());
    assert!(matches!(read(&frame).await, Err(FrameError::Syntax)));
}

#[test]
fn the_largest_honest_page_fits_a_frame() {
    // A page is cut after 1024 records, at the end of a block of at most 512.
    let record = types::Record::Report {
        round: types::Round(u64::MAX),
        root: Hash32([255; 32]),
        bytes: u64::MAX,
        gather: (0..64).map(Uid).collect(),
    };
    let one =
        ChainRecord { block: BlockNumber(u64::MAX), index: 511, uid: Uid(255), hotkey: Hotkey([255; 32]), record };
    let page = Reply::Records { records: vec![one; 1024 + 511], next: Some(BlockNumber(u64::MAX)) };
    assert!(serde_json::to_vec(&page).unwrap().len() <= MAX_FRAME_BYTES);
    let pay = (0..256).map(|uid| (Uid(uid), Rao(u64::MAX))).collect::<Vec<_>>();
    let (miner, validator) = (pay.clone(), pay[..64].to_vec());
    let all = Rao(u64::MAX);
    let epoch = EpochReward { block: BlockNumber(u64::MAX), minted: all, owner: all, burned: all, miner, validator };
    let page = Reply::Epochs { epochs: vec![epoch; 64], next: Some(BlockNumber(u64::MAX)) };
    assert!(serde_json::to_vec(&page).unwrap().len() <= MAX_FRAME_BYTES);
}
