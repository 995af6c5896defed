//! Checks ServerHello, which decides the parameters of a session: embedded-tls itself takes only the key from it.

use super::alert;
use super::reader::Reader;
use super::refusal::Refusal;
use crate::port::TlsError;

/// The offered suite: `TLS_AES_128_GCM_SHA256`, which every server must have (RFC 8446, 9.1).
pub(super) const SUITE: u16 = 0x1301;

const SERVER_HELLO: usize = 2;
const SUPPORTED_VERSIONS: usize = 43;
const KEY_SHARE: usize = 51;
const LEGACY_VERSION: usize = 0x0303;
const VERSION: &[u8] = &[3, 4];
const P256: usize = 0x17;
/// Bytes of an uncompressed point on P-256 (RFC 8446, 4.2.8.2).
const POINT: usize = 65;

/// The random number that makes a ServerHello a HelloRetryRequest (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Checks whether a session can begin with this ServerHello; `message` includes its header.
pub(super) fn check(message: &[u8]) -> Result<(), Refusal> {
    let hello = Hello::read(message).ok_or(Refusal::protocol(alert::DECODE_ERROR))??;
    if hello.version != Some(VERSION) {
        return Err(Refusal::new(TlsError::Incompatible, alert::PROTOCOL_VERSION));
    }
    if hello.random == RETRY {
        // It asks for a key share of another group, and there is none.
        return Err(Refusal::new(TlsError::Incompatible, alert::HANDSHAKE_FAILURE));
    }
    let point = hello.share.is_some_and(|(group, point)| group == P256 && point.len() == POINT);
    if hello.suite == usize::from(SUITE) && hello.session.is_empty() && hello.compression == 0 && point {
        return Ok(());
    }
    Err(Refusal::protocol(alert::ILLEGAL_PARAMETER))
}

struct Hello<'a> {
    random: &'a [u8],
    session: &'a [u8],
    suite: usize,
    compression: usize,
    version: Option<&'a [u8]>,
    share: Option<(usize, &'a [u8])>,
}

impl<'a> Hello<'a> {
    /// `None` for what is no ServerHello.
    fn read(message: &'a [u8]) -> Option<Result<Self, Refusal>> {
        let mut outer = Reader(message);
        if outer.number(1)? != SERVER_HELLO {
            return Some(Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE)));
        }
        let mut body = Reader(outer.vector(3)?);
        if body.number(2)? != LEGACY_VERSION {
            return Some(Err(Refusal::new(TlsError::Incompatible, alert::PROTOCOL_VERSION)));
        }
        let (random, session) = (body.take(32)?, body.vector(1)?);
        let (suite, compression) = (body.number(2)?, body.number(1)?);
        let mut hello = Self { random, session, suite, compression, version: None, share: None };
        // Old servers send no extensions.
        let mut extensions = Reader(if body.is_empty() { &[] } else { body.vector(2)? });
        while !extensions.is_empty() {
            match extensions.extension()? {
                (SUPPORTED_VERSIONS, version) => hello.version = Some(version),
                (KEY_SHARE, share) => {
                    let mut share = Reader(share);
                    hello.share = Some((share.number(2)?, share.vector(2).unwrap_or_default()));
                }
                _ => {}
            }
        }
        (body.is_empty() && outer.is_empty()).then_some(Ok(hello))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ServerHello with these values.
    fn hello(suite: u16, version: [u8; 2], group: u8, random: [u8; 32]) -> Vec<u8> {
        let mut extensions = vec![0, 43, 0, 2, version[0], version[1], 0, 51, 0, 69, 0, group, 0, 65, 4];
        extensions.extend([7; 64]);
        let mut body = vec![3, 3];
        body.extend(random);
        body.extend([0, (suite >> 8) as u8, suite as u8, 0, 0, extensions.len() as u8]);
        body.extend(extensions);
        let mut message = vec![2, 0, 0, body.len() as u8];
        message.extend(body);
        message
    }

    fn refused(message: &[u8]) -> (TlsError, Option<u8>) {
        let refusal = check(message).unwrap_err();
        (refusal.failure.error, refusal.alert)
    }

    #[test]
    fn only_what_was_offered_is_taken() {
        assert_eq!(check(&hello(SUITE, [3, 4], 0x17, [1; 32])), Ok(()));
        for (message, error, told) in [
            (hello(0x1302, [3, 4], 0x17, [1; 32]), TlsError::Protocol, 47),
            (hello(SUITE, [3, 3], 0x17, [1; 32]), TlsError::Incompatible, 70),
            (hello(SUITE, [3, 4], 0x1d, [1; 32]), TlsError::Protocol, 47),
            (hello(SUITE, [3, 4], 0x17, RETRY), TlsError::Incompatible, 40),
        ] {
            assert_eq!(refused(&message), (error, Some(told)));
        }
        let mut other = hello(SUITE, [3, 4], 0x17, [1; 32]);
        other[0] = 11;
        assert_eq!(refused(&other), (TlsError::Protocol, Some(10)));
    }

    #[test]
    fn a_server_of_tls_1_2_is_not_compatible() {
        // Its ServerHello has no extensions, or others, and a session id of its own.
        let mut old = vec![2, 0, 0, 38, 3, 3];
        old.extend([9; 32]);
        old.extend([0, 0xc0, 0x2f, 0]);
        assert_eq!(refused(&old), (TlsError::Incompatible, Some(70)));
        old[5] = 1;
        assert_eq!(refused(&old), (TlsError::Incompatible, Some(70)));
    }

    proptest! {
        #[test]
        fn nothing_panics(at in 0_usize..140, byte: u8, cut in 0_usize..140) {
            let mut message = hello(SUITE, [3, 4], 0x17, [1; 32]);
            if let Some(place) = message.get_mut(at) {
                *place = byte;
            }
            let whole = check(&message);
            message.truncate(cut);
            let part = check(&message);
            prop_assert!(part.is_err() || part == whole);
        }
    }
}
