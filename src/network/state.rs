//! The state of an interface: one state machine for each, an enum with its data.

use crate::port::Ipv4Config;

/// Why a join ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// `wlan.ssid` is empty.
    NoSsid,
    /// The network is secured and `wlan.passkey` is empty.
    NoPasskey,
    /// The network was found, but `wlan.security` or `wlan.minimum_security` rules it out.
    BadSecurity,
    /// No such network.
    NotFound,
    /// The network did not admit the device, or did not answer in time.
    Failed,
    /// The passkey is wrong, as far as the radio can tell.
    Refused,
    /// The network gave no address.
    NoAddress,
    /// Taken down while joining.
    Aborted,
}

impl JoinError {
    /// The value of `wlan.join.result` (interface, network 2.3).
    pub const fn number(self) -> u8 {
        match self {
            Self::NoSsid => 3,
            Self::NoPasskey => 4,
            Self::BadSecurity => 5,
            Self::NotFound => 6,
            Self::Failed | Self::Refused | Self::NoAddress => 7,
            Self::Aborted => 8,
        }
    }

    /// The value of `wlan.join.reason`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSsid => "no network name is set",
            Self::NoPasskey => "the network wants a passphrase",
            Self::BadSecurity => "the network does not offer the security that is asked for",
            Self::NotFound => "the network was not found",
            Self::Failed => "the network did not let the device in",
            Self::Refused => "the passphrase was refused",
            Self::NoAddress => "the network gave no address",
            Self::Aborted => "the join was stopped",
        }
    }
}

/// `wlan.join.result` after a join that has worked.
pub(super) const RESULT_SUCCESS: u8 = 1;
/// The same while a join runs.
pub(super) const RESULT_JOINING: u8 = 2;

/// `wlan.network.status` (interface, network 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Down.
    Down = 0,
    /// Associated, without an address.
    NoAddress = 1,
    /// Up.
    Up = 2,
    /// Joining.
    Joining = 3,
}

/// The state of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing runs on it.
    Down {
        /// The owner has taken it down: it does not come up by itself.
        forced: bool,
        /// Why the last attempt to bring it up has failed.
        error: Option<JoinError>,
    },
    /// It was asked to come up; its task has not begun yet.
    Wanted,
    /// Its task looks for the network and associates.
    Joining,
    /// Associated, waiting for an address.
    NoAddress,
    /// It has an address: services, streams and servers may use it.
    Up(Ipv4Config),
}

impl State {
    /// The state at boot.
    pub const START: Self = Self::Down { forced: false, error: None };

    /// It was asked to come up.
    pub fn is_wanted(&self) -> bool {
        matches!(self, Self::Wanted)
    }

    /// Its task brings it up.
    pub fn is_coming(&self) -> bool {
        matches!(self, Self::Joining | Self::NoAddress)
    }

    /// It has an address.
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Up(_))
    }

    /// The owner has taken it down.
    pub fn is_forced_down(&self) -> bool {
        matches!(self, Self::Down { forced: true, .. })
    }

    /// It neither comes up nor is about to.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Down { .. } | Self::Up(_))
    }

    /// Its addresses.
    pub fn ipv4(&self) -> Option<Ipv4Config> {
        match self {
            Self::Up(config) => Some(*config),
            _ => None,
        }
    }

    /// The result of the attempt to bring it up, once that has ended.
    pub fn outcome(&self) -> Result<(), JoinError> {
        match self {
            Self::Up(_) => Ok(()),
            Self::Down { error: Some(error), .. } => Err(*error),
            _ => Err(JoinError::Failed),
        }
    }

    /// It is down because it could not be brought up.
    pub fn has_failed(&self) -> bool {
        matches!(self, Self::Down { error: Some(error), .. } if *error != JoinError::Aborted)
    }

    /// The value of `wlan.network.status`.
    pub fn status(&self) -> Status {
        match self {
            Self::Down { .. } => Status::Down,
            Self::Wanted | Self::Joining => Status::Joining,
            Self::NoAddress => Status::NoAddress,
            Self::Up(_) => Status::Up,
        }
    }

    /// The new values of `wlan.join.result` and `wlan.join.reason`; `None` leaves them as they are.
    pub fn join_result(&self) -> Option<(u8, &'static str)> {
        match self {
            Self::Up(_) => Some((RESULT_SUCCESS, "")),
            Self::Joining => Some((RESULT_JOINING, "")),
            Self::Down { error: Some(error), .. } => Some((error.number(), error.reason())),
            _ => None,
        }
    }
}
