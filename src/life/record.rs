//! The record of faults as it lies in flash: a CBOR array of version, marks, faults and a CRC-32.

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use heapless::Deque;
use minicbor::encode::write::Cursor;
use minicbor::{Decoder, Encoder};

use crate::port::{FAULT_PLACE, Fault, FaultKind};

/// Faults that are kept, and after which the device starts in safe mode (interface, commands/faults_print).
pub const FAULTS: usize = 8;

/// The version of the record's form. A record of another version is not read.
const VERSION: u32 = 1;

/// Bytes of the longest record.
pub const RECORD: usize = 32 + FAULTS * (FAULT_PLACE + 5);

/// The checksum without its table: records are short and rare.
const CHECKSUM: Crc<u32, Table<0>> = Crc::<u32, Table<0>>::new(&CRC_32_ISO_HDLC);

/// What is remembered of former lives.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The last faults since they were cleared, the oldest first.
    pub faults: Deque<Fault, FAULTS>,
    /// The next start is one in safe mode, whatever the faults.
    pub forced: bool,
    /// Starts in safe mode since the power came.
    pub loads: u8,
    /// How often the device has cleared its faults by itself since the power came.
    pub recoveries: u8,
}

impl Record {
    /// Nothing to remember.
    pub const EMPTY: Self = Self { faults: Deque::new(), forced: false, loads: 0, recoveries: 0 };

    /// Adds a fault; the oldest gives way.
    pub fn add(&mut self, fault: Fault) {
        if self.faults.is_full() {
            self.faults.pop_front();
        }
        // There is room now.
        let _ = self.faults.push_back(fault);
    }

    /// Forgets the faults.
    pub fn clear(&mut self) {
        self.faults.clear();
        self.forced = false;
    }

    /// Writes it and returns its length; `None` when the buffer is too small.
    pub fn encode(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut encoder = Encoder::new(Cursor::new(&mut *buffer));
        let marks = encoder.array(6).ok()?.u32(VERSION).ok()?.bool(self.forced).ok()?;
        marks.u8(self.loads).ok()?.u8(self.recoveries).ok()?.array(2 * self.faults.len() as u64).ok()?;
        for fault in &self.faults {
            encoder.u8(fault.kind as u8).ok()?.str(&fault.place).ok()?;
        }
        let length = encoder.writer().position();
        let sum = CHECKSUM.checksum(buffer.get(..length)?);
        let mut encoder = Encoder::new(Cursor::new(buffer.get_mut(length..)?));
        encoder.u32(sum).ok()?;
        Some(length + encoder.writer().position())
    }

    /// Reads one; `None` when it is not complete, or of another version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        if decoder.array().ok()? != Some(6) || decoder.u32().ok()? != VERSION {
            return None;
        }
        let mut record = Self { forced: decoder.bool().ok()?, ..Self::EMPTY };
        (record.loads, record.recoveries) = (decoder.u8().ok()?, decoder.u8().ok()?);
        let words = decoder.array().ok()??;
        for _ in 0..words / 2 {
            let kind = FaultKind::of(decoder.u8().ok()?);
            record.faults.push_back(Fault { kind, place: decoder.str().ok()?.try_into().ok()? }).ok()?;
        }
        let checked = bytes.get(..decoder.position())?;
        (decoder.u32().ok()? == CHECKSUM.checksum(checked)).then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_has_these_bytes() {
        let mut record = Record { forced: true, loads: 2, recoveries: 1, ..Record::EMPTY };
        record.add(Fault::new(FaultKind::Watchdog, format_args!("pc 1")));
        let mut buffer = [0; RECORD];
        let length = record.encode(&mut buffer).unwrap();
        let golden = b"\x86\x01\xf5\x02\x01\x82\x04\x64pc 1\x1a";
        assert_eq!(&buffer[..golden.len()], golden);
        assert_eq!(length, golden.len() + 4);
        assert_eq!(Record::decode(&buffer[..length]), Some(record));
    }

    #[test]
    fn a_full_record_fits_and_the_oldest_fault_gives_way() {
        let mut record = Record { forced: true, loads: 255, recoveries: 255, ..Record::EMPTY };
        for number in 0..=FAULTS {
            record.add(Fault::new(FaultKind::Hard, format_args!("{number:024}")));
        }
        assert!(record.faults.front().unwrap().place.ends_with("01"));
        let mut buffer = [0; RECORD];
        let length = record.encode(&mut buffer).unwrap();
        assert_eq!(Record::decode(&buffer[..length]), Some(record));
    }

    proptest! {
        #[test]
        fn a_record_that_is_cut_or_changed_is_none(cut in 0usize..17, flip in 0usize..17, bit in 0u8..8) {
            let mut record = Record::EMPTY;
            record.add(Fault::new(FaultKind::Panic, format_args!("x.rs")));
            let mut buffer = [0; RECORD];
            let length = record.encode(&mut buffer).unwrap();
            prop_assert_eq!(length, 17);
            prop_assert_eq!(Record::decode(&buffer[..cut]), None);
            buffer[flip] ^= 1 << bit;
            prop_assert_eq!(Record::decode(&buffer[..length]), None);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Record::decode(&bytes);
        }
    }
}
