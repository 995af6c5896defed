//! Jobs: work that would block the device. It runs elsewhere, and the device asks for its result.

use core::cell::Cell;
use core::net::Ipv4Addr;

use heapless::Vec;

use super::{
    BusTransfer, Handle, IdentityRequest, Interface, PortError, Result, SigningRequest, Socket, Storage,
    TlsCredentials, TlsFailure, TlsRole, TlsSession,
};
use crate::limits;

/// A job that runs elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job(pub u16);

/// What a job is to do.
#[derive(Clone, Copy, Debug)]
pub enum JobRequest<'a> {
    /// Ask the name servers of an interface for all IPv4 addresses of a name (never a dotted address).
    Lookup {
        /// The interface whose name servers are asked.
        interface: Interface,
        /// The name, at most [`limits::HOST_NAME`] bytes.
        name: &'a str,
    },
    /// Send one ICMP echo request and wait for its reply.
    Ping {
        /// The interface that sends it.
        interface: Interface,
        /// The destination.
        address: Ipv4Addr,
        /// How long to wait for the reply.
        timeout_ms: u32,
    },
    /// Start a TLS session on a connected TCP socket. Until the job has ended, the socket neither sends nor receives.
    /// When the job has failed, or is cancelled, the caller can only close the socket. `NoRoom` when all
    /// [`limits::TLS_SESSIONS`] are in use, `Unsupported` by ports without TLS.
    Tls {
        /// The socket of the session.
        socket: Socket,
        /// Which end the device is.
        role: TlsRole<'a>,
        /// A byte that was received from the socket before: the first one of the session.
        first: Option<u8>,
        /// The credentials of the session.
        credentials: &'a TlsCredentials<'a>,
    },
    /// Make a key and a self-signed certificate, one at a time; [`Jobs::identity`] returns them once the job has
    /// succeeded. `Unsupported` by ports without TLS.
    MakeIdentity(IdentityRequest<'a>),
    /// Make a request for a certificate, one at a time; [`Jobs::request`] returns it once the job has succeeded.
    /// `Unsupported` by ports without TLS.
    MakeRequest(SigningRequest<'a>),
    /// Slow work on flash. The device starts one at a time and waits for its result: nothing stops it once it has
    /// begun. A port where another thread would not help may do the work within the call that starts the job, so that
    /// its result is there at once.
    Flash(FlashWork<'a>),
    /// A transfer on a bus, one at a time; [`Jobs::bus_received`] returns the received bytes once the job has
    /// succeeded. Nothing stops it once it has begun.
    Bus(BusTransfer<'a>),
}

/// Slow work on flash: a page is erased, a disk turns. Each is a call of [`Storage`]. The device does not touch the
/// files concerned meanwhile; calls for other files may wait for it.
#[derive(Clone, Copy, Debug)]
pub enum FlashWork<'a> {
    /// [`Storage::slot_write`].
    SlotWrite {
        /// The slot.
        slot: u8,
        /// Its new content.
        record: &'a [u8],
    },
    /// [`Storage::sync`].
    Sync(Handle),
    /// [`Storage::rename`].
    Rename {
        /// The name until now.
        from: &'a str,
        /// The name from now on.
        to: &'a str,
    },
    /// [`Storage::remove`].
    Remove(&'a str),
}

impl FlashWork<'_> {
    /// Does the work within this call.
    pub fn carry_out(&self, storage: &dyn Storage) -> Result<()> {
        match *self {
            Self::SlotWrite { slot, record } => storage.slot_write(slot, record),
            Self::Sync(file) => storage.sync(file),
            Self::Rename { from, to } => storage.rename(from, to),
            Self::Remove(name) => storage.remove(name),
        }
    }
}

/// The addresses of a name, in the order in which the name server gave them; at least one.
pub type Addresses = Vec<Ipv4Addr, { limits::LOOKUP_ADDRESSES }>;

/// What a finished [`Job`] yields: each kind of request has its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutput {
    /// The addresses of the name.
    Addresses(Addresses),
    /// Round-trip time of the echo in milliseconds.
    RoundTrip(u32),
    /// What the session has agreed on, or why there is none.
    Tls(core::result::Result<TlsSession, TlsFailure>),
    /// The identity is made.
    Identity,
    /// The request for a certificate is made.
    Request,
    /// The work on flash is done.
    Flash,
    /// The transfer is over.
    Bus,
}

/// The table of jobs. Every call returns at once.
pub trait Jobs {
    /// Starts a job; the port copies what the request points to, or has no more use for it when the call returns.
    /// `NoRoom` when the table is full.
    fn start(&self, request: &JobRequest<'_>) -> Result<Job>;
    /// The outcome of a job, `WouldBlock` while it runs. Any other answer frees the job.
    fn result(&self, job: Job) -> Result<JobOutput>;
    /// Cancels a running job.
    fn cancel(&self, job: Job);
    /// Takes the result of the last [`JobRequest::MakeIdentity`], once: writes the certificate (DER) and after it the
    /// key (SEC1 or PKCS#8, DER) to `buffer`, which has [`limits::IDENTITY`] bytes, and returns their lengths.
    /// `NotFound` when there is nothing.
    fn identity(&self, _buffer: &mut [u8]) -> Result<(usize, usize)> {
        Err(PortError::Unsupported)
    }
    /// Takes the result of the last [`JobRequest::MakeRequest`], once: writes it (DER) to `buffer`, which has
    /// [`limits::REQUEST`] bytes, and returns its length. `NotFound` when there is nothing.
    fn request(&self, _buffer: &mut [u8]) -> Result<usize> {
        Err(PortError::Unsupported)
    }
    /// Takes the bytes that the last [`JobRequest::Bus`] received, once: writes them to `buffer`, which has at least
    /// [`limits::BUS_TRANSFER`] bytes, and returns their number.
    fn bus_received(&self, _buffer: &mut [u8]) -> Result<usize> {
        Err(PortError::Unsupported)
    }
}

/// Work on flash, for a port that does it within the call that starts the job.
#[derive(Default)]
pub struct FlashAtOnce(Cell<Option<Result<()>>>);

impl FlashAtOnce {
    /// No work was asked for yet.
    pub const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Does the work and keeps its outcome; only one at a time.
    pub fn start(&self, work: &FlashWork<'_>, storage: &dyn Storage) {
        self.0.set(Some(work.carry_out(storage)));
    }

    /// Returns the outcome of the work, once.
    pub fn result(&self) -> Result<JobOutput> {
        self.0.take().unwrap_or(Err(PortError::NotFound)).map(|()| JobOutput::Flash)
    }
}
