//! The part of the shim for TLS (`zephyr/shim/tls.c`, `tls_identity.c`).

use core::ptr::null;

use heapless::Vec;
use openzentri::limits;
use openzentri::port::{
    IdentityRequest, PortError, Result, SigningRequest, TlsCredentials, TlsError, TlsFailure, TlsRole, TlsSession,
    TlsVersion,
};

use super::{done, result, size};

/// The credentials of a session.
#[repr(C)]
struct RawOrder {
    name: *const u8,
    authorities: *const u8,
    certificate: *const u8,
    key: *const u8,
    alpn: *const u8,
    now: u64,
    name_size: u32,
    authorities_size: u32,
    certificate_size: u32,
    key_size: u32,
    alpn_size: u32,
    oldest: u16,
    newest: u16,
    first: i16,
    is_server: u8,
    verify: u8,
    clock_is_set: u8,
}

/// The outcome of a handshake.
#[repr(C)]
struct RawOutcome {
    code: i32,
    version: u16,
    suite: u16,
    error: u8,
    alert: u8,
    state: u8,
    name_size: u8,
    alpn_size: u8,
    name: [u8; limits::HOST_NAME],
    alpn: [u8; limits::ALPN],
}

mod raw {
    use super::{RawOrder, RawOutcome};

    unsafe extern "C" {
        pub fn oz_tls_start(socket: i32, order: *const RawOrder) -> i32;
        pub fn oz_tls_result(session: i32, outcome: *mut RawOutcome) -> i32;
        pub safe fn oz_tls_ended(session: i32) -> i32;
        pub safe fn oz_tls_cancel(session: i32);
        pub safe fn oz_tls_watched(socket: i32, wanted: i16) -> i16;
        pub safe fn oz_tls_is_computed(socket: i32) -> i32;
        pub safe fn oz_tls_ready(socket: i32) -> i32;
        pub safe fn oz_tls_holds(socket: i32) -> i16;
        pub fn oz_identity_start(name: *const u8, size: u32, from: u64, until: u64) -> i32;
        pub safe fn oz_identity_result() -> i32;
        pub safe fn oz_identity_ended() -> i32;
        pub fn oz_identity_take(buffer: *mut u8, size: u32, certificate: *mut u32, key: *mut u32) -> i32;
        pub fn oz_request_start(name: *const u8, name_size: u32, key: *const u8, key_size: u32) -> i32;
        pub safe fn oz_request_result() -> i32;
        pub safe fn oz_request_ended() -> i32;
        pub fn oz_request_take(buffer: *mut u8, size: u32) -> i32;
    }
}

pub use raw::{oz_tls_cancel as cancel, oz_tls_holds as holds, oz_tls_watched as watched};

/// Bytes of all names of protocols together, each after its length.
const PROTOCOLS: usize = 64;

/// Begins a session; returns its number.
pub fn start(socket: i32, role: &TlsRole<'_>, first: Option<u8>, credentials: &TlsCredentials<'_>) -> Result<usize> {
    let mut alpn: Vec<u8, PROTOCOLS> = Vec::new();
    for name in credentials.alpn {
        alpn.push(name.len() as u8).map_err(|_| PortError::NoRoom)?;
        alpn.extend_from_slice(name).map_err(|_| PortError::NoRoom)?;
    }
    let (name, name_size) = match role {
        TlsRole::Client { name } => (name.as_ptr(), size(name.as_bytes())),
        TlsRole::Server => (null(), 0),
    };
    let order = RawOrder {
        name,
        authorities: credentials.authorities.as_ptr(),
        certificate: credentials.certificate.as_ptr(),
        key: credentials.key.as_ptr(),
        alpn: alpn.as_ptr(),
        now: credentials.now,
        name_size,
        authorities_size: size(credentials.authorities),
        certificate_size: size(credentials.certificate),
        key_size: size(credentials.key),
        alpn_size: size(&alpn),
        oldest: credentials.versions.0 as u16,
        newest: credentials.versions.1 as u16,
        first: first.map_or(-1, i16::from),
        is_server: matches!(role, TlsRole::Server).into(),
        verify: credentials.verify.into(),
        clock_is_set: credentials.clock_is_set.into(),
    };
    // SAFETY: the pointers in the order have the lengths beside them and live longer than the call, in which C copies them.
    result(unsafe { raw::oz_tls_start(socket, &order) })
}

