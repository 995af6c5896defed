//! DHCP messages (RFC 2131, 2132), as far as a server of one subnet and its clients need them. smoltcp's codec reads
//! and writes the fields and options. No I/O.

use core::net::Ipv4Addr;

use smoltcp::wire::{DhcpOption, DhcpPacket, DhcpRepr, EthernetAddress};

pub use smoltcp::wire::DhcpMessageType as MessageType;

use crate::port::Ipv4Config;

/// The port of servers.
pub const SERVER_PORT: u16 = 67;
/// The port of clients.
pub const CLIENT_PORT: u16 = 68;
/// The most bytes of a written message; old clients drop messages shorter than 300 bytes (RFC 1542, 2.1).
pub const MESSAGE: usize = 576;
const LEAST: usize = 300;

/// Captive-portal URI (RFC 8910, section 2.1).
const CAPTIVE_PORTAL: u8 = 114;
const HOST_NAME: u8 = 12;
/// The options that our client asks for: netmask, router, name server, lease time.
const ASKED: &[u8] = &[1, 3, 6, 51];

/// A message of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its type.
    pub kind: MessageType,
    /// The transaction id, which the answer repeats.
    pub number: u32,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// The client's address, or all zeros without one.
    pub client: Ipv4Addr,
    /// The address that the client asks for.
    pub requested: Option<Ipv4Addr>,
    /// The server that the client addresses.
    pub server: Option<Ipv4Addr>,
    /// The client can receive only broadcasts so far.
    pub broadcast: bool,
}

/// A lease or an offer of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The address with netmask, gateway and name server.
    pub config: Ipv4Config,
    /// The server.
    pub server: Ipv4Addr,
    /// How long it may be used, in seconds.
    pub seconds: u32,
}

/// Reads a message of a client; `None` for anything else, including messages from relay agents and messages without a
/// unicast hardware address.
pub fn read_request(bytes: &[u8]) -> Option<Request> {
    let packet = DhcpPacket::new_checked(bytes).ok()?;
    let message = DhcpRepr::parse(&packet).ok()?;
    let is_request = matches!(
        message.message_type,
        MessageType::Discover
            | MessageType::Request
            | MessageType::Decline
            | MessageType::Release
            | MessageType::Inform
    );
    let mac = message.client_hardware_address;
    let is_direct = message.relay_agent_ip.is_unspecified() && mac.is_unicast() && mac.0 != [0; 6];
    (is_request && is_direct).then_some(Request {
        kind: message.message_type,
        number: message.transaction_id,
        mac: mac.0,
        client: message.client_ip,
        requested: message.requested_ip,
        server: message.server_identifier,
        broadcast: message.broadcast,
    })
}

/// Writes the answer to a request and returns its size. `Err(server)` makes it a refusal by that server; an address of
/// zeros gives everything but an address (the answer to INFORM). `portal` is the URI of a captive portal.
pub fn write_reply(
    buffer: &mut [u8; MESSAGE],
    request: &Request,
    kind: MessageType,
    grant: Result<Grant, Ipv4Addr>,
    portal: Option<&str>,
) -> Option<usize> {
    let options = portal.map(|uri| [DhcpOption { kind: CAPTIVE_PORTAL, data: uri.as_bytes() }]);
    let server = grant.map_or_else(|server| server, |grant| grant.server);
    let mut message = DhcpRepr {
        client_ip: if grant.is_ok() { request.client } else { Ipv4Addr::UNSPECIFIED },
        broadcast: request.broadcast,
        server_identifier: Some(server),
        additional_options: options.as_ref().map_or(&[], |options| options),
        ..empty(kind, request.number, request.mac)
    };
    if let Ok(Grant { config, seconds, .. }) = grant {
        message.your_ip = config.address;
        message.subnet_mask = Some(config.netmask);
        message.router = Some(config.gateway).filter(|gateway| !gateway.is_unspecified());
        message.dns_servers = Some([config.dns].into_iter().collect());
        message.lease_duration = (!config.address.is_unspecified()).then_some(seconds);
    }
    emit(buffer, &message)
}

/// Writes a message of a client and returns its size. A renewing client puts its address into `request.client`, and
/// requests neither an address nor a server (RFC 2131, table 4).
pub fn write_request(buffer: &mut [u8; MESSAGE], request: &Request, host_name: &str) -> Option<usize> {
    let options = [DhcpOption { kind: HOST_NAME, data: host_name.as_bytes() }];
    let message = DhcpRepr {
        client_ip: request.client,
        broadcast: request.broadcast,
        requested_ip: request.requested,
        server_identifier: request.server,
        parameter_request_list: Some(ASKED),
        max_size: Some(MESSAGE as u16),
        additional_options: if host_name.is_empty() { &[] } else { &options },
        ..empty(request.kind, request.number, request.mac)
    };
    emit(buffer, &message)
}

/// Reads the answer to the request with this number and hardware address: its type, and the grant.
pub fn read_reply(bytes: &[u8], number: u32, mac: [u8; 6]) -> Option<(MessageType, Option<Grant>)> {
    let packet = DhcpPacket::new_checked(bytes).ok()?;
    let message = DhcpRepr::parse(&packet).ok()?;
    if message.transaction_id != number || message.client_hardware_address.0 != mac {
        return None;
    }
    let server = message.server_identifier.filter(|_| !message.your_ip.is_unspecified());
    let grant = server.map(|server| Grant {
        config: Ipv4Config {
            address: message.your_ip,
            netmask: message.subnet_mask.unwrap_or(Ipv4Addr::new(255, 255, 255, 0)),
            gateway: message.router.unwrap_or(Ipv4Addr::UNSPECIFIED),
            dns: message.dns_servers.and_then(|servers| servers.first().copied()).unwrap_or(Ipv4Addr::UNSPECIFIED),
        },
        server,
        seconds: message.lease_duration.unwrap_or(u32::MAX),
    });
    match message.message_type {
        MessageType::Offer | MessageType::Ack => Some((message.message_type, grant)),
        MessageType::Nak => Some((MessageType::Nak, None)),
        _ => None,
    }
}

