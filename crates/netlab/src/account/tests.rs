//! Accounts from lines as the peer prints them.

use super::*;

fn line(event: &str) -> String {
    format!(r#"{{"seq":1,"at_ms":2,{event}}}"#)
}

fn stepped(round: u64, digit: char) -> String {
    let theta = digit.to_string().repeat(64);
    line(&format!(r#""event":"outer_step_applied","round":{round},"peers":2,"alpha":1.0,"theta":"{theta}""#))
}

fn account(lines: &[String]) -> Account {
    let mut account = Account::default();
    lines.iter().for_each(|line| account.take(line));
    account
}

fn timed(round: u64, compute: u64, gather: u64) -> String {
    line(&format!(
        r#""event":"round_timed","round":{round},"parts":{{"compute":{compute},"compress":0,"commit":0,"upload":0,"gather":{gather},"outer":0,"idle":0}}"#
    ))
}

fn network(up: u64, path: &str) -> String {
    line(&format!(
        r#""event":"network","peer_id":"p","reach":"relayed","why":"symmetric_nat","addresses":[],"up_per_sec":0,"down_per_sec":0,
        "up_total":{up},"down_total":7,"peers":[{{"peer_id":"q","uid":1,"path":"{path}","quic":true,"rtt_ms":null,"up_total":0,"down_total":0,"fault":null}}]"#
    ).replace('\n', ""))
}

#[test]
fn peers_that_agree_are_told_from_peers_that_do_not() {
    let (one, same) =
        (account(&[stepped(1, 'a'), stepped(2, 'b')]), account(&[stepped(1, 'a'), stepped(2, 'b'), stepped(3, 'c')]));
    assert_eq!(compare([&one, &same]), (vec![], vec![1, 2]));
    assert_eq!((one.last_round(), same.last_round()), (Some(2), Some(3)));
    let other = account(&[stepped(2, 'c')]);
    assert_eq!(compare([&one, &other]), (vec![2], vec![2]));
    // Somebody who changes their mind differs from themselves.
    assert_eq!(compare([&account(&[stepped(1, 'a'), stepped(1, 'b')])]).0, [1]);
}

#[test]
fn utilisation_is_time_computing_over_rounds_that_computed() {
    assert_eq!(account(&[timed(1, 90, 10), timed(2, 60, 40), timed(3, 0, 500)]).utilisation(), Some(0.75));
    assert_eq!(account(&[timed(1, 0, 10)]).utilisation(), None);
}

#[test]
fn bytes_of_a_restarted_peer_add_up_and_paths_are_its_last_word() {
    let events = [network(100, "direct"), network(200, "relayed")];
    let mut peer = account(&events);
    assert_eq!((peer.up, peer.path_words().as_str(), peer.reach), (200, "1 relayed", Some(Reach::Relayed)));
    peer.take(r#"{"seq":0,"at_ms":2,"event":"resumed"}"#);
    peer.take(&network(50, "punched"));
    assert_eq!((peer.up, peer.path_words().as_str()), (250, "1 punched"));
}

#[test]
fn lines_that_are_no_events_are_passed_over() {
    for text in ["", "thread panicked", "{}", r#"{"event":"resumed"}"#, r#"{"seq":1,"at_ms":1,"event":"unheard_of"}"#] {
        assert_eq!(account(&[text.to_owned()]).last_round(), None, "{text}");
    }
}
