//! A simulated Wi-Fi radio: a list of networks, an access point, and time that scans, associations and DHCP take.
//!
//! It replaces the radio where there is none: in the Linux process, in the tests and in Zephyr's native_sim. It has no
//! thread and no timer of its own. Each call first works out what should have happened meanwhile from
//! [`embassy_time::Instant::now`], so that the same calls at the same times always give the same answers.

use core::cell::RefCell;
use core::task::Waker;

use embassy_time::Instant;

use super::{
    AccessPoint, Interface, Ipv4Config, JoinRequest, Link, PortError, Radio, RadioState, Result, ScanRequest,
    SoftApRequest,
};

mod access_point;
mod network;
mod station;

pub use access_point::{Offer, START_TIME};
pub use network::{NEIGHBOURHOOD, SimulatedNetwork};
pub use station::{ASSOCIATION_TIME, DHCP_TIME, SCAN_TIME};

use access_point::SimulatedSoftAp;
use station::Station;

/// The radio. The methods are those of [`super::Radio`], with the same meaning.
pub struct SimulatedRadio {
    state: RefCell<State>,
}

struct State {
    station: Station,
    softap: SimulatedSoftAp,
    /// Station and access point can have a link at the same time.
    serves_both: bool,
    /// It no longer responds.
    silent: bool,
    /// The tasks that wait for a change of the station, and of the access point.
    wakers: [Option<Waker>; 2],
}

impl SimulatedRadio {
    /// A radio in reach of `networks`; those beyond [`crate::limits::SCAN_RESULTS`] are never heard.
    pub const fn new(networks: &'static [SimulatedNetwork]) -> Self {
        let station = Station::new(networks);
        let state =
            State { station, softap: SimulatedSoftAp::OFF, serves_both: true, silent: false, wakers: [None, None] };
        Self { state: RefCell::new(state) }
    }

    /// Makes every DHCP server give `address` instead of its own; networks without a DHCP server still give none.
    pub fn set_address(&self, address: Ipv4Config) {
        self.state.borrow_mut().station.address = Some(address);
    }

    /// Chooses whether station and access point can be on at the same time.
    pub fn set_serves_both(&self, both: bool) {
        self.state.borrow_mut().serves_both = both;
    }

    /// Lets the access point accept as many stations as it can, whatever the limit, as some drivers do.
    pub fn set_takes_all(&self, all: bool) {
        self.state.borrow_mut().softap.takes_all = all;
    }

    /// The DHCP server of the present network takes the station's address away, or gives another one.
    pub fn renumber(&self, address: Option<Ipv4Config>) {
        self.change(|state| state.station.renumber(address));
    }

    /// The address that the DHCP server of the joined network gives, if there is one.
    pub fn lease(&self) -> Option<Ipv4Config> {
        self.change(|state| state.station.offer())
    }

    /// The network that the station has joined, as a scan shows it.
    pub fn joined(&self) -> Option<AccessPoint> {
        self.change(|state| {
            state.station.network().filter(|_| state.station.link == Link::Joined).map(SimulatedNetwork::access_point)
        })
    }

    /// From now on, no operation completes until [`Radio::reset`].
    pub fn fall_silent(&self) {
        self.change(|state| state.silent = true);
    }

    /// Moves the device into reach of other networks and forgets what happened to the old ones. A station whose
    /// network (same BSSID and name) is not among them loses its link.
    pub fn set_networks(&self, networks: &'static [SimulatedNetwork]) {
        self.change(|state| state.station.move_to(networks));
    }

    /// Cuts the radio's power for a moment: only the networks and what the port has set are kept.
    pub fn restart(&self) {
        let mut state = self.state.borrow_mut();
        state.station = state.station.restarted();
        state.softap = state.softap.restarted();
        state.wakers = [None, None];
    }

    /// Switches off the network that the station is joining or has joined, for good.
    pub fn vanish(&self) {
        self.change(|state| {
            if state.station.is_linked() {
                state.station.lose_for_good();
            }
        });
    }

    /// What the access point offers, while it is on.
    pub fn offer(&self) -> Option<Offer> {
        self.change(|state| state.softap.offer.clone().filter(|_| state.softap.link == Link::Joined))
    }

    /// A station tries to associate with the access point; returns whether it may.
    pub fn station_comes(&self, station: [u8; 6]) -> bool {
        self.change(|state| state.softap.come(station))
    }

