//! The access point of the simulated radio.

use embassy_time::{Duration, Instant};
use heapless::Vec;

use crate::limits;
use crate::port::{Ipv4Config, Link, PortError, RadioState, Result, SoftApRequest};

use super::network::name;

/// How long the access point takes to start.
pub const START_TIME: Duration = Duration::from_millis(10);

/// What the access point offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The name of its network.
    pub ssid: Vec<u8, 32>,
    /// The passphrase; empty for an open network.
    pub passkey: Vec<u8, 64>,
    /// The channel asked for, or that of the station; 1 when it may choose.
    pub channel: u8,
    /// The name is not in beacons.
    pub hidden: bool,
    /// Stations at once.
    pub stations: u8,
}

/// The access point.
pub(super) struct SimulatedSoftAp {
    pub offer: Option<Offer>,
    pub link: Link,
    /// When its start is complete.
    starts: Option<Instant>,
    pub ipv4: Option<Ipv4Config>,
    stations: Vec<[u8; 6], { limits::SOFTAP_STATIONS }>,
    /// How often a station came or went.
    changes: u32,
    /// It accepts as many stations as there is room for, whatever limit was asked for.
    pub takes_all: bool,
}

impl SimulatedSoftAp {
    /// It is off.
    pub const OFF: Self = Self {
        offer: None,
        link: Link::Down,
        starts: None,
        ipv4: None,
        stations: Vec::new(),
        changes: 0,
        takes_all: false,
    };

    /// Its state after a power cut.
    pub fn restarted(&self) -> Self {
        Self { takes_all: self.takes_all, ..Self::OFF }
    }

    /// Starts on the station's channel, if the station has a link.
    pub fn start(&mut self, request: &SoftApRequest<'_>, station: Option<u8>) {
        self.stop();
        self.offer = Some(Offer {
            ssid: name(request.ssid),
            passkey: request.passkey.iter().copied().take(64).collect(),
            channel: station.unwrap_or(request.channel).max(1),
            hidden: request.hidden,
            stations: request.stations,
        });
        self.link = Link::Joining;
        self.starts = Some(Instant::now() + START_TIME);
    }

    /// Disconnects the stations and stops.
    pub fn stop(&mut self) {
        self.changes = self.changes.wrapping_add(self.stations.len() as u32);
        *self = Self { changes: self.changes, ..self.restarted() };
    }

    /// A station tries to associate; returns whether it may.
    pub fn come(&mut self, station: [u8; 6]) -> bool {
        let limit = self.offer.as_ref().map_or(0, |offer| usize::from(offer.stations));
        let is_full = self.stations.len() >= limit && !self.takes_all;
        if self.link != Link::Joined || is_full {
            return false;
        }
        let is_new = !self.stations.contains(&station) && self.stations.push(station).is_ok();
        self.changes = self.changes.wrapping_add(u32::from(is_new));
        self.stations.contains(&station)
    }

    /// A station leaves, or is disconnected.
    pub fn go(&mut self, station: [u8; 6]) {
        let before = self.stations.len();
        self.stations.retain(|other| *other != station);
        self.changes = self.changes.wrapping_add((before - self.stations.len()) as u32);
    }

    /// The radio address of a station.
    pub fn station(&self, index: usize) -> Option<[u8; 6]> {
        self.stations.get(index).copied()
    }

    /// Sets the address.
    pub fn configure(&mut self, address: Option<Ipv4Config>) -> Result<()> {
        match (self.link, address) {
            (Link::Joined, Some(_)) => {
                self.ipv4 = address;
                Ok(())
            }
            (Link::Joined, None) => Err(PortError::Unsupported),
            _ => Err(PortError::Unreachable),
        }
    }

    /// Does everything that is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        if self.starts.take_if(|at| *at <= now).is_some() {
            self.link = Link::Joined;
        }
    }

    /// The time of the next change that happens by itself.
    pub fn next_change(&self) -> Option<Instant> {
        self.starts
    }

    /// The snapshot of the interface.
    pub fn state(&self) -> RadioState {
        RadioState { link: self.link, scanning: false, ipv4: self.ipv4, stations: self.changes }
    }
}
