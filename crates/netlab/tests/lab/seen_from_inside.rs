//! Counts and bytes through lines, routers and partitions; what a killed lab leaves behind.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use netlab::{Lab, Line, Nat, Node, Plan};

/// Long enough for a packet that comes, on a machine that does other things too.
const COMES: Duration = Duration::from_secs(5);
/// A packet that has not come by now was dropped.
const DROPPED: Duration = Duration::from_millis(700);

/// Builds it, or says why not.
fn lab(nodes: Vec<Node>) -> Option<(Lab, tempfile::TempDir)> {
    if let Some(missing) = netlab::missing() {
        println!("not run: {missing}");
        return None;
    }
    let logs = tempfile::tempdir().unwrap();
    Some((Lab::build(&Plan { nodes }, logs.path()).unwrap(), logs))
}

/// A socket on a node, with its address as the internet sees it where no router translates.
fn socket(lab: &Lab, node: &str) -> (UdpSocket, SocketAddr) {
    let socket = lab.inside(node, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))).unwrap();
    socket.set_read_timeout(Some(COMES)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let address = SocketAddr::from((lab.public_address(node).unwrap(), port));
    (socket, address)
}

/// Whether a packet from one arrives at the other; who it is from.
fn arrives(from: &UdpSocket, to: SocketAddr, at: &UdpSocket, patience: Duration) -> Option<SocketAddr> {
    at.set_read_timeout(Some(patience)).unwrap();
    from.send_to(b"?", to).unwrap();
    at.recv_from(&mut [0; 16]).ok().map(|(_, from)| from)
}

#[test]
fn a_line_is_as_long_as_its_plan_says_and_loses_what_it_should() {
    let line = Line::FAST.delayed(25.0).lossy(20.0);
    let Some((lab, _logs)) = lab(vec![Node::home("home", line), Node::public("far")]) else { return };
    assert_eq!(lab.congestion(), "cubic");
    let (home, _) = socket(&lab, "home");
    let (far, far_at) = socket(&lab, "far");
    far.set_read_timeout(Some(DROPPED)).unwrap();
    for _ in 0..5 {
        let sent = Instant::now();
        home.send_to(b"?", far_at).unwrap();
        if far.recv_from(&mut [0; 16]).is_ok() {
            // A lower bound: a slow machine can't break it.
            assert!(sent.elapsed() >= Duration::from_millis(25), "sooner than light");
        }
    }
    let (before, _) = lab.counts("home").unwrap().unwrap();
    let mut came = 0;
    for _ in 0..4 {
        // A socket that nobody reads holds less than 300 packets, however small.
        for _ in 0..100 {
            home.send_to(b"?", far_at).unwrap();
        }
        came += std::iter::from_fn(|| far.recv_from(&mut [0; 16]).ok()).count() as u64;
    }
    let (up, _) = lab.counts("home").unwrap().unwrap();
    let (carried, lost) = (up.packets - before.packets, up.lost - before.lost);
    assert_eq!(up.overrun, 0);
    // The system says a word of its own now and then.
    assert!((came..came + 20).contains(&carried), "{carried} carried, {came} came");
    assert!((400..420).contains(&(carried + lost)), "{carried} carried, {lost} lost");
    assert!((40..=120).contains(&lost), "{lost} of 400 at 20 %");
}

#[test]
fn what_a_line_cannot_carry_in_time_is_dropped_at_its_router() {
    let slow = Line { up_mbit: 1, ..Line::SLOW };
    let Some((lab, _logs)) = lab(vec![Node::home("home", slow), Node::public("far")]) else { return };
    let (home, home_at) = socket(&lab, "home");
    let (far, far_at) = socket(&lab, "far");
    let packet = [0; 1000];
    // 4 MB at once: 32 s of the line up, a third of a second of the line down.
    let flood = |from: &UdpSocket, to| (0..4000).filter(|_| from.send_to(&packet, to).is_ok()).count();
    let count = |at: &UdpSocket| {
        at.set_read_timeout(Some(DROPPED)).unwrap();
        std::iter::from_fn(|| at.recv_from(&mut [0; 1024]).ok()).take(1000).count()
    };
    assert!(flood(&home, far_at) > 3000);
    let came = count(&far);
    assert!((5..1000).contains(&came), "{came} of 4000 came through 1 Mbit/s");
    let traffic = lab.traffic("home").unwrap();
    assert!((5_000..1_500_000).contains(&traffic.up), "{traffic:?}");
    // The same flood the other way passes the first thousand packets: the rates are each way's own.
    flood(&far, home_at);
    assert!(count(&home) > came);
}

