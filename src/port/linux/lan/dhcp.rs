//! A DHCP client (RFC 2131) on a thread of its own: it gets a lease, keeps it, and gets another one when it is lost.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use edge_dhcp::{DhcpOption, MessageType, Options, Packet, Settings};
use rustix::net::{AddressFamily, SocketType, sockopt};

use super::device::{Device, bind_to};
use crate::port::Ipv4Config;

const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;
/// How often to look whether the client is to end.
const LOOK: Duration = Duration::from_millis(100);
/// The first wait for an answer; it doubles up to [`MOST`] (RFC 2131, 4.1, with a shorter start).
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(16);
/// A lease for longer than this is renewed as if it were for this long.
const LONGEST: u32 = 30 * 24 * 3600;
/// Where the flags are in a message.
const FLAGS: Range<usize> = 10..12;
/// Bytes of the largest message.
const MESSAGE: usize = 1500;

/// What the client tells of: the address in use, and a bell that rings at each change.
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

/// A client that runs; dropping it ends it, without giving the lease back: the next time it is asked for again.
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
    // The client of the life before may not have ended yet.
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

/// A lease that the server has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Granted {
    config: Ipv4Config,
    server: Ipv4Addr,
    seconds: u32,
}

/// How an exchange with a server has ended.
enum Answer {
    Granted(Granted),
    Refused,
    /// The client is to end.
    Stopped,
    /// Nobody has answered in time.
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

    /// Uses a lease and renews it until it is lost: the server asks for that, or nobody renews it in time.
    fn hold(&self, mut granted: Granted) {
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
                // The address goes with whoever has stopped the client.
                Answer::Stopped => return,
                Answer::Refused | Answer::Nobody => break,
            }
        }
        self.device.clear_address();
        self.lease.set(None);
    }

    /// Asks the server that gave the lease, later any, until `end` (RFC 2131, 4.4.5).
    fn renew(&self, granted: Granted, end: Instant) -> Answer {
        let mut wait = FIRST;
        while Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            // The first half of the time is the old server's.
            let to = (wait < MOST / 2).then_some(granted.server);
            match self.exchange(MessageType::Request, Some(granted), Some(to), wait.min(left)) {
                Answer::Nobody => wait = (wait * 2).min(MOST),
                answer => return answer,
            }
        }
        Answer::Nobody
    }

    /// Sends one message and waits for its answer. `renewal`: the lease is in use and is to be renewed, by this server or
    /// by any.
    fn exchange(
        &self,
        message: MessageType,
        lease: Option<Granted>,
        renewal: Option<Option<Ipv4Addr>>,
        wait: Duration,
    ) -> Answer {
        let mut random = [0; 4];
        if getrandom::fill(&mut random).is_err() {
            return Answer::Nobody;
        }
        let number = u32::from_ne_bytes(random);
        let to = renewal.flatten().unwrap_or(Ipv4Addr::BROADCAST);
        let mut buffer = [0; MESSAGE];
        let Some(bytes) = self.encode(message, lease, renewal.is_some(), number, &mut buffer) else {
            return Answer::Nobody;
        };
        // What cannot be sent now (the interface is down, there is no route) can be later.
        let _ = self.socket.send_to(bytes, SocketAddrV4::new(to, SERVER_PORT));
        let wanted = if matches!(message, MessageType::Discover) { MessageType::Offer } else { MessageType::Ack };
        let end = Instant::now() + wait;
        while Instant::now() < end {
            if self.is_stopped() {
                return Answer::Stopped;
            }
            let Ok((size, _)) = self.socket.recv_from(&mut buffer) else { continue };
            match self.decode(buffer.get(..size).unwrap_or_default(), number) {
                Some((kind, Some(granted))) if kind == wanted => return Answer::Granted(granted),
                Some((MessageType::Nak, _)) => return Answer::Refused,
                _ => {}
            }
        }
        Answer::Nobody
    }

    fn encode<'a>(
        &self,
        message: MessageType,
        lease: Option<Granted>,
        renews: bool,
        number: u32,
        buffer: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let asked = [DhcpOption::CODE_SUBNET, DhcpOption::CODE_ROUTER, DhcpOption::CODE_DNS];
        let mut options = vec![DhcpOption::MessageType(message), DhcpOption::ParameterRequestList(&asked)];
        if !self.host_name.is_empty() {
            options.push(DhcpOption::HostName(&self.host_name));
        }
        // Who renews says in `ciaddr` what it has, and names no server (RFC 2131, table 4).
        if let Some(Granted { config, server, .. }) = lease.filter(|_| !renews) {
            options.push(DhcpOption::RequestedIpAddress(config.address));
            options.push(DhcpOption::ServerIdentifier(server));
        }
        let mut packet = Packet::new_request(self.mac, number, 0, None, !renews, Options::new(&options));
        if let Some(granted) = lease.filter(|_| renews) {
            packet.ciaddr = granted.config.address;
        }
        packet.yiaddr = Ipv4Addr::UNSPECIFIED;
        let size = packet.encode(buffer).ok()?.len();
        // edge-dhcp 0.8 puts the broadcast flag into the wrong byte (RFC 2131, figure 2: it is the highest bit).
        buffer.get_mut(FLAGS)?.copy_from_slice(&if renews { [0, 0] } else { [0x80, 0] });
        buffer.get(..size)
    }

    /// The kind of an answer to the message of that number, and what it gives; `None` for anything else.
    fn decode(&self, bytes: &[u8], number: u32) -> Option<(MessageType, Option<Granted>)> {
        let packet = Packet::decode(bytes).ok().filter(|packet| packet.is_for_us(&self.mac, number))?;
        let kind = packet.options.iter().find_map(|option| match option {
            DhcpOption::MessageType(kind) => Some(kind),
            _ => None,
        })?;
        let settings = Settings::new(&packet);
        let granted = settings.server_ip.filter(|_| !settings.ip.is_unspecified()).map(|server| Granted {
            config: Ipv4Config {
                address: settings.ip,
                netmask: settings.subnet.unwrap_or(Ipv4Addr::new(255, 255, 255, 0)),
                gateway: settings.gateway.unwrap_or(Ipv4Addr::UNSPECIFIED),
                dns: settings.dns1.unwrap_or(Ipv4Addr::UNSPECIFIED),
            },
            server,
            seconds: settings.lease_time_secs.unwrap_or(LONGEST),
        });
        Some((kind, granted))
    }
}
