//! The program: what it prints, how it ends, what it remembers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};
use subtensor_node::Node;

use crate::support::{Client, config, key, transfer};

struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    ready: Value,
}

impl Program {
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_subtensor-node"))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin, ready: serde_json::from_str(&line).unwrap() }
    }

    fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_program_ends_with_its_standard_input() {
    let mut program = Program::start(&["--block-ms", "0", "--endpoints", "2"]);
    assert_eq!(program.ready["urls"].as_array().unwrap().len(), 2);
    let client = Client::open(program.url()).await;
    assert_eq!(client.call("chain_getBlockHash", json!([0])).await.unwrap(), program.ready["genesis"]);
    drop(program.stdin.take());
    assert!(program.child.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn the_program_ends_on_sigterm() {
    let mut program = Program::start(&["--block-ms", "0"]);
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(program.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_killed_program_continues_the_same_chain() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("chain.jsonl");
    let flags = ["--block-ms", "0", "--state", state.to_str().unwrap()];
    let mut program = Program::start(&flags);
    let client = Client::open(program.url()).await;
    client
        .call("dev_act", json!([{ "kind": "endow", "account": key("cold").hotkey(), "free": 1_000_000_000 }]))
        .await
        .unwrap();
    client.call("dev_seal", json!([5])).await.unwrap();
    client.submit(&client.transfer(&key("cold"), &key("to"), 9_000).await).await.unwrap();
    client.call("dev_seal", json!([2])).await.unwrap();
    client.call("dev_reorg", json!([1])).await.unwrap();
    client.call("dev_seal", json!([3])).await.unwrap();
    let before = client.call("dev_status", json!([])).await.unwrap();
    program.child.kill().unwrap();
    program.child.wait().unwrap();

    let again = Program::start(&flags);
    let client = Client::open(again.url()).await;
    assert_eq!(client.call("dev_status", json!([])).await.unwrap(), before);
    assert_eq!(client.free(&key("to")).await, 9_000);
}

async fn best_of(path: &Path) -> Result<Value, String> {
    let config = subtensor_node::Config { state_file: Some(path.to_owned()), ..config(&[&key("cold")]) };
    let node = Node::start(config).await.map_err(|e| e.to_string())?;
    let status = node.status();
    node.stop().await;
    Ok(status["bestHash"].clone())
}

#[tokio::test]
async fn a_line_cut_off_is_cut_away_and_a_wrong_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.jsonl");
    let config = subtensor_node::Config { state_file: Some(path.clone()), ..config(&[&key("cold")]) };
    let node = Node::start(config).await.unwrap();
    let client = Client::open(&node.url()).await;
    client.send(&node, &transfer(&key("to"), 1_000), &key("cold")).await.unwrap();
    let before = node.status()["bestHash"].clone();
    node.stop().await;
    let whole = std::fs::read(&path).unwrap();

    std::fs::write(&path, [&whole[..], b"{\"entry\":\"blo"].concat()).unwrap();
    assert_eq!(best_of(&path).await, Ok(before));
    assert_eq!(std::fs::read(&path).unwrap(), whole);

    let text = String::from_utf8(whole).unwrap();
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines[1] = lines[1].replacen("time_ms\":", "time_ms\":1", 1);
    std::fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
    assert!(best_of(&path).await.unwrap_err().contains("does not replay"), "another time, another hash");
    lines.truncate(1);
    lines.push(r#"{"entry":"drop","count":4000000000}"#.into());
    std::fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
    assert!(best_of(&path).await.unwrap_err().contains("more than there are"));
    lines[0] = format!("\"{}\"", "00".repeat(32));
    std::fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
    assert!(best_of(&path).await.unwrap_err().contains("its genesis"));
}
