//! Starting a session on a socket.

use core::cell::{Cell, RefCell};

use embassy_time::{Duration, with_timeout};

use super::files::{ClientFiles, Contents, FileSet, ServerFiles, has_identity};
use super::refusal::{Cause, Refusal};
use crate::base::Base;
use crate::features::{self, Built, Gate};
use crate::file::Files;
use crate::limits;
use crate::log::Level;
use crate::port::{self, PortError, Socket, TlsCredentials, TlsFailure, TlsRole, TlsVersion};
use crate::variable::{Id, id};
use crate::version;

const TIMEOUT: Id = id("network.tls.handshake_timeout");
const VERSION: Id = id("network.tls.version");
const VERIFY: Id = id("network.tls.verify");

/// The buffer for the files of a session while the session is started.
pub type Buffer = RefCell<[u8; limits::TLS_FILES]>;

/// A buffer with nothing in it.
pub const fn no_files() -> Buffer {
    RefCell::new([0; limits::TLS_FILES])
}

/// Starts sessions.
pub struct Tls {
    pub(super) base: &'static Base,
    pub(super) files: &'static Files,
    pub(super) buffer: &'static Buffer,
    /// It was logged that the clock is not set.
    clock_missed: Cell<bool>,
    /// The port makes a certificate or a request for one.
    pub(super) making: Cell<bool>,
}

/// One session to be started.
#[derive(Clone, Copy)]
struct Start<'a> {
    socket: Socket,
    role: TlsRole<'a>,
    first: Option<u8>,
    files: FileSet<'a>,
    /// The log gets messages about the session.
    tells: bool,
}

/// The port's answer to the begin of a handshake.
type Begun = port::Result<Result<port::Handshake<'static>, TlsFailure>>;

impl Tls {
    /// Sessions with these files.
    pub fn new(base: &'static Base, files: &'static Files, buffer: &'static Buffer) -> Self {
        Self { base, files, buffer, clock_missed: Cell::new(false), making: Cell::new(false) }
    }

    /// Starts a session as a client on a connected socket. `host` is the name that the server must prove. Logs what the
    /// original logs. After a failure the socket can only be closed.
    pub async fn client(&self, socket: Socket, host: &str, files: &ClientFiles<'_>) -> Result<(), Refusal> {
        self.base.log.line(Level::Progress, format_args!("Starting TLS"));
        let started = self.start_client(socket, host, files, true).await;
        started.inspect_err(|refusal| self.log(Level::Failure, *refusal))
    }

    /// As [`Tls::client`] with the files of `network.tls.*`, but logs nothing: for connections that the device opens by
    /// itself again and again.
    pub async fn client_quietly(&self, socket: Socket, host: &str) -> Result<(), Refusal> {
        self.start_client(socket, host, &ClientFiles { authorities: None, certificate: None, key: None }, false).await
    }

    async fn start_client(
        &self,
        socket: Socket,
        host: &str,
        files: &ClientFiles<'_>,
        tells: bool,
    ) -> Result<(), Refusal> {
        let role = TlsRole::Client { name: host };
        let start = Start { socket, role, first: None, files: FileSet::Client(files), tells };
        Built::<{ features::TLS }>::run(&(self, start), shake_hands, unavailable).await
    }

    /// Starts a session as a server on an accepted connection. `first` is its first byte, if that was received before.
    /// Logs nothing.
    pub async fn server(&self, socket: Socket, first: Option<u8>, files: ServerFiles) -> Result<(), Refusal> {
        let start = Start { socket, role: TlsRole::Server, first, files: FileSet::Server(files), tells: true };
        Built::<{ features::TLS }>::run(&(self, start), shake_hands, unavailable).await
    }

    /// Whether a server has a certificate and a key.
    pub fn has_identity(&self, files: ServerFiles) -> bool {
        features::TLS && has_identity(self.base, self.files, files)
    }

