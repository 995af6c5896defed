//! Work that would hold the device up: it runs elsewhere, and the device asks for its result.

use core::cell::Cell;
use core::net::Ipv4Addr;

use heapless::Vec;

use super::{
    BusTransfer, Handle, IdentityRequest, Interface, PortError, Result, SigningRequest, Socket, Storage,
    TlsCredentials, TlsFailure, TlsRole, TlsSession,
};
use crate::limits;

/// Work that runs elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job(pub u16);

/// What a job is to do.
#[derive(Clone, Copy, Debug)]
pub enum JobRequest<'a> {
    /// Ask the name servers of an interface for all IPv4 addresses of a name (never a dotted address).
    Lookup {
        /// Whose name servers.
        interface: Interface,
        /// The name, at most [`limits::HOST_NAME`] bytes.
        name: &'a str,
    },
    /// Send one ICMP echo request and wait for its reply.
    Ping {
        /// Where it leaves.
        interface: Interface,
        /// Where it goes.
        address: Ipv4Addr,
        /// How long to wait for the reply.
        timeout_ms: u32,
    },
    /// Start a TLS session on a connected TCP socket. Until the job has ended the socket neither sends nor receives. When
    /// it has ended badly, or is given up, the socket is of no use but to be closed. `NoRoom` when all
    /// [`limits::TLS_SESSIONS`] are in use, `Unsupported` by ports without TLS.
    Tls {
        /// Where the session shall be.
        socket: Socket,
        /// Which end the device is.
        role: TlsRole<'a>,
        /// A byte that was received from the socket before: the first one of the session.
        first: Option<u8>,
        /// What it needs.
        credentials: &'a TlsCredentials<'a>,
    },
    /// Make a key and a self-signed certificate, one at a time; [`Jobs::identity`] has them once the job has ended well.
    /// `Unsupported` by ports without TLS.
    MakeIdentity(IdentityRequest<'a>),
    /// Make a request for a certificate, one at a time; [`Jobs::request`] has it once the job has ended well.
    /// `Unsupported` by ports without TLS.
    MakeRequest(SigningRequest<'a>),
    /// Work on flash that takes its time. The device starts one at a time, and waits for its result: nothing stops it
    /// once it has begun. A port where another thread would not help may do it at once, so that the result is there when
    /// the job has been started.
    Flash(FlashWork<'a>),
    /// A transfer on a bus, one at a time; [`Jobs::bus_received`] has what it brings once the job has ended well. Nothing stops
    /// it once it has begun.
    Bus(BusTransfer<'a>),
}

/// Work on flash that takes its time: a page is erased, a disk turns. Each is a call of [`Storage`]. Files that have to
/// do with it are left alone meanwhile; calls for others may wait for it.
#[derive(Clone, Copy, Debug)]
pub enum FlashWork<'a> {
    /// [`Storage::slot_write`].
    SlotWrite {
        /// The slot.
        slot: u8,
        /// What it shall hold.
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
    /// Does it here and now.
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
    /// Starts a job; what the request points to is copied, or used up at once. `NoRoom` when the table is full.
    fn start(&self, request: &JobRequest<'_>) -> Result<Job>;
    /// The outcome of a job, `WouldBlock` while it runs. Any other answer frees the job.
    fn result(&self, job: Job) -> Result<JobOutput>;
    /// Gives a running job up.
    fn cancel(&self, job: Job);
    /// Takes what the last [`JobRequest::MakeIdentity`] has made, once: writes the certificate (DER) and behind it the key
    /// (SEC1 or PKCS#8, DER) to `buffer`, which has [`limits::IDENTITY`] bytes, and answers their lengths. `NotFound`
    /// when there is nothing.
    fn identity(&self, _buffer: &mut [u8]) -> Result<(usize, usize)> {
        Err(PortError::Unsupported)
    }
    /// Takes what the last [`JobRequest::MakeRequest`] has made, once: writes it (DER) to `buffer`, which has
    /// [`limits::REQUEST`] bytes, and answers its length. `NotFound` when there is nothing.
    fn request(&self, _buffer: &mut [u8]) -> Result<usize> {
        Err(PortError::Unsupported)
    }
    /// Takes what the last [`JobRequest::Bus`] has brought, once: writes it to `buffer`, which has [`limits::BUS_TRANSFER`]
    /// bytes at least, and answers its length.
    fn bus_received(&self, _buffer: &mut [u8]) -> Result<usize> {
        Err(PortError::Unsupported)
    }
}

/// Work on flash, for a port that does it as soon as it is asked to: a job that has ended when it begins.
#[derive(Default)]
pub struct FlashAtOnce(Cell<Option<Result<()>>>);

impl FlashAtOnce {
    /// Nothing was asked for.
    pub const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Does the work and keeps how it went; it is one piece at a time.
    pub fn start(&self, work: &FlashWork<'_>, storage: &dyn Storage) {
        self.0.set(Some(work.carry_out(storage)));
    }

    /// How the work went, once.
    pub fn result(&self) -> Result<JobOutput> {
        self.0.take().unwrap_or(Err(PortError::NotFound)).map(|()| JobOutput::Flash)
    }
}
