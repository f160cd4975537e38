//! Golden verdicts on reachability, and the sums of a round.

use super::*;
use locale::Locale;

fn said(reachability: Reachability, cause: ReachCause, settings: &NetworkSettings) -> String {
    let view = NetworkView { reachability, cause, ..NetworkView::default() };
    let verdict = view.verdict(settings);
    let english = Locale::english();
    let cause = verdict.cause.map_or_else(|| "-".to_owned(), |cause| cause.say(&english));
    format!("{:?} | {} | {} | {}", verdict.tone, verdict.verdict.say(&english), cause, verdict.advice.say(&english))
}

#[test]
fn every_kind_of_line_has_its_golden_verdict_with_one_advice() {
    use ReachCause as C;
    use Reachability as R;
    let golden = [
        (
            (R::Open, C::PublicAddress),
            "Running | Others reach this computer straight | It has a public address, and nothing stands before it | \
             Nothing needs to be done.",
        ),
        (
            (R::Open, C::PortMapped),
            "Running | Others reach this computer straight | The router opened a port when it was asked (UPnP) | \
             Nothing needs to be done.",
        ),
        (
            (R::Punched, C::Firewall),
            "Running | Others reach this computer through its router | A router or firewall drops what comes in \
             unasked | Nothing needs to be done.",
        ),
        (
            (R::Relayed, C::Firewall),
            "Waiting | Others reach this computer only through a relay | A router or firewall drops what comes in \
             unasked | It works. To be faster, switch UPnP on in the router, or forward a port to this computer.",
        ),
        (
            (R::Relayed, C::SymmetricNat),
            "Waiting | Others reach this computer only through a relay | The router gives every connection another \
             port, so no way in can be agreed on | It works. To be faster, forward a port of the router to this \
             computer.",
        ),
        (
            (R::Relayed, C::UdpBlocked),
            "Waiting | Others reach this computer only through a relay | UDP does not get through on this line; TCP \
             does | Switch on \u{201c}TCP only\u{201d} in Settings, so that no time is lost with UDP.",
        ),
        (
            (R::Outbound, C::Firewall),
            "Waiting | Others cannot reach this computer; it reaches them | A router or firewall drops what comes in \
             unasked | It takes part in full. To give others a way in, allow Covey in the firewall or switch UPnP on \
             in the router.",
        ),
        (
            (R::Outbound, C::Unknown),
            "Waiting | Others cannot reach this computer; it reaches them | - | It takes part in full. To give \
             others a way in, allow Covey in the firewall or switch UPnP on in the router.",
        ),
        (
            (R::Outbound, C::NobodyReached),
            "Problem | No other computer of the run could be reached | Not one address of the run answered | Look \
             whether this computer is online, and whether the network asks for a sign-in on a web page, as in hotels \
             and trains.",
        ),
        (
            (R::Unknown, C::Unknown),
            "Neutral | Not known yet whether others can reach this computer | - | Other peers find it out by \
             themselves. Until then nothing needs to be done.",
        ),
        (
            (R::NotNeeded, C::Unknown),
            "Neutral | There is no need for others to reach this computer | - | Nothing needs to be done.",
        ),
    ];
    for ((reach, cause), expected) in golden {
        assert_eq!(said(reach, cause, &NetworkSettings::default()), expected, "{reach:?}, {cause:?}");
    }
}

#[test]
fn what_was_switched_already_is_not_advised_again_and_what_is_off_is_the_advice() {
    let tcp = NetworkSettings { tcp_only: true, ..NetworkSettings::default() };
    let said_tcp = said(Reachability::Relayed, ReachCause::UdpBlocked, &tcp);
    assert!(!said_tcp.contains("TCP only"), "{said_tcp}");
    let no_upnp = NetworkSettings { upnp: false, ..NetworkSettings::default() };
    let said_upnp = said(Reachability::Relayed, ReachCause::Firewall, &no_upnp);
    assert!(said_upnp.ends_with("Let Covey ask the router for a port: switch that on in Settings."), "{said_upnp}");
}

#[test]
fn utilisation_is_the_share_of_inner_steps_in_the_rounds_time() {
    let mut times = RoundTimes {
        round: Round(3),
        compute: 8500,
        compress: 100,
        commit: 50,
        upload: 0,
        gather: 200,
        outer: 150,
        idle: 1000,
    };
    assert_eq!((times.total(), times.utilisation()), (10_000, Some(0.85)));
    (times.compute, times.compress, times.commit, times.gather, times.outer, times.idle) = (0, 0, 0, 0, 0, 0);
    assert_eq!(times.utilisation(), None);
    times.idle = u64::MAX;
    times.compute = u64::MAX;
    assert_eq!(times.total(), u64::MAX);
}

#[test]
fn a_download_that_claims_more_than_all_of_it_is_done() {
    let fetch = |done, total| FetchView {
        what: Fetched::Dataset,
        done: ByteCount(done),
        total: ByteCount(total),
        sources: 1,
        rate: None,
        left_secs: None,
    };
    assert!((fetch(1, 4).share() - 0.25).abs() < 1e-9);
    assert!((fetch(9, 4).share() - 1.0).abs() < 1e-9);
    assert!((fetch(0, 0).share()).abs() < 1e-9);
}