#[test]
fn a_router_drops_what_nobody_inside_asked_for() {
    let nodes = vec![
        Node::home("kept", Line::SLOW.behind(Nat::PortRestricted)),
        Node::home("mixed", Line::SLOW.behind(Nat::Symmetric)),
        Node::home("walled", Line { firewall: true, ..Line::SLOW }),
        Node::home("open", Line::SLOW),
        Node::public("far"),
        Node::public("other"),
    ];
    let Some((lab, _logs)) = lab(nodes) else { return };
    let (far, far_at) = socket(&lab, "far");
    let (other, other_at) = socket(&lab, "other");
    for node in ["kept", "mixed", "walled", "open"] {
        let (home, home_at) = socket(&lab, node);
        let unasked = arrives(&far, home_at, &home, DROPPED);
        assert_eq!(unasked.is_some(), node == "open", "{node}: unasked");
        let seen = arrives(&home, far_at, &far, COMES).unwrap();
        let seen_by_other = arrives(&home, other_at, &other, COMES).unwrap();
        assert_eq!(seen.ip(), home_at.ip(), "{node} is seen at its public address");
        assert_eq!(seen.port() == home_at.port(), node != "mixed", "{node}: ports are kept but by a symmetric router");
        assert_eq!(seen == seen_by_other, node != "mixed", "{node}: one port for all but at a symmetric router");
        assert!(arrives(&far, seen, &home, COMES).is_some(), "{node}: an answer comes in");
    }
    assert!(lab.own_address("kept").unwrap().is_private() && !lab.own_address("open").unwrap().is_private());
}

#[test]
fn a_split_lab_heals_and_a_pulled_plug_goes_back() {
    let nodes = vec![Node::home("a", Line::SLOW.delayed(1.0)), Node::home("b", Line::FAST), Node::public("c")];
    let Some((lab, _logs)) = lab(nodes) else { return };
    let (a, a_at) = socket(&lab, "a");
    let (b, b_at) = socket(&lab, "b");
    let (c, c_at) = socket(&lab, "c");
    lab.split(&["a"], &["b", "c"]).unwrap();
    assert_eq!(arrives(&a, b_at, &b, DROPPED), None);
    assert_eq!(arrives(&c, a_at, &a, DROPPED), None);
    assert!(arrives(&b, c_at, &c, COMES).is_some(), "within a side all is well");
    lab.heal().unwrap();
    assert!(arrives(&a, b_at, &b, COMES).is_some());
    for node in ["a", "b", "c"] {
        lab.unplug(node).unwrap();
        lab.replug(node).unwrap();
    }
    lab.unplug("a").unwrap();
    assert!(a.send_to(b"?", b_at).is_err(), "no route");
    lab.replug("a").unwrap();
    assert!(arrives(&a, b_at, &b, COMES).is_some());
    assert!(arrives(&b, c_at, &c, COMES).is_some());
    assert!(lab.unplug("nobody").is_err());
}

#[test]
fn what_a_killed_lab_leaves_behind_is_swept_and_a_living_ones_is_not() {
    let Some((lab, logs)) = lab(vec![Node::public("alive")]) else { return };
    let plan = logs.path().join("plan.json");
    std::fs::write(&plan, r#"{"nodes":[{"name":"left-behind","place":"public"}]}"#).unwrap();
    let program = env!("CARGO_BIN_EXE_covey-netlab");
    let mut other = Command::new(program).arg("hold").arg(&plan).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines().map(Result::unwrap);
    let name = lines.next().unwrap().split('`').nth(1).unwrap().trim_start_matches("ip netns exec ").to_owned();
    lines.find(|line| line.contains("Ready")).unwrap();
    let mut inside = Command::new("ip").args(["netns", "exec", &name, "sleep", "600"]).spawn().unwrap();
    let listed = |name: &str| {
        let list = Command::new("ip").args(["netns", "list"]).output().unwrap();
        String::from_utf8(list.stdout).unwrap().lines().any(|line| line.split(' ').next() == Some(name))
    };
    assert!(listed(&name));
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(listed(&name), "nobody was there to clean up");
    // Another test's lab may have swept it by now.
    netlab::sweep();
    assert!(!listed(&name));
    assert!(!inside.wait().unwrap().success(), "what ran inside is killed");
    assert!(listed(lab.namespace("alive").unwrap()));
    let alive = lab.namespace("alive").unwrap().to_owned();
    drop(lab);
    assert!(!listed(&alive));
}

#[test]
fn a_plain_copy_moves_its_bytes_over_the_line_and_pings_are_answered_meanwhile() {
    let nodes = vec![Node::home("home", Line::FAST.delayed(2.0)), Node::public("far")];
    let Some((lab, _logs)) = lab(nodes) else { return };
    let before = lab.traffic("home").unwrap();
    let pinger = netlab::Pinger::start(&lab, "home", "far").unwrap();
    netlab::plain_copy(&lab, &["home"], "far", 3_000_000).unwrap();
    let pings = pinger.stop().unwrap();
    let after = lab.traffic("home").unwrap();
    let sent = after.up - before.up;
    assert!((3_000_000..4_500_000).contains(&sent), "{sent} with headers and what was sent again");
    assert!(!pings.millis.is_empty() && pings.median().unwrap() >= 4.0, "{pings:?}");
}
