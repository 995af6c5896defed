//! ICMP echo (RFC 792) over an unprivileged datagram socket, or over a raw one on systems where only root may ping.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto};

use super::errors::port_error;
use crate::port::{PortError, Result};

/// Bytes of an echo message: the header and a secret token.
const MESSAGE: usize = 8 + TOKEN;
const TOKEN: usize = 32;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// One echo request.
pub(super) struct Echo {
    id: u16,
    sequence: u16,
    token: [u8; TOKEN],
}

impl Echo {
    /// The message on the wire.
    fn request(&self) -> [u8; MESSAGE] {
        let mut message = [0; MESSAGE];
        message[0] = ECHO_REQUEST;
        message[4..6].copy_from_slice(&self.id.to_be_bytes());
        message[6..8].copy_from_slice(&self.sequence.to_be_bytes());
        message[8..].copy_from_slice(&self.token);
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        message
    }

    /// Whether `message` answers this request. On a datagram socket, the kernel replaces the id with its own and
    /// delivers only messages with that id.
    fn answered_by(&self, message: &[u8], own_id: bool) -> bool {
        let Some((header, data)) = message.split_at_checked(8) else { return false };
        header[0] == ECHO_REPLY
            && header[1] == 0
            && (!own_id || header[4..6] == self.id.to_be_bytes())
            && header[6..8] == self.sequence.to_be_bytes()
            && data == self.token
    }
}

/// The Internet checksum (RFC 1071) of a message of even length whose checksum field is zero.
fn checksum(message: &[u8]) -> u16 {
    let sum: u32 = message.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// The part of a received packet after the IP header.
fn without_ip_header(packet: &[u8]) -> &[u8] {
    let length = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    packet.get(length..).unwrap_or_default()
}

/// Sends one echo request and waits for its reply. Blocks: do not call it on the device's thread.
///
/// Returns the round-trip time in milliseconds; `Denied` when the system permits neither kind of socket, `TimedOut`
/// without a reply, `Unreachable` without a route.
pub(super) fn ping(address: Ipv4Addr, timeout: Duration) -> Result<u32> {
    let (socket, raw) = open()?;
    let mut random = [0; 4 + TOKEN];
    getrandom::fill(&mut random).map_err(|_| PortError::Failed(Errno::IO.raw_os_error()))?;
    let [a, b, c, d, token @ ..] = random;
    let echo = Echo { id: u16::from_be_bytes([a, b]), sequence: u16::from_be_bytes([c, d]), token };
    // From now on, the kernel drops packets from other addresses.
    rustix::net::connect(&socket, &SocketAddrV4::new(address, 0)).map_err(port_error)?;
    let start = Instant::now();
    rustix::net::send(&socket, &echo.request(), SendFlags::NOSIGNAL).map_err(port_error)?;
    loop {
        wait_readable(&socket, (start + timeout).saturating_duration_since(Instant::now()))?;
        let mut packet = [0; 1024];
        let flags = RecvFlags::DONTWAIT;
        let received = match retry_on_intr(|| rustix::net::recv(&socket, &mut packet[..], flags)) {
            Ok((count, _)) => packet.get(..count).unwrap_or_default(),
            Err(Errno::AGAIN) => continue,
            Err(other) => return Err(port_error(other)),
        };
        let message = if raw { without_ip_header(received) } else { received };
        if echo.answered_by(message, raw) {
            return Ok(start.elapsed().as_millis().try_into().unwrap_or(u32::MAX));
        }
    }
}

/// A socket for ICMP, and whether it is raw: it then delivers IP headers and all ICMP messages of the host.
fn open() -> Result<(OwnedFd, bool)> {
    let socket = |kind| rustix::net::socket_with(AddressFamily::INET, kind, SocketFlags::CLOEXEC, Some(ipproto::ICMP));
    match socket(SocketType::DGRAM) {
        Ok(fd) => Ok((fd, false)),
        Err(_) => socket(SocketType::RAW).map(|fd| (fd, true)).map_err(port_error),
    }
}

fn wait_readable(socket: impl AsFd, time: Duration) -> Result<()> {
    let mut polled = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
    match rustix::event::poll(&mut polled, Some(&time)) {
        Ok(0) => Err(PortError::TimedOut),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(other) => Err(port_error(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: Echo = Echo { id: 0x1234, sequence: 7, token: [0xa5; TOKEN] };

    /// The reply that a host sends to [`ECHO`].
    fn reply() -> [u8; MESSAGE] {
        let mut reply = ECHO.request();
        reply[0] = ECHO_REPLY;
        reply
    }

    #[test]
    fn the_checksum_of_a_whole_message_is_zero() {
        assert_eq!(checksum(&ECHO.request()), 0);
        // RFC 1071, section 3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn only_the_reply_to_this_request_counts() {
        assert!(ECHO.answered_by(&reply(), true));
        assert!(!ECHO.answered_by(&ECHO.request(), true), "our own request, seen on the loopback");
        for (at, own_id) in
            [(1, true), (4, true), (5, true), (6, true), (7, true), (8, true), (MESSAGE - 1, true), (7, false)]
        {
            let mut wrong = reply();
            wrong[at] ^= 1;
            assert!(!ECHO.answered_by(&wrong, own_id), "byte {at}");
        }
        let mut other_id = reply();
        other_id[4] ^= 1;
        assert!(ECHO.answered_by(&other_id, false), "the kernel chose the id");
        assert!(!ECHO.answered_by(&reply()[..MESSAGE - 1], true));
        assert!(!ECHO.answered_by(&[], true));
    }

    #[test]
    fn ip_headers_are_skipped_whatever_they_say() {
        let mut packet = vec![0x46; 24];
        packet.extend([1, 2, 3]);
        assert_eq!(without_ip_header(&packet), [1, 2, 3]);
        assert_eq!(without_ip_header(&[0x4f]), [0; 0]);
        assert_eq!(without_ip_header(&[]), [0; 0]);
    }
}
