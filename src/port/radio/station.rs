//! The station of the simulated radio: scans, associations, DHCP, and their failures.

use embassy_time::{Duration, Instant};
use heapless::Vec;

use super::network::{SimulatedNetwork, name};
use crate::limits;
use crate::port::{AccessPoint, Ipv4Config, JoinRequest, Link, PortError, RadioState, Result, ScanRequest};

/// How long a scan takes.
pub const SCAN_TIME: Duration = Duration::from_millis(20);
/// How long an association takes, successful or not.
pub const ASSOCIATION_TIME: Duration = Duration::from_millis(10);
/// How long DHCP takes to give an address.
pub const DHCP_TIME: Duration = Duration::from_millis(10);

/// The station.
pub(super) struct Station {
    networks: &'static [SimulatedNetwork],
    /// Indexed like `networks`.
    histories: [History; limits::SCAN_RESULTS],
    /// Replaces the address that the DHCP servers give.
    pub address: Option<Ipv4Config>,
    scan: Option<Scan>,
    results: Vec<AccessPoint, { limits::SCAN_RESULTS }>,
    pub link: Link,
    /// Index of the network that the station is joining or has joined; `None` for an unknown one.
    network: Option<usize>,
    /// When the association completes, and with which link.
    association: Option<(Instant, Link)>,
    /// When the present network disconnects the station, and whether the network then vanishes.
    loss: Option<(Instant, bool)>,
    /// When DHCP answers, and with which address.
    lease: Option<(Instant, Ipv4Config)>,
    ipv4: Option<Ipv4Config>,
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
    channels: u16,
}

impl Station {
    /// A station in reach of `networks`; those beyond [`limits::SCAN_RESULTS`] are never heard.
    pub const fn new(networks: &'static [SimulatedNetwork]) -> Self {
        Self {
            networks,
            histories: [History::NEW; limits::SCAN_RESULTS],
            address: None,
            scan: None,
            results: Vec::new(),
            link: Link::Down,
            network: None,
            association: None,
            loss: None,
            lease: None,
            ipv4: None,
        }
    }

    /// Its state after power-up: only the networks and the address set by the port are kept.
    pub fn restarted(&self) -> Self {
        Self { address: self.address, ..Self::new(self.networks) }
    }

    /// Whether it has a link, or is about to.
    pub fn is_linked(&self) -> bool {
        matches!(self.link, Link::Joining | Link::Joined)
    }

    /// Moves into reach of other networks; see [`super::SimulatedRadio::set_networks`].
    pub fn move_to(&mut self, networks: &'static [SimulatedNetwork]) {
        let old = self.network();
        let same = |new: &SimulatedNetwork| old.is_some_and(|old| new.bssid == old.bssid && new.ssid == old.ssid);
        let position = networks.iter().take(limits::SCAN_RESULTS).position(same);
        self.networks = networks;
        self.histories = [History::NEW; limits::SCAN_RESULTS];
        match position {
            Some(position) => self.network = Some(position),
            None if self.is_linked() => self.lose(),
            None => self.network = None,
        }
    }

    /// See [`super::Radio::scan`].
    pub fn start_scan(&mut self, request: &ScanRequest<'_>) -> Result<()> {
        if self.scan.is_some() {
            return Err(PortError::InUse);
        }
        self.results.clear();
        let done = Instant::now() + SCAN_TIME;
        self.scan = Some(Scan { done, ssid: request.ssid.map(name), channels: request.channels });
        Ok(())
    }

    /// The `index`-th result of the last scan, strongest first.
    pub fn result(&self, index: usize) -> Option<AccessPoint> {
        self.results.get(index).cloned()
    }

    /// See [`super::Radio::join`].
    pub fn join(&mut self, request: &JoinRequest<'_>) {
        self.leave();
        let outcome = self.outcome(request);
        self.association = outcome.map(|link| (Instant::now() + ASSOCIATION_TIME, link));
        self.link = Link::Joining;
    }

    /// See [`super::Radio::configure`].
    pub fn configure(&mut self, address: Option<Ipv4Config>) -> Result<()> {
        if self.link != Link::Joined {
            return Err(PortError::Unreachable);
        }
        self.ipv4 = address;
        self.lease = match address {
            None => self.offer().map(|offer| (Instant::now() + DHCP_TIME, offer)),
            Some(_) => None,
        };
        Ok(())
    }

