//! The clock is set by time servers (interface, network 8; SNTP, RFC 4330).
//!
//! The client asks the servers of `ntp.server` in their order until one answers, as soon as the interface is up and
//! then every `ntp.interval` seconds. While none answers, the pauses get longer. Events appear in `GET /log` only,
//! because no line is known that hosts would expect.

use core::cell::Cell;
use core::net::SocketAddrV4;

use embassy_futures::select::{Either, select};
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use super::silenced::Silenced;
use crate::base::Base;
use crate::ground::clock::{Correction, Date};
use crate::log::Level;
use crate::network::{Network, Service, addresses_of};
use crate::port::{self, Event, Interface, OpenSocket};
use crate::variable::{Id, id};
use crate::wire::sntp::{self, Answer, Flaw, Kiss};
use crate::wire::url::{HostName, host_and_port};

const ENABLED: Id = id("ntp.enabled");
const INTERFACE: Id = id("ntp.interface");
const INTERVAL: Id = id("ntp.interval");
const SERVER: Id = id("ntp.server");

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// The pause after the first time that no server has answered. The first packet after a join is often lost.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// The longest pause while no server answers (RFC 5905: 2^10 s), unless `ntp.interval` is shorter.
const LONGEST_PAUSE: Duration = Duration::from_secs(1024);
/// The assumed pause between requests to a server that asks for fewer requests before the clock was set (the minimum of
/// RFC 5905).
const LEAST_INTERVAL: Duration = Duration::from_secs(64);

/// A server as `ntp.server` names it.
struct Server {
    host: HostName,
    port: u16,
}

/// Why a server has not given the time.
enum Failure {
    /// The name has no address, or none of its addresses may be asked now.
    NoAddress,
    /// The port could not send the request.
    NotSent,
    /// No answer in time.
    Silence,
    Kiss(Kiss),
    Flaw(Flaw),
}

/// The client.
pub struct Ntp {
    base: &'static Base,
    network: &'static Network,
    /// The interface on which it runs.
    interface: Cell<Option<Interface>>,
    changed: Signal<NoopRawMutex, ()>,
    silenced: Silenced,
    /// Counts failures, so that another address of a name is asked each time.
    turn: Cell<usize>,
    /// The last round has failed, and that was logged.
    told: Cell<bool>,
}

impl Ntp {
    /// A client that does not run yet.
    pub fn new(base: &'static Base, network: &'static Network) -> Self {
        Self {
            base,
            network,
            interface: Cell::new(None),
            changed: Signal::new(),
            silenced: Silenced::new(),
            turn: Cell::new(0),
            told: Cell::new(false),
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.base.variables.number(INTERVAL).max(1) as u64)
    }

    /// The server at a place of `ntp.server`.
    fn server(&self, place: usize) -> Option<Server> {
        self.base.variables.with(SERVER, |value| {
            let entry = value.split(|byte| *byte == b',').nth(place).filter(|entry| !entry.is_empty())?;
            // `set` has checked it.
            let (host, port) = host_and_port(core::str::from_utf8(entry).ok()?).ok()?;
            Some(Server { host: HostName::try_from(host).ok()?, port: port.unwrap_or(sntp::PORT) })
        })
    }

