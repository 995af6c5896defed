//! Authentication of the client (RFC 4954), sent in base64.

use core::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;

/// Bytes of the longest user name and of the longest password.
pub const SECRET: usize = 64;
/// Bytes of the longest challenge.
const CHALLENGE: usize = 384;

/// Writes bytes in base64.
pub fn write_base64(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    for piece in bytes.chunks(48) {
        let mut encoded = [0; 64];
        let length = STANDARD.encode_slice(piece, &mut encoded).map_err(|_| fmt::Error)?;
        let encoded = encoded.get(..length).and_then(|encoded| core::str::from_utf8(encoded).ok());
        out.write_str(encoded.ok_or(fmt::Error)?)?;
    }
    Ok(())
}

/// Writes the one message of `PLAIN` (RFC 4616).
pub fn write_plain(out: &mut dyn Write, user: &[u8], password: &[u8]) -> fmt::Result {
    let mut message = heapless::Vec::<u8, { 2 * SECRET + 2 }>::new();
    for part in [b"\0", user, b"\0", password] {
        message.extend_from_slice(part).map_err(|_| fmt::Error)?;
    }
    let written = write_base64(out, &message);
    message.fill(0);
    written
}

/// Writes the response of `CRAM-MD5` (RFC 2195) to a base64 challenge.
pub fn write_cram_md5(out: &mut dyn Write, user: &[u8], password: &[u8], challenge: &[u8]) -> fmt::Result {
    let mut decoded = [0; CHALLENGE];
    let length = STANDARD.decode_slice(challenge, &mut decoded).map_err(|_| fmt::Error)?;
    // A key may have any length.
    let mut digest = Hmac::<Md5>::new_from_slice(password).map_err(|_| fmt::Error)?;
    digest.update(decoded.get(..length).unwrap_or_default());
    let mut message = heapless::Vec::<u8, { SECRET + 1 + 32 }>::new();
    message.extend_from_slice(user).map_err(|_| fmt::Error)?;
    message.push(b' ').map_err(|_| fmt::Error)?;
    for byte in digest.finalize().into_bytes() {
        write!(message, "{byte:02x}")?;
    }
    write_base64(out, &message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> std::string::String {
        let mut out = std::string::String::new();
        write(&mut out).unwrap();
        out
    }

    #[test]
    fn known_proofs() {
        // RFC 4616, 4 shows no base64; this is the base64 of "\0tim\0tanstaaftanstaaf".
        assert_eq!(written(|out| write_plain(out, b"tim", b"tanstaaftanstaaf")), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
        // The example of RFC 2195, 2.
        let challenge = b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
        let proof = written(|out| write_cram_md5(out, b"tim", b"tanstaaftanstaaf", challenge));
        assert_eq!(proof, "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
        let (long, mut decoded) = ([0xA5; 130], [0; 200]);
        let encoded = written(|out| write_base64(out, &long));
        assert_eq!(STANDARD.decode_slice(encoded, &mut decoded), Ok(130));
        assert_eq!(decoded[..130], long);
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        let mut out = std::string::String::new();
        for challenge in [&b"!"[..], b"abc", &[b'A'; 600]] {
            assert!(write_cram_md5(&mut out, b"u", b"p", challenge).is_err());
        }
        assert!(write_plain(&mut out, &[b'u'; SECRET + 1], &[b'p'; SECRET + 1]).is_err());
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn any_challenge_is_survived(challenge: std::vec::Vec<u8>) {
            let _ = write_cram_md5(&mut std::string::String::new(), b"user", b"password", &challenge);
        }
    }
}
