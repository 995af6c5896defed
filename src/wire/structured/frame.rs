//! Frames: a payload and its CRC-32 (little endian), COBS, and a zero behind. No other byte of a frame is zero, so that the
//! next frame is found whatever has happened to the one before.

use cobs::CobsEncoder;
use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};
use heapless::Vec;
use minicbor::encode::Write;

use super::message::Message;

/// The checksum: CRC-32 of Ethernet and zlib (polynomial 0x04C11DB7, reflected, from 0xFFFFFFFF, inverted at the end).
const CHECKSUM: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Bytes of the checksum.
const CHECK: usize = 4;

/// Bytes of a frame, with its zero, whose payload has so many.
pub const fn encoded(payload: usize) -> usize {
    payload + CHECK + (payload + CHECK) / 254 + 2
}

/// There is no room for the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A frame that is being written where it will be sent from.
pub struct Writer<'a> {
    encoder: CobsEncoder<'a>,
    digest: Digest<'static, u32, Table<1>>,
}

static SUM: Crc<u32, Table<1>> = CHECKSUM;

impl Write for Writer<'_> {
    type Error = Full;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.digest.update(bytes);
        self.encoder.push(bytes).map_err(|_| Full)
    }
}

/// Writes the frame of a message, and answers its length.
pub fn write(message: &Message<'_>, out: &mut [u8]) -> Result<usize, Full> {
    // The zero behind the frame.
    let (body, _) = out.split_last_mut().ok_or(Full).map(|(last, body)| (body, last))?;
    if body.is_empty() {
        return Err(Full);
    }
    let mut encoder = minicbor::Encoder::new(Writer { encoder: CobsEncoder::new(body), digest: SUM.digest() });
    message.encode(&mut encoder).map_err(|_| Full)?;
    let Writer { mut encoder, digest } = encoder.into_writer();
    encoder.push(&digest.finalize().to_le_bytes()).map_err(|_| Full)?;
    let length = encoder.finalize();
    *out.get_mut(length).ok_or(Full)? = 0;
    Ok(length + 1)
}

/// Why a frame is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It is longer than any frame may be.
    TooLong,
    /// It is no COBS, or has no room for a checksum.
    Framing,
    /// The checksum is wrong.
    Checksum,
}

/// Puts received bytes together to frames. `N` is the length of the longest frame: see [`encoded`].
pub struct Collector<const N: usize> {
    bytes: Vec<u8, N>,
    too_long: bool,
    /// What is there has been looked at.
    over: bool,
}

impl<const N: usize> Collector<N> {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), too_long: false, over: false }
    }

    /// Takes the next byte. At the end of a frame it answers the payload; nothing between two zeros is no frame.
    pub fn push(&mut self, byte: u8) -> Option<Result<&[u8], Bad>> {
        if core::mem::take(&mut self.over) {
            self.bytes.clear();
        }
        if byte != 0 {
            self.too_long |= self.bytes.push(byte).is_err();
            return None;
        }
        self.over = true;
        if core::mem::take(&mut self.too_long) {
            return Some(Err(Bad::TooLong));
        }
        if self.bytes.is_empty() {
            return None;
        }
        Some(open(&mut self.bytes))
    }
}

impl<const N: usize> Default for Collector<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The payload of a frame, without the zero behind it, which is decoded where it lies.
pub fn open(frame: &mut [u8]) -> Result<&[u8], Bad> {
    let length = cobs::decode_in_place(frame).map_err(|_| Bad::Framing)?;
    let decoded = frame.get(..length).unwrap_or_default();
    let (payload, check) = decoded.split_last_chunk::<CHECK>().ok_or(Bad::Framing)?;
    if u32::from_le_bytes(*check) == CHECKSUM.checksum(payload) { Ok(payload) } else { Err(Bad::Checksum) }
}
