//! The CRC-16 of files (interface, files 6).
//!
//! Polynomial 0x1021, start 0xFFFF, input bytes reflected, result not reflected, no final XOR. No catalogue lists this
//! combination, so it is defined here.

use crc::{Algorithm, Crc, Digest};

/// The parameters of the CRC.
const ALGORITHM: Algorithm<u16> = Algorithm {
    width: 16,
    poly: 0x1021,
    init: 0xFFFF,
    refin: true,
    refout: false,
    xorout: 0,
    check: 0x89F6,
    residue: 0,
};

static CRC: Crc<u16> = Crc::<u16>::new(&ALGORITHM);

/// A CRC-16 that is computed piece by piece.
#[derive(Clone)]
pub struct Crc16(Digest<'static, u16>);

impl Crc16 {
    /// The CRC of no bytes.
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Takes the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The CRC of all bytes taken so far.
    pub fn value(&self) -> u16 {
        self.0.clone().finalize()
    }
}

impl Default for Crc16 {
    fn default() -> Self {
        Self::new()
    }
}

/// The CRC-16 of `data`.
pub fn crc16(data: &[u8]) -> u16 {
    CRC.checksum(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The golden table (interface, files 6).
    #[test]
    fn golden_table() {
        let all: std::vec::Vec<u8> = (0..=255).collect();
        let table: [(&[u8], u16); 14] = [
            (b"", 0xFFFF),
            (b"123456789", 0x89F6),
            (b"A", 0x503A),
            (b"#", 0x7838),
            (b"\0", 0xE1F0),
            (b"hello", 0x42D3),
            (&all, 0xC3F3),
            (b"hello world", 0x9F8A),
            (b"Hello World!", 0x222F),
            (b"Hello World!\r\n", 0xF1F1),
            (b"0123456789", 0x97C3),
            (b"0123456789abcdef", 0x4540),
            (b"\xFF\xFF\xFF\xFF", 0x1D0F),
            (b"140", 0x00A0),
        ];
        for (data, expected) in table {
            assert_eq!(crc16(data), expected, "{data:?}");
        }
    }

    /// Any split into pieces gives the same CRC.
    #[test]
    fn pieces() {
        let data = b"Hello World!";
        for cut in 0..=data.len() {
            let mut crc = Crc16::new();
            crc.update(&data[..cut]);
            crc.update(&data[cut..]);
            assert_eq!(crc.value(), 0x222F);
        }
    }
}
