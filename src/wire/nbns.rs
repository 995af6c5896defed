//! The name service of NetBIOS (RFC 1002, 4.2): questions for an address or for the names of a node, and their answers.
//! The messages are those of DNS ([`super::dns`]) with their own form of names.

use core::net::Ipv4Addr;

use heapless::Vec;

use super::dns::{self, Data, DnsError, INTERNET, Message, Section, Writer, flag};

/// Characters of a name; the byte after them is its type.
pub const NAME: usize = 15;

/// A type of names: the computer itself.
pub const WORKSTATION: u8 = 0x00;

/// The most names of a node in an answer.
pub const NAMES: usize = 4;

/// Types of records.
const ADDRESS: u16 = 0x0020;
const STATUS: u16 = 0x0021;
/// In `NAME_FLAGS` of a status (RFC 1002, 4.2.18): the name is in use.
const ACTIVE: u16 = 0x0400;
/// The query asks for recursion; answers repeat the flag.
const RECURSION: u16 = 0x0100;
/// Bytes of statistics in a status, after the MAC address.
const STATISTICS: usize = 40;
/// Bytes of the data of a status.
const STATUS_DATA: usize = 1 + NAMES * (NAME + 3) + 6 + STATISTICS;

/// A name, padded with blanks, and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetbiosName([u8; NAME + 1]);

