//! Resolves names with the name server that DHCP has given, as the device does on a board: the machine's own resolver
//! does not know that server.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use super::device::bind_to;
use crate::port::{Addresses, PortError, Result};
use crate::wire::dns::{self, Message, Name, ResponseCode, kind};

const PORT: u16 = 53;
/// How often to ask, and how long to wait each time.
const TRIES: usize = 3;
const WAIT: Duration = Duration::from_secs(2);
/// Bytes of a response; longer ones are truncated by the server.
const RESPONSE: usize = 1500;

/// The IPv4 addresses of a name.
pub fn resolve(interface: &str, server: Ipv4Addr, name: &str) -> Result<Addresses> {
    let name = Name::parse(name).ok_or(PortError::NotFound)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(|_| PortError::NoRoom)?;
    bind_to(&socket, interface).map_err(|_| PortError::Denied)?;
    let server = SocketAddrV4::new(server, PORT);
    for _ in 0..TRIES {
        match ask(&socket, server, &name) {
            Some(found) if found.is_empty() => return Err(PortError::NotFound),
            Some(found) => return Ok(found),
            None => {}
        }
    }
    Err(PortError::TimedOut)
}

/// Asks once; `None` when no answer comes in time. A random message id, a port of its own and the check of the server's
/// address protect against forged answers (RFC 5452).
fn ask(socket: &UdpSocket, server: SocketAddrV4, name: &Name) -> Option<Addresses> {
    let mut number = [0; 2];
    getrandom::fill(&mut number).ok()?;
    let number = u16::from_ne_bytes(number);
    let mut buffer = [0; RESPONSE];
    let size = dns::query(&mut buffer, number, name, kind::A).ok()?;
    socket.send_to(buffer.get(..size)?, server).ok()?;
    let end = Instant::now() + WAIT;
    loop {
        let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        socket.set_read_timeout(Some(left)).ok()?;
        let (size, from) = socket.recv_from(&mut buffer).ok()?;
        let Ok(response) = Message::new(buffer.get(..size)?) else { continue };
        let is_ours = from == SocketAddr::V4(server)
            && response.is_response()
            && response.id() == number
            && response.question().is_ok_and(|(question, _)| question.name == *name);
        if !is_ours {
            continue;
        }
        // After a server failure, asking again may help; for a name that does not exist it does not.
        return match response.code() {
            code if code == ResponseCode::Ok as u8 => Some(dns::addresses(&response, name).unwrap_or_default()),
            code if code == ResponseCode::NameError as u8 => Some(Addresses::new()),
            _ => None,
        };
    }
}
