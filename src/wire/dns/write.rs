//! Writing messages.

use core::net::Ipv4Addr;

use heapless::Vec;

use super::{
    DnsError, HEADER, INTERNET, Message, Name, OPCODE, POINTER, RECURSION_AVAILABLE, RECURSION_DESIRED, ResponseCode,
    Section, flag, kind,
};

/// Data of a record with all names uncompressed.
pub type Plain = Vec<u8, 320>;

/// The most names that later names can point to.
const NAMES: usize = 48;

/// The largest offset that a pointer can hold.
const REACH: usize = 0x3fff;

/// Data of a record to be written.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// `A`.
    Address(Ipv4Addr),
    /// `PTR`, `CNAME`.
    Name(&'a Name),
    /// `SRV`; priority and weight are 0.
    Service {
        /// Its port.
        port: u16,
        /// Its host.
        host: &'a Name,
    },
    /// `TXT`, and any other data without names.
    Bytes(&'a [u8]),
    /// `NSEC` of a name that has these types, none above 255, in ascending order, and no others.
    Only(&'a Name, &'a [u16]),
}

impl Data<'_> {
    /// The data without compression.
    pub fn plain(&self) -> Plain {
        let mut buffer = [0; 320];
        let mut writer = Writer { buffer: &mut buffer, at: 0, names: None };
        let size = writer.data(self).map_or(0, |()| writer.at);
        Plain::from_slice(buffer.get(..size).unwrap_or_default()).unwrap_or_default()
    }
}

/// Writes a message: questions first, then records, section by section.
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
    /// Offsets of names and of their ends; with `None`, names are never compressed.
    names: Option<Vec<u16, NAMES>>,
}

impl<'a> Writer<'a> {
    /// A message that has only a header.
    pub fn new(buffer: &'a mut [u8], id: u16, flags: u16) -> Result<Self, DnsError> {
        let mut writer = Self { buffer, at: 0, names: Some(Vec::new()) };
        writer.numbers(&[id, flags, 0, 0, 0, 0])?;
        Ok(writer)
    }

    /// Adds a question. If it does not fit, the message stays as it was.
    pub fn question(&mut self, name: &Name, kind: u16, class: u16) -> Result<(), DnsError> {
        self.entry(4, |writer| {
            writer.name(name)?;
            writer.numbers(&[kind, class])
        })
    }

    /// Adds a record. If it does not fit, the message stays as it was.
    pub fn record(
        &mut self,
        section: Section,
        name: &Name,
        (kind, class, ttl): (u16, u16, u32),
        data: &Data<'_>,
    ) -> Result<(), DnsError> {
        self.entry(6 + 2 * section as usize, |writer| {
            writer.name(name)?;
            writer.numbers(&[kind, class])?;
            writer.bytes(&ttl.to_be_bytes())?;
            let length = writer.at;
            writer.numbers(&[0])?;
            writer.data(data)?;
            let size = u16::try_from(writer.at - length - 2).map_err(|_| DnsError)?;
            writer.put(length, size)
        })
    }

    /// The size of the message.
    pub fn size(&self) -> usize {
        self.at
    }

    /// Whether the message has only its header.
    pub fn is_empty(&self) -> bool {
        self.at <= HEADER
    }

    /// Adds an entry and counts it in the header field at `count`.
    fn entry(&mut self, count: usize, write: impl FnOnce(&mut Self) -> Result<(), DnsError>) -> Result<(), DnsError> {
        let (at, names) = (self.at, self.names.as_ref().map_or(0, |names| names.len()));
        let number = self.buffer.get(count..count + 2).map(|field| u16::from_be_bytes([field[0], field[1]]));
        let written = number.ok_or(DnsError).and_then(|number| {
            write(self)?;
            self.put(count, number.checked_add(1).ok_or(DnsError)?)
        });
        if written.is_err() {
            self.at = at;
            if let Some(kept) = &mut self.names {
                kept.truncate(names);
            }
        }
        written
    }

