//! Why there is no session, as the documented codes have it (networking reference 5.2 to 5.4).

use core::fmt;

use crate::port::{TlsError, TlsFailure};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The port says so.
    Port(TlsFailure),
    /// The peer was silent for too long.
    TimedOut,
    /// This build, or this port, has no TLS.
    Unavailable,
    /// There are no certificates of authorities, and the peer must be verified.
    NoAuthorities,
    /// The file of the device's own certificate is missing.
    NoCertificate,
    /// The file of its key is missing.
    NoKey,
    /// The files are larger than the device takes.
    TooLarge,
    /// A file is there, and cannot be read.
    Unreadable,
}

/// Why there is no session. What is printed of it: `<code> (state: <state>, code: <internal>)`, the brackets only when the
/// library has told them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub(super) Cause);

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self(cause)
    }
}

impl Refusal {
    /// There was no memory for a session.
    pub fn is_for_memory(self) -> bool {
        matches!(self.0, Cause::Port(TlsFailure { error: TlsError::NoMemory, .. }))
    }

    /// All sessions are in use: nothing was read from the peer yet.
    pub fn is_for_a_session(self) -> bool {
        matches!(self.0, Cause::Port(TlsFailure { error: TlsError::NoMemory, state: None, .. }))
    }

    /// The documented number (networking reference 5.3).
    pub fn code(self) -> u16 {
        match self.0 {
            Cause::Port(failure) => of_port(failure.error),
            Cause::TimedOut => 5031,
            Cause::Unavailable => 5004,
            Cause::NoAuthorities => 5016,
            Cause::NoCertificate => 5014,
            Cause::NoKey => 5015,
            Cause::TooLarge => 5013,
            Cause::Unreadable => 5005,
        }
    }
}

fn of_port(error: TlsError) -> u16 {
    match error {
        TlsError::Closed => 5001,
        TlsError::NoMemory => 5003,
        TlsError::Credentials | TlsError::Name => 5005,
        TlsError::NoCertificate => 5012,
        TlsError::Untrusted => 5035,
        TlsError::Expired => 5036,
        TlsError::WrongName => 5037,
        TlsError::Revoked => 5041,
        TlsError::BadCertificate => 5019,
        TlsError::Alert(alert) => of_alert(alert),
        TlsError::Incompatible => 5010,
        TlsError::Protocol => 5017,
        TlsError::Internal => 4,
    }
}

/// Alerts that have a code of their own (RFC 8446, 6); the others are a fatal alert.
fn of_alert(alert: u8) -> u16 {
    match alert {
        0 => 5020,
        41 => 5002,
        112 => 5045,
        _ => 5018,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.code())?;
        match self.0 {
            Cause::Port(TlsFailure { state: Some(state), code, .. }) => write!(out, " (state: {state}, code: {code})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn brackets_are_left_out_when_nothing_is_known() {
        let shown = |error, state, code| Refusal(Cause::Port(TlsFailure { error, state, code })).to_string();
        assert_eq!(shown(TlsError::Untrusted, Some(3), -0x2700), "5035 (state: 3, code: -9984)");
        assert_eq!(shown(TlsError::Expired, None, 0), "5036");
        assert_eq!(shown(TlsError::Alert(112), None, 0), "5045");
        assert_eq!(shown(TlsError::Alert(40), None, 0), "5018");
        assert_eq!(Refusal(Cause::NoAuthorities).to_string(), "5016");
    }

    #[test]
    fn want_of_memory_is_told_apart() {
        let memory = TlsFailure { error: TlsError::NoMemory, state: None, code: 0 };
        assert!(Refusal(Cause::Port(memory)).is_for_memory());
        assert!(Refusal(Cause::Port(memory)).is_for_a_session());
        let later = Refusal(Cause::Port(TlsFailure { state: Some(2), ..memory }));
        assert!(later.is_for_memory() && !later.is_for_a_session());
        assert!(!Refusal(Cause::TooLarge).is_for_memory());
    }
}