    /// The address that the network's DHCP server gives.
    pub fn offer(&self) -> Option<Ipv4Config> {
        let own = self.network().filter(|_| self.link == Link::Joined).and_then(|network| network.address);
        own.map(|own| self.address.unwrap_or(own))
    }

    /// Replaces or removes the address.
    pub fn renumber(&mut self, address: Option<Ipv4Config>) {
        self.ipv4 = address.filter(|_| self.link == Link::Joined);
    }

    /// The snapshot of the interface.
    pub fn state(&self) -> RadioState {
        RadioState { link: self.link, scanning: self.scan.is_some(), ipv4: self.ipv4, stations: 0 }
    }

    /// Does everything that is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        self.end_scan(now);
        if let Some((at, link)) = self.association.take_if(|(at, _)| *at <= now) {
            self.link = link;
            let life = self.network().filter(|_| link == Link::Joined);
            let vanishes = life.and_then(|network| network.vanishes_after).map(|life| (at + life, true));
            let drops = life.and_then(|network| network.drops_after).map(|life| (at + life, false));
            self.loss = vanishes.or(drops);
        }
        if let Some((_, config)) = self.lease.take_if(|(at, _)| *at <= now) {
            self.ipv4 = Some(config);
        }
        match self.loss.take_if(|(at, _)| *at <= now) {
            Some((_, true)) => self.lose_for_good(),
            Some((_, false)) => self.lose(),
            None => {}
        }
    }

    fn end_scan(&mut self, now: Instant) {
        let Some(scan) = self.scan.take_if(|scan| scan.done <= now) else { return };
        for position in 0..self.networks.len().min(limits::SCAN_RESULTS) {
            let Some(network) = self.networks.get(position) else { break };
            let bit = 1_u16.checked_shl(u32::from(network.channel).wrapping_sub(1)).unwrap_or(0);
            let listened = scan.channels == 0 || scan.channels & bit != 0;
            let Some(found) = network.heard(scan.ssid.as_deref()).filter(|_| listened) else { continue };
            if !self.history(position).gone {
                // There is room for every network that the loop visits.
                let _ = self.results.push(found);
            }
        }
        self.results.sort_unstable_by_key(|found| (-i16::from(found.rssi), found.bssid));
    }

    /// The time of the next change that happens by itself.
    pub fn next_change(&self) -> Option<Instant> {
        let times = [
            self.scan.as_ref().map(|scan| scan.done),
            self.association.map(|(at, _)| at),
            self.lease.map(|(at, _)| at),
            self.loss.map(|(at, _)| at),
        ];
        times.into_iter().flatten().min()
    }

    /// Finds the network of a request and decides the outcome of the attempt; `None` when it never ends.
    fn outcome(&mut self, request: &JoinRequest<'_>) -> Option<Link> {
        let bssid = request.access_point.bssid;
        let position = self.networks.iter().take(limits::SCAN_RESULTS).position(|network| network.bssid == bssid);
        self.network = position;
        let (Some(position), Some(network)) = (position, self.network()) else { return Some(Link::Failed) };
        let history = self.history(position);
        if history.gone {
            return Some(Link::Failed);
        }
        if history.failed < network.fails {
            history.failed += 1;
            return Some(Link::Failed);
        }
        match (network.is_meant_by(request.access_point), network.admits(request)) {
            (true, _) if network.hangs => None,
            (false, _) => Some(Link::Failed),
            (true, false) => Some(Link::Refused),
            (true, true) => Some(Link::Joined),
        }
    }

    fn history(&mut self, position: usize) -> &mut History {
        // Every search for a position stops before the limit; the minimum proves it to the compiler.
        &mut self.histories[position.min(limits::SCAN_RESULTS - 1)]
    }

    /// The network that the station is joining or has joined.
    pub fn network(&self) -> Option<&'static SimulatedNetwork> {
        self.networks.get(self.network?)
    }

    /// The present network disappears for good.
    pub fn lose_for_good(&mut self) {
        if let Some(position) = self.network {
            self.history(position).gone = true;
        }
        self.lose();
    }

    fn lose(&mut self) {
        self.leave();
        self.link = Link::Failed;
    }

    /// Stops everything, including a scan.
    pub fn stop(&mut self) {
        self.scan = None;
        self.leave();
    }

    /// Leaves the network and forgets the address.
    pub fn leave(&mut self) {
        self.link = Link::Down;
        self.association = None;
        self.loss = None;
        self.lease = None;
        self.ipv4 = None;
    }
}