    fn data(&mut self, data: &Data<'_>) -> Result<(), DnsError> {
        match data {
            Data::Address(address) => self.bytes(&address.octets()),
            Data::Name(name) => self.name(name),
            Data::Service { port, host } => {
                self.numbers(&[0, 0, *port])?;
                // A client that asks by unicast may not understand pointers here (RFC 2782).
                self.whole_name(host)
            }
            Data::Bytes(bytes) => self.bytes(bytes),
            Data::Only(name, kinds) => {
                self.name(name)?;
                let last = kinds.last().map_or(0, |kind| usize::from(*kind));
                let mut bits = [0; 32];
                for kind in *kinds {
                    if let Some(byte) = bits.get_mut(usize::from(kind / 8)) {
                        *byte |= 0x80 >> (kind % 8);
                    }
                }
                let used = bits.get(..last / 8 + 1).ok_or(DnsError)?;
                self.bytes(&[0, used.len() as u8])?;
                self.bytes(used)
            }
        }
    }

    fn put(&mut self, at: usize, number: u16) -> Result<(), DnsError> {
        self.buffer.get_mut(at..at + 2).ok_or(DnsError)?.copy_from_slice(&number.to_be_bytes());
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), DnsError> {
        let place = self.buffer.get_mut(self.at..self.at + bytes.len()).ok_or(DnsError)?;
        place.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    fn numbers(&mut self, numbers: &[u16]) -> Result<(), DnsError> {
        numbers.iter().try_for_each(|number| self.bytes(&number.to_be_bytes()))
    }

    /// Writes a name; its end may point to an earlier name.
    fn name(&mut self, name: &Name) -> Result<(), DnsError> {
        let mut rest = name.0.as_slice();
        while let Some(length) = rest.first().copied() {
            if let Some(place) = self.place_of(rest) {
                return self.numbers(&[u16::from(POINTER) << 8 | place]);
            }
            if self.at <= REACH
                && let Some(names) = &mut self.names
            {
                // If the list is full, later names cannot point to this one.
                let _ = names.push(self.at as u16);
            }
            let (label, after) = rest.split_at_checked(1 + usize::from(length)).ok_or(DnsError)?;
            self.bytes(label)?;
            rest = after;
        }
        self.bytes(&[0])
    }

    fn place_of(&self, name: &[u8]) -> Option<u16> {
        let written = Message { bytes: self.buffer.get(..self.at)? };
        let is_it =
            |place: &u16| written.name_at(usize::from(*place)).is_ok_and(|there| there.0.eq_ignore_ascii_case(name));
        self.names.as_ref()?.iter().copied().find(is_it)
    }

    fn whole_name(&mut self, name: &Name) -> Result<(), DnsError> {
        self.bytes(&name.0)?;
        self.bytes(&[0])
    }
}

/// Writes a query for one name into `buffer` and returns its size.
pub fn query(buffer: &mut [u8], id: u16, name: &Name, kind: u16) -> Result<usize, DnsError> {
    let mut writer = Writer { buffer, at: 0, names: None };
    writer.numbers(&[id, RECURSION_DESIRED, 1, 0, 0, 0])?;
    writer.name(name)?;
    writer.numbers(&[kind, INTERNET])?;
    Ok(writer.at)
}

/// Writes the response to a query into `buffer` and returns its size: the unchanged question, and the address of its
/// name, if there is one, with its TTL in seconds. `query` must have a complete first question.
pub fn respond(
    buffer: &mut [u8],
    query: &Message<'_>,
    code: ResponseCode,
    address: Option<(Ipv4Addr, u32)>,
) -> Result<usize, DnsError> {
    let (_, end) = query.question()?;
    let question = query.bytes.get(HEADER..end).ok_or(DnsError)?;
    let mut writer = Writer { buffer, at: 0, names: None };
    let asked = query.field(2) & (OPCODE | RECURSION_DESIRED);
    let flags = flag::RESPONSE | flag::AUTHORITATIVE | RECURSION_AVAILABLE | asked | code as u16;
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

/// Writes a response without a question, to a query with an unreadable question.
pub fn refuse(buffer: &mut [u8], query: &Message<'_>, code: ResponseCode) -> Result<usize, DnsError> {
    let mut writer = Writer { buffer, at: 0, names: None };
    let flags = flag::RESPONSE | query.field(2) & (OPCODE | RECURSION_DESIRED) | code as u16;
    writer.numbers(&[query.id(), flags, 0, 0, 0, 0])?;
    Ok(writer.at)
}
