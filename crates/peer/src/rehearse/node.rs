//! The Subtensor node of a rehearsal: started, told what befalls it, asked for registrations. Never outlives the rehearsal.
//!
//! In: who validates, how fast blocks come. Out: addresses that peers connect to, and a genesis hash. The program is a test
//! tool that stands beside this one where it was built and is never installed; where it is missing, that is said. The
//! rehearsal talks to it over a door of its own, so that an outage of the peers' door does not lock it out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use subtensor::{Subtensor, SubtensorError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use types::manifest::SubtensorParams;
use types::{BlockNumber, Hash32, Hotkey, Rao, Signer as _};
use wallet::LocalSigner;

use super::plan::{ROUND, VALIDATOR_STAKE};
use super::setting::Disturbance;

/// The program.
const PROGRAM: &str = "subtensor-node";
/// The subnet's number: the reference's own (protocol.md §6).
const NETUID: u16 = 3;
/// The node reads 300 kB of metadata and binds two ports.
const READY: Duration = Duration::from_secs(30);
/// A door on loopback answers at once.
const ANSWER: Duration = Duration::from_secs(10);
/// Longest answer to a knob.
const MAX_ANSWER: u64 = 64 * 1024;
/// Blocks by which finality is behind, as far as Bittensor's usually is.
const FINALITY_LAG: u32 = 3;
/// Blocks that a fork replaces: all that are not final but one.
const REORG_BLOCKS: u32 = 2;
/// Blocks that an outage or a standstill lasts: shorter than a phase, so that a round can be saved.
const DISTURBED_BLOCKS: u64 = 4;
/// What a registration costs, and the most the rehearsal pays; worthless.
const BURN: Rao = Rao(Rao::PER_CREDIT / 2);
/// What the rehearsal's coldkey owns at first.
const FORTUNE: Rao = Rao(1_000_000 * Rao::PER_CREDIT);
/// Time from the last registration to the run's first block: processes start and load libtorch meanwhile.
const START_MS: u64 = 8_000;

/// Why there is no node, or why it did not do as told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The test tool was not built.
    #[error(
        "`{0}` is missing: a Subtensor node for tests is built with `cargo build -p subtensor-node`, never installed"
    )]
    Missing(PathBuf),
    /// It could not be started.
    #[error("the Subtensor node cannot be started: {0}")]
    Start(#[from] std::io::Error),
    /// It did not say that it is ready.
    #[error("the Subtensor node did not start: {0}")]
    Ready(String),
    /// It did not take a knob.
    #[error("the Subtensor node did not do {what}: {why}")]
    Knob {
        /// Method.
        what: String,
        /// What came instead.
        why: String,
    },
    /// The client refused.
    #[error(transparent)]
    Client(#[from] SubtensorError),
}

/// What the node says once it is ready.
#[derive(Deserialize)]
struct Ready {
    urls: Vec<String>,
    genesis: String,
}

/// Who owns the subnet. What its keys earn is burned, so it must not own the peers' keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    /// Its hotkey.
    pub(super) hotkey: Hotkey,
    /// Its coldkey.
    pub(super) coldkey: Hotkey,
}

/// A running node, and the purse that registrations are paid from.
#[derive(Debug)]
pub struct NodeProcess {
    /// Ends with this value; its standard input does as well, should this process be killed.
    _child: Child,
    /// The door for peers.
    url: String,
    /// The rehearsal's own door.
    own: String,
    client: Subtensor,
    coldkey: LocalSigner,
    block_ms: u64,
    genesis: Hash32,
}

