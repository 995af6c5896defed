//! TLS on the device's connections.
//!
//! One thread does the computing of all handshakes, step by step; the loop waits for the peers. The thread holds a
//! session only for the time of a step; otherwise the session is with its socket.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::event::{EventfdFlags, PollFlags, eventfd};
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendFlags, Shutdown};

use super::errors::port_error;
use super::socket_table::drain;
use crate::port::host_tls::{self, Session, Setups, Transport};
use crate::port::{
    Job, PortError, Result, Socket, TlsClient, TlsCredentials, TlsFailure, TlsRole, TlsSession, TlsVersion,
};

/// How long a session may go on sending encrypted bytes after its socket is closed.
const LINGER: Duration = Duration::from_secs(5);

/// The outcome of a handshake.
pub(super) type Outcome = std::result::Result<TlsSession, TlsFailure>;

/// The connection below a session.
struct Pipe<'a>(&'a OwnedFd);

impl Transport for Pipe<'_> {
    fn send(&mut self, data: &[u8]) -> Result<usize> {
        retry_on_intr(|| rustix::net::send(self.0, data, SendFlags::NOSIGNAL)).map_err(port_error)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let received = retry_on_intr(|| rustix::net::recv(self.0, &mut *buffer, RecvFlags::empty()));
        received.map(|(count, _)| count).map_err(port_error)
    }

    fn finish(&mut self) -> Result<()> {
        rustix::net::shutdown(self.0, Shutdown::Write).map_err(port_error)
    }
}

/// A copy of everything that a session needs.
pub(super) struct Order {
    /// The library of clients.
    client: TlsClient,
    /// The server's name; `None` for a server.
    name: Option<String>,
    first: Option<u8>,
    verify: bool,
    authorities: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
    versions: (TlsVersion, TlsVersion),
    alpn: Vec<Vec<u8>>,
    now: u64,
    clock_is_set: bool,
}

impl Order {
    pub(super) fn new(
        client: TlsClient,
        role: TlsRole<'_>,
        first: Option<u8>,
        credentials: &TlsCredentials<'_>,
    ) -> Self {
        let name = match role {
            TlsRole::Client { name } => Some(name.to_owned()),
            TlsRole::Server => None,
        };
        Self {
            client,
            name,
            first,
            verify: credentials.verify,
            authorities: credentials.authorities.to_vec(),
            certificate: credentials.certificate.to_vec(),
            key: credentials.key.to_vec(),
            versions: credentials.versions,
            alpn: credentials.alpn.iter().map(|name| name.to_vec()).collect(),
            now: credentials.now,
            clock_is_set: credentials.clock_is_set,
        }
    }

    fn session(&self, setups: &mut Setups) -> std::result::Result<Session, TlsFailure> {
        let role = self.name.as_deref().map_or(TlsRole::Server, |name| TlsRole::Client { name });
        let alpn: Vec<&[u8]> = self.alpn.iter().map(Vec::as_slice).collect();
        let credentials = TlsCredentials {
            verify: self.verify,
            authorities: &self.authorities,
            certificate: &self.certificate,
            key: &self.key,
            versions: self.versions,
            alpn: &alpn,
            now: self.now,
            clock_is_set: self.clock_is_set,
        };
        host_tls::session(setups, self.client, &role, self.first, &credentials)
    }
}

/// A step for the thread.
enum Work {
    Begin(Order),
    GoOn(Box<Session>),
}

/// A step that is done.
pub(super) struct Step {
    pub(super) socket: Socket,
    pub(super) session: Option<Box<Session>>,
    pub(super) outcome: Option<Outcome>,
}

/// Where the thread puts finished steps.
struct Done {
    steps: Mutex<Vec<Step>>,
    bell: OwnedFd,
}

/// The thread. It ends when this is dropped.
pub(super) struct Worker {
    orders: Sender<(Socket, Arc<OwnedFd>, Work)>,
    done: Arc<Done>,
}

impl Worker {
    pub(super) fn start() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let done = Arc::new(Done { steps: Mutex::default(), bell });
        let (orders, taken) = channel();
        let kept = done.clone();
        thread::Builder::new().name("tls".into()).spawn(move || work(&taken, &kept))?;
        Ok(Self { orders, done })
    }

    /// Takes the finished steps.
    pub(super) fn collect(&self) -> Vec<Step> {
        let mut counter = [0; 8];
        let _ = rustix::io::read(&self.done.bell, &mut counter);
        std::mem::take(&mut *self.done.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AsFd for Worker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.done.bell.as_fd()
    }
}

/// Carries out one step after the other.
fn work(orders: &Receiver<(Socket, Arc<OwnedFd>, Work)>, done: &Done) {
    let mut setups = Setups::default();
    while let Ok((socket, fd, work)) = orders.recv() {
        let step = carry_out(&mut setups, socket, &fd, work);
        // The socket may be closed by now: then this was the last reference to its descriptor.
        drop(fd);
        done.steps.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        let _ = rustix::io::write(&done.bell, &1_u64.to_ne_bytes());
    }
}

