//! DNS messages (RFC 1035, section 4): header, questions, records, compressed names. No I/O.
//!
//! Reading never fails with a panic and never loops: a compressed name goes backwards only, and has an end.

use core::net::Ipv4Addr;

use heapless::Vec;

/// Types of records (RFC 1035, 3.2.2; RFC 3596).
pub mod kind {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Another name for this name.
    pub const CNAME: u16 = 5;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Every type, in questions.
    pub const ANY: u16 = 255;
}

/// The class of the Internet.
pub const INTERNET: u16 = 1;

/// Codes of responses (RFC 1035, 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseCode {
    /// No error.
    Ok = 0,
    /// The query cannot be read.
    FormatError = 1,
    /// No such name.
    NameError = 3,
    /// This kind of query is not served.
    NotImplemented = 4,
    /// The server does not want to.
    Refused = 5,
}

/// Bytes of a header.
pub const HEADER: usize = 12;
/// Bytes of the longest name (RFC 1035, 2.3.4).
const NAME: usize = 255;
/// Bytes of the longest label.
const LABEL: usize = 63;
/// The two bits that mark a pointer (RFC 1035, 4.1.4).
const POINTER: u8 = 0xc0;

const RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const AUTHORITATIVE: u16 = 0x0400;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const CODE: u16 = 0x000f;

/// The message cannot be read, or there is no room to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsError;

/// A name: labels with their lengths before them, without the empty one at the end. Compared without regard to case.
#[derive(Clone, Debug, Default)]
pub struct Name(Vec<u8, NAME>);

impl Name {
    /// A name out of text with dots; `None` for what is no name. One dot at the end is allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let mut name = Vec::new();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..=LABEL as u8).contains(length))?;
            name.push(length).ok()?;
            name.extend_from_slice(label.as_bytes()).ok()?;
        }
        // The empty label at the end counts.
        (name.len() < NAME).then_some(Self(name))
    }

    /// Its labels.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        core::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (label, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(label)
        })
    }

    /// Whether it is the name that the text writes.
    pub fn is(&self, text: &str) -> bool {
        Self::parse(text).is_some_and(|name| name == *self)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

/// A message to be read.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked about.
    pub name: Name,
    /// The type that is wanted.
    pub kind: u16,
    /// The class; mDNS keeps a flag in its highest bit.
    pub class: u16,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is about.
    pub name: Name,
    /// Its type.
    pub kind: u16,
    /// Its class; mDNS keeps a flag in its highest bit.
    pub class: u16,
    /// Seconds for which it may be kept.
    pub ttl: u32,
    /// Its data.
    pub data: &'a [u8],
    /// Where the data begin in the message: names in them may point elsewhere.
    pub at: usize,
}

