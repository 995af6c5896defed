//! The cipher suite that embedded-tls uses: AES-128-GCM that inspects each record before it encrypts and after it
//! decrypts.
//!
//! The library makes a new cipher from the key for each record and passes nothing but the bytes. So the phase of the
//! session comes in the version field of the record's header, which the library passes on unread, and findings are
//! passed on in the bytes themselves:
//! - Once the handshake is over, the library gets only application data records, whose last byte is the true type of
//!   the record. It passes records to send in the same way.
//! - During the handshake, an alert or a record that this cipher refuses becomes a [`note`].

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::consts::{U0, U12, U16, U54};
use aes_gcm::aead::{AeadCore, AeadInPlace, Buffer, Error, Key, KeyInit, KeySizeUser, Nonce, Tag};
use embedded_tls::TlsCipherSuite;

use super::hello::SUITE;
use super::reader::Reader;
use super::refusal::Refusal;
use super::transcript::Transcript;
use super::{alert, kind};

/// Plaintext bytes of a record at most (RFC 8446, 5.1).
pub(super) const PLAIN: usize = 16_384;

/// Marks a record of an open session, in the version field of its header; other records have the true version there.
pub(super) const OPEN: [u8; 2] = [3, 0xff];

const TAG: usize = 16;

/// `TLS_AES_128_GCM_SHA256`.
pub(super) struct Suite;

impl TlsCipherSuite for Suite {
    const CODE_POINT: u16 = SUITE;
    type Cipher = Cipher;
    type KeyLen = U16;
    type IvLen = U12;
    type Hash = Transcript;
    type LabelBufferSize = U54;
}

/// The cipher of one direction, for one record.
pub(super) struct Cipher(Aes128Gcm);

impl KeySizeUser for Cipher {
    type KeySize = U16;
}

impl KeyInit for Cipher {
    fn new(key: &Key<Self>) -> Self {
        Self(Aes128Gcm::new(key))
    }
}

impl AeadCore for Cipher {
    type NonceSize = U12;
    type TagSize = U16;
    type CiphertextOverhead = U0;
}

impl AeadInPlace for Cipher {
    fn encrypt_in_place(&self, nonce: &Nonce<Self>, _: &[u8], buffer: &mut dyn Buffer) -> Result<(), Error> {
        if let [.., kind::APPLICATION_DATA] = buffer.as_ref() {
            // The byte before it is the true type.
            buffer.truncate(buffer.len() - 1);
        }
        let header = header(buffer.len() + TAG);
        self.0.encrypt_in_place(nonce, &header, buffer)
    }

    fn decrypt_in_place(&self, nonce: &Nonce<Self>, marked: &[u8], buffer: &mut dyn Buffer) -> Result<(), Error> {
        let header = header(buffer.len());
        self.0.decrypt_in_place(nonce, &header, buffer)?;
        // Zeros are padding; a record of zeros only has no type (RFC 8446, 5.4).
        let last = buffer.as_ref().iter().rposition(|byte| *byte != 0).filter(|last| *last <= PLAIN).ok_or(Error)?;
        buffer.truncate(last + 1);
        if marked.get(1..3) == Some(&OPEN) {
            return buffer.extend_from_slice(&[kind::APPLICATION_DATA]);
        }
        if let Err(noticed) = inspect(buffer.as_ref()) {
            buffer.truncate(0);
            buffer.extend_from_slice(&note(noticed))?;
        }
        Ok(())
    }

    fn encrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<Tag<Self>, Error> {
        self.0.encrypt_in_place_detached(nonce, data, buffer)
    }

    fn decrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        data: &[u8],
        buffer: &mut [u8],
        tag: &Tag<Self>,
    ) -> Result<(), Error> {
        self.0.decrypt_in_place_detached(nonce, data, buffer, tag)
    }
}

/// The header of an encrypted record, which is authenticated with it (RFC 8446, 5.2).
fn header(length: usize) -> [u8; 5] {
    let [.., high, low] = length.to_be_bytes();
    [kind::APPLICATION_DATA, 3, 3, high, low]
}

/// A finding in a record of the handshake: the server's alert unchanged, or, with [`OWN`] as its level, why this cipher
/// refuses the record.
type Noticed = [u8; 2];

const OWN: u8 = 0;
/// Messages are spread over records, and the library cannot reassemble them.
const SPLIT: Noticed = [OWN, alert::INTERNAL_ERROR];

