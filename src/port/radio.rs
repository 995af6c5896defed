//! A simulated Wi-Fi radio: a list of networks, and time that scans, associations and DHCP take.
//!
//! It stands where there is no radio: in the Linux process, in the tests and in Zephyr's native_sim. It has no thread
//! and no timer of its own. What should have happened meanwhile is worked out at each call from
//! [`embassy_time::Instant::now`], so that the same calls at the same times always give the same answers.

use core::cell::RefCell;
use core::net::Ipv4Addr;
use core::task::Waker;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use super::{AccessPoint, Interface, Ipv4Config, JoinRequest, Link, PortError, Radio, RadioState, Result, Security};
use crate::limits;

/// How long a scan takes.
pub const SCAN_TIME: Duration = Duration::from_millis(20);
/// How long an association takes, successful or not.
pub const ASSOCIATION_TIME: Duration = Duration::from_millis(10);
/// How long DHCP takes to give an address.
pub const DHCP_TIME: Duration = Duration::from_millis(10);

/// One network that the radio pretends to hear.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedNetwork {
    /// The name, up to 32 arbitrary bytes; what is longer is cut off.
    pub ssid: &'static [u8],
    /// The radio address; it tells networks apart, so give each its own.
    pub bssid: [u8; 6],
    /// The channel number.
    pub channel: u8,
    /// Signal strength in dBm.
    pub rssi: i8,
    /// Its security.
    pub security: Security,
    /// The key that lets a station in; ignored when the network is open.
    pub passkey: &'static [u8],
    /// What its DHCP server gives; `None` when it has no DHCP server.
    pub address: Option<Ipv4Config>,
    /// This many joins fail before the first succeeds, whatever the key.
    pub fails: u8,
    /// The network is gone for good this long after a station has associated.
    pub vanishes_after: Option<Duration>,
}

impl SimulatedNetwork {
    /// What a scan says about the network.
    pub fn access_point(&self) -> AccessPoint {
        AccessPoint {
            ssid: name(self.ssid),
            bssid: self.bssid,
            channel: self.channel,
            rssi: self.rssi,
            security: self.security,
        }
    }

    /// Whether the network lets the station in. The key is compared byte for byte: the 64 hexadecimal digits of a
    /// pairwise master key are accepted only where `passkey` holds the same 64 digits.
    fn admits(&self, request: &JoinRequest<'_>) -> bool {
        let wanted = request.access_point;
        wanted.ssid == name(self.ssid)
            && wanted.channel == self.channel
            && wanted.security == self.security
            && (self.security == Security::Open || request.passkey == self.passkey)
    }
}

/// The first 32 bytes of a network name.
fn name(ssid: &[u8]) -> Vec<u8, 32> {
    ssid.iter().copied().take(32).collect()
}

/// What the networks of [`NEIGHBOURHOOD`] give their stations.
const LEASE: Ipv4Config = Ipv4Config {
    address: Ipv4Addr::new(10, 5, 6, 108),
    netmask: Ipv4Addr::new(255, 255, 255, 0),
    gateway: Ipv4Addr::new(10, 5, 6, 1),
    dns: Ipv4Addr::new(10, 5, 6, 1),
};

/// Networks for places that name none, one for each thing that can happen to a station. Transcripts rely on them.
pub static NEIGHBOURHOOD: [SimulatedNetwork; 6] = [
    neighbour(1, b"MyNet", -45),
    SimulatedNetwork { security: Security::Open, passkey: b"", ..neighbour(2, b"Open House", -52) },
    SimulatedNetwork { address: None, ..neighbour(3, b"No Lease", -58) },
    SimulatedNetwork { fails: 2, ..neighbour(4, b"Moody", -63) },
    SimulatedNetwork { vanishes_after: Some(Duration::from_secs(30)), ..neighbour(5, b"Passing By", -71) },
    SimulatedNetwork { security: Security::WpaTkip, ..neighbour(6, b"Old", -80) },
];

/// A WPA2 network with the key `mypassword`.
const fn neighbour(number: u8, ssid: &'static [u8], rssi: i8) -> SimulatedNetwork {
    SimulatedNetwork {
        ssid,
        bssid: [0x4C, 0x55, 0xCC, 0x10, 0x78, 0x90 + number],
        channel: number,
        rssi,
        security: Security::Wpa2Aes,
        passkey: b"mypassword",
        address: Some(LEASE),
        fails: 0,
        vanishes_after: None,
    }
}

/// The radio. The methods are those of [`super::Radio`], with the same meaning.
pub struct SimulatedRadio {
    state: RefCell<State>,
}

