//! Why there is no session, with the documented codes (interface, network 5.2, 5.4).

use core::fmt;

use crate::port::{TlsError, TlsFailure};

macro_rules! codes {
    ($($(#[$what:meta])* $name:ident = $number:literal,)*) => {
        /// The documented numbers that this device can print (interface, network 5.3). `tests/tls/codes.rs` makes each
        /// of them occur, and says why the others cannot: `docs/tls-codes.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Code { $($(#[$what])* $name = $number,)* }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    /// The library failed by itself.
    Error = 4,
    /// The connection ended before the handshake.
    ReceiveFailed = 5001,
    /// The peer says that it was shown no certificate.
    NoCertificateAlert = 5002,
    /// No session is free, or there is no memory for one.
    OutOfMemory = 5003,
    /// This build, or this port, has no TLS.
    FeatureNotAvailable = 5004,
    /// A file, or the name of the server, cannot be read.
    BadInputData = 5005,
    /// No version, suite or protocol in common.
    NoCipherChosen = 5010,
    /// The client showed no certificate.
    NoClientCertificate = 5012,
    /// The files are larger than the device accepts.
    CertificateTooLarge = 5013,
    /// The file of the device's own certificate is missing.
    CertificateRequired = 5014,
    /// The file of its key is missing.
    PrivateKeyRequired = 5015,
    /// There are no certificates of authorities, and the peer must be verified.
    AuthoritiesRequired = 5016,
    /// The peer does not keep to the protocol.
    UnexpectedMessage = 5017,
    /// An alert without a number of its own.
    FatalAlert = 5018,
    /// Something else is wrong with the peer's certificate.
    VerificationFailed = 5019,
    /// The peer has sent `close_notify` during the handshake.
    CloseNotify = 5020,
    /// The peer was silent for too long.
    HandshakeTimeOut = 5031,
    /// None of the authorities has signed the peer's certificate.
    UntrustedCertificate = 5035,
    /// The peer's certificate is no longer, or not yet, valid.
    ExpiredCertificate = 5036,
    /// The peer's certificate is for another name.
    NameMismatch = 5037,
    /// The peer does not know the server name that the device has sent.
    UnrecognisedName = 5045,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The port reports this failure.
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
    /// The files are larger than the device accepts.
    TooLarge,
    /// A file exists, but cannot be read.
    Unreadable,
}

/// Why there is no session. It prints as `<code> (state: <state>, code: <internal>)`, with the brackets only when the
/// library has given these values.
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

    /// The documented number.
    pub fn code(self) -> Code {
        match self.0 {
            Cause::Port(failure) => of_port(failure.error),
            Cause::TimedOut => Code::HandshakeTimeOut,
            Cause::Unavailable => Code::FeatureNotAvailable,
            Cause::NoAuthorities => Code::AuthoritiesRequired,
            Cause::NoCertificate => Code::CertificateRequired,
            Cause::NoKey => Code::PrivateKeyRequired,
            Cause::TooLarge => Code::CertificateTooLarge,
            Cause::Unreadable => Code::BadInputData,
        }
    }
}

fn of_port(error: TlsError) -> Code {
    match error {
        TlsError::Closed => Code::ReceiveFailed,
        TlsError::NoMemory => Code::OutOfMemory,
        TlsError::Credentials | TlsError::Name => Code::BadInputData,
        TlsError::NoCertificate => Code::NoClientCertificate,
        TlsError::Untrusted => Code::UntrustedCertificate,
        TlsError::Expired => Code::ExpiredCertificate,
        TlsError::WrongName => Code::NameMismatch,
        TlsError::BadCertificate => Code::VerificationFailed,
        TlsError::Alert(alert) => of_alert(alert),
        TlsError::Incompatible => Code::NoCipherChosen,
        TlsError::Protocol => Code::UnexpectedMessage,
        TlsError::Internal => Code::Error,
    }
}

/// Alerts that have a code of their own (RFC 8446, 6); all others count as a fatal alert.
fn of_alert(alert: u8) -> Code {
    match alert {
        0 => Code::CloseNotify,
        41 => Code::NoCertificateAlert,
        112 => Code::UnrecognisedName,
        _ => Code::FatalAlert,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.code() as u16)?;
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
