//! Translates failures of rustls into those of the port contract.

use rustls::{CertificateError, Connection, Error};

use crate::port::{TlsError, TlsFailure};

/// The state in which a client looks at the server's certificate (interface, network 5.4).
const SERVER_CERTIFICATE: u8 = 3;
/// The state in which a server looks at the client's certificate.
const CLIENT_CERTIFICATE: u8 = 7;

/// A value, or why there is none.
pub(super) type Outcome<T> = Result<T, TlsFailure>;

/// A failure without the library's state and code.
pub(super) fn refused(error: TlsError) -> TlsFailure {
    TlsFailure { error, state: None, code: 0 }
}

/// The failure for an error of a connection.
pub(super) fn failure(error: &Error, connection: &Connection) -> TlsFailure {
    let certificate = match connection {
        Connection::Client(_) => SERVER_CERTIFICATE,
        Connection::Server(_) => CLIENT_CERTIFICATE,
    };
    let (error, state) = of_error(error, certificate);
    TlsFailure { error, state, code: 0 }
}

/// The kind of an error, and the state of the handshake if the error is about certificates.
pub(super) fn of_error(error: &Error, certificate: u8) -> (TlsError, Option<u8>) {
    match error {
        Error::NoCertificatesPresented => (TlsError::NoCertificate, Some(certificate)),
        Error::InvalidCertificate(why) => (of_certificate(why), Some(certificate)),
        Error::AlertReceived(alert) => (TlsError::Alert((*alert).into()), None),
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => (TlsError::Incompatible, None),
        Error::General(_) | Error::FailedToGetCurrentTime | Error::FailedToGetRandomBytes => (TlsError::Internal, None),
        _ => (TlsError::Protocol, None),
    }
}

fn of_certificate(why: &CertificateError) -> TlsError {
    match why {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsError::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsError::WrongName,
        // The authority has the same name, but not the same key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsError::Untrusted,
        _ => TlsError::BadCertificate,
    }
}
