//! Services of others (RFC 6763, 4): their instances, ports and addresses.

use core::net::Ipv4Addr;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use super::ask::Questions;
use super::records::all_types;
use super::room::Discovery;
use crate::limits;
use crate::port::Interface;
use crate::wire::dns::{LABEL, Message, Name, Record, kind};

/// How often the search asks for everything not known yet, and how long it waits each time.
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(700);
/// Maximum number of service types in a search for all types.
const TYPES: usize = 8 * limits::DISCOVERY;
/// Bytes of the longest name that is kept; services with longer names are left out.
const SHORT: usize = 80;

/// A name that is kept.
type Short = Vec<u8, SHORT>;

/// Why a search has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowseError {
    /// Another search runs.
    Busy,
    /// There is no socket for the search.
    NoSocket,
    /// The text is not a valid service type.
    NoService,
}

/// A service that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of the instance: any text.
    pub name: Vec<u8, LABEL>,
    kind: u8,
    host: Short,
    /// Its port; 0 while it is not known.
    pub port: u16,
    /// Its address; unspecified while it is not known.
    pub address: Ipv4Addr,
}

/// What a search has found so far.
pub(super) struct Browse {
    runs: bool,
    /// Searches begun since boot.
    number: u32,
    kinds: Vec<Short, TYPES>,
    found: Vec<Found, { limits::DISCOVERED }>,
}

impl Browse {
    pub const fn new() -> Self {
        Self { runs: false, number: 0, kinds: Vec::new(), found: Vec::new() }
    }

    /// The name and record type of a question still to ask. Skips the first `kinds` types and `found` services.
    fn unknown(&self, (kinds, found): (usize, usize), number: usize) -> Option<(Name, u16)> {
        let kinds = self.kinds.iter().skip(kinds).map(|kind| Some((long(kind)?, kind::PTR)));
        let found = self.found.iter().skip(found).map(|found| match () {
            () if found.port == 0 => Some((self.instance(found)?, kind::SRV)),
            () if found.address.is_unspecified() => Some((long(&found.host)?, kind::A)),
            () => None,
        });
        kinds.chain(found).flatten().nth(number)
    }

    fn instance(&self, found: &Found) -> Option<Name> {
        Name::under(&found.name, &long(self.kinds.get(usize::from(found.kind))?)?)
    }

    fn size(&self) -> (usize, usize) {
        (self.kinds.len(), self.found.len())
    }

    /// Reads the records of a message. If it has new types or services, answers how many were known before.
    fn read(&mut self, message: &Message<'_>) -> Option<(usize, usize)> {
        let before = self.size();
        // Each step needs the results of the previous one, whatever the order of the records in the message.
        for step in [Self::read_kind, Self::read_instance, Self::read_place, Self::read_address] {
            let _ = message.records(|_, record| step(self, message, &record));
        }
        (before != self.size()).then_some(before)
    }

    fn read_kind(&mut self, message: &Message<'_>, record: &Record<'_>) {
        if record.kind == kind::PTR && record.ttl > 0 && record.name == all_types() {
            let named = message.name_at(record.at).ok().and_then(|name| short(&name));
            if let Some(named) = named.filter(|named| !self.kinds.contains(named)) {
                // More are left out.
                let _ = self.kinds.push(named);
            }
        }
    }

    fn read_instance(&mut self, message: &Message<'_>, record: &Record<'_>) {
        if record.kind != kind::PTR || record.ttl == 0 {
            return;
        }
        let is_it = |kind: &Short| long(kind).is_some_and(|kind| kind == record.name);
        let Some(kind) = self.kinds.iter().position(is_it) else { return };
        let Some(instance) = message.name_at(record.at).ok().filter(|name| name.parent() == record.name) else {
            return;
        };
        let Some(name) = instance.labels().next().and_then(|label| Vec::from_slice(label).ok()) else { return };
        self.add(Found { name, kind: kind as u8, host: Short::new(), port: 0, address: Ipv4Addr::UNSPECIFIED });
    }

    fn add(&mut self, new: Found) {
        if !self.found.iter().any(|found| found.kind == new.kind && found.name.eq_ignore_ascii_case(&new.name)) {
            // More are left out.
            let _ = self.found.push(new);
        }
    }

    fn read_place(&mut self, message: &Message<'_>, record: &Record<'_>) {
        if record.kind != kind::SRV || record.ttl == 0 {
            return;
        }
        let is_it = |found: &Found| self.instance(found).is_some_and(|instance| instance == record.name);
        let Some(at) = self.found.iter().position(is_it) else { return };
        let Ok((port, host)) = message.service(record) else { return };
        if let Some((found, host)) = self.found.get_mut(at).filter(|found| found.port == 0).zip(short(&host)) {
            (found.port, found.host) = (port, host);
        }
    }

    fn read_address(&mut self, _: &Message<'_>, record: &Record<'_>) {
        let Ok(address) = <[u8; 4]>::try_from(record.data) else { return };
        if record.kind != kind::A || record.ttl == 0 {
            return;
        }
        let Some(host) = short(&record.name) else { return };
        let of_it = |found: &&mut Found| found.host == host && found.address.is_unspecified();
        self.found.iter_mut().filter(of_it).for_each(|found| found.address = address.into());
    }
}

/// A name in lower case, if it is not too long.
fn short(name: &Name) -> Option<Short> {
    let mut text = Short::new();
    for label in name.labels() {
        text.push(label.len() as u8).ok()?;
        text.extend_from_slice(label).ok()?;
    }
    text.make_ascii_lowercase();
    Some(text)
}