impl NodeProcess {
    /// Starts a chain with these validators; its configuration is written into `dir`.
    ///
    /// # Errors
    /// [`NodeError`].
    pub(super) async fn start(
        dir: &Path,
        block_ms: u64,
        validators: &[Hotkey],
        owner: Owner,
        coldkey: LocalSigner,
    ) -> Result<Self, NodeError> {
        let program = std::env::current_exe()?.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            return Err(NodeError::Missing(program));
        }
        std::fs::create_dir_all(dir)?;
        let config = dir.join("node.json");
        std::fs::write(&config, configuration(block_ms, validators, owner, coldkey.hotkey()).to_string())?;
        let stderr = std::fs::File::create(dir.join("node.log"))?;
        let mut child = Command::new(program)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()?;
        let ready = ready(&mut child).await?;
        let [url, own] = <[String; 2]>::try_from(ready.urls).map_err(|_| NodeError::Ready("not two doors".into()))?;
        let genesis = ready.genesis.trim_start_matches("0x").parse();
        let genesis: Hash32 = genesis.map_err(|_| NodeError::Ready("its genesis is no hash".into()))?;
        let pin = SubtensorParams { genesis, netuid: NETUID, start_block: BlockNumber(0) };
        let client = Subtensor::connect(std::slice::from_ref(&own), pin, block_ms).await?;
        Ok(Self { _child: child, url, own, client, coldkey, block_ms, genesis })
    }

    /// Where peers find the node.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Registers a hotkey; one that is registered stays so.
    ///
    /// # Errors
    /// [`NodeError::Client`].
    pub(super) async fn register(&self, hotkey: Hotkey) -> Result<(), NodeError> {
        self.client.register(hotkey, &self.coldkey, BURN).await?;
        Ok(())
    }

    /// The chain of a run that begins as soon as its processes can be up.
    ///
    /// # Errors
    /// [`NodeError::Knob`].
    pub(super) async fn run_from_here(&self) -> Result<SubtensorParams, NodeError> {
        let status = self.knob("dev_status", &json!([])).await?;
        let best = status["best"].as_u64().ok_or_else(|| NodeError::Ready("it has no best block".into()))?;
        let start_block = BlockNumber(best + u64::from(FINALITY_LAG) + START_MS / self.block_ms);
        Ok(SubtensorParams { genesis: self.genesis, netuid: NETUID, start_block })
    }

    /// Begins a disturbance; returns how long it lasts, if [`Self::mend`] must end it.
    ///
    /// # Errors
    /// [`NodeError::Knob`].
    pub(super) async fn disturb(&self, what: Disturbance) -> Result<Option<Duration>, NodeError> {
        let span = DISTURBED_BLOCKS * self.block_ms;
        match what {
            Disturbance::Outage => self.knob("dev_drop", &json!([0, span])).await?,
            Disturbance::Reorg => self.knob("dev_reorg", &json!([REORG_BLOCKS])).await?,
            Disturbance::Upgrade => self.knob("dev_act", &json!([{ "kind": "upgrade" }])).await?,
            Disturbance::Stall => {
                self.stall(true).await?;
                return Ok(Some(Duration::from_millis(span)));
            }
        };
        Ok(None)
    }

    /// Ends a standstill.
    ///
    /// # Errors
    /// [`NodeError::Knob`].
    pub(super) async fn mend(&self) -> Result<(), NodeError> {
        self.stall(false).await
    }

    async fn stall(&self, stalled: bool) -> Result<(), NodeError> {
        let mut knobs = self.knob("dev_knobs", &json!([0])).await?;
        knobs["stalled"] = json!(stalled);
        self.knob("dev_set", &json!([0, knobs])).await.map(drop)
    }

    /// Calls one of the node's own methods: one HTTP request over loopback, bounded in size and time.
    async fn knob(&self, method: &str, params: &Value) -> Result<Value, NodeError> {
        let failed = |why: String| NodeError::Knob { what: method.to_owned(), why };
        let address = self.own.trim_start_matches("ws://").to_owned();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(&address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(ANSWER, exchange).await.map_err(|_| failed("no answer in time".into()))?;
        let answer = answer.map_err(|e| failed(e.to_string()))?;
        let text = String::from_utf8_lossy(&answer);
        let (_, body) = text.split_once("\r\n\r\n").ok_or_else(|| failed("no HTTP answer".into()))?;
        let mut answer: Value = serde_json::from_str(body).map_err(|e| failed(e.to_string()))?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(failed(answer["error"].to_string())),
        }
    }
}

/// Waits for the line with addresses and genesis.
async fn ready(child: &mut Child) -> Result<Ready, NodeError> {
    let stdout = child.stdout.take().ok_or_else(|| NodeError::Ready("its pipe is gone".into()))?;
    let mut line = String::new();
    let mut stdout = BufReader::new(stdout.take(MAX_ANSWER));
    let read = timeout(READY, stdout.read_line(&mut line)).await.map_err(|_| NodeError::Ready("it hangs".into()))?;
    read?;
    serde_json::from_str(&line).map_err(|_| NodeError::Ready("it ended; see node.log".into()))
}

/// One subnet whose owner burns and whose validators are seated from the beginning. The owner has a permit and no stake,
/// so that nobody takes it for a miner.
fn configuration(block_ms: u64, validators: &[Hotkey], owner: Owner, coldkey: Hotkey) -> Value {
    let seat = |hotkey: Hotkey, coldkey: Hotkey, stake: Rao| json!({ "hotkey": hotkey, "coldkey": coldkey, "stake": stake, "permit": true });
    let mut seats = vec![seat(owner.hotkey, owner.coldkey, Rao(0))];
    seats.extend(validators.iter().map(|validator| seat(*validator, coldkey, VALIDATOR_STAKE)));
    json!({
        "block_ms": block_ms,
        "finality_lag": FINALITY_LAG,
        "endpoints": 2,
        "genesis": {
            "netuid": NETUID,
            "owner_coldkey": owner.coldkey,
            "owner_hotkey": owner.hotkey,
            "endowments": [{ "account": coldkey, "free": FORTUNE }],
            "seats": seats,
            "burn": BURN,
            "tempo": ROUND.blocks,
            "weights_rate_limit": 1,
        },
    })
}
