//! TLS sessions and the device's own certificate: jobs with numbers after those of the worker thread.

use openzentri::port::{IdentityRequest, Job, JobOutput, Result, SigningRequest, Socket, TlsCredentials, TlsRole};

#[cfg(not(CONFIG_OPENZENTRI_TLS))]
pub use absent::*;
#[cfg(CONFIG_OPENZENTRI_TLS)]
pub use present::*;

/// The first job of a session; lower numbers belong to the worker thread.
const FIRST: u16 = crate::kconfig::CONFIG_OPENZENTRI_JOBS as u16;

#[cfg(CONFIG_OPENZENTRI_TLS)]
mod present {
    use super::{FIRST, IdentityRequest, Job, JobOutput, Result, SigningRequest, Socket, TlsCredentials, TlsRole};
    use crate::shim::tls;

    /// Jobs of this kind at once: one per session, an identity, and a request for a certificate.
    pub const JOBS: usize = SESSIONS as usize + 2;
    const SESSIONS: u16 = openzentri::limits::TLS_SESSIONS as u16;
    const IDENTITY: u16 = FIRST + SESSIONS;
    const REQUEST: u16 = IDENTITY + 1;

    pub use tls::{holds, is_computed, ready, watched};

    /// Begins a session.
    pub fn start(socket: Socket, role: &TlsRole<'_>, first: Option<u8>, given: &TlsCredentials<'_>) -> Result<Job> {
        tls::start(socket.0.into(), role, first, given).map(|session| Job(FIRST + session as u16))
    }

    /// Begins to make an identity.
    pub fn make_identity(request: &IdentityRequest<'_>) -> Result<Job> {
        tls::make_identity(request).map(|()| Job(IDENTITY))
    }

    /// Takes the identity that was made.
    pub fn identity(buffer: &mut [u8]) -> Result<(usize, usize)> {
        tls::take_identity(buffer)
    }

    /// Begins to make a request for a certificate.
    pub fn make_request(request: &SigningRequest<'_>) -> Result<Job> {
        tls::make_request(request).map(|()| Job(REQUEST))
    }

    /// Takes the request that was made.
    pub fn request(buffer: &mut [u8]) -> Result<usize> {
        tls::take_request(buffer)
    }

    /// The session of a job.
    fn session(job: Job) -> Option<i32> {
        job.0.checked_sub(FIRST).filter(|session| *session < SESSIONS).map(i32::from)
    }

    /// The result of a job, if it is one of these.
    pub fn result(job: Job) -> Option<Result<JobOutput>> {
        match job.0 {
            IDENTITY => return Some(tls::identity_result().map(|()| JobOutput::Identity)),
            REQUEST => return Some(tls::request_result().map(|()| JobOutput::Request)),
            _ => {}
        }
        session(job).map(|session| tls::outcome(session).map(JobOutput::Tls))
    }

    /// Whether a job has ended, if it is one of these.
    pub fn ended(job: Job) -> Option<bool> {
        match job.0 {
            IDENTITY => return Some(tls::identity_ended()),
            REQUEST => return Some(tls::request_ended()),
            _ => {}
        }
        session(job).map(tls::ended)
    }

    /// Cancels a job; returns whether it is one of these.
    pub fn cancel(job: Job) -> bool {
        if let Some(session) = session(job) {
            tls::cancel(session);
        }
        job.0 >= FIRST
    }
}

/// Without TLS.
#[cfg(not(CONFIG_OPENZENTRI_TLS))]
mod absent {
    use super::{FIRST, IdentityRequest, Job, JobOutput, Result, SigningRequest, Socket, TlsCredentials, TlsRole};
    use openzentri::port::PortError;

    pub const JOBS: usize = 0;

    pub fn start(_: Socket, _: &TlsRole<'_>, _: Option<u8>, _: &TlsCredentials<'_>) -> Result<Job> {
        Err(PortError::Unsupported)
    }

    pub fn make_identity(_: &IdentityRequest<'_>) -> Result<Job> {
        Err(PortError::Unsupported)
    }

    pub fn identity(_: &mut [u8]) -> Result<(usize, usize)> {
        Err(PortError::Unsupported)
    }

    pub fn make_request(_: &SigningRequest<'_>) -> Result<Job> {
        Err(PortError::Unsupported)
    }

    pub fn request(_: &mut [u8]) -> Result<usize> {
        Err(PortError::Unsupported)
    }

    pub fn result(_: Job) -> Option<Result<JobOutput>> {
        None
    }

    pub fn ended(_: Job) -> Option<bool> {
        None
    }

    pub fn cancel(job: Job) -> bool {
        job.0 >= FIRST
    }

    pub fn watched(_: i32, wanted: i16) -> i16 {
        wanted
    }

    pub fn holds(_: i32) -> i16 {
        0
    }

    pub fn is_computed(_: i32) -> bool {
        false
    }

    pub fn ready(_: i32) -> bool {
        true
    }
}
