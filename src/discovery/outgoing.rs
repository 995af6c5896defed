//! Outgoing messages of multicast DNS.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::records::{Records, Set, What, class_of};
use super::responder::PORT;
use crate::wire::dns::{CLASS_FLAG, DnsError, INTERNET, Message, Section, Writer, flag, kind};

/// The group of multicast DNS.
pub(super) const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// Bytes of a message. Records that do not fit go into the next one.
const MESSAGE: usize = 1024;

/// Where answers go.
#[derive(Clone, Copy)]
pub(super) enum Destination<'a> {
    /// To the group.
    All,
    /// To the querier.
    One(Unicast<'a>),
}

/// A querier that wants a unicast answer.
#[derive(Clone, Copy)]
pub(super) enum Unicast<'a> {
    /// A querier of multicast DNS.
    Plain(SocketAddrV4),
    /// A querier of plain DNS: the answer repeats its ID and questions (RFC 6762, 6.7).
    Legacy(&'a Message<'a>, SocketAddrV4),
}

/// Takes messages to be sent.
pub(super) struct Outgoing<'a> {
    send: &'a mut dyn FnMut(&[u8], SocketAddrV4),
}

impl<'a> Outgoing<'a> {
    /// `send` gets each message and where it goes.
    pub fn new(send: &'a mut dyn FnMut(&[u8], SocketAddrV4)) -> Self {
        Self { send }
    }

    /// Asks whether another device has the names, and lists the records proposed for them (RFC 6762, 8.1).
    pub fn probe(&mut self, records: &Records, ttl: u32, wants_unicast: bool) {
        let mut buffer = [0; MESSAGE];
        let class = if wants_unicast { INTERNET | CLASS_FLAG } else { INTERNET };
        let write = |buffer: &mut [u8]| {
            let mut writer = Writer::new(buffer, 0, 0)?;
            for (name, _) in records.unique() {
                writer.question(&name, kind::ANY, class)?;
            }
            for number in records.unique().flat_map(|(_, own)| own.numbers().collect::<heapless::Vec<u8, 2>>()) {
                let written = records.with(number, |name, kind, data| {
                    writer.record(Section::Authority, name, (kind, INTERNET, ttl), data)
                });
                written.unwrap_or(Ok(()))?;
            }
            Ok::<usize, DnsError>(writer.size())
        };
        // All names and texts of a device fit, as `mdns.service` is not longer than a value.
        if let Some(message) = write(&mut buffer).ok().and_then(|size| buffer.get(..size)) {
            (self.send)(message, SocketAddrV4::new(GROUP, PORT));
        }
    }

    /// Sends answers; the last message also has the useful records of `more` that fit. Answers which records were sent.
    pub fn send(&mut self, records: &Records, answers: Set, more: Set, ttl: u32, destination: Destination<'_>) -> Set {
        let (mut left, mut sent) = (answers, Set::NONE);
        while !left.is_empty() {
            let mut buffer = [0; MESSAGE];
            let Ok((size, written)) = message(&mut buffer, records, (left, more), ttl, destination) else { break };
            let to = match destination {
                Destination::All => SocketAddrV4::new(GROUP, PORT),
                Destination::One(Unicast::Plain(to) | Unicast::Legacy(_, to)) => to,
            };
            if written.and(left).is_empty() {
                break;
            }
            (self.send)(buffer.get(..size).unwrap_or_default(), to);
            left = left.without(written);
            sent = sent.with(written);
        }
        sent
    }
}

/// Writes as many of the answers as fit, and after the last one the useful records of `more`.
fn message(
    buffer: &mut [u8],
    records: &Records,
    (answers, more): (Set, Set),
    ttl: u32,
    destination: Destination<'_>,
) -> Result<(usize, Set), DnsError> {
    let query = match destination {
        Destination::One(Unicast::Legacy(query, _)) => Some(query),
        _ => None,
    };
    let flags = flag::RESPONSE | flag::AUTHORITATIVE;
    let mut writer = Writer::new(buffer, query.map_or(0, Message::id), flags)?;
    let mut asked = Ok(());
    if let Some(query) = query {
        query.each_question(|question| {
            if asked.is_ok() {
                asked = writer.question(&question.name, question.kind, question.class);
            }
        })?;
    }
    asked?;
    let mut add = |section, number| {
        let what = What::of(number);
        // A querier of plain DNS does not know the flag.
        let class = if query.is_some() { INTERNET } else { class_of(what) };
        records.with(number, |name, kind, data| writer.record(section, name, (kind, class, ttl), data).is_ok())
    };
    let mut written = Set::NONE;
    for number in answers.numbers() {
        if add(Section::Answer, number) == Some(true) {
            written = written.with(Set::one(number));
        }
    }
    if answers.without(written).is_empty() {
        for number in more.numbers() {
            if add(Section::Additional, number) == Some(true) {
                written = written.with(Set::one(number));
            }
        }
    }
    Ok((writer.size(), written))
}