struct State {
    networks: &'static [SimulatedNetwork],
    /// By position in `networks`.
    histories: [History; limits::SCAN_RESULTS],
    /// Replaces the address that the DHCP servers give.
    address: Option<Ipv4Config>,
    scan: Option<Scan>,
    results: Vec<AccessPoint, { limits::SCAN_RESULTS }>,
    link: Link,
    /// Position of the network that the station is joining or has joined; `None` for one that is not there.
    network: Option<usize>,
    /// When the association ends, and whether it succeeds.
    association: Option<(Instant, bool)>,
    /// When the present network vanishes.
    vanishes: Option<Instant>,
    /// When DHCP answers, and what.
    lease: Option<(Instant, Ipv4Config)>,
    ipv4: Option<Ipv4Config>,
    waker: Option<Waker>,
}

/// What happened to one network so far.
#[derive(Clone, Copy)]
struct History {
    failed: u8,
    gone: bool,
}

impl History {
    const NEW: Self = Self { failed: 0, gone: false };
}

struct Scan {
    done: Instant,
    ssid: Option<Vec<u8, 32>>,
}

impl SimulatedRadio {
    /// A radio in reach of `networks`; those beyond [`limits::SCAN_RESULTS`] are never heard.
    pub const fn new(networks: &'static [SimulatedNetwork]) -> Self {
        Self {
            state: RefCell::new(State {
                networks,
                histories: [History::NEW; limits::SCAN_RESULTS],
                address: None,
                scan: None,
                results: Vec::new(),
                link: Link::Down,
                network: None,
                association: None,
                vanishes: None,
                lease: None,
                ipv4: None,
                waker: None,
            }),
        }
    }

    /// Makes every DHCP server give `address` instead of its own; networks without a DHCP server stay without.
    pub fn set_address(&self, address: Ipv4Config) {
        self.state.borrow_mut().address = Some(address);
    }

    /// Moves the device into reach of other networks and forgets what happened to the old ones. A station whose
    /// network (same BSSID and name) is not among them loses its link.
    pub fn set_networks(&self, networks: &'static [SimulatedNetwork]) {
        self.change(|state| {
            let old = state.network();
            let same = |new: &SimulatedNetwork| old.is_some_and(|old| new.bssid == old.bssid && new.ssid == old.ssid);
            let position = networks.iter().take(limits::SCAN_RESULTS).position(same);
            state.networks = networks;
            state.histories = [History::NEW; limits::SCAN_RESULTS];
            match position {
                Some(position) => state.network = Some(position),
                None if matches!(state.link, Link::Joining | Link::Joined) => state.lose(),
                None => state.network = None,
            }
        });
    }

    /// Cuts the radio's power for a moment: only the networks and the address set by the port are kept.
    pub fn restart(&self) {
        let fresh = Self::new(self.state.borrow().networks).state.into_inner();
        let address = self.state.borrow().address;
        *self.state.borrow_mut() = State { address, ..fresh };
    }

    /// Switches off the network that the station is joining or has joined, for good.
    pub fn vanish(&self) {
        self.change(|state| {
            if matches!(state.link, Link::Joining | Link::Joined) {
                state.lose_for_good();
            }
        });
    }

    /// Wakes `waker`, which must be that of an embassy task, at the next change of [`SimulatedRadio::radio_state`]. A
    /// second call replaces the first.
    pub fn wake_when(&self, waker: &Waker) {
        self.change(|state| state.waker = Some(waker.clone()));
    }

    /// Brings the state up to date, lets `action` use it, and sees to it that who waits hears of a change.
    fn change<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.borrow_mut();
        state.advance(Instant::now());
        let before = (state.link, state.scan.is_some(), state.ipv4);
        let result = action(&mut state);
        let changed = before != (state.link, state.scan.is_some(), state.ipv4);
        let waker = if changed { state.waker.take() } else { None };
        if let (Some(waiting), Some(at)) = (&state.waker, state.next_change()) {
            embassy_time_driver::schedule_wake(at.as_ticks(), waiting);
        }
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}

impl Radio for SimulatedRadio {
    /// Starts a scan for one name or for all; takes [`SCAN_TIME`]. `InUse` while one runs.
    fn scan(&self, ssid: Option<&[u8]>) -> Result<()> {
        self.change(|state| {
            if state.scan.is_some() {
                return Err(PortError::InUse);
            }
            state.results.clear();
            state.scan = Some(Scan { done: Instant::now() + SCAN_TIME, ssid: ssid.map(name) });
            Ok(())
        })
    }

