//! The target of a join, joins on trial, and orders for web setup.

use embassy_time::Duration;
use heapless::Vec;

use super::state::JoinError;
use crate::port::{AccessPoint, Security};

/// The strength of each choice of `wlan.security`, in their order: `auto`, then by security number.
const STRENGTH: [u8; 10] = [0, 0, 1, 3, 2, 6, 5, 4, 8, 7];

/// The network that a join is to reach, and the conditions for its access point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name.
    pub ssid: Vec<u8, 32>,
    /// Passphrase or 64 hexadecimal digits; empty for an open network.
    pub passkey: Vec<u8, 64>,
    /// This access point only.
    pub bssid: Option<[u8; 6]>,
    /// This security only.
    pub security: Option<Security>,
    /// No security weaker than this; `None` takes any.
    pub minimum: Option<Security>,
}

impl Target {
    /// Whether the candidate has the network name and the access point of the target.
    pub fn is(&self, candidate: &AccessPoint) -> bool {
        candidate.ssid == self.ssid && self.bssid.is_none_or(|bssid| candidate.bssid == bssid)
    }

    /// Whether its security is allowed.
    pub fn allows(&self, candidate: &AccessPoint) -> bool {
        let strength = |security: Security| STRENGTH[security as usize + 1];
        self.security.is_none_or(|pinned| pinned == candidate.security)
            && self.minimum.is_none_or(|minimum| strength(candidate.security) >= strength(minimum))
    }
}

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To check whether the network admits the device, and then to go back.
    Verify,
    /// To stay in the network and to store it, once it has given an address.
    Stay,
}

/// A join that changes nothing unless it works.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The network to join.
    pub target: Target,
    /// The purpose of the trial.
    pub purpose: Purpose,
    /// How long it may take.
    pub limit: Duration,
    /// How long to wait before leaving the current network: the answer to the caller may travel over it.
    pub notice: Duration,
}

/// Why a trial has not succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialError {
    /// Another trial runs.
    Busy,
    /// The join has failed; the device is back in its previous network, or about to be.
    Join(JoinError),
    /// The device has joined, but the network could not be saved.
    NotSaved,
}

/// The trial that waits or runs, and how the last one has ended. There is one at a time.
#[derive(Default)]
pub(super) struct Trials {
    waiting: Option<Trial>,
    is_running: bool,
    /// The number of the last trial.
    number: u32,
    ended: Option<Result<(), TrialError>>,
}

impl Trials {
    /// Nothing was tried yet.
    pub const NONE: Self = Self { waiting: None, is_running: false, number: 0, ended: None };

    /// Asks for a trial and answers its number.
    pub fn ask(&mut self, trial: Trial) -> Result<u32, TrialError> {
        if self.waiting.is_some() || self.is_running {
            return Err(TrialError::Busy);
        }
        self.number = self.number.wrapping_add(1);
        self.waiting = Some(trial);
        self.ended = None;
        Ok(self.number)
    }

    /// Whether a trial waits to be run.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Takes the waiting trial, to run it.
    pub fn begin(&mut self) -> Option<Trial> {
        let trial = self.waiting.take();
        self.is_running = trial.is_some();
        trial
    }

    /// The running trial is over.
    pub fn end(&mut self, result: Result<(), TrialError>) {
        self.is_running = false;
        self.ended = Some(result);
    }

    /// How the trial of this number has ended; `None` while it has not. A trial whose outcome was not read before the
    /// next one began counts as failed.
    pub fn outcome(&self, number: u32) -> Option<Result<(), TrialError>> {
        if number == self.number { self.ended } else { Some(Err(TrialError::Busy)) }
    }
}

/// An order for web setup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// Nothing new.
    #[default]
    None,
    /// Start.
    Start,
    /// End.
    Stop,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { ssid: Vec::new(), passkey: Vec::new(), bssid: None, security: None, minimum: None }
    }

    #[test]
    fn one_trial_at_a_time() {
        let trial = || Trial {
            target: target(),
            purpose: Purpose::Verify,
            limit: Duration::from_secs(1),
            notice: Duration::from_ticks(0),
        };
        let mut trials = Trials::NONE;
        let first = trials.ask(trial()).unwrap();
        assert_eq!(trials.ask(trial()), Err(TrialError::Busy));
        assert!(trials.begin().is_some() && trials.begin().is_none());
        assert!(!trials.is_waiting());
        assert_eq!(trials.outcome(first), None);
        trials.end(Ok(()));
        assert_eq!(trials.outcome(first), Some(Ok(())));
        let second = trials.ask(trial()).unwrap();
        assert_eq!((trials.outcome(first), trials.outcome(second)), (Some(Err(TrialError::Busy)), None));
    }

    #[test]
    fn a_minimum_orders_the_securities() {
        let order = [
            Security::Open,
            Security::Wep,
            Security::WpaTkip,
            Security::WpaAes,
            Security::Wpa2Tkip,
            Security::Wpa2Mixed,
            Security::Wpa2Aes,
            Security::Wpa3Mixed,
            Security::Wpa3Sae,
        ];
        let candidate =
            |security| AccessPoint { ssid: Vec::new(), bssid: [0; 6], channel: 1, rssi: 0, security, rate: 0 };
        for (at, minimum) in order.into_iter().enumerate() {
            let target = Target { minimum: Some(minimum), ..target() };
            for (place, security) in order.into_iter().enumerate() {
                assert_eq!(target.allows(&candidate(security)), place >= at, "{security:?} for at least {minimum:?}");
            }
        }
    }
}