    /// Keeps the clock right for as long as the interface is up.
    async fn keep(&self, interface: Interface) {
        let mut pause = FIRST_PAUSE;
        loop {
            let (begun, servers) = (Instant::now(), self.base.status.ntp_servers.get());
            match self.round(interface).await {
                Some(answered) => {
                    pause = FIRST_PAUSE;
                    self.rest(servers, begun, || self.interval().max(self.silenced.pause(answered))).await;
                }
                None => {
                    self.rest(servers, Instant::now(), || pause.min(self.interval())).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Waits for the pause, or until the variable names other servers.
    async fn rest(&self, servers: u32, since: Instant, pause: impl Fn() -> Duration) {
        let status = &self.base.status;
        loop {
            match select(Timer::at(since + pause()), status.ntp_set.wait()).await {
                Either::First(()) => return,
                Either::Second(()) if status.ntp_servers.get() != servers => {
                    self.silenced.forget();
                    return;
                }
                Either::Second(()) => {}
            }
        }
    }

    /// Asks one server after another, and answers the address of the one that has set the clock.
    async fn round(&self, interface: Interface) -> Option<SocketAddrV4> {
        let mut place = 0;
        while let Some(server) = self.server(place) {
            match self.ask(interface, &server).await {
                Ok(address) => return Some(address),
                Err(failure) => self.tell(&server.host, &failure),
            }
            place += 1;
        }
        self.turn.set(self.turn.get().wrapping_add(1));
        self.told.set(true);
        None
    }

    /// Asks one address of a server and sets the clock.
    async fn ask(&self, interface: Interface, server: &Server) -> Result<SocketAddrV4, Failure> {
        let address = self.address(interface, server).await.ok_or(Failure::NoAddress)?;
        let (answer, round_trip) = self.exchange(interface, address).await?;
        match answer {
            Answer::Time { receive, transmit } => {
                let now = sntp::time_at_arrival(receive, transmit, round_trip.as_millis());
                self.report(self.base.clock.correct(now), now);
                Ok(address)
            }
            Answer::Kiss(kiss) => {
                let usual = if self.base.clock.since_set().is_some() { self.interval() } else { LEAST_INTERVAL };
                self.silenced.kissed(address, kiss, usual, Instant::now());
                Err(Failure::Kiss(kiss))
            }
            Answer::Unusable(flaw) => Err(Failure::Flaw(flaw)),
        }
    }

    /// An address of the server that may be asked; after failures the next one.
    async fn address(&self, interface: Interface, server: &Server) -> Option<SocketAddrV4> {
        let found = addresses_of(self.network, interface, &server.host).await.ok()?;
        let now = Instant::now();
        let addresses = found.iter().map(|address| SocketAddrV4::new(*address, server.port));
        let usable = addresses.filter(|address| self.silenced.may_be_asked(*address, now));
        let count = usable.clone().count();
        usable.clone().nth(self.turn.get().checked_rem(count)?)
    }

    /// Sends a request and waits for its answer.
    async fn exchange(&self, interface: Interface, server: SocketAddrV4) -> Result<(Answer, Duration), Failure> {
        let port = self.base.port;
        let socket = port.sockets().udp_bind(interface, 0).map_err(|_| Failure::NotSent)?;
        let socket = OpenSocket::new(port, socket);
        let nonce = self.nonce();
        let sent = Instant::now();
        port.sockets().udp_send(socket.socket(), &sntp::request(nonce), server).map_err(|_| Failure::NotSent)?;
        let answer = with_timeout(PATIENCE, self.hear(&socket, server, nonce)).await;
        answer.ok().flatten().map(|answer| (answer, sent.elapsed())).ok_or(Failure::Silence)
    }

    /// The answer to a request; ignores all other datagrams. `None` when the socket has failed.
    async fn hear(&self, socket: &OpenSocket<'_>, server: SocketAddrV4, nonce: u64) -> Option<Answer> {
        let (port, socket) = (self.base.port, socket.socket());
        loop {
            let mut buffer = [0; sntp::MESSAGE];
            let received = port::io(port, Event::Readable(socket), || port.sockets().udp_receive(socket, &mut buffer));
            let (size, from) = received.await.ok()?;
            match sntp::answer(buffer.get(..size)?, nonce).filter(|_| from == server) {
                Some(answer) => return Some(answer),
                // A peer that sends without end must not block other tasks.
                None => yield_now().await,
            }
        }
    }

    fn nonce(&self) -> u64 {
        let mut bytes = [0; 8];
        self.base.port.board().random(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// Logs the first time set, and every correction that is visible in the log.
    fn report(&self, correction: Correction, now: u64) {
        let was_silent = self.told.replace(false);
        let by = correction.by.unwrap_or(0);
        if correction.by.is_some() && !was_silent && by.unsigned_abs() < 1000 {
            return;
        }
        let Date { year, month, day, hour, minute, second, .. } = Date::from_millis(now);
        let how = match (correction.by, correction.gradual) {
            (None, _) => "",
            (Some(_), true) => ", the clock is ahead and runs slower for a while",
            (Some(_), false) => ", the clock was corrected",
        };
        let text = format_args!("NTP time: {year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z{how}");
        self.base.log.line(Level::Trace, text);
    }

    /// Logs why a server has not set the clock, once until one has set it. Requests of a server are logged each time.
    fn tell(&self, host: &str, failure: &Failure) {
        let why = match failure {
            Failure::Kiss(Kiss::Deny) => "it does not want to be asked again",
            Failure::Kiss(Kiss::Rate) => "it wants to be asked less often",
            _ if self.told.get() => return,
            Failure::NoAddress => "no address",
            Failure::NotSent => "cannot be reached",
            Failure::Silence => "no answer",
            Failure::Flaw(Flaw::Unsynchronised) => "it is not synchronised",
            Failure::Flaw(Flaw::Stratum) => "its stratum is not valid",
            Failure::Flaw(Flaw::Distance) => "it is too far from its source",
            Failure::Flaw(Flaw::NoTime) => "there is no time in its answer",
        };
        self.base.log.line(Level::Trace, format_args!("NTP server {host}: {why}"));
    }
}

impl Service for Ntp {
    fn start(&self, interface: Interface) {
        let variables = &self.base.variables;
        let chosen = variables.with(INTERFACE, |word| self.network.interface(word));
        if variables.flag(ENABLED) && chosen == Some(interface) {
            self.interface.set(Some(interface));
            self.changed.signal(());
        } else {
            self.stop(interface);
        }
    }

    fn stop(&self, interface: Interface) {
        if self.interface.get() == Some(interface) {
            self.interface.set(None);
            self.changed.signal(());
        }
    }
}

/// Keeps the clock right, for ever: one task.
pub async fn run(ntp: &'static Ntp) {
    loop {
        match ntp.interface.get() {
            Some(interface) => {
                select(ntp.changed.wait(), ntp.keep(interface)).await;
            }
            None => ntp.changed.wait().await,
        }
    }
}