impl<'a> Message<'a> {
    /// A message with a whole header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DnsError> {
        if bytes.len() < HEADER { Err(DnsError) } else { Ok(Self { bytes }) }
    }

    /// The number that query and response share.
    pub fn id(&self) -> u16 {
        self.field(0)
    }

    /// Whether it is a response.
    pub fn is_response(&self) -> bool {
        self.field(2) & RESPONSE != 0
    }

    /// Whether it is a standard query or its response.
    pub fn is_standard(&self) -> bool {
        self.field(2) & OPCODE == 0
    }

    /// The code of a response.
    pub fn code(&self) -> u8 {
        (self.field(2) & CODE) as u8
    }

    /// How many questions it says to have.
    pub fn questions(&self) -> u16 {
        self.field(4)
    }

    /// The first question, and where it ends.
    pub fn question(&self) -> Result<(Question, usize), DnsError> {
        if self.questions() == 0 {
            return Err(DnsError);
        }
        self.question_at(HEADER)
    }

    /// Calls `each` with the records of the answer section.
    pub fn answers(&self, mut each: impl FnMut(Record<'a>)) -> Result<(), DnsError> {
        let mut at = HEADER;
        for _ in 0..self.questions() {
            at = self.question_at(at)?.1;
        }
        for _ in 0..self.field(6) {
            let (record, end) = self.record_at(at)?;
            at = end;
            each(record);
        }
        Ok(())
    }

    /// The name that begins at a place, for data that are a name.
    pub fn name_at(&self, at: usize) -> Result<Name, DnsError> {
        self.name(at).map(|(name, _)| name)
    }

    fn field(&self, at: usize) -> u16 {
        self.number(at).unwrap_or(0)
    }

    fn number(&self, at: usize) -> Result<u16, DnsError> {
        let bytes = self.bytes.get(at..at + 2).ok_or(DnsError)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn question_at(&self, at: usize) -> Result<(Question, usize), DnsError> {
        let (name, end) = self.name(at)?;
        Ok((Question { name, kind: self.number(end)?, class: self.number(end + 2)? }, end + 4))
    }

    fn record_at(&self, at: usize) -> Result<(Record<'a>, usize), DnsError> {
        let (name, end) = self.name(at)?;
        let ttl = u32::from(self.number(end + 4)?) << 16 | u32::from(self.number(end + 6)?);
        let start = end + 10;
        let stop = start + usize::from(self.number(end + 8)?);
        let data = self.bytes.get(start..stop).ok_or(DnsError)?;
        let record = Record { name, kind: self.number(end)?, class: self.number(end + 2)?, ttl, data, at: start };
        Ok((record, stop))
    }

    /// A name, and where it ends. Each pointer leads to a place before the one before: so there is an end.
    fn name(&self, start: usize) -> Result<(Name, usize), DnsError> {
        let (mut name, mut at, mut earliest, mut end) = (Vec::new(), start, start, None);
        loop {
            let length = *self.bytes.get(at).ok_or(DnsError)?;
            match length {
                0 => return Ok((Name(name), end.unwrap_or(at + 1))),
                1..=63 => {
                    let label = self.bytes.get(at..at + 1 + usize::from(length)).ok_or(DnsError)?;
                    name.extend_from_slice(label).map_err(|_| DnsError)?;
                    at += label.len();
                }
                POINTER.. => {
                    end = end.or(Some(at + 2));
                    at = usize::from(self.number(at)? & 0x3fff);
                    if at >= earliest || at < HEADER {
                        return Err(DnsError);
                    }
                    earliest = at;
                }
                _ => return Err(DnsError),
            }
            if name.len() >= NAME {
                return Err(DnsError);
            }
        }
    }
}

/// Writes a query for one name into `buffer` and answers its size.
pub fn query(buffer: &mut [u8], id: u16, name: &Name, kind: u16) -> Result<usize, DnsError> {
    let mut writer = Writer { buffer, at: 0 };
    writer.numbers(&[id, RECURSION_DESIRED, 1, 0, 0, 0])?;
    writer.name(name)?;
    writer.numbers(&[kind, INTERNET])?;
    Ok(writer.at)
}

/// Writes the response to a query into `buffer` and answers its size: the question as it was, and the address of its name,
/// if there is one, for `ttl` seconds. `query` must have a whole first question.
pub fn respond(
    buffer: &mut [u8],
    query: &Message<'_>,
    code: ResponseCode,
    address: Option<(Ipv4Addr, u32)>,
) -> Result<usize, DnsError> {
    let (_, end) = query.question()?;
    let question = query.bytes.get(HEADER..end).ok_or(DnsError)?;
    let mut writer = Writer { buffer, at: 0 };
    let asked = query.field(2) & (OPCODE | RECURSION_DESIRED);
    let flags = RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | asked | code as u16;
    writer.numbers(&[query.id(), flags, 1, u16::from(address.is_some()), 0, 0])?;
    writer.bytes(question)?;
    if let Some((address, ttl)) = address {
        // The name is that of the question.
        writer.numbers(&[u16::from(POINTER) << 8 | HEADER as u16, kind::A, INTERNET])?;
        writer.bytes(&ttl.to_be_bytes())?;
        writer.numbers(&[4])?;
        writer.bytes(&address.octets())?;
    }
    Ok(writer.at)
}

/// Writes a response without a question, to a query whose question cannot be read.
pub fn refuse(buffer: &mut [u8], query: &Message<'_>, code: ResponseCode) -> Result<usize, DnsError> {
    let mut writer = Writer { buffer, at: 0 };
    let flags = RESPONSE | query.field(2) & (OPCODE | RECURSION_DESIRED) | code as u16;
    writer.numbers(&[query.id(), flags, 0, 0, 0, 0])?;
    Ok(writer.at)
}

/// The IPv4 addresses of a name in a response, aliases followed, in their order.
pub fn addresses<const N: usize>(response: &Message<'_>, name: &Name) -> Result<Vec<Ipv4Addr, N>, DnsError> {
    let (mut wanted, mut found) = (name.clone(), Vec::new());
    response.answers(|record| {
        if record.name != wanted || record.class != INTERNET {
            return;
        }
        match (record.kind, <[u8; 4]>::try_from(record.data)) {
            (kind::A, Ok(address)) if !found.contains(&Ipv4Addr::from(address)) => {
                // More than are kept are left out.
                let _ = found.push(Ipv4Addr::from(address));
            }
            (kind::CNAME, _) => wanted = response.name_at(record.at).unwrap_or_default(),
            _ => {}
        }
    })?;
    Ok(found)
}

struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), DnsError> {
        let place = self.buffer.get_mut(self.at..self.at + bytes.len()).ok_or(DnsError)?;
        place.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    fn numbers(&mut self, numbers: &[u16]) -> Result<(), DnsError> {
        numbers.iter().try_for_each(|number| self.bytes(&number.to_be_bytes()))
    }

    fn name(&mut self, name: &Name) -> Result<(), DnsError> {
        self.bytes(&name.0)?;
        self.bytes(&[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec as List;

    /// A query for `setup.com` and its answer, as dig and dnsmasq exchange them.
    const QUERY: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x05setup\x03com\0\0\x01\0\x01";
    const ANSWER: &[u8] = b"\x12\x34\x85\x80\0\x01\0\x01\0\0\0\0\x05setup\x03com\0\0\x01\0\x01\
                            \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x0a\x0a\x01";

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);

    #[test]
    fn golden_bytes_both_ways() {
        let mut buffer = [0; 64];
        let name = Name::parse("setup.com").unwrap();
        let size = query(&mut buffer, 0x1234, &name, kind::A).unwrap();
        assert_eq!(&buffer[..size], QUERY);
        let message = Message::new(QUERY).unwrap();
        let (question, end) = message.question().unwrap();
        assert_eq!((question.kind, question.class, end), (kind::A, INTERNET, QUERY.len()));
        assert!(question.name.is("SETUP.com.") && !question.name.is("setup.org"));
        assert_eq!(question.name.labels().collect::<List<_>>(), [&b"setup"[..], b"com"]);
        let size = respond(&mut buffer, &message, ResponseCode::Ok, Some((OWN, 60))).unwrap();
        assert_eq!(&buffer[..size], ANSWER);
        let answer = Message::new(ANSWER).unwrap();
        assert!(answer.is_response() && answer.is_standard() && !message.is_response());
        assert_eq!(addresses::<4>(&answer, &name).unwrap(), [OWN]);
        let size = respond(&mut buffer, &message, ResponseCode::NameError, None).unwrap();
        assert_eq!(Message::new(&buffer[..size]).unwrap().code(), 3);
    }

    #[test]
    fn aliases_are_followed() {
        // www.a -> b.a (compressed) -> two addresses, one of them twice, and one of somebody else.
        let mut message = b"\0\x07\x81\x80\0\x01\0\x05\0\0\0\0\x03www\x01a\0\0\x01\0\x01".to_vec();
        message.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x10");
        for address in [1, 2, 1] {
            message.extend(b"\x01b\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0");
            message.push(address);
        }
        message.extend(b"\x01c\xc0\x10\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x09");
        let response = Message::new(&message).unwrap();
        let found = addresses::<4>(&response, &Name::parse("www.A").unwrap()).unwrap();
        assert_eq!(found, [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]);
    }

    #[test]
    fn names_that_are_none() {
        for text in ["", ".", "a..b", ".a", "a".repeat(64).as_str(), "a.".repeat(128).as_str()] {
            assert!(Name::parse(text).is_none(), "{text:?}");
        }
        assert!(Name::parse(&"a.".repeat(127)).is_some());
    }

    #[test]
    fn pointers_that_lead_nowhere_or_in_circles() {
        for name in [&b"\xc0\x0c"[..], b"\xc0\x0e", b"\xc0\0", b"\x01a\xc0\x0c", b"\x40", b"\x80", b"\x05abc", b"\xc0"]
        {
            let mut message = b"\0\0\x01\0\0\x01\0\0\0\0\0\0".to_vec();
            message.extend(name);
            assert_eq!(Message::new(&message).unwrap().question(), Err(DnsError), "{name:?}");
        }
        assert!(Message::new(&QUERY[..11]).is_err());
        let message = Message::new(QUERY).unwrap();
        assert_eq!(respond(&mut [0; 20], &message, ResponseCode::Ok, None), Err(DnsError));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_everything_ends(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(message) = Message::new(&bytes) {
                let _ = message.question();
                let _ = message.answers(|_| {});
                let _ = addresses::<2>(&message, &Name::default());
                let mut buffer = [0; 512];
                let _ = respond(&mut buffer, &message, ResponseCode::Ok, Some((OWN, 1)));
                let _ = refuse(&mut buffer, &message, ResponseCode::FormatError);
            }
        }

        #[test]
        fn what_is_written_is_read(labels in proptest::collection::vec("[a-z0-9-]{1,20}", 1..6), id: u16, kind: u16) {
            let text = labels.join(".");
            let name = Name::parse(&text).unwrap();
            let mut buffer = [0; 300];
            let size = query(&mut buffer, id, &name, kind).unwrap();
            let message = Message::new(&buffer[..size]).unwrap();
            let (question, end) = message.question().unwrap();
            prop_assert_eq!((message.id(), question.kind, end), (id, kind, size));
            prop_assert!(question.name.is(&text));
        }
    }
}