fn empty(kind: MessageType, number: u32, mac: [u8; 6]) -> DhcpRepr<'static> {
    DhcpRepr {
        message_type: kind,
        transaction_id: number,
        secs: 0,
        client_hardware_address: EthernetAddress(mac),
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: Ipv4Addr::UNSPECIFIED,
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: None,
        subnet_mask: None,
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: false,
        requested_ip: None,
        client_identifier: None,
        server_identifier: None,
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[],
    }
}

/// Writes a message, with padding up to the least size.
fn emit(buffer: &mut [u8; MESSAGE], message: &DhcpRepr<'_>) -> Option<usize> {
    buffer.fill(0);
    let size = message.buffer_len().max(LEAST);
    let mut packet = DhcpPacket::new_unchecked(buffer.get_mut(..size)?);
    message.emit(&mut packet).ok()?;
    Some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 10, 1];
    const OWN: Ipv4Addr = Ipv4Addr::new(10, 10, 10, 1);

    fn grant() -> Grant {
        let config = Ipv4Config {
            address: Ipv4Addr::new(10, 10, 10, 2),
            netmask: Ipv4Addr::new(255, 255, 255, 0),
            gateway: OWN,
            dns: OWN,
        };
        Grant { config, server: OWN, seconds: 86_400 }
    }

    fn discover() -> Request {
        Request {
            kind: MessageType::Discover,
            number: 0x1234_5678,
            mac: MAC,
            client: Ipv4Addr::UNSPECIFIED,
            requested: None,
            server: None,
            broadcast: true,
        }
    }

    /// The fixed fields of a message as in RFC 2131, figure 1, without the options.
    fn fixed(kind: u8, flags: u8, yours: [u8; 4]) -> [u8; 240] {
        let mut bytes = [0; 240];
        bytes[..11].copy_from_slice(&[kind, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, flags]);
        bytes[16..20].copy_from_slice(&yours);
        bytes[28..34].copy_from_slice(&MAC);
        bytes[236..].copy_from_slice(&[99, 130, 83, 99]);
        bytes
    }

    #[test]
    fn golden_bytes_of_a_request() {
        let mut buffer = [0; MESSAGE];
        let size = write_request(&mut buffer, &discover(), "me").unwrap();
        assert_eq!(buffer[..240], fixed(1, 0x80, [0; 4]));
        assert_eq!(buffer[240..262], *b"\x35\x01\x01\x39\x02\x02\x40\x37\x04\x01\x03\x06\x33\x0c\x02me\xff\0\0\0\0");
        assert_eq!(size, 300);
        assert_eq!(read_request(&buffer[..size]), Some(discover()));
    }

    #[test]
    fn golden_bytes_of_a_reply() {
        let mut buffer = [0; MESSAGE];
        let portal = Some("http://10.10.10.1/");
        let size = write_reply(&mut buffer, &discover(), MessageType::Offer, Ok(grant()), portal).unwrap();
        assert_eq!(buffer[..240], fixed(2, 0x80, [10, 10, 10, 2]));
        assert_eq!(
            buffer[240..size],
            *b"\x35\x01\x02\x36\x04\x0a\x0a\x0a\x01\x03\x04\x0a\x0a\x0a\x01\x01\x04\xff\xff\xff\0\x33\x04\0\x01\x51\x80\
               \x06\x04\x0a\x0a\x0a\x01\x72\x12http://10.10.10.1/\xff\0\0\0\0\0\0"
        );
        assert_eq!(read_reply(&buffer[..size], 0x1234_5678, MAC), Some((MessageType::Offer, Some(grant()))));
        assert_eq!(read_reply(&buffer[..size], 0x1234_5679, MAC), None);
        assert_eq!(read_reply(&buffer[..size], 0x1234_5678, [9; 6]), None);
        let size = write_reply(&mut buffer, &discover(), MessageType::Nak, Err(OWN), None).unwrap();
        assert_eq!(read_reply(&buffer[..size], 0x1234_5678, MAC), Some((MessageType::Nak, None)));
    }

    #[test]
    fn messages_of_relay_agents_and_of_nobody_are_left_alone() {
        let mut buffer = [0; MESSAGE];
        let size = write_request(&mut buffer, &discover(), "").unwrap();
        assert!(read_request(&buffer[..size]).is_some());
        // giaddr, a multicast chaddr, a zero chaddr, op, htype, hlen, the magic number.
        for (place, bytes) in [
            (24, &[10, 10, 10, 9][..]),
            (28, &[1, 0, 0x5e]),
            (28, &[0; 6]),
            (0, &[2]),
            (1, &[6]),
            (2, &[7]),
            (236, &[98]),
        ] {
            let mut wrong = buffer;
            wrong[place..place + bytes.len()].copy_from_slice(bytes);
            assert_eq!(read_request(&wrong[..size]), None, "{place}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read_request(&bytes);
            let _ = read_reply(&bytes, 0, [0; 6]);
        }

        /// Options of any shape after a valid head.
        #[test]
        fn options_of_any_shape(options in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = fixed(1, 0x80, [0; 4]).to_vec();
            bytes.extend(&options);
            let _ = read_request(&bytes);
            bytes[0] = 2;
            let _ = read_reply(&bytes, 0x1234_5678, MAC);
        }
    }
}