    /// The `index`-th result of the last scan, strongest first.
    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        self.change(|state| state.results.get(index).cloned())
    }

    /// Starts to associate, after leaving the present network; takes [`ASSOCIATION_TIME`]. The outcome is
    /// [`Link::Joined`], or [`Link::Failed`] for a wrong key, wrong details, or a network that is not there.
    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        self.change(|state| {
            state.leave();
            let admitted = state.try_join(request);
            state.association = Some((Instant::now() + ASSOCIATION_TIME, admitted));
            state.link = Link::Joining;
        });
        Ok(())
    }

    /// Leaves the network and forgets the address.
    fn leave(&self) {
        self.change(State::leave);
    }

    /// Sets the address, or asks the network's DHCP server with `None`, which takes [`DHCP_TIME`], or for ever when
    /// there is no such server. `Unreachable` unless associated.
    fn configure(&self, interface: Interface, address: Option<Ipv4Config>) -> Result<()> {
        self.change(|state| {
            if interface != Interface::Wlan || state.link != Link::Joined {
                return Err(PortError::Unreachable);
            }
            state.ipv4 = address;
            let offer = state.network().and_then(|network| network.address);
            let offer = offer.map(|own| state.address.unwrap_or(own));
            state.lease = match address {
                None => offer.map(|offer| (Instant::now() + DHCP_TIME, offer)),
                Some(_) => None,
            };
            Ok(())
        })
    }

    /// The present state. The access point is not simulated yet: it is down.
    fn radio_state(&self, interface: Interface) -> RadioState {
        if interface != Interface::Wlan {
            return RadioState::default();
        }
        self.change(|state| RadioState { link: state.link, scanning: state.scan.is_some(), ipv4: state.ipv4 })
    }

    /// Signal of the present network in dBm.
    fn rssi(&self) -> Option<i8> {
        self.change(|state| match state.link {
            Link::Joined => state.network().map(|network| network.rssi),
            _ => None,
        })
    }
}

impl State {
    /// Lets everything happen that is due at `now`.
    fn advance(&mut self, now: Instant) {
        self.end_scan(now);
        if let Some((at, admitted)) = self.association
            && at <= now
        {
            self.association = None;
            self.link = if admitted { Link::Joined } else { Link::Failed };
            let life = self.network().and_then(|network| network.vanishes_after);
            self.vanishes = if admitted { life.map(|life| at + life) } else { None };
        }
        if let Some((at, config)) = self.lease
            && at <= now
        {
            self.lease = None;
            self.ipv4 = Some(config);
        }
        if self.vanishes.is_some_and(|at| at <= now) {
            self.lose_for_good();
        }
    }

    fn end_scan(&mut self, now: Instant) {
        let Some(scan) = self.scan.take_if(|scan| scan.done <= now) else { return };
        for position in 0..self.networks.len().min(limits::SCAN_RESULTS) {
            let Some(network) = self.networks.get(position) else { break };
            let wanted = scan.ssid.as_ref().is_none_or(|ssid| *ssid == name(network.ssid));
            if wanted && !self.history(position).gone {
                // There is room for every network that the loop visits.
                let _ = self.results.push(network.access_point());
            }
        }
        self.results.sort_unstable_by_key(|found| (-i16::from(found.rssi), found.bssid));
    }

    /// When the next change happens by itself.
    fn next_change(&self) -> Option<Instant> {
        let times = [
            self.scan.as_ref().map(|scan| scan.done),
            self.association.map(|(at, _)| at),
            self.lease.map(|(at, _)| at),
            self.vanishes,
        ];
        times.into_iter().flatten().min()
    }

    /// Finds the network of a request and decides whether the attempt will succeed.
    fn try_join(&mut self, request: &JoinRequest<'_>) -> bool {
        let bssid = request.access_point.bssid;
        let position = self.networks.iter().take(limits::SCAN_RESULTS).position(|network| network.bssid == bssid);
        self.network = position;
        let (Some(position), Some(network)) = (position, self.network()) else { return false };
        let history = self.history(position);
        if history.gone {
            return false;
        }
        if history.failed < network.fails {
            history.failed += 1;
            return false;
        }
        network.admits(request)
    }

    fn history(&mut self, position: usize) -> &mut History {
        // Every search for a position stops before the limit; the minimum says so to the compiler.
        &mut self.histories[position.min(limits::SCAN_RESULTS - 1)]
    }

    fn network(&self) -> Option<&'static SimulatedNetwork> {
        self.networks.get(self.network?)
    }

    fn lose_for_good(&mut self) {
        if let Some(position) = self.network {
            self.history(position).gone = true;
        }
        self.lose();
    }

    fn lose(&mut self) {
        self.leave();
        self.link = Link::Failed;
    }

    fn leave(&mut self) {
        self.link = Link::Down;
        self.association = None;
        self.vanishes = None;
        self.lease = None;
        self.ipv4 = None;
    }
}

#[cfg(all(test, feature = "host"))]
mod tests;