/// The outcome of a session's handshake.
pub fn outcome(session: i32) -> Result<core::result::Result<TlsSession, TlsFailure>> {
    let mut raw = RawOutcome {
        code: 0,
        version: 0,
        suite: 0,
        error: 0,
        alert: 0,
        state: 0,
        name_size: 0,
        alpn_size: 0,
        name: [0; limits::HOST_NAME],
        alpn: [0; limits::ALPN],
    };
    // SAFETY: `raw` lives longer than the call.
    done(unsafe { raw::oz_tls_result(session, &mut raw) })?;
    if let Some(error) = error_of(&raw) {
        return Ok(Err(TlsFailure { error, state: Some(raw.state), code: raw.code }));
    }
    let name = raw.name.get(..raw.name_size.into()).and_then(|name| core::str::from_utf8(name).ok());
    let alpn = raw.alpn.get(..raw.alpn_size.into()).unwrap_or_default();
    Ok(Ok(TlsSession {
        version: if raw.version == TlsVersion::V1_3 as u16 { TlsVersion::V1_3 } else { TlsVersion::V1_2 },
        suite: raw.suite,
        name: name.and_then(|name| name.try_into().ok()).unwrap_or_default(),
        alpn: alpn.iter().copied().collect(),
    }))
}

/// `enum oz_tls_error`.
fn error_of(raw: &RawOutcome) -> Option<TlsError> {
    Some(match raw.error {
        0 => return None,
        1 => TlsError::Closed,
        2 => TlsError::NoMemory,
        3 => TlsError::Credentials,
        4 => TlsError::Name,
        5 => TlsError::NoCertificate,
        6 => TlsError::Untrusted,
        7 => TlsError::Expired,
        8 => TlsError::WrongName,
        9 => TlsError::BadCertificate,
        10 => TlsError::Alert(raw.alert),
        11 => TlsError::Incompatible,
        12 => TlsError::Protocol,
        _ => TlsError::Internal,
    })
}

pub fn ended(session: i32) -> bool {
    raw::oz_tls_ended(session) != 0
}

/// Whether the thread has the handshake of the socket.
pub fn is_computed(socket: i32) -> bool {
    raw::oz_tls_is_computed(socket) != 0
}

/// The socket is ready; returns whether that concerns its owner.
pub fn ready(socket: i32) -> bool {
    raw::oz_tls_ready(socket) != 0
}

pub fn make_identity(request: &IdentityRequest<'_>) -> Result<()> {
    let (name, (from, until)) = (request.name.as_bytes(), request.validity);
    // SAFETY: pointer and length are those of one string, which C copies.
    done(unsafe { raw::oz_identity_start(name.as_ptr(), size(name), from, until) })
}

pub fn identity_result() -> Result<()> {
    done(raw::oz_identity_result())
}

pub fn identity_ended() -> bool {
    raw::oz_identity_ended() != 0
}

/// Takes certificate and key; returns their lengths.
pub fn take_identity(buffer: &mut [u8]) -> Result<(usize, usize)> {
    let (mut certificate, mut key) = (0, 0);
    // SAFETY: the buffer has the length beside it; both numbers live longer than the call.
    done(unsafe { raw::oz_identity_take(buffer.as_mut_ptr(), size(buffer), &mut certificate, &mut key) })?;
    Ok((certificate as usize, key as usize))
}

pub fn make_request(request: &SigningRequest<'_>) -> Result<()> {
    let (name, key) = (request.name.as_bytes(), request.key);
    // SAFETY: pointers and lengths are those of a string and of bytes, which C copies.
    done(unsafe { raw::oz_request_start(name.as_ptr(), size(name), key.as_ptr(), size(key)) })
}

pub fn request_result() -> Result<()> {
    done(raw::oz_request_result())
}

pub fn request_ended() -> bool {
    raw::oz_request_ended() != 0
}

/// Takes a request; returns its length.
pub fn take_request(buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the buffer has the length beside it.
    result(unsafe { raw::oz_request_take(buffer.as_mut_ptr(), size(buffer)) })
}
