//! Look-ups and pings: the world answers them at its time.

use core::net::Ipv4Addr;
use std::vec::Vec;

use embassy_time::Duration;

use super::super::{Addresses, Event, Interface, Job, JobOutput, JobRequest, Jobs, PortError, Result};
use super::{Call, SimPort};

/// How long a look-up of a name that nobody knows takes.
const UNKNOWN_NAME_DELAY: Duration = Duration::from_millis(1);

impl SimPort {
    fn lookup(&self, interface: Interface, name: &str) -> Result<Job> {
        self.check(Call::Lookup)?;
        self.route(interface)?;
        let mut network = self.network.borrow_mut();
        let known = network.names.get(&name.to_ascii_lowercase()).cloned();
        let (delay, result) = known.unwrap_or((UNKNOWN_NAME_DELAY, Err(PortError::NotFound)));
        let job = network.new_job();
        let kept = |addresses: Vec<Ipv4Addr>| {
            JobOutput::Addresses(addresses.into_iter().take(Addresses::new().capacity()).collect())
        };
        self.finish_job(job, delay, result.map(kept));
        Ok(job)
    }

    fn ping(&self, interface: Interface, address: Ipv4Addr, timeout_ms: u32) -> Result<Job> {
        self.check(Call::Ping)?;
        self.route(interface)?;
        let mut network = self.network.borrow_mut();
        let timeout = Duration::from_millis(u64::from(timeout_ms));
        let reply = network.pings.get(&address).copied().filter(|delay| *delay < timeout);
        let job = network.new_job();
        match reply {
            Some(delay) => self.finish_job(job, delay, Ok(JobOutput::RoundTrip(delay.as_millis() as u32))),
            None => self.finish_job(job, timeout, Err(PortError::TimedOut)),
        }
        Ok(job)
    }

    /// Ends a job after `delay`.
    fn finish_job(&self, job: Job, delay: Duration, result: Result<JobOutput>) {
        self.after(delay, move |port| port.network.borrow_mut().end_job(job, result));
    }
}

impl Jobs for SimPort {
    fn start(&self, request: &JobRequest<'_>) -> Result<Job> {
        match *request {
            JobRequest::Lookup { interface, name } => self.lookup(interface, name),
            JobRequest::Ping { interface, address, timeout_ms } => self.ping(interface, address, timeout_ms),
            JobRequest::Tls { socket, role, credentials } => self.tls_start(socket, &role, credentials),
        }
    }

    fn result(&self, job: Job) -> Result<JobOutput> {
        let mut network = self.network.borrow_mut();
        match network.jobs.remove(&job.0) {
            None => Err(network.stale()),
            Some(None) => {
                network.jobs.insert(job.0, None);
                Err(PortError::WouldBlock)
            }
            Some(Some(result)) => result,
        }
    }

    fn cancel(&self, job: Job) {
        self.forget_wakers(|event| event == Event::Job(job));
        let mut network = self.network.borrow_mut();
        network.give_up_tls(job);
        if network.jobs.remove(&job.0).is_none() {
            network.stale_calls += 1;
        }
    }
}
