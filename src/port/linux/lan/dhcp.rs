//! A DHCP client (RFC 2131) on a thread of its own: it gets a lease, renews it, and gets another one when that is lost.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, sockopt};

use super::device::{Device, bind_to};
use crate::port::Ipv4Config;
use crate::wire::dhcp::{self, CLIENT_PORT, Grant, MESSAGE, MessageType, Request, SERVER_PORT};

/// How often to check whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// The first wait for an answer; it doubles up to [`MOST`] (RFC 2131, 4.1, with a shorter start).
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(16);
/// A longer lease is renewed as if it lasted this long.
const LONGEST: u32 = 30 * 24 * 3600;
/// What the client reports: the address in use, and a bell that rings at each change.
pub(super) struct Lease {
    config: Mutex<Option<Ipv4Config>>,
    bell: Box<dyn Fn() + Send + Sync>,
}

impl Lease {
    /// No address yet.
    pub fn new(bell: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { config: Mutex::new(None), bell: Box::new(bell) })
    }

    /// The address in use.
    pub fn config(&self) -> Option<Ipv4Config> {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another address is in use, or none.
    pub fn set(&self, config: Option<Ipv4Config>) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        (self.bell)();
    }
}

/// A running client; dropping it stops it without releasing the lease: the next client asks for the lease again.
pub(super) struct Client {
    stop: Arc<AtomicBool>,
}

impl Client {
    /// Starts a client on an interface.
    pub fn start(device: Device, host_name: String, lease: Arc<Lease>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let session =
            Session { socket: open(&device)?, mac: device.mac()?, device, host_name, lease, stop: stop.clone() };
        thread::Builder::new().name("dhcp".into()).spawn(move || session.run())?;
        Ok(Self { stop })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn open(device: &Device) -> io::Result<UdpSocket> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // The previous client may not have ended yet.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_broadcast(&socket, true)?;
    bind_to(&socket, device.name())?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT))?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

struct Session {
    socket: UdpSocket,
    device: Device,
    mac: [u8; 6],
    host_name: String,
    lease: Arc<Lease>,
    stop: Arc<AtomicBool>,
}

/// The outcome of an exchange with a server.
enum Answer {
    Granted(Grant),
    Refused,
    /// The client was told to stop.
    Stopped,
    /// No server answered in time.
    Nobody,
}

impl Session {
    fn run(self) {
        let mut wait = FIRST;
        while !self.is_stopped() {
            match self.acquire(wait) {
                Answer::Granted(granted) => {
                    wait = FIRST;
                    self.hold(granted);
                }
                Answer::Refused => self.pause(wait),
                Answer::Nobody => wait = (wait * 2).min(MOST),
                Answer::Stopped => break,
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn pause(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.is_stopped() {
            thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    fn acquire(&self, wait: Duration) -> Answer {
        let offered = match self.exchange(MessageType::Discover, None, None, wait) {
            Answer::Granted(offered) => offered,
            other => return other,
        };
        self.exchange(MessageType::Request, Some(offered), None, wait)
    }

    /// Uses a lease and renews it until it is lost: the server refuses it, or no server renews it in time.
    fn hold(&self, mut granted: Grant) {
        if self.device.set_address(granted.config).is_err() {
            return self.pause(FIRST);
        }
        self.lease.set(Some(granted.config));
        loop {
            let begun = Instant::now();
            let life = Duration::from_secs(granted.seconds.clamp(4, LONGEST).into());
            self.pause(life / 2);
            match self.renew(granted, begun + life) {
                Answer::Granted(renewed) => {
                    if renewed.config != granted.config && self.device.set_address(renewed.config).is_ok() {
                        self.lease.set(Some(renewed.config));
                    }
                    granted = renewed;
                }
                // The code that stopped the client also removes the address.
                Answer::Stopped => return,
                Answer::Refused | Answer::Nobody => break,
            }
        }
        self.device.clear_address();
        self.lease.set(None);
    }

    /// Asks the server that gave the lease, later any server, until `end` (RFC 2131, 4.4.5).
    fn renew(&self, granted: Grant, end: Instant) -> Answer {
        let mut wait = FIRST;
        while Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            // The first half of the time belongs to the old server.
            let to = (wait < MOST / 2).then_some(granted.server);
            match self.exchange(MessageType::Request, Some(granted), Some(to), wait.min(left)) {
                Answer::Nobody => wait = (wait * 2).min(MOST),
                answer => return answer,
            }
        }
        Answer::Nobody
    }

    /// Sends one message and waits for its answer. `renewal`: the lease is in use and is being renewed, by this server
    /// or by any.
    fn exchange(
        &self,
        message: MessageType,
        lease: Option<Grant>,
        renewal: Option<Option<Ipv4Addr>>,
        wait: Duration,
    ) -> Answer {
        let mut random = [0; 4];
        if getrandom::fill(&mut random).is_err() {
            return Answer::Nobody;
        }
        let number = u32::from_ne_bytes(random);
        let to = renewal.flatten().unwrap_or(Ipv4Addr::BROADCAST);
        // A renewing client puts its address into `client`, and names no server.
        let asks = lease.filter(|_| renewal.is_none());
        let request = Request {
            kind: message,
            number,
            mac: self.mac,
            client: lease.filter(|_| renewal.is_some()).map_or(Ipv4Addr::UNSPECIFIED, |lease| lease.config.address),
            requested: asks.map(|lease| lease.config.address),
            server: asks.map(|lease| lease.server),
            broadcast: renewal.is_none(),
        };
        let mut buffer = [0; MESSAGE];
        if let Some(size) = dhcp::write_request(&mut buffer, &request, &self.host_name) {
            // If it cannot be sent now (the interface is down, there is no route), a later attempt may succeed.
            let _ = self.socket.send_to(&buffer[..size], SocketAddrV4::new(to, SERVER_PORT));
        }
        self.answer(&request, wait)
    }

    /// Waits for the answer to a message.
    fn answer(&self, request: &Request, wait: Duration) -> Answer {
        let wanted = if request.kind == MessageType::Discover { MessageType::Offer } else { MessageType::Ack };
        let mut buffer = [0; 1500];
        let end = Instant::now() + wait;
        while Instant::now() < end {
            if self.is_stopped() {
                return Answer::Stopped;
            }
            let Ok((size, _)) = self.socket.recv_from(&mut buffer) else { continue };
            match dhcp::read_reply(buffer.get(..size).unwrap_or_default(), request.number, self.mac) {
                Some((kind, Some(granted))) if kind == wanted => return Answer::Granted(granted),
                Some((MessageType::Nak, _)) => return Answer::Refused,
                _ => {}
            }
        }
        Answer::Nobody
    }
}
