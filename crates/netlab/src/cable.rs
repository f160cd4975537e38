//! Cables and rates: pairs of devices between namespaces, and the token bucket that makes one slow.

use crate::LabError;
use crate::namespace::Namespace;

/// A router's own dumb buffer before a slow line, in milliseconds of that line: what makes pings slow while something is
/// uploaded. Home routers have more.
const BUFFER_MS: u32 = 100;
/// Smallest burst of the token bucket in bytes: ten full packets.
const MIN_BURST: u32 = 16_000;

/// A cable between two namespaces, both ends up. Neither end hands the other more than one packet at a time, so that
/// the token bucket and the box see what a wire would.
pub(crate) fn plug(from: &Namespace, from_name: &str, to: &Namespace, to_name: &str) -> Result<(), LabError> {
    from.ip(&format!(
        "link add {from_name} gso_max_segs 1 type veth peer name {to_name} netns {} gso_max_segs 1\nlink set {from_name} up\n",
        to.name()
    ))?;
    to.ip(&format!("link set {to_name} up\n"))
}

/// Lets a device send so many Mbit/s.
pub(crate) fn shape(space: &Namespace, device: &str, mbit: u32) -> Result<(), LabError> {
    // Two milliseconds' worth: the timer that refills the bucket is finer than that.
    let burst = (mbit * 250).max(MIN_BURST);
    space.tc(&format!("qdisc add dev {device} root tbf rate {mbit}mbit burst {burst} latency {BUFFER_MS}ms"))
}