    /// A station leaves the access point.
    pub fn station_goes(&self, station: [u8; 6]) {
        self.change(|state| state.softap.go(station));
    }

    /// The access point stops by itself.
    pub fn softap_fails(&self) {
        self.change(|state| {
            state.softap.stop();
            state.softap.link = Link::Failed;
        });
    }

    /// Wakes `waker`, which must be that of an embassy task, at the next change of the interface's
    /// [`Radio::radio_state`]. A second call replaces the first.
    pub fn wake_when(&self, interface: Interface, waker: &Waker) {
        self.change(|state| state.wakers[interface as usize] = Some(waker.clone()));
    }

    /// Brings the state up to date, lets `action` use it, and wakes the tasks that wait for a change.
    fn change<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.borrow_mut();
        state.advance(Instant::now());
        let before = state.snapshot();
        let result = action(&mut state);
        let after = state.snapshot();
        let mut woken = [None, None];
        for interface in 0..2 {
            if before[interface] != after[interface] {
                woken[interface] = state.wakers[interface].take();
            }
            if let (Some(waiting), Some(at)) = (&state.wakers[interface], state.next_change()) {
                embassy_time_driver::schedule_wake(at.as_ticks(), waiting);
            }
        }
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
        result
    }
}

impl State {
    fn snapshot(&self) -> [RadioState; 2] {
        [self.station.state(), self.softap.state()]
    }

    fn advance(&mut self, now: Instant) {
        if self.silent {
            return;
        }
        self.station.advance(now);
        self.softap.advance(now);
    }

    fn next_change(&self) -> Option<Instant> {
        if self.silent {
            return None;
        }
        [self.station.next_change(), self.softap.next_change()].into_iter().flatten().min()
    }
}

impl Radio for SimulatedRadio {
    fn serves_both(&self) -> bool {
        self.state.borrow().serves_both
    }

    /// Takes [`SCAN_TIME`].
    fn scan(&self, request: &ScanRequest<'_>) -> Result<()> {
        self.change(|state| state.station.start_scan(request))
    }

    /// Strongest first.
    fn scan_result(&self, index: usize) -> Option<AccessPoint> {
        self.change(|state| state.station.result(index))
    }

    /// Leaves the present network and takes [`ASSOCIATION_TIME`]. `InUse` while the access point is on and the radio
    /// cannot do both.
    fn join(&self, request: &JoinRequest<'_>) -> Result<()> {
        self.change(|state| {
            if !state.serves_both && state.softap.offer.is_some() {
                return Err(PortError::InUse);
            }
            state.station.join(request);
            Ok(())
        })
    }

    fn leave(&self) {
        self.change(|state| state.station.leave());
    }

    fn reset(&self) {
        self.change(|state| {
            state.silent = false;
            state.station.stop();
            state.softap.stop();
        });
    }

    /// DHCP takes [`DHCP_TIME`], or for ever when there is no server. `Unreachable` unless the interface has a link.
    fn configure(&self, interface: Interface, address: Option<Ipv4Config>) -> Result<()> {
        self.change(|state| match interface {
            Interface::Wlan => state.station.configure(address),
            Interface::SoftAp => state.softap.configure(address),
        })
    }

    fn radio_state(&self, interface: Interface) -> RadioState {
        self.change(|state| match interface {
            Interface::Wlan => state.station.state(),
            Interface::SoftAp => state.softap.state(),
        })
    }

    fn rssi(&self) -> Option<i8> {
        self.change(|state| match state.station.link {
            Link::Joined => state.station.network().map(|network| network.rssi),
            _ => None,
        })
    }

    /// Takes [`START_TIME`]. `InUse` while the station has a link and the radio cannot do both.
    fn softap_start(&self, request: &SoftApRequest<'_>) -> Result<()> {
        self.change(|state| {
            if !state.serves_both && state.station.is_linked() {
                return Err(PortError::InUse);
            }
            let linked = state.station.network().filter(|_| state.station.is_linked());
            state.softap.start(request, linked.map(|network| network.channel));
            Ok(())
        })
    }

    fn softap_stop(&self) {
        self.change(|state| state.softap.stop());
    }

    fn softap_station(&self, index: usize) -> Option<[u8; 6]> {
        self.change(|state| state.softap.station(index))
    }

    fn softap_drop(&self, station: [u8; 6]) {
        self.station_goes(station);
    }
}

#[cfg(all(test, feature = "host"))]
mod tests;
