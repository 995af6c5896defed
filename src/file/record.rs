//! The record after the content of a file on flash.
//!
//! ```text
//! content   as many bytes as the record says
//! record    CBOR array: name, size, version (array of 3 or 4), type, flags, CRC-16 of the content
//! length    of the record, 2 bytes, little endian
//! CRC-32    over record and length, 4 bytes, little endian
//! mark      "OZF1"
//! ```
//!
//! Later formats may add elements at the end of the array; readers skip unknown elements.

use crc::{CRC_32_ISO_HDLC, Crc};
use heapless::Vec;
use minicbor::decode::Error as DecodeError;
use minicbor::encode::write::Cursor;
use minicbor::{Decoder, Encoder};

use super::meta::{Meta, check_name};
use super::version::Version;
use crate::limits;

/// The longest record with its footer.
pub const MAX: usize = limits::FILE_NAME + 64;

/// CRC-32 as in zlib; also the check sum that Gecko OS 4 hosts give for a file.
pub static CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

const MARK: [u8; 4] = *b"OZF1";
/// Bytes of length, CRC and mark.
const FOOTER: usize = 10;

/// A record with its footer, ready to be appended to the content.
pub type Record = Vec<u8, MAX>;

/// The record of a file. `None` would mean that [`MAX`] is too small, which a test excludes.
pub fn encode(meta: &Meta) -> Option<Record> {
    let mut buffer = [0; MAX - FOOTER];
    let mut encoder = Encoder::new(Cursor::new(&mut buffer[..]));
    write_record(&mut encoder, meta)?;
    let length = encoder.writer().position();

    let mut record = Record::from_slice(buffer.get(..length)?).ok()?;
    record.extend_from_slice(&u16::try_from(length).ok()?.to_le_bytes()).ok()?;
    let crc = CRC32.checksum(&record);
    record.extend_from_slice(&crc.to_le_bytes()).ok()?;
    record.extend_from_slice(&MARK).ok()?;
    Some(record)
}

fn write_record(encoder: &mut Encoder<Cursor<&mut [u8]>>, meta: &Meta) -> Option<()> {
    let parts = meta.version.parts();
    encoder.array(6).ok()?.bytes(&meta.name).ok()?.u32(meta.size).ok()?;
    encoder.array(parts.len() as u64).ok()?;
    for &part in parts {
        encoder.u16(part).ok()?;
    }
    encoder.u8(meta.kind).ok()?.u16(meta.flags).ok()?.u16(meta.crc).ok()?;
    Some(())
}

/// Reads the record at the end of `tail`, the last bytes of a flash file of `length` bytes. `None`: damaged.
pub fn decode(tail: &[u8], length: u32) -> Option<Meta> {
    let (rest, mark) = tail.split_last_chunk::<4>()?;
    let (rest, crc) = rest.split_last_chunk::<4>()?;
    let (front, record_length) = rest.split_last_chunk::<2>()?;
    let record_length = usize::from(u16::from_le_bytes(*record_length));
    let start = front.len().checked_sub(record_length)?;
    let covered = rest.get(start..)?;
    if *mark != MARK || CRC32.checksum(covered) != u32::from_le_bytes(*crc) {
        return None;
    }
    let meta = read_record(front.get(start..)?).ok()??;
    let whole = u64::from(meta.size) + (record_length + FOOTER) as u64;
    (whole == u64::from(length)).then_some(meta)
}

fn read_record(record: &[u8]) -> Result<Option<Meta>, DecodeError> {
    let mut decoder = Decoder::new(record);
    if decoder.array()?.is_none_or(|fields| fields < 6) {
        return Ok(None);
    }
    let name = check_name(decoder.bytes()?);
    let size = decoder.u32()?;
    let mut numbers: Vec<u16, 4> = Vec::new();
    for _ in 0..decoder.array()?.unwrap_or(0) {
        if numbers.push(decoder.u16()?).is_err() {
            return Ok(None);
        }
    }
    let (kind, flags, crc) = (decoder.u8()?, decoder.u16()?, decoder.u16()?);
    let (Ok(name), Some(version)) = (name, Version::from_parts(&numbers)) else {
        return Ok(None);
    };
    Ok(Some(Meta { name, size, version, kind, flags, crc }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn largest() -> Meta {
        Meta {
            name: check_name(&[0xFF; limits::FILE_NAME]).unwrap(),
            size: u32::MAX - MAX as u32,
            version: Version::new([u16::MAX; 4]),
            kind: 0xFE,
            flags: u16::MAX,
            crc: u16::MAX,
        }
    }

    #[test]
    fn the_longest_record_fits() {
        let meta = largest();
        let record = encode(&meta).unwrap();
        assert_eq!(decode(&record, meta.size + record.len() as u32), Some(meta));
    }

    /// The bytes on flash must not change: files have to survive a firmware update.
    #[test]
    fn golden_bytes() {
        let meta = Meta {
            name: check_name(b"a.txt").unwrap(),
            size: 12,
            version: Version::parse(b"1.5.0").unwrap(),
            kind: 0xFE,
            flags: 0x81,
            crc: 0x222F,
        };
        let record = encode(&meta).unwrap();
        let expected = b"\x86\x45a.txt\x0c\x83\x01\x05\x00\x18\xfe\x18\x81\x19\x22\x2f\x13\x00\x0a\xfe\xa2\xc0OZF1";
        assert_eq!(record, expected);
        assert_eq!(decode(expected, 12 + expected.len() as u32), Some(meta));
    }

    /// Every single damaged, missing or additional byte is noticed.
    #[test]
    fn damage_is_noticed() {
        let meta = Meta { size: 0, ..largest() };
        let record = encode(&meta).unwrap();
        let length = record.len() as u32;
        for at in 0..record.len() {
            let mut damaged = record.clone();
            damaged[at] ^= 0x10;
            assert_eq!(decode(&damaged, length), None, "byte {at}");
            assert_eq!(decode(&record[..at], at as u32), None, "cut at {at}");
        }
        assert_eq!(decode(&record, length + 1), None);
        assert_eq!(decode(&record, length - 1), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(mut tail in proptest::collection::vec(any::<u8>(), 0..MAX), length: u32) {
            let _ = decode(&tail, length);
            // The same with a valid footer, so that the CBOR reader gets the record.
            let record_length = (tail.len() as u16).to_le_bytes();
            tail.extend_from_slice(&record_length);
            let crc = CRC32.checksum(&tail).to_le_bytes();
            tail.extend_from_slice(&crc);
            tail.extend_from_slice(&MARK);
            let _ = decode(&tail, length);
        }
    }
}
