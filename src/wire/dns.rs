//! DNS messages (RFC 1035, section 4): header, questions, records, compressed names. No I/O. DNS itself, multicast DNS (RFC
//! 6762) and LLMNR (RFC 4795) use the same messages.
//!
//! Reading never panics and never loops: the pointers of a compressed name only lead backwards, so it ends.

use core::net::Ipv4Addr;

use heapless::Vec;

mod write;

pub use write::{Data, Plain, Writer, query, refuse, respond};

/// Types of records (RFC 1035, 3.2.2; RFC 3596).
pub mod kind {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Another name for this name.
    pub const CNAME: u16 = 5;
    /// A name that this name points to.
    pub const PTR: u16 = 12;
    /// Strings, each with its length.
    pub const TXT: u16 = 16;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Host and port of a service (RFC 2782).
    pub const SRV: u16 = 33;
    /// Which types a name has (RFC 4034; in multicast DNS RFC 6762, 6.1).
    pub const NSEC: u16 = 47;
    /// Every type, in questions.
    pub const ANY: u16 = 255;
}

/// The class of the Internet.
pub const INTERNET: u16 = 1;
/// Every class, in questions.
pub const ANY_CLASS: u16 = 255;
/// The flag of multicast DNS in a class: in a question, it asks for a unicast answer; in a record, it says that there
/// are no other records of this name and type (RFC 6762, 5.4 and 10.2).
pub const CLASS_FLAG: u16 = 0x8000;

/// Flags of a header that callers choose.
pub mod flag {
    /// A response.
    pub const RESPONSE: u16 = 0x8000;
    /// The responder is authoritative for the name; in LLMNR, others have the name, too.
    pub const AUTHORITATIVE: u16 = 0x0400;
    /// The message is truncated; in a query of multicast DNS, more known answers follow.
    pub const TRUNCATED: u16 = 0x0200;
}

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
    /// The server refuses to answer.
    Refused = 5,
}

/// Bytes of a header.
pub const HEADER: usize = 12;
/// Bytes of the longest name (RFC 1035, 2.3.4).
const NAME: usize = 255;
/// Bytes of the longest label.
pub const LABEL: usize = 63;
/// The two bits that mark a pointer (RFC 1035, 4.1.4).
const POINTER: u8 = 0xc0;

const OPCODE: u16 = 0x7800;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const CODE: u16 = 0x000f;

/// The message cannot be read, or there is no room to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsError;

/// A name: labels, each after its length, without the empty label at the end. Comparison ignores case.
#[derive(Clone, Debug, Default)]
pub struct Name(Vec<u8, NAME>);

impl Name {
    /// Makes a name from text with dots; `None` for an invalid name. One dot at the end is allowed.
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

    /// Prepends a label to a name; `None` when the label is invalid or the name gets too long. A label may have any
    /// bytes.
    pub fn under(label: &[u8], name: &Self) -> Option<Self> {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=LABEL as u8).contains(length))?;
        let mut whole = Vec::new();
        whole.push(length).ok()?;
        whole.extend_from_slice(label).ok()?;
        whole.extend_from_slice(&name.0).ok()?;
        (whole.len() < NAME).then_some(Self(whole))
    }

    /// The name for the reverse look-up of an address (RFC 1035, 3.5).
    pub fn of_address(address: Ipv4Addr) -> Self {
        let mut text = heapless::String::<32>::new();
        let [a, b, c, d] = address.octets();
        let written = core::fmt::write(&mut text, format_args!("{d}.{c}.{b}.{a}.in-addr.arpa"));
        written.ok().and_then(|()| Self::parse(&text)).unwrap_or_default()
    }

    /// The name without its first label.
    pub fn parent(&self) -> Self {
        let first = self.labels().next().map_or(0, |label| label.len() + 1);
        Self(Vec::from_slice(self.0.get(first..).unwrap_or_default()).unwrap_or_default())
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

    /// Whether it is the name in the text.
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

/// The section of a message that a record is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answers to the questions; in a query of multicast DNS, known answers.
    Answer,
    /// The authoritative servers; in a query of multicast DNS, records that the sender wants to claim.
    Authority,
    /// Records that may be useful.
    Additional,
}

impl Section {
    /// Every section, in its order.
    pub const ALL: [Self; 3] = [Self::Answer, Self::Authority, Self::Additional];
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name that is asked about.
    pub name: Name,
    /// The requested type.
    pub kind: u16,
    /// The class; mDNS keeps a flag in its highest bit.
    pub class: u16,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The name that it belongs to.
    pub name: Name,
    /// Its type.
    pub kind: u16,
    /// Its class; mDNS keeps a flag in its highest bit.
    pub class: u16,
    /// Seconds for which it may be cached.
    pub ttl: u32,
    /// Its data.
    pub data: &'a [u8],
    /// The offset of the data in the message, because names in the data may be pointers.
    pub at: usize,
}

