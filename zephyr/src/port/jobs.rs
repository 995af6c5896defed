//! Work for the worker thread.

use core::net::Ipv4Addr;

use openzentri::port::{Job, JobOutput, JobRequest, Jobs, PortError, Result};

use crate::shim;

/// The worker thread's table of jobs.
pub struct ZephyrJobs;

impl Jobs for ZephyrJobs {
    fn start(&self, request: &JobRequest<'_>) -> Result<Job> {
        let number = match *request {
            JobRequest::Lookup { interface, name } => shim::lookup(interface, name)?,
            JobRequest::Ping { interface, address, timeout_ms } => {
                shim::ping(interface, address.to_bits(), timeout_ms)?
            }
            JobRequest::Tls { .. } => return Err(PortError::Unsupported),
        };
        Ok(Job(number as u16))
    }

    fn result(&self, job: Job) -> Result<JobOutput> {
        let output = shim::job_result(i32::from(job.0))?;
        let mut values = output.values.iter().copied().take(usize::from(output.count));
        match output.kind {
            shim::JOB_LOOKUP => Ok(JobOutput::Addresses(values.map(Ipv4Addr::from_bits).collect())),
            shim::JOB_PING => values.next().map(JobOutput::RoundTrip).ok_or(PortError::Unsupported),
            _ => Err(PortError::Unsupported),
        }
    }

    fn cancel(&self, job: Job) {
        shim::job_cancel(i32::from(job.0));
    }
}
