//! Received records once a session is open.

use super::refusal::Refusal;
use super::{alert, kind};
use crate::port::TlsError;

const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

/// The number of consecutive records without data that a server may send: tickets, mostly. More would only cost time.
const IDLE: u8 = 32;

/// The content of a received record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived<'a> {
    Data(&'a [u8]),
    /// Nothing more comes.
    End,
}

/// The state of reading post-handshake messages. They may be spread over records.
#[derive(Debug, Default)]
pub(super) struct After {
    header: heapless::Vec<u8, 4>,
    /// Bytes of the present message that have not arrived yet.
    rest: usize,
    /// Records without data since the last one with data.
    idle: u8,
}

impl After {
    /// Takes a record: its content, with its type at the end.
    pub(super) fn record<'a>(&mut self, record: &'a [u8]) -> Result<Arrived<'a>, Refusal> {
        let Some((kind, content)) = record.split_last() else { return Err(Refusal::protocol(alert::DECODE_ERROR)) };
        let is_between = self.header.is_empty() && self.rest == 0;
        self.idle = if content.is_empty() || *kind != kind::APPLICATION_DATA { self.idle + 1 } else { 0 };
        match *kind {
            _ if self.idle > IDLE => Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE)),
            kind::HANDSHAKE if !content.is_empty() => self.messages(content).map(|()| Arrived::Data(&[])),
            kind::APPLICATION_DATA if is_between => Ok(Arrived::Data(content)),
            kind::ALERT if is_between => Self::alert(content),
            _ => Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE)),
        }
    }

    fn alert(content: &[u8]) -> Result<Arrived<'static>, Refusal> {
        match *content {
            [_, alert::CLOSE_NOTIFY] => Ok(Arrived::End),
            // The end will follow (RFC 8446, 6.1).
            [_, alert::USER_CANCELED] => Ok(Arrived::Data(&[])),
            [_, description] => Err(Refusal::told(description)),
            _ => Err(Refusal::protocol(alert::DECODE_ERROR)),
        }
    }

    /// Tickets are skipped. The library cannot make new keys: a KeyUpdate ends the session.
    fn messages(&mut self, mut content: &[u8]) -> Result<(), Refusal> {
        while let Some((byte, others)) = content.split_first() {
            if self.rest > 0 {
                let skipped = self.rest.min(content.len());
                self.rest -= skipped;
                content = content.get(skipped..).unwrap_or_default();
                continue;
            }
            content = others;
            let _ = self.header.push(*byte);
            match self.header[..] {
                [NEW_SESSION_TICKET] | [NEW_SESSION_TICKET, _] | [NEW_SESSION_TICKET, _, _] => {}
                [NEW_SESSION_TICKET, high, middle, low] => {
                    self.rest = u32::from_be_bytes([0, high, middle, low]) as usize;
                    self.header.clear();
                }
                [KEY_UPDATE, ..] => return Err(Refusal::new(TlsError::Incompatible, alert::INTERNAL_ERROR)),
                _ => return Err(Refusal::protocol(alert::UNEXPECTED_MESSAGE)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_comes_and_tickets_go_by() {
        let mut after = After::default();
        assert_eq!(after.record(b"\x04\0\0\x03abc\x04\0\x16"), Ok(Arrived::Data(b"")));
        assert!(after.record(b"x\x17").is_err(), "amid a ticket");
        let mut after = After::default();
        assert_eq!(after.record(b"\x04\0\x16"), Ok(Arrived::Data(b"")));
        assert_eq!(after.record(b"\0\x02a\x16"), Ok(Arrived::Data(b"")));
        assert_eq!(after.record(b"b\x16"), Ok(Arrived::Data(b"")));
        assert_eq!(after.record(b"data\x17"), Ok(Arrived::Data(b"data")));
        assert_eq!(after.record(b"\x01\x5a\x15"), Ok(Arrived::Data(b"")));
        assert_eq!(after.record(b"\x01\0\x15"), Ok(Arrived::End));
    }

    #[test]
    fn everything_else_ends_the_session() {
        for (record, error) in [
            (&b"\x18\0\0\x01\0\x16"[..], TlsError::Incompatible),
            (b"\x0b\0\0\x01\0\x16", TlsError::Protocol),
            (b"\x16", TlsError::Protocol),
            (b"\x02\x15", TlsError::Protocol),
            (b"\x02\x14\x15", TlsError::Alert(20)),
            (b"\x01\x14", TlsError::Protocol),
            (b"", TlsError::Protocol),
        ] {
            assert_eq!(After::default().record(record).unwrap_err().failure.error, error, "{record:?}");
        }
    }

    #[test]
    fn nothing_comes_for_ever() {
        let mut after = After::default();
        for _ in 0..3 {
            for _ in 0..IDLE {
                assert_eq!(after.record(b"\x17"), Ok(Arrived::Data(b"")));
            }
            assert_eq!(after.record(b"x\x17"), Ok(Arrived::Data(b"x")));
        }
        for _ in 0..IDLE {
            after.record(b"\x17").unwrap();
        }
        assert!(after.record(b"\x17").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..9)) {
            let mut after = After::default();
            for record in records {
                if after.record(&record).is_err() {
                    break;
                }
            }
        }
    }
}