/// Whether the library may see this record of the server's part of the handshake: whole messages in their order.
fn inspect(record: &[u8]) -> Result<(), Noticed> {
    let messages = match record {
        [level, description, kind::ALERT] => return Err([*level, *description]),
        [messages @ .., kind::HANDSHAKE] if !messages.is_empty() => messages,
        _ => return Err([OWN, alert::UNEXPECTED_MESSAGE]),
    };
    let (mut messages, mut before) = (Reader(messages), 0);
    while !messages.is_empty() {
        let kind = messages.number(1).ok_or(SPLIT)?;
        messages.vector(3).ok_or(SPLIT)?;
        // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished.
        let rank = [8, 13, 11, 15, 20].iter().position(|known| *known == kind).map_or(0, |place| place + 1);
        if rank <= before {
            return Err([OWN, alert::UNEXPECTED_MESSAGE]);
        }
        before = rank;
    }
    Ok(())
}

/// A record for the library with the finding in place of the decrypted bytes: a Certificate message with a certificate
/// of two bytes, an impossible size. So the finding reaches the verifier.
fn note([level, description]: Noticed) -> [u8; 16] {
    [11, 0, 0, 11, 0, 0, 0, 7, 0, 0, 2, level, description, 0, 0, kind::HANDSHAKE]
}

/// The finding in a note; `None` for a real certificate.
pub(super) fn noticed(certificate: &[u8]) -> Option<Refusal> {
    match *certificate {
        [OWN, description] => Some(Refusal::protocol(description)),
        [_, description] => Some(Refusal::told(description)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::generic_array::GenericArray;
    use proptest::prelude::*;

    use super::*;

    /// Encrypts a record as a server would.
    fn encrypted(plain: &[u8]) -> Vec<u8> {
        let mut record = plain.to_vec();
        let header = header(plain.len() + TAG);
        Aes128Gcm::new(&[7; 16].into()).encrypt_in_place(&[0; 12].into(), &header, &mut record).unwrap();
        record
    }

    fn decrypted(plain: &[u8], version: [u8; 2]) -> Result<Vec<u8>, Error> {
        let mut record = encrypted(plain);
        let [.., high, low] = record.len().to_be_bytes();
        let marked = [kind::APPLICATION_DATA, version[0], version[1], high, low];
        Cipher::new(&[7; 16].into()).decrypt_in_place(&[0; 12].into(), &marked, &mut record)?;
        Ok(record)
    }

    #[test]
    fn records_of_an_open_session_are_all_alike() {
        assert_eq!(decrypted(b"ab\x17", OPEN), Ok(b"ab\x17\x17".to_vec()));
        assert_eq!(decrypted(b"\x01\0\x15\0\0\0", OPEN), Ok(b"\x01\0\x15\x17".to_vec()));
        assert_eq!(decrypted(b"\x16", OPEN), Ok(b"\x16\x17".to_vec()));
        assert_eq!(decrypted(b"", OPEN), Err(Error));
        assert_eq!(decrypted(&[0; 100], OPEN), Err(Error));
        let mut most = vec![1; PLAIN];
        most.push(kind::APPLICATION_DATA);
        assert_eq!(decrypted(&most, OPEN).unwrap().len(), PLAIN + 2);
        most.push(kind::APPLICATION_DATA);
        assert_eq!(decrypted(&most, OPEN), Err(Error));
    }

    #[test]
    fn the_type_of_what_is_sent_stands_before_that_of_the_library() {
        for (given, sent) in
            [(&b"ab\x17\x17"[..], &b"ab\x17"[..]), (b"\x01\0\x15\x17", b"\x01\0\x15"), (b"x\x16", b"x\x16")]
        {
            let mut record = given.to_vec();
            let nonce = GenericArray::from([0; 12]);
            Cipher::new(&[7; 16].into()).encrypt_in_place(&nonce, &[0; 5], &mut record).unwrap();
            assert_eq!(record, encrypted(sent));
        }
    }

    #[test]
    fn only_whole_messages_in_their_order_get_through() {
        let flight = b"\x08\0\0\x02\0\0\x0b\0\0\x01x\x0f\0\0\0\x14\0\0\x01f\x16";
        assert_eq!(decrypted(flight, [3, 3]), Ok(flight.to_vec()));
        for (plain, noticed) in [
            (&b"\x02\x28\x15"[..], [2, 40]),
            (b"\x16", [OWN, 10]),
            (b"x\x17", [OWN, 10]),
            (b"\x02\x15", [OWN, 10]),
            (b"\x08\0\0\x02\0\x16", SPLIT),
            (b"\x08\0\x16", SPLIT),
            (b"\x0b\0\0\0\x08\0\0\0\x16", [OWN, 10]),
            (b"\x0b\0\0\0\x0b\0\0\0\x16", [OWN, 10]),
            (b"\x18\0\0\x01\0\x16", [OWN, 10]),
        ] {
            assert_eq!(decrypted(plain, [3, 3]), Ok(note(noticed).to_vec()), "{plain:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(plain in proptest::collection::vec(any::<u8>(), 0..60), open: bool) {
            let _ = decrypted(&plain, if open { OPEN } else { [3, 3] });
        }
    }
}