impl NetbiosName {
    /// The wildcard name, in questions for the status of a node.
    pub const ANY: Self = Self([b'*', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    /// Makes a name from text, in capital letters; `None` when it is too long or empty.
    pub fn new(text: &str, stands_for: u8) -> Option<Self> {
        let mut name = [b' '; NAME + 1];
        if text.is_empty() {
            return None;
        }
        name[..NAME].get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        name.make_ascii_uppercase();
        name[NAME] = stands_for;
        Some(Self(name))
    }

    /// Two letters for each byte (RFC 1001, 14.1).
    fn encode(&self) -> Option<dns::Name> {
        let mut label = [0; 2 * (NAME + 1)];
        for (pair, byte) in label.chunks_mut(2).zip(self.0) {
            pair.copy_from_slice(&[b'A' + (byte >> 4), b'A' + (byte & 15)]);
        }
        dns::Name::under(&label, &dns::Name::default())
    }

    fn decode(name: &dns::Name) -> Option<Self> {
        let mut labels = name.labels();
        let label = labels.next().filter(|label| label.len() == 2 * (NAME + 1))?;
        // A name with a scope is a different name.
        if labels.next().is_some() {
            return None;
        }
        let half = |letter: u8| letter.to_ascii_uppercase().checked_sub(b'A').filter(|half| *half < 16);
        let mut bytes = [0; NAME + 1];
        for (byte, pair) in bytes.iter_mut().zip(label.chunks(2)) {
            *byte = half(*pair.first()?)? << 4 | half(*pair.get(1)?)?;
        }
        Some(Self(bytes))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The address of the name.
    Address,
    /// All names of the node.
    Status,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    id: u16,
    recursion: u16,
    /// The name.
    pub name: NetbiosName,
    /// What is asked for.
    pub wanted: Wanted,
}

impl Query {
    /// Reads a query; `None` for anything else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let message = Message::new(bytes).ok()?;
        if message.is_response() || !message.is_standard() || message.questions() != 1 {
            return None;
        }
        let (question, _) = message.question().ok()?;
        let wanted = match (question.kind, question.class) {
            (ADDRESS, INTERNET) => Wanted::Address,
            (STATUS, INTERNET) => Wanted::Status,
            _ => return None,
        };
        let name = NetbiosName::decode(&question.name)?;
        Some(Self { id: message.id(), recursion: message.flags() & RECURSION, name, wanted })
    }

    /// Writes the answer to a question for an address, and returns its size.
    pub fn address(&self, buffer: &mut [u8], address: Ipv4Addr, ttl: u32) -> Result<usize, DnsError> {
        let [a, b, c, d] = address.octets();
        // The flags say: a unique name of a node that uses broadcasts.
        self.answer(buffer, (ADDRESS, INTERNET, ttl), &[0, 0, a, b, c, d])
    }

    /// Writes the answer to a question for the names of the node, at most [`NAMES`], and returns its size.
    pub fn status(&self, buffer: &mut [u8], names: &[NetbiosName], mac: [u8; 6]) -> Result<usize, DnsError> {
        let mut data: Vec<u8, STATUS_DATA> = Vec::new();
        let names = names.get(..NAMES.min(names.len())).unwrap_or_default();
        // There is room for everything.
        let _ = data.push(names.len() as u8);
        for name in names {
            let _ = data.extend_from_slice(&name.0);
            let _ = data.extend_from_slice(&ACTIVE.to_be_bytes());
        }
        let _ = data.extend_from_slice(&mac);
        let _ = data.extend_from_slice(&[0; STATISTICS]);
        self.answer(buffer, (STATUS, INTERNET, 0), &data)
    }

    fn answer(&self, buffer: &mut [u8], record: (u16, u16, u32), data: &[u8]) -> Result<usize, DnsError> {
        let flags = flag::RESPONSE | flag::AUTHORITATIVE | self.recursion;
        let mut writer = Writer::new(buffer, self.id, flags)?;
        let name = self.name.encode().ok_or(DnsError)?;
        writer.record(Section::Answer, &name, record, &Data::Bytes(data))?;
        Ok(writer.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);

    /// A broadcast query for `FRED` (the example of RFC 1001, 14.1) as nmblookup sends it.
    const QUERY: &[u8] = b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20EGFCEFEECACACACACACACACACACACAAA\0\0\x20\0\x01";
    const ANSWER: &[u8] = b"\x12\x34\x85\x00\0\0\0\x01\0\0\0\0\x20EGFCEFEECACACACACACACACACACACAAA\0\0\x20\0\x01\
                            \0\0\x01\x2c\0\x06\0\0\x0a\x0a\x0a\x01";
    /// `nmblookup -A`.
    const STATUS_QUERY: &[u8] = b"\x12\x35\0\0\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";

    #[test]
    fn golden_bytes_of_an_address() {
        let query = Query::read(QUERY).unwrap();
        let name = NetbiosName::new("fred", WORKSTATION).unwrap();
        assert_eq!((query.name, query.wanted), (name, Wanted::Address));
        let mut buffer = [0; 100];
        let size = query.address(&mut buffer, OWN, 300).unwrap();
        assert_eq!(&buffer[..size], ANSWER);
        assert!(query.address(&mut buffer[..ANSWER.len() - 1], OWN, 300).is_err());
    }

    #[test]
    fn golden_bytes_of_a_status() {
        let query = Query::read(STATUS_QUERY).unwrap();
        assert_eq!((query.name, query.wanted), (NetbiosName::ANY, Wanted::Status));
        let name = NetbiosName::new("Fred", WORKSTATION).unwrap();
        let mut buffer = [0; 256];
        let size = query.status(&mut buffer, &[name], [1, 2, 3, 4, 5, 6]).unwrap();
        let mut expected = b"\x12\x35\x84\0\0\0\0\x01\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01\
                             \0\0\0\0\0\x41\x01FRED           \0\x04\0\x01\x02\x03\x04\x05\x06"
            .to_vec();
        expected.extend([0; 40]);
        assert_eq!(&buffer[..size], expected);
        let many = query.status(&mut buffer, &[name; NAMES + 1], [0; 6]).unwrap();
        assert_eq!(buffer[56], NAMES as u8);
        assert_eq!(many, 57 + NAMES * 18 + 46);
    }

    #[test]
    fn names() {
        assert!(NetbiosName::new("", WORKSTATION).is_none());
        assert!(NetbiosName::new("exactly15letter", WORKSTATION).is_some());
        assert!(NetbiosName::new("now16characters!", WORKSTATION).is_none());
    }

    #[test]
    fn what_is_no_query() {
        for (at, byte, why) in [
            (2, 0x85, "a response"),
            (2, 0x29, "a registration"),
            (5, 0, "no question"),
            (5, 2, "half of the questions"),
            (12, 0x1f, "another length"),
            (13, b'Q', "no half of a byte"),
            (45, 1, "a scope"),
            (47, 0x22, "another type"),
            (49, 2, "another class"),
        ] {
            let mut query = QUERY.to_vec();
            query[at] = byte;
            assert_eq!(Query::read(&query), None, "{why}");
        }
        for size in 0..QUERY.len() {
            assert_eq!(Query::read(&QUERY[..size]), None, "{size} bytes");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Query::read(&bytes);
        }

        #[test]
        fn what_is_written_is_read(text in "[a-zA-Z0-9-]{1,15}", stands_for: u8) {
            let name = NetbiosName::new(&text, stands_for).unwrap();
            prop_assert_eq!(NetbiosName::decode(&name.encode().unwrap()), Some(name));
        }
    }
}