    /// How long a peer may take for a handshake (`network.tls.handshake_timeout`).
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.base.variables.number(TIMEOUT).max(1) as u64)
    }

    /// Logs why there is no session, as documented (interface, network 5.2).
    pub fn log(&self, level: Level, refusal: Refusal) {
        let log = &self.base.log;
        if refusal.is_for_memory() {
            log.line(level, format_args!("TLS malloc failed"));
        }
        log.line(level, format_args!("Error with TLS handshake: {refusal}"));
    }

    /// Whether the peer must prove its identity. A server without authorities asks no client for a certificate. A
    /// client without authorities accepts an unverified server only when its owner allows it (`network.tls.verify`).
    fn verifies(&self, start: &Start<'_>, contents: &Contents<'_>) -> Result<bool, Cause> {
        match (&start.role, contents.authorities.is_some()) {
            (_, true) => Ok(true),
            (TlsRole::Server, false) if contents.certificate.is_none() => Err(Cause::NoCertificate),
            (TlsRole::Server, false) => Ok(false),
            (TlsRole::Client { .. }, false) if self.base.variables.flag(VERIFY) => Err(Cause::NoAuthorities),
            (TlsRole::Client { .. }, false) => {
                if start.tells {
                    self.base.log.line(Level::Progress, format_args!("TLS server not verified: no CA certificate"));
                }
                Ok(false)
            }
        }
    }

    /// Reads the files and starts the job. When this returns, the job does not need the files any more.
    fn begin(&self, start: &Start<'_>) -> Result<port::Handshake<'static>, Cause> {
        let mut buffer = self.buffer.borrow_mut();
        let begun = self.begin_with(start, &mut *buffer);
        // A key must not stay in memory longer than needed.
        buffer.fill(0);
        match begun? {
            Ok(handshake) => handshake.map_err(Cause::Port),
            Err(PortError::Unsupported) => Err(Cause::Unavailable),
            Err(_) => Err(Cause::Unreadable),
        }
    }

    fn begin_with(&self, start: &Start<'_>, buffer: &mut [u8]) -> Result<Begun, Cause> {
        let contents = start.files.read(self.base, self.files, buffer)?;
        let verify = self.verifies(start, &contents)?;
        let (now, clock_is_set) = if start.tells { self.now() } else { self.time() };
        let newest = self.base.variables.with(VERSION, |word| word == b"13");
        let credentials = TlsCredentials {
            verify,
            authorities: contents.authorities.unwrap_or_default(),
            certificate: contents.certificate.unwrap_or_default(),
            key: contents.key.unwrap_or_default(),
            versions: (TlsVersion::V1_2, if newest { TlsVersion::V1_3 } else { TlsVersion::V1_2 }),
            alpn: &[],
            now,
            clock_is_set,
        };
        Ok(port::tls_begin(self.base.port, start.socket, start.role, start.first, &credentials))
    }

    /// The time against which certificates are checked, and whether the clock is set. While it is not set, only the
    /// build time of the firmware is known.
    pub(super) fn now(&self) -> (u64, bool) {
        let (seconds, is_set) = self.time();
        if !is_set && !self.clock_missed.replace(true) {
            let text = format_args!("Clock not set: certificates are only known to be no older than this firmware");
            self.base.log.line(Level::Progress, text);
        }
        (seconds, is_set)
    }

    /// As [`Tls::now`], but logs nothing.
    fn time(&self) -> (u64, bool) {
        let now = self.base.clock.now();
        now.map_or((version::BUILT, false), |millis| (millis / 1000, true))
    }
}

/// From the files to the end of the handshake. This future is a part of many others, so it keeps nothing twice.
async fn shake_hands((tls, start): &(&Tls, Start<'_>)) -> Result<(), Refusal> {
    start.files.verify(tls.base, tls.files).await?;
    match with_timeout(tls.patience(), tls.begin(start)?.outcome()).await {
        Ok(Ok(Ok(_))) => Ok(()),
        Ok(Ok(Err(failure))) => Err(Cause::Port(failure).into()),
        Ok(Err(_)) => Err(Cause::Unavailable.into()),
        Err(_) => Err(Cause::TimedOut.into()),
    }
}

fn unavailable(_: &(&Tls, Start<'_>)) -> Result<(), Refusal> {
    Err(Cause::Unavailable.into())
}
