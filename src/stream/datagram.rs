//! Datagrams in the receive ring of a stream: each with its length and its sender in front.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::ring::RxRing;

/// The address 0.0.0.0:0.
pub(super) const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// Length and sender in front of each datagram in the receive buffer.
const HEADER: usize = 8;

/// Keeps a datagram. Without room for it the datagram is lost, as UDP permits.
pub(super) fn put(rx: &RxRing, data: &[u8], from: SocketAddrV4) {
    let Ok(length) = u16::try_from(data.len()) else { return };
    if data.is_empty() || rx.free_capacity() < data.len() + HEADER {
        return;
    }
    let mut header = [0; HEADER];
    header[..2].copy_from_slice(&length.to_le_bytes());
    header[2..6].copy_from_slice(&from.ip().octets());
    header[6..].copy_from_slice(&from.port().to_le_bytes());
    rx.add(&header);
    rx.add(data);
}

/// A datagram that is being read: bytes left of it, and who sent it.
#[derive(Clone, Copy, Default)]
pub(super) struct Datagram {
    pub left: usize,
    pub from: Option<SocketAddrV4>,
}

impl Datagram {
    /// Goes on to the next datagram when this one was read to its end. Answers whether there is one.
    pub(super) fn advance(&mut self, rx: &RxRing) -> bool {
        let mut header = [0; HEADER];
        if self.left == 0 && rx.len() >= HEADER && rx.take(&mut header) == HEADER {
            let [low, high, a, b, c, d, port_low, port_high] = header;
            self.left = usize::from(u16::from_le_bytes([low, high]));
            let port = u16::from_le_bytes([port_low, port_high]);
            self.from = Some(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port));
        }
        self.left > 0
    }

    /// Reads from this datagram; the rest stays for the next read (interface, network 4.1).
    pub(super) fn read(&mut self, rx: &RxRing, buffer: &mut [u8]) -> usize {
        if !self.advance(rx) {
            return 0;
        }
        let taken = self.left.min(buffer.len());
        let Some(target) = buffer.get_mut(..taken) else { return 0 };
        let taken = rx.take(target);
        self.left -= taken;
        taken
    }
}