fn long(text: &[u8]) -> Option<Name> {
    let Some((length, rest)) = text.split_first() else { return Some(Name::default()) };
    let (label, rest) = rest.split_at_checked(usize::from(*length))?;
    Name::under(label, &long(rest)?)
}

/// The name of a type of services: `http`, `ipp,udp`, `_ipp._tcp`, with or without `.local`.
fn kind_name(service: &str) -> Option<Name> {
    let plain = service.strip_suffix('.').unwrap_or(service);
    let plain = plain.strip_suffix(".local").unwrap_or(plain);
    let (name, transport) = plain.split_once([',', '.']).unwrap_or((plain, "tcp"));
    let (name, transport) = (name.strip_prefix('_').unwrap_or(name), transport.strip_prefix('_').unwrap_or(transport));
    let is_transport = transport.eq_ignore_ascii_case("tcp") || transport.eq_ignore_ascii_case("udp");
    if name.is_empty() || !is_transport {
        return None;
    }
    let label = |text: &str| {
        let mut label = Vec::<u8, LABEL>::from_slice(b"_").ok()?;
        label.extend_from_slice(text.as_bytes()).ok()?;
        Some(label)
    };
    Name::under(&label(name)?, &Name::under(&label(transport)?, &Name::parse("local")?)?)
}

/// Ends a search when dropped, also a search that is given up.
struct Running<'a>(&'a Discovery);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.browse.borrow_mut().runs = false;
    }
}

impl Discovery {
    /// Searches for services of one type, or of all. Answers the number of the search; its result stays until the next
    /// one.
    pub async fn discover(&self, interface: Interface, service: Option<&str>) -> Result<u32, BrowseError> {
        let wanted = match service {
            Some(service) => Some(kind_name(service).and_then(|name| short(&name)).ok_or(BrowseError::NoService)?),
            None => None,
        };
        if core::mem::replace(&mut self.browse.borrow_mut().runs, true) {
            return Err(BrowseError::Busy);
        }
        let _running = Running(self);
        let questions = Questions::open(self, interface).map_err(|_| BrowseError::NoSocket)?;
        let is_everything = wanted.is_none();
        {
            let mut browse = self.browse.borrow_mut();
            browse.number = browse.number.wrapping_add(1);
            browse.kinds.clear();
            browse.found.clear();
            // There is room for one.
            let _ = wanted.map(|wanted| browse.kinds.push(wanted));
        }
        self.add_own(interface, is_everything);
        for _ in 0..ROUNDS {
            if is_everything {
                questions.ask(&all_types(), kind::PTR);
            }
            self.ask_unknown(&questions, (0, 0));
            let end = Instant::now() + ROUND;
            let read = |message: &Message<'_>| self.browse.borrow_mut().read(message);
            while let Some(known) = questions.answers(end, read).await {
                self.ask_unknown(&questions, known);
            }
        }
        Ok(self.searches())
    }

    /// The number of the last search.
    pub fn searches(&self) -> u32 {
        self.browse.borrow().number
    }

    fn ask_unknown(&self, questions: &Questions<'_>, known: (usize, usize)) {
        let mut number = 0;
        while let Some((name, kind)) = { self.browse.borrow().unknown(known, number) } {
            questions.ask(&name, kind);
            number += 1;
        }
    }

    /// Adds the device's own services: not every port receives its own answers.
    fn add_own(&self, interface: Interface, is_everything: bool) {
        self.with_records(interface, |records| {
            let mut browse = self.browse.borrow_mut();
            for (kind, port) in records.offered() {
                let Some(kind) = short(&kind) else { continue };
                if is_everything && !browse.kinds.contains(&kind) {
                    let _ = browse.kinds.push(kind.clone());
                }
                let Some(at) = browse.kinds.iter().position(|known| *known == kind) else { continue };
                let Ok(name) = Vec::from_slice(records.label().as_bytes()) else { continue };
                browse.add(Found { name, kind: at as u8, host: Short::new(), port, address: records.address });
            }
        });
    }

    /// Calls `each` with every complete result of the last search and its type as text: `_http._tcp`.
    pub fn each_found(&self, mut each: impl FnMut(&Found, &str)) {
        let browse = self.browse.borrow();
        for found in browse.found.iter().filter(|found| found.port != 0 && !found.address.is_unspecified()) {
            let kind = browse.kinds.get(usize::from(found.kind)).and_then(|kind| long(kind)).unwrap_or_default();
            let mut text = heapless::String::<SHORT>::new();
            for label in kind.labels().take(2).filter_map(|label| core::str::from_utf8(label).ok()) {
                let _ = text.push_str(if text.is_empty() { "" } else { "." });
                let _ = text.push_str(label);
            }
            each(found, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for text in ["http", "_http", "http,tcp", "_http._tcp", "_HTTP._tcp.local", "http.tcp.local."] {
            assert_eq!(kind_name(text), Name::parse("_http._tcp.local"), "{text}");
        }
        assert_eq!(kind_name("osc,udp"), Name::parse("_osc._udp.local"));
        for text in ["", "_", "http,sctp", "http,tcp,80", "._tcp"] {
            assert_eq!(kind_name(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_kept() {
        let name = Name::parse("_Http._tcp.local").unwrap();
        assert_eq!(long(&short(&name).unwrap()), Some(name));
        assert_eq!(short(&Name::parse(&"abcdefghi.".repeat(9)).unwrap()), None);
    }
}
