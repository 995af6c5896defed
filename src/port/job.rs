//! Work that would hold the device up: it runs elsewhere, and the device asks for its result.

use core::net::Ipv4Addr;

use heapless::Vec;

use super::{Interface, Result, Socket, TlsCredentials, TlsFailure, TlsRole, TlsSession};
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
        /// What it needs.
        credentials: &'a TlsCredentials<'a>,
    },
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
}

/// The table of jobs. Every call returns at once.
pub trait Jobs {
    /// Starts a job; what the request points to is copied. `NoRoom` when the table is full.
    fn start(&self, request: &JobRequest<'_>) -> Result<Job>;
    /// The outcome of a job, `WouldBlock` while it runs. Any other answer frees the job.
    fn result(&self, job: Job) -> Result<JobOutput>;
    /// Gives a running job up.
    fn cancel(&self, job: Job);
}
