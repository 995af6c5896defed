//! What the small UDP servers of the soft AP share.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddrV4};

use embassy_futures::select::select;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;

use crate::base::Base;
use crate::log::Level;
use crate::port::{self, Event, Interface, Ipv4Config, PortError, Socket};

/// Datagrams served before other tasks get their turn.
const TURN: usize = 8;

/// A socket of the soft AP on a well-known port. If the port does not allow it (Linux without the privilege), that is
/// not an error of the device: it works without the server.
pub(super) fn open(base: &Base, what: &str, number: u16) -> Option<Socket> {
    match base.port.sockets().udp_bind(Interface::SoftAp, number) {
        Ok(socket) => Some(socket),
        Err(PortError::Denied) => None,
        Err(error) => {
            base.log.line(Level::Failure, format_args!("{what} server: cannot use port {number} ({error})"));
            None
        }
    }
}

/// Whether an address is in the subnet of the soft AP.
pub(super) fn is_neighbour(own: Ipv4Config, address: Ipv4Addr) -> bool {
    let net = |address: Ipv4Addr| address.to_bits() & own.netmask.to_bits();
    net(own.address) == net(address) && !address.is_unspecified()
}

/// Hands every datagram of the current socket to `answer`, for ever.
pub(super) async fn serve(
    base: &'static Base,
    socket: &Cell<Option<Socket>>,
    changed: &Signal<NoopRawMutex, ()>,
    answer: impl Fn(Socket, &[u8], SocketAddrV4),
) {
    loop {
        let Some(open) = socket.get() else {
            changed.wait().await;
            continue;
        };
        for _ in 0..TURN {
            if !one(base, open, &answer) {
                break;
            }
        }
        select(changed.wait(), port::readable(base.port, Event::Readable(open))).await;
    }
}

/// Serves the next datagram; `false` when there is none.
fn one(base: &Base, socket: Socket, answer: &impl Fn(Socket, &[u8], SocketAddrV4)) -> bool {
    base.scratch.with(|buffer| match base.port.sockets().udp_receive(socket, buffer) {
        Ok((size, from)) => {
            answer(socket, buffer.get(..size).unwrap_or_default(), from);
            true
        }
        Err(_) => false,
    })
}
