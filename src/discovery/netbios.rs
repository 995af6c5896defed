//! The name of the device in NetBIOS (RFC 1002): Windows hosts ask for it by broadcast.

use core::net::Ipv4Addr;

use crate::wire::nbns::{NAME, NetbiosName, Query, WORKSTATION, Wanted};

/// The port.
pub(super) const PORT: u16 = 137;

/// Bytes of the domain, which count as part of the name (interface, network 6).
const DOMAIN: usize = ".local".len();

/// The NetBIOS name of the device: the first label of its name. If the name with its domain is longer than a NetBIOS
/// name, there is none.
pub(super) fn name_of(label: &str) -> Option<NetbiosName> {
    let first = label.split('.').next().filter(|_| label.len() + DOMAIN <= NAME)?;
    NetbiosName::new(first, WORKSTATION)
}

/// Writes the answer to a query and answers its size; `None` for a query that is not for the device.
pub(super) fn answer(
    buffer: &mut [u8],
    bytes: &[u8],
    label: &str,
    (address, mac, ttl): (Ipv4Addr, [u8; 6], u32),
) -> Option<usize> {
    let (own, query) = (name_of(label)?, Query::read(bytes)?);
    match query.wanted {
        Wanted::Address if query.name == own => query.address(buffer, address, ttl).ok(),
        Wanted::Status if query.name == own || query.name == NetbiosName::ANY => query.status(buffer, &[own], mac).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_with_its_domain() {
        assert_eq!(name_of("lamp-9"), NetbiosName::new("LAMP-9", WORKSTATION));
        assert!(name_of("nineletts").is_some());
        assert!(name_of("tenletters").is_none());
        assert_eq!(name_of("a.b"), NetbiosName::new("A", WORKSTATION));
        assert!(name_of("").is_none());
    }

    #[test]
    fn queries_for_others_have_no_answer() {
        let query = b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20EGFCEFEECACACACACACACACACACACAAA\0\0\x20\0\x01";
        let mut buffer = [0; 128];
        let mut size = |label| answer(&mut buffer, query, label, (Ipv4Addr::LOCALHOST, [0; 6], 300));
        assert_eq!(size("fred"), Some(62));
        assert_eq!(size("fre"), None);
        assert_eq!(size("fred-is-too-long"), None);
    }
}
