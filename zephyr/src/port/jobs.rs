//! Jobs for the worker thread and the TLS thread, and work on flash.

use core::net::Ipv4Addr;

use openzentri::port::{FlashAtOnce, Job, JobOutput, JobRequest, Jobs, PortError, Result};

use super::storage::ZephyrStorage;
use super::{bus, tls};
use crate::shim;

/// The job number of work on flash; the worker thread's numbers are smaller.
const FLASH: Job = Job(u16::MAX);

/// The worker thread's table of jobs.
///
/// The device's thread does work on flash itself, one call per turn of its loop: see docs/adr/0006-flash-jobs.md.
pub struct ZephyrJobs {
    flash: FlashAtOnce,
}

impl ZephyrJobs {
    /// No jobs.
    pub const fn new() -> Self {
        Self { flash: FlashAtOnce::new() }
    }
}

impl Jobs for ZephyrJobs {
    fn start(&self, request: &JobRequest<'_>) -> Result<Job> {
        let number = match *request {
            JobRequest::Lookup { interface, name } => shim::lookup(interface, name)?,
            JobRequest::Ping { interface, address, timeout_ms } => {
                shim::ping(interface, address.to_bits(), timeout_ms)?
            }
            JobRequest::Bus(ref transfer) => return bus::start(transfer),
            JobRequest::Flash(ref work) => {
                self.flash.start(work, &ZephyrStorage);
                return Ok(FLASH);
            }
            JobRequest::Tls { socket, ref role, first, credentials } => {
                return tls::start(socket, role, first, credentials);
            }
            JobRequest::MakeIdentity(ref request) => return tls::make_identity(request),
            JobRequest::MakeRequest(ref request) => return tls::make_request(request),
        };
        Ok(Job(number as u16))
    }

    fn result(&self, job: Job) -> Result<JobOutput> {
        if job == FLASH {
            return self.flash.result();
        }
        if job == bus::JOB {
            return bus::outcome().map(|()| JobOutput::Bus);
        }
        if let Some(result) = tls::result(job) {
            return result;
        }
        let output = shim::job_result(i32::from(job.0))?;
        let mut values = output.values.iter().copied().take(usize::from(output.count));
        match output.kind {
            shim::JOB_LOOKUP => Ok(JobOutput::Addresses(values.map(Ipv4Addr::from_bits).collect())),
            shim::JOB_PING => values.next().map(JobOutput::RoundTrip).ok_or(PortError::Unsupported),
            _ => Err(PortError::Unsupported),
        }
    }

    /// Nothing stops a transfer. Work on flash has ended before it could be cancelled.
    fn cancel(&self, job: Job) {
        if job != FLASH && job != bus::JOB && !tls::cancel(job) {
            shim::job_cancel(i32::from(job.0));
        }
    }

    fn bus_received(&self, buffer: &mut [u8]) -> Result<usize> {
        bus::received(buffer)
    }

    fn identity(&self, buffer: &mut [u8]) -> Result<(usize, usize)> {
        tls::identity(buffer)
    }

    fn request(&self, buffer: &mut [u8]) -> Result<usize> {
        tls::request(buffer)
    }
}
