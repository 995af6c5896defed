//! Services to announce (RFC 6763), as `mdns.service` lists them: `<service>[,<tcp|udp>,<port>[,<key>=<value>]...]`,
//! separated by commas.
//!
//! A word with `=` belongs to the service before it; any other word begins the next service. So the list needs no other
//! separator.

use heapless::Vec;

/// The transport of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP, and anything else that is not TCP (RFC 6763, 4.1.2).
    Udp,
}

impl Transport {
    /// Its label in names.
    pub const fn label(self) -> &'static [u8] {
        match self {
            Self::Tcp => b"_tcp",
            Self::Udp => b"_udp",
        }
    }

    fn of(word: &[u8]) -> Option<Self> {
        match () {
            () if word.eq_ignore_ascii_case(b"tcp") => Some(Self::Tcp),
            () if word.eq_ignore_ascii_case(b"udp") => Some(Self::Udp),
            () => None,
        }
    }
}

/// Services whose transport and port the device knows.
pub const KNOWN: &[&[u8]] = &[b"http", b"https"];

/// One service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service<'a> {
    /// Its name without `_`.
    pub name: &'a [u8],
    /// Its transport and port; `None` for one of [`KNOWN`] without them.
    pub place: Option<(Transport, u16)>,
    /// Its other properties: `<key>=<value>`, separated by commas.
    text: &'a [u8],
}

/// The text of a service: as long as the list can be, with a length for each string.
pub type ServiceText = Vec<u8, 256>;

impl Service<'_> {
    /// The data of its text record (RFC 6763, 6.1): one empty string when there are no properties.
    pub fn text(&self) -> ServiceText {
        let mut text = ServiceText::new();
        let pairs = self.text.split(|byte| *byte == b',').filter(|pair| !pair.is_empty());
        for pair in pairs {
            // It fits: each length replaces a comma of the list.
            let _ = u8::try_from(pair.len()).map(|length| text.push(length));
            let _ = text.extend_from_slice(pair);
        }
        if text.is_empty() {
            let _ = text.push(0);
        }
        text
    }
}

/// Reads a list: its services in their order, and `None` at a mistake, which ends the list. An empty list has no
/// services.
pub fn services(list: &[u8]) -> impl Iterator<Item = Option<Service<'_>>> {
    let mut rest = Some(list).filter(|list| !list.is_empty());
    core::iter::from_fn(move || {
        let present = rest?;
        let read = service(present);
        rest = read.and_then(|(_, rest)| rest);
        Some(read.map(|(service, _)| service))
    })
}

/// The first word, and the rest after its comma.
fn word(list: &[u8]) -> (&[u8], Option<&[u8]>) {
    match list.iter().position(|byte| *byte == b',') {
        Some(at) => (list.get(..at).unwrap_or_default(), list.get(at + 1..)),
        None => (list, None),
    }
}

/// The first service of a list, and the others.
fn service(list: &[u8]) -> Option<(Service<'_>, Option<&[u8]>)> {
    let (first, mut rest) = word(list);
    let name = first.strip_prefix(b"_").unwrap_or(first);
    if !is_name(name) {
        return None;
    }
    let mut place = None;
    if let Some((transport, after)) = rest.map(word).and_then(|(word, after)| Some((Transport::of(word)?, after))) {
        let (port, after) = word(after?);
        place = Some((transport, number(port)?));
        rest = after;
    }
    if place.is_none() && !KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return None;
    }
    let (from, mut text) = (rest.unwrap_or_default(), 0);
    while let Some(present) = rest {
        let (pair, after) = word(present);
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { break };
        let key = pair.get(..equals).filter(|key| !key.is_empty())?;
        if !key.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return None;
        }
        text = from.len() - present.len() + pair.len();
        rest = after;
    }
    Some((Service { name, place, text: from.get(..text)? }, rest))
}

/// Whether it is a valid service name (RFC 6335, 5.1).
fn is_name(name: &[u8]) -> bool {
    (1..=15).contains(&name.len())
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && name.iter().any(u8::is_ascii_alphabetic)
        && !name.starts_with(b"-")
        && !name.ends_with(b"-")
        && !name.windows(2).any(|pair| pair == b"--")
}

/// A port: a decimal number from 1.
fn number(word: &[u8]) -> Option<u16> {
    let digits = core::str::from_utf8(word).ok().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec as List;

    fn read(list: &str) -> Option<List<Service<'_>>> {
        services(list.as_bytes()).collect()
    }

    #[test]
    fn lists() {
        assert_eq!(read(""), Some(List::new()));
        let http = Service { name: b"http", place: None, text: b"" };
        assert_eq!(read("http"), Some([http].to_vec()));
        assert_eq!(http.text().as_slice(), b"\0");
        let found = read("http,path=/a b,ipp,tcp,631,txtvers=1,note=,_osc,UDP,9,https").unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(found[0], Service { name: b"http", place: None, text: b"path=/a b" });
        assert_eq!(found[1].place, Some((Transport::Tcp, 631)));
        assert_eq!(found[1].text().as_slice(), b"\x09txtvers=1\x05note=");
        assert_eq!((found[2].name, found[2].place), (&b"osc"[..], Some((Transport::Udp, 9))));
        assert_eq!(found[3].name, b"https");
        // A service may have the same name as its transport.
        assert_eq!(read("tcp,tcp,1").unwrap()[0].place, Some((Transport::Tcp, 1)));
    }

    #[test]
    fn mistakes() {
        for list in [
            "ipp",
            "http,",
            ",http",
            "http,tcp",
            "http,tcp,",
            "http,tcp,0",
            "http,tcp,65536",
            "http,tcp,+1",
            "http,=a",
            "http,a=b,c",
            "-a,tcp,1",
            "a-,tcp,1",
            "a--b,tcp,1",
            "123,tcp,1",
            "sixteencharacter,tcp,1",
            "a b,tcp,1",
            "http,k\u{e9}y=1",
        ] {
            assert_eq!(read(list), None, "{list:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_texts_are_whole(list in proptest::collection::vec(any::<u8>(), 0..255)) {
            for service in services(&list).flatten() {
                let text = service.text();
                let (mut at, mut strings) = (0, 0);
                while let Some(length) = text.get(at) {
                    at += 1 + usize::from(*length);
                    strings += 1;
                }
                prop_assert_eq!(at, text.len());
                prop_assert!(strings > 0);
            }
        }
    }
}