impl<'a> Message<'a> {
    /// A message with a whole header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DnsError> {
        if bytes.len() < HEADER { Err(DnsError) } else { Ok(Self { bytes }) }
    }

    /// The flags of the header.
    pub fn flags(&self) -> u16 {
        self.field(2)
    }

    /// The id, which query and response share.
    pub fn id(&self) -> u16 {
        self.field(0)
    }

    /// Whether it is a response.
    pub fn is_response(&self) -> bool {
        self.field(2) & flag::RESPONSE != 0
    }

    /// Whether it is a standard query or its response.
    pub fn is_standard(&self) -> bool {
        self.field(2) & OPCODE == 0
    }

    /// The code of a response.
    pub fn code(&self) -> u8 {
        (self.field(2) & CODE) as u8
    }

    /// The number of questions according to the header.
    pub fn questions(&self) -> u16 {
        self.field(4)
    }

    /// The numbers of answer records and authority records according to the header.
    pub fn counts(&self) -> [u16; 2] {
        [self.field(6), self.field(8)]
    }

    /// The first question, and where it ends.
    pub fn question(&self) -> Result<(Question, usize), DnsError> {
        if self.questions() == 0 {
            return Err(DnsError);
        }
        self.question_at(HEADER)
    }

    /// Calls `each` with the questions.
    pub fn each_question(&self, mut each: impl FnMut(Question)) -> Result<(), DnsError> {
        self.skip_questions(&mut each).map(|_| ())
    }

    /// Calls `each` with the records of the answer section.
    pub fn answers(&self, mut each: impl FnMut(Record<'a>)) -> Result<(), DnsError> {
        self.records_of(1, &mut |_, record| each(record))
    }

    /// Calls `each` with the records of all sections, up to the first unreadable one.
    pub fn records(&self, mut each: impl FnMut(Section, Record<'a>)) -> Result<(), DnsError> {
        self.records_of(Section::ALL.len(), &mut each)
    }

    fn skip_questions(&self, each: &mut dyn FnMut(Question)) -> Result<usize, DnsError> {
        let mut at = HEADER;
        for _ in 0..self.questions() {
            let (question, end) = self.question_at(at)?;
            at = end;
            each(question);
        }
        Ok(at)
    }

    fn records_of(&self, sections: usize, each: &mut dyn FnMut(Section, Record<'a>)) -> Result<(), DnsError> {
        let mut at = self.skip_questions(&mut |_| {})?;
        for (number, section) in Section::ALL.into_iter().take(sections).enumerate() {
            for _ in 0..self.field(6 + 2 * number) {
                let (record, end) = self.record_at(at)?;
                at = end;
                each(section, record);
            }
        }
        Ok(())
    }

    /// Port and host of a record of the type `SRV`.
    pub fn service(&self, record: &Record<'_>) -> Result<(u16, Name), DnsError> {
        let port = record.data.get(4..6).ok_or(DnsError)?;
        Ok((u16::from_be_bytes([port[0], port[1]]), self.name_at(record.at + 6)?))
    }

    /// The data of a record with uncompressed names, so that they can be compared. Data longer than [`Plain`] are cut
    /// off.
    pub fn plain(&self, record: &Record<'_>) -> Result<Plain, DnsError> {
        let mut plain = Plain::new();
        let named = match record.kind {
            kind::PTR | kind::CNAME | kind::NSEC => Some(0),
            kind::SRV => Some(6),
            _ => None,
        };
        let mut rest = record.data;
        if let Some(before) = named {
            let (name, end) = self.name(record.at + before)?;
            let head = record.data.get(..before).ok_or(DnsError)?;
            rest = record.data.get(end - record.at..).ok_or(DnsError)?;
            // Both fit.
            let _ = plain.extend_from_slice(head);
            let _ = plain.extend_from_slice(&name.0);
            let _ = plain.push(0);
        }
        let room = plain.capacity() - plain.len();
        let _ = plain.extend_from_slice(rest.get(..room.min(rest.len())).unwrap_or_default());
        Ok(plain)
    }

    /// The name at an offset, for data that are a name.
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

    /// A name, and where it ends. Each pointer must lead to an earlier place than the previous one, so there is an end.
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

/// The IPv4 addresses of a name in a response, in their order; aliases are followed.
pub fn addresses<const N: usize>(response: &Message<'_>, name: &Name) -> Result<Vec<Ipv4Addr, N>, DnsError> {
    let (mut wanted, mut found) = (name.clone(), Vec::new());
    response.answers(|record| {
        if record.name != wanted || record.class != INTERNET {
            return;
        }
        match (record.kind, <[u8; 4]>::try_from(record.data)) {
            (kind::A, Ok(address)) if !found.contains(&Ipv4Addr::from(address)) => {
                // Addresses beyond the capacity are left out.
                let _ = found.push(Ipv4Addr::from(address));
            }
            (kind::CNAME, _) => wanted = response.name_at(record.at).unwrap_or_default(),
            _ => {}
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
