//! The hash of a handshake, which also remembers facts about the handshake that the library does not report.

use aes_gcm::aead::generic_array::typenum::{U32, U64};
use heapless::Vec;
use sha2::Sha256;
use sha2::digest::core_api::BlockSizeUser;
use sha2::digest::{Digest, FixedOutput, HashMarker, Output, OutputSizeUser, Reset, Update};

use super::reader::Reader;
use crate::limits;

/// Remembered messages at most; a handshake has five up to the server's certificate.
const MESSAGES: usize = 6;

const ENCRYPTED_EXTENSIONS: u8 = 8;
const ALPN: usize = 16;

/// The protocol that the server has chosen by ALPN (RFC 7301); `None` when its answer is invalid.
pub(super) type Choice = Option<Vec<u8, { limits::ALPN }>>;

/// SHA-256 over the messages of a handshake. The library uses it for its key schedule too, where the remembered facts
/// are not read.
#[derive(Clone, Default)]
pub(super) struct Transcript {
    hash: Sha256,
    /// The types of the messages.
    pub(super) kinds: Vec<u8, MESSAGES>,
    /// The ALPN choice in EncryptedExtensions.
    chosen: Vec<u8, { limits::ALPN }>,
    unclear: bool,
}

impl Transcript {
    /// The protocol that the server has chosen, empty for none.
    pub(super) fn alpn(&self) -> Choice {
        (!self.unclear).then(|| self.chosen.clone())
    }

    /// The library adds each message in one piece.
    fn remember(&mut self, message: &[u8]) {
        let Some((kind, _)) = message.split_first() else { return };
        if self.kinds.push(*kind).is_ok() && *kind == ENCRYPTED_EXTENSIONS {
            match chosen(message) {
                Some(name) => self.chosen = name,
                None => self.unclear = true,
            }
        }
    }
}

/// The protocol in EncryptedExtensions.
fn chosen(message: &[u8]) -> Choice {
    let mut outer = Reader(message);
    outer.take(1)?;
    let mut extensions = Reader(Reader(outer.vector(3)?).vector(2)?);
    while !extensions.is_empty() {
        if let (ALPN, list) = extensions.extension()? {
            let mut names = Reader(Reader(list).vector(2)?);
            let name = names.vector(1)?;
            return if names.is_empty() { Vec::from_slice(name).ok() } else { None };
        }
    }
    Some(Vec::new())
}

impl HashMarker for Transcript {}

impl OutputSizeUser for Transcript {
    type OutputSize = U32;
}

impl BlockSizeUser for Transcript {
    type BlockSize = U64;
}

impl Update for Transcript {
    fn update(&mut self, data: &[u8]) {
        self.remember(data);
        Digest::update(&mut self.hash, data);
    }
}

impl FixedOutput for Transcript {
    fn finalize_into(self, out: &mut Output<Self>) {
        FixedOutput::finalize_into(self.hash, out);
    }
}

impl Reset for Transcript {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(messages: &[&[u8]]) -> Transcript {
        let mut transcript = Transcript::default();
        messages.iter().for_each(|message| Update::update(&mut transcript, message));
        transcript
    }

    #[test]
    fn the_hash_is_that_of_all_messages() {
        let transcript = after(&[b"\x01\0\0\0", b"\x02\0\0\x01x"]);
        assert_eq!(transcript.kinds, [1, 2]);
        assert_eq!(transcript.finalize(), Sha256::digest(b"\x01\0\0\0\x02\0\0\x01x"));
    }

    #[test]
    fn the_choice_of_the_server_is_read() {
        let with = |extensions: &[u8]| {
            let mut message = std::vec![8, 0, 0, extensions.len() as u8 + 2, 0, extensions.len() as u8];
            message.extend(extensions);
            after(&[&message]).alpn()
        };
        assert_eq!(with(b""), Some(Vec::new()));
        assert_eq!(with(b"\0\0\0\0\0\x10\0\x05\0\x03\x02h2"), Some(Vec::from_slice(b"h2").unwrap()));
        assert_eq!(with(b"\0\x10\0\x07\0\x05\x02h2\x01x"), None, "two");
        assert_eq!(with(b"\0\x10\0\x05\0\x03\x09h2"), None, "not whole");
        assert_eq!(with(b"\0\x10\0"), None);
    }
}
