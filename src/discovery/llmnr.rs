//! Link-local multicast name resolution (RFC 4795): Windows hosts resolve a name of one label in this way.

use core::net::Ipv4Addr;

use crate::wire::dns::{Data, INTERNET, Message, Section, Writer, flag, kind};

/// The port.
pub(super) const PORT: u16 = 5355;
/// The group.
pub(super) const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 252);

/// Seconds for which an answer may be kept (RFC 4795, 2.8).
const TTL: u32 = 30;

/// What a query asks the device to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// To send this number of bytes.
    Answer(usize),
    /// To check whether others have its name, too: several devices have answered for it.
    Verify,
    /// Nothing.
    Nothing,
}

/// Writes the answer to a query for the name `label`. A query that is not understood gets none (RFC 4795, 2.1.1).
pub(super) fn reply(buffer: &mut [u8], bytes: &[u8], label: &str, address: Ipv4Addr) -> Reply {
    let Ok(query) = Message::new(bytes) else { return Reply::Nothing };
    let is_plain = !query.is_response() && query.is_standard() && query.questions() == 1;
    let has_records = query.counts() != [0; 2];
    let Some((question, _)) = query.question().ok().filter(|_| is_plain && !has_records) else { return Reply::Nothing };
    let mut labels = question.name.labels();
    let is_own = labels.next().is_some_and(|first| first.eq_ignore_ascii_case(label.as_bytes()));
    if !is_own || labels.next().is_some() || question.class != INTERNET {
        return Reply::Nothing;
    }
    // In LLMNR this is the conflict bit: several devices have the name.
    if query.flags() & flag::AUTHORITATIVE != 0 {
        return Reply::Verify;
    }
    let mut write = || {
        let mut writer = Writer::new(buffer, query.id(), flag::RESPONSE)?;
        writer.question(&question.name, question.kind, question.class)?;
        if matches!(question.kind, kind::A | kind::ANY) {
            writer.record(Section::Answer, &question.name, (kind::A, INTERNET, TTL), &Data::Address(address))?;
        }
        Ok::<usize, crate::wire::dns::DnsError>(writer.size())
    };
    write().map_or(Reply::Nothing, Reply::Answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);
    const QUERY: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04lamp\0\0\x01\0\x01";
    const ANSWER: &[u8] = b"\x12\x34\x80\0\0\x01\0\x01\0\0\0\0\x04lamp\0\0\x01\0\x01\
                            \xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x0a\x0a\x01";

    fn answer(query: &[u8]) -> Result<std::vec::Vec<u8>, Reply> {
        let mut buffer = [0; 128];
        match reply(&mut buffer, query, "Lamp", OWN) {
            Reply::Answer(size) => Ok(buffer[..size].to_vec()),
            other => Err(other),
        }
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(answer(QUERY).unwrap(), ANSWER);
        // The name exists, but has no IPv6 address.
        let mut query = QUERY.to_vec();
        query[19] = 28;
        let empty = answer(&query).unwrap();
        assert_eq!((empty.len(), &empty[..8]), (QUERY.len(), &b"\x12\x34\x80\0\0\x01\0\0"[..]));
    }

    #[test]
    fn queries_without_an_answer() {
        for (at, byte) in [(2, 0x80), (2, 0x28), (5, 0), (5, 2), (7, 1), (9, 1), (13, b'k'), (21, 3)] {
            let mut query = QUERY.to_vec();
            query[at] = byte;
            assert_eq!(answer(&query), Err(Reply::Nothing), "{at}");
        }
        let mut several = QUERY.to_vec();
        several[2] = 4;
        assert_eq!(answer(&several), Err(Reply::Verify));
        let local = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04lamp\x05local\0\0\x01\0\x01";
        assert_eq!(answer(local), Err(Reply::Nothing));
        for size in 0..QUERY.len() {
            assert_eq!(answer(&QUERY[..size]), Err(Reply::Nothing));
        }
    }
}
