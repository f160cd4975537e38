//! The lab: its internet, its nodes, their lines; partitions, pulled plugs, programs.
//!
//! In: a plan. Out: namespaces that run until the value is dropped; then everything inside is killed and removed. A node
//! at home is `machine — line — router — internet`: the box with delay and loss (or a plain cable) is the line, the
//! token buckets stand at the router (up) and at the internet (down), where they do in life, so that a sender's own
//! queue is not the bottleneck and cannot push back.

use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::address::{Addresses, INTERNET};
use crate::delay_box::{Counts, DelayBox};
use crate::namespace::{Namespace, sweep};
use crate::plan::{Line, Nat, Node, Place, Plan};
use crate::process::Process;
use crate::router::{self, LAN, WAN};
use crate::{LabError, cable, congestion, tun};

/// The home machine's only device.
const LINE: &str = "line0";

/// A lab that runs.
#[derive(Debug)]
pub struct Lab {
    /// Dropped first: the lines end before their namespaces go.
    homes: Vec<Home>,
    internet: Namespace,
    logs: PathBuf,
    congestion: String,
}

#[derive(Debug)]
struct Home {
    node: Node,
    addresses: Addresses,
    line: Option<DelayBox>,
    machine: Namespace,
    router: Option<Namespace>,
}

/// What passed between a node's line and the internet, in bytes with all headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// From the node.
    pub up: u64,
    /// To the node.
    pub down: u64,
}

impl Lab {
    /// Builds it, after a sweep of what dead labs left. Output of programs goes to `logs`.
    ///
    /// # Errors
    /// [`LabError`]; what was built by then is removed.
    pub fn build(plan: &Plan, logs: &Path) -> Result<Self, LabError> {
        plan.check()?;
        sweep();
        congestion::allow()?;
        fs::create_dir_all(logs).map_err(LabError::io(format!("make {}", logs.display())))?;
        let internet = Namespace::add("internet")?;
        internet.inside(forward)?;
        internet
            .nft("table ip split {\n chain between { type filter hook forward priority 0; policy accept; }\n}\n")?;
        let mut lab = Self { homes: Vec::new(), internet, logs: logs.to_owned(), congestion: String::new() };
        for (index, node) in plan.nodes.iter().enumerate() {
            let home = lab.connect(index, node)?;
            lab.homes.push(home);
        }
        Ok(lab)
    }

    /// What TCP uses on every node.
    pub fn congestion(&self) -> &str {
        &self.congestion
    }

    /// Puts a node on the internet.
    fn connect(&mut self, index: usize, node: &Node) -> Result<Home, LabError> {
        let addresses = Addresses::of(index, node);
        let machine = Namespace::add(&node.name)?;
        self.congestion = machine.inside(congestion::choose)?;
        let port = port(index);
        let (line, router) = match &node.place {
            Place::Public { mbit } => {
                self.plug_in(&machine, &addresses, &port)?;
                if let Some(mbit) = mbit {
                    cable::shape(&machine, WAN, *mbit)?;
                    cable::shape(&self.internet, &port, *mbit)?;
                }
                (None, None)
            }
            Place::Home(line) => {
                let router = Namespace::add(&format!("{}-router", node.name))?;
                router.inside(forward)?;
                self.plug_in(&router, &addresses, &port)?;
                cable::shape(&router, WAN, line.up_mbit)?;
                cable::shape(&self.internet, &port, line.down_mbit)?;
                router::set_rules(&router, line)?;
                (lay_line(&machine, &router, &addresses, line, index as u64)?, Some(router))
            }
        };
        Ok(Home { node: node.clone(), addresses, line, machine, router })
    }

    /// A cable from `edge` to the internet, and the route back.
    fn plug_in(&self, edge: &Namespace, addresses: &Addresses, port: &str) -> Result<(), LabError> {
        let (router, block) = (addresses.router(), addresses.block);
        cable::plug(edge, WAN, &self.internet, port)?;
        edge.ip(&format!("addr add {router}/32 dev {WAN}\nroute add default via {INTERNET} dev {WAN} onlink\n"))?;
        self.internet
            .ip(&format!("addr add {INTERNET}/32 dev {port}\nroute add {block}/24 via {router} dev {port} onlink\n"))
    }

    fn home(&self, name: &str) -> Result<&Home, LabError> {
        self.homes.iter().find(|home| home.node.name == name).ok_or_else(|| LabError::NoNode(name.to_owned()))
    }