fn carry_out(setups: &mut Setups, socket: Socket, fd: &OwnedFd, work: Work) -> Step {
    let session = match work {
        Work::Begin(order) => order.session(setups).map(Box::new),
        Work::GoOn(session) => Ok(session),
    };
    match session {
        Ok(mut session) => {
            let outcome = session.advance(&mut Pipe(fd));
            Step { socket, session: Some(session), outcome }
        }
        Err(failure) => Step { socket, session: None, outcome: Some(Err(failure)) },
    }
}

/// Where a session is.
enum Place {
    /// The thread has it.
    Away,
    Here(Box<Session>),
    /// There never was one.
    Nowhere,
}

/// The session of a socket.
pub(super) struct Secured {
    place: Place,
    /// The job that waits for the handshake.
    job: Option<Job>,
    /// That job was cancelled.
    given_up: bool,
}

impl Secured {
    pub(super) fn begin(job: Job, socket: Socket, fd: &Arc<OwnedFd>, order: Order, worker: &Worker) -> Self {
        // The thread lives as long as a sender of orders exists.
        let _ = worker.orders.send((socket, fd.clone(), Work::Begin(order)));
        Self { place: Place::Away, job: Some(job), given_up: false }
    }

    /// The thread has it.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.place, Place::Away)
    }

    /// The open session: `WouldBlock` until its handshake is over, `Closed` when there is none.
    pub(super) fn session(&mut self) -> Result<&mut Session> {
        match &mut self.place {
            Place::Here(session) => Ok(session),
            Place::Away if !self.given_up => Err(PortError::WouldBlock),
            _ => Err(PortError::Closed),
        }
    }

    pub(super) fn send(&mut self, fd: &OwnedFd, data: &[u8]) -> Result<usize> {
        self.session()?.send(&mut Pipe(fd), data)
    }

    pub(super) fn receive(&mut self, fd: &OwnedFd, buffer: &mut [u8]) -> Result<usize> {
        self.session()?.receive(&mut Pipe(fd), buffer)
    }

    pub(super) fn finish(&mut self, fd: &OwnedFd) -> Result<()> {
        self.session()?.finish(&mut Pipe(fd))
    }

    pub(super) fn is_readable(&mut self) -> bool {
        match self.session() {
            Ok(session) => session.is_readable(),
            Err(error) => error != PortError::WouldBlock,
        }
    }

    /// What to watch the connection for, when its owner waits for `wanted`.
    pub(super) fn watched(&self, mut wanted: PollFlags) -> PollFlags {
        match &self.place {
            Place::Away => PollFlags::empty(),
            Place::Nowhere => wanted,
            Place::Here(session) => {
                if session.is_shaking_hands() {
                    wanted = PollFlags::IN;
                }
                wanted | if session.wants_write() { PollFlags::OUT } else { PollFlags::empty() }
            }
        }
    }

    /// The connection is ready: a handshake goes on at the thread (true), and what is encrypted goes out.
    pub(super) fn ready(
        &mut self,
        socket: Socket,
        fd: &Arc<OwnedFd>,
        flags: PollFlags,
        worker: Option<&Worker>,
    ) -> bool {
        match std::mem::replace(&mut self.place, Place::Away) {
            Place::Here(session) if session.is_shaking_hands() => {
                if let Some(worker) = worker {
                    let _ = worker.orders.send((socket, fd.clone(), Work::GoOn(session)));
                }
                return true;
            }
            Place::Here(mut session) => {
                if flags.contains(PollFlags::OUT) {
                    session.flush(&mut Pipe(fd));
                }
                self.place = Place::Here(session);
            }
            other => self.place = other,
        }
        false
    }

    /// The thread is done with a step; answers the job that has ended with it.
    pub(super) fn take_back(
        &mut self,
        session: Option<Box<Session>>,
        outcome: Option<Outcome>,
    ) -> Option<(Job, Outcome)> {
        self.place = session.map_or(Place::Nowhere, Place::Here);
        if self.given_up
            && let Place::Here(session) = &mut self.place
        {
            session.give_up();
        }
        outcome.and_then(|outcome| self.job.take().map(|job| (job, outcome)))
    }

    /// Ends the handshake that this job waits for.
    pub(super) fn give_up(&mut self, job: Job) {
        if self.job != Some(job) {
            return;
        }
        self.job = None;
        self.given_up = true;
        if let Place::Here(session) = &mut self.place {
            session.give_up();
        }
    }

    /// Ends the session with its socket; answers what could not be sent at once.
    pub(super) fn close(self, fd: Arc<OwnedFd>) -> Option<Lingering> {
        let Place::Here(mut session) = self.place else { return None };
        session.close(&mut Pipe(&fd));
        let rest = Lingering { fd, session, until: Instant::now() + LINGER };
        if rest.session.wants_write() {
            return Some(rest);
        }
        drain(&rest.fd);
        None
    }
}

/// A session whose socket is closed, and which still has something to send.
pub(super) struct Lingering {
    pub(super) fd: Arc<OwnedFd>,
    session: Box<Session>,
    pub(super) until: Instant,
}

impl Lingering {
    /// Sends on.
    pub(super) fn go_on(&mut self) {
        self.session.flush(&mut Pipe(&self.fd));
    }

    /// Whether all is sent, or it has taken too long.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let is_sent = !self.session.wants_write();
        if is_sent {
            drain(&self.fd);
        }
        is_sent || self.until <= now
    }
}
