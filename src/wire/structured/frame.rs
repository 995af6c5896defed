//! Frames: a payload and its CRC-32 (little endian), encoded with COBS and followed by a zero. No other byte of a frame
//! is zero, so that a receiver always finds the next frame, even after a damaged one.

use cobs::CobsEncoder;
use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};
use heapless::Vec;
use minicbor::encode::Write;

use super::message::Message;

/// The checksum: CRC-32 of Ethernet and zlib (polynomial 0x04C11DB7, reflected, from 0xFFFFFFFF, inverted at the end).
const CHECKSUM: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Bytes of the checksum.
const CHECK: usize = 4;

/// Bytes of a frame with its zero, for a payload of `payload` bytes.
pub const fn encoded(payload: usize) -> usize {
    payload + CHECK + (payload + CHECK) / 254 + 2
}

/// There is no room for the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Writes a frame directly into the buffer from which it is sent.
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

/// Writes the frame of a message, and returns its length.
pub fn write(message: &Message<'_>, out: &mut [u8]) -> Result<usize, Full> {
    // Room for the zero after the frame.
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
    /// It is longer than the longest frame.
    TooLong,
    /// It is not valid COBS, or too short for a checksum.
    Framing,
    /// The checksum is wrong.
    Checksum,
}

/// Assembles received bytes to frames. `N` is the length of the longest frame: see [`encoded`].
pub struct Collector<const N: usize> {
    bytes: Vec<u8, N>,
    too_long: bool,
    /// The bytes are those of a frame that has been returned.
    over: bool,
}

impl<const N: usize> Collector<N> {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), too_long: false, over: false }
    }

    /// Takes the next byte. At the end of a frame, returns the payload; two zeros in a row contain no frame.
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

/// Decodes a frame, without its final zero, in place; returns the payload.
pub fn open(frame: &mut [u8]) -> Result<&[u8], Bad> {
    let length = cobs::decode_in_place(frame).map_err(|_| Bad::Framing)?;
    let decoded = frame.get(..length).unwrap_or_default();
    let (payload, check) = decoded.split_last_chunk::<CHECK>().ok_or(Bad::Framing)?;
    if u32::from_le_bytes(*check) == CHECKSUM.checksum(payload) { Ok(payload) } else { Err(Bad::Checksum) }
}