    /// The nodes by name, in the plan's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.homes.iter().map(|home| home.node.name.as_str())
    }

    /// The machine's own address: private behind a router that translates.
    ///
    /// # Errors
    /// [`LabError::NoNode`].
    pub fn own_address(&self, node: &str) -> Result<Ipv4Addr, LabError> {
        Ok(self.home(node)?.addresses.own)
    }

    /// The address that others see.
    ///
    /// # Errors
    /// [`LabError::NoNode`].
    pub fn public_address(&self, node: &str) -> Result<Ipv4Addr, LabError> {
        Ok(self.home(node)?.addresses.public)
    }

    /// The node's namespace, for `ip netns exec`.
    ///
    /// # Errors
    /// [`LabError::NoNode`].
    pub fn namespace(&self, node: &str) -> Result<&str, LabError> {
        Ok(self.home(node)?.machine.name())
    }

    /// Runs `work` on a thread of its own on the node; sockets that it opens stay there.
    ///
    /// # Errors
    /// What `work` says.
    pub fn inside<T: Send + 'static>(
        &self,
        node: &str,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, LabError> {
        self.home(node)?.machine.inside(work)
    }

    /// Starts a program on the node; `name` names its logs.
    ///
    /// # Errors
    /// [`LabError::NoNode`], or the system's reason.
    pub fn start<A: AsRef<OsStr>>(
        &self,
        node: &str,
        name: &str,
        program: &Path,
        args: impl IntoIterator<Item = A>,
        variables: &[(&str, &OsStr)],
    ) -> Result<Process, LabError> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.home(node)?.machine.name()]).arg(program).args(args);
        command.envs(variables.iter().copied());
        Process::start(command, name, &self.logs)
    }

    /// Drops everything between the two groups, both ways, until [`Lab::heal`].
    ///
    /// # Errors
    /// [`LabError::NoNode`], or the system's reason.
    pub fn split(&self, some: &[&str], others: &[&str]) -> Result<(), LabError> {
        let blocks = |names: &[&str]| -> Result<String, LabError> {
            let blocks: Result<Vec<String>, LabError> =
                names.iter().map(|name| Ok(format!("{}/24", self.home(name)?.addresses.block))).collect();
            Ok(blocks?.join(", "))
        };
        let (some, others) = (blocks(some)?, blocks(others)?);
        let rule = |from: &str, to: &str| {
            format!("add rule ip split between ip saddr {{ {from} }} ip daddr {{ {to} }} drop\n")
        };
        self.internet.nft(&(rule(&some, &others) + &rule(&others, &some)))
    }

    /// Ends every [`Lab::split`].
    ///
    /// # Errors
    /// The system's reason.
    pub fn heal(&self) -> Result<(), LabError> {
        self.internet.nft("flush chain ip split between\n")
    }

    /// Pulls the machine's plug: its device goes down, as programs there notice.
    ///
    /// # Errors
    /// [`LabError::NoNode`], or the system's reason.
    pub fn unplug(&self, node: &str) -> Result<(), LabError> {
        let home = self.home(node)?;
        home.machine.ip(&format!("link set {} down\n", home.device()))
    }

    /// Puts the plug back, and the route that went with it.
    ///
    /// # Errors
    /// [`LabError::NoNode`], or the system's reason.
    pub fn replug(&self, node: &str) -> Result<(), LabError> {
        let home = self.home(node)?;
        let (device, gateway) = (home.device(), home.addresses.gateway.unwrap_or(INTERNET));
        home.machine.ip(&format!("link set {device} up\nroute replace default via {gateway} dev {device} onlink\n"))
    }

    /// What passed since the lab was built.
    ///
    /// # Errors
    /// [`LabError::NoNode`], or the system's reason.
    pub fn traffic(&self, node: &str) -> Result<Traffic, LabError> {
        let home = self.home(node)?;
        let edge = home.router.as_ref().unwrap_or(&home.machine);
        let listed = crate::system::run("ip", &["-n", edge.name(), "-s", "-j", "link", "show", "dev", WAN])?;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap_or_default();
        let bytes = |way: &str| listed[0]["stats64"][way]["bytes"].as_u64();
        bytes("tx").zip(bytes("rx")).map(|(up, down)| Traffic { up, down }).ok_or(LabError::Broken("`ip -s -j`"))
    }

    /// What the node's line carried and lost, up and down; nothing for a plain cable.
    ///
    /// # Errors
    /// [`LabError::NoNode`].
    pub fn counts(&self, node: &str) -> Result<Option<(Counts, Counts)>, LabError> {
        Ok(self.home(node)?.line.as_ref().map(DelayBox::counts))
    }
}

impl Home {
    /// The machine's only device.
    fn device(&self) -> &'static str {
        if self.router.is_some() { LINE } else { WAN }
    }
}

/// The internet's end of a node's cable.
fn port(index: usize) -> String {
    format!("port{index}")
}

/// The line between a machine and its router: a box, or a cable where there is nothing for a box to do.
fn lay_line(
    machine: &Namespace,
    router: &Namespace,
    addresses: &Addresses,
    line: &Line,
    seed: u64,
) -> Result<Option<DelayBox>, LabError> {
    let laid = if line.needs_box() {
        let home = machine.inside(|| tun::open(LINE))?;
        let far = router.inside(|| tun::open(LAN))?;
        let delay = Duration::from_secs_f64(line.delay_ms / 1000.0);
        // Longer than the box's own reads in a row, so that a burst of the token bucket fits.
        machine.ip(&format!("link set {LINE} up txqueuelen 2000\n"))?;
        router.ip(&format!("link set {LAN} up txqueuelen 2000\n"))?;
        Some(DelayBox::start(home, far, delay, line.loss_percent / 100.0, seed)?)
    } else {
        cable::plug(machine, LINE, router, LAN)?;
        None
    };
    let Addresses { own, gateway, .. } = addresses;
    let gateway = gateway.unwrap_or(INTERNET);
    machine.ip(&format!("addr add {own}/32 dev {LINE}\nroute add default via {gateway} dev {LINE} onlink\n"))?;
    if line.nat != Nat::None {
        router.ip(&format!("addr add {gateway}/32 dev {LAN}\n"))?;
    }
    router.ip(&format!("route add {own}/32 dev {LAN}\n"))?;
    Ok(laid)
}

/// Makes this thread's namespace pass packets on, also those whose way back is another.
fn forward() -> std::io::Result<()> {
    for file in [
        "ip_forward",
        "conf/all/send_redirects",
        "conf/default/send_redirects",
        "conf/all/rp_filter",
        "conf/default/rp_filter",
    ] {
        fs::write(format!("/proc/sys/net/ipv4/{file}"), if file == "ip_forward" { "1" } else { "0" })?;
    }
    Ok(())
}
