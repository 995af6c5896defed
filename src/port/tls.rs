//! TLS is a session on a socket. [`super::JobRequest::Tls`] starts it; once that job has ended well, `send`, `receive`,
//! `finish`, `close` and the events of that socket go through the session, and whoever moves bytes learns nothing of it.

use heapless::{String, Vec};

use crate::limits;

/// Which end of the session the device is.
#[derive(Clone, Copy, Debug)]
pub enum TlsRole<'a> {
    /// The client. The name goes out as server name indication, and the server's certificate must be for it.
    Client {
        /// A host name, or a dotted address.
        name: &'a str,
    },
    /// The server. If it verifies, it demands a certificate of the client.
    Server,
}

/// The library that a device on a host uses as a client. As a server it uses rustls.
#[cfg(feature = "host")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsClient {
    /// rustls: TLS 1.2 and 1.3.
    #[default]
    Rustls,
    /// embedded-tls: TLS 1.3 only, as boards without Mbed TLS can have it.
    Embedded,
}

#[cfg(feature = "host")]
impl core::str::FromStr for TlsClient {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "rustls" => Ok(Self::Rustls),
            "embedded" => Ok(Self::Embedded),
            _ => Err(()),
        }
    }
}

/// A version of TLS, with its number on the wire. Earlier ones are refused (RFC 8996).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V1_2 = 0x0303,
    /// TLS 1.3 (RFC 8446).
    V1_3 = 0x0304,
}

/// What a session needs from above.
///
/// Certificates are PEM, one after the other, with LF or CR LF, and with whatever else stands between them; or one
/// certificate in DER. A key is PKCS#8, PKCS#1 or SEC1, in PEM or DER: RSA, or a key on P-256 or P-384.
#[derive(Clone, Copy, Debug)]
pub struct TlsCredentials<'a> {
    /// Whether the peer must prove who it is: its certificate comes from one of the authorities, or is one of them, is
    /// valid now and, of a server, is for the name that was asked for. Without it a client takes any server, and a server
    /// asks for no certificate.
    pub verify: bool,
    /// Certificates of the authorities; without any of them nothing can be verified (`TlsError::Credentials`).
    pub authorities: &'a [u8],
    /// The device's certificate, and those between it and its authority; empty for a client without one.
    pub certificate: &'a [u8],
    /// The key of the device's certificate, not encrypted.
    pub key: &'a [u8],
    /// The oldest and the newest version that may be used.
    pub versions: (TlsVersion, TlsVersion),
    /// Protocols for ALPN (RFC 7301), the best first; empty for none.
    pub alpn: &'a [&'a [u8]],
    /// The time in seconds since 1970, against which the validity of certificates is checked.
    pub now: u64,
    /// Whether `now` is the time. If not, it is one that has passed: certificates that have ended by then are refused, and
    /// those that begin later are taken, since they may have begun by now.
    pub clock_is_set: bool,
}

/// What a session has agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite's number (IANA).
    pub suite: u16,
    /// Of a client, the name that the server has proved; of a server, the name that the client has asked for.
    pub name: String<{ limits::HOST_NAME }>,
    /// The protocol chosen by ALPN; empty for none.
    pub alpn: Vec<u8, { limits::ALPN }>,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    /// What went wrong.
    pub error: TlsError,
    /// How far the handshake was (interface, network 5.4), where the library tells.
    pub state: Option<u8>,
    /// The library's own number of the error, 0 where it has none.
    pub code: i32,
}

/// The kinds of failure, as far as the documented table tells them apart (interface, network 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The connection ended before the handshake.
    Closed,
    /// No session is free, or the memory for one has run out.
    NoMemory,
    /// Own certificate, key or authorities cannot be read, or do not belong together.
    Credentials,
    /// The name to check is no host name.
    Name,
    /// The peer showed no certificate.
    NoCertificate,
    /// The peer's certificate comes from none of the authorities.
    Untrusted,
    /// The peer's certificate is no longer, or not yet, valid.
    Expired,
    /// The peer's certificate is for somebody else.
    WrongName,
    /// Something else is wrong with the peer's certificate.
    BadCertificate,
    /// The peer has sent this alert (RFC 8446, 6).
    Alert(u8),
    /// No version, suite or protocol in common.
    Incompatible,
    /// The peer does not keep to the protocol.
    Protocol,
    /// The library failed by itself.
    Internal,
}

/// A key and a certificate that the device is to make for itself: a new key on P-256, and a certificate of version 3 for
/// it, signed by that key, with `name` as common name and as its only DNS name, for servers (basic constraints: no
/// authority).
#[derive(Clone, Copy, Debug)]
pub struct IdentityRequest<'a> {
    /// The name, at most [`limits::HOST_NAME`] bytes: letters, digits, `-` and `.`.
    pub name: &'a str,
    /// The first and the last second, since 1970, in which the certificate is valid.
    pub validity: (u64, u64),
}

/// A request for a certificate (PKCS#10, RFC 2986) that the device is to make: with `name` as common name and as its only
/// DNS name, signed by `key`.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// The name, as in [`IdentityRequest`].
    pub name: &'a str,
    /// The key, as in [`TlsCredentials`].
    pub key: &'a [u8],
}
