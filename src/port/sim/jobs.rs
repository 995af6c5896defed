//! Jobs: look-ups, pings and flash take a set time; TLS sessions are real ones.

use core::net::Ipv4Addr;
use std::string::String;
use std::vec::Vec;

use embassy_time::Duration;

use super::super::{
    Addresses, Event, FlashWork, Handle, IdentityRequest, Interface, Job, JobOutput, JobRequest, Jobs, PortError,
    Result, SigningRequest, Socket, TlsClient, TlsCredentials, TlsRole, host_bus, host_tls,
};
use super::network::{Progress, State};
use super::tls::Secured;
use super::{Call, SimPort};

/// How long the look-up of an unknown name takes.
const UNKNOWN_NAME_DELAY: Duration = Duration::from_millis(1);

/// How long a board needs for a key and a certificate.
const IDENTITY_DELAY: Duration = Duration::from_millis(500);

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

impl SimPort {
    pub(super) fn tls_start(
        &self,
        socket: Socket,
        role: &TlsRole<'_>,
        first: Option<u8>,
        credentials: &TlsCredentials<'_>,
    ) -> Result<Job> {
        self.check(Call::TlsStart)?;
        let mut network = self.network.borrow_mut();
        if network.tcp(socket)?.progress != Progress::Established || network.tls.contains_key(&socket.0) {
            return Err(PortError::Unsupported);
        }
        if network.tls.len() >= network.session_limit {
            return Err(PortError::NoRoom);
        }
        let job = network.new_job();
        let library = network.tls_client;
        match host_tls::session(&mut network.tls_setups, library, role, first, credentials) {
            Ok(session) => {
                network.tls.insert(socket.0, Secured { session, job: Some(job) });
            }
            Err(failure) => network.end_job(job, Ok(JobOutput::Tls(Err(failure)))),
        }
        drop(network);
        self.notify();
        Ok(job)
    }

    fn make_identity(&self, request: &IdentityRequest<'_>) -> Job {
        let made = host_tls::make_identity(request);
        self.keep(|network| made.map(|made| network.identity = Some(made)).map(|()| JobOutput::Identity))
    }

    fn make_request(&self, request: &SigningRequest<'_>) -> Job {
        let made = host_tls::make_request(request);
        self.keep(|network| made.map(|made| network.request = Some(made)).map(|()| JobOutput::Request))
    }

    /// A job that stores its result where the device takes it.
    fn keep(&self, put: impl FnOnce(&mut State) -> Result<JobOutput>) -> Job {
        let mut network = self.network.borrow_mut();
        let job = network.new_job();
        let result = put(&mut network);
        drop(network);
        self.finish_job(job, IDENTITY_DELAY, result);
        job
    }

    /// Chooses the library of TLS clients.
    pub fn set_tls_client(&self, library: TlsClient) {
        self.network.borrow_mut().tls_client = library;
    }

    /// Sets how many TLS sessions the device can have.
    pub fn limit_sessions(&self, sessions: usize) {
        self.network.borrow_mut().session_limit = sessions;
    }

    /// Sessions that the device has open.
    pub fn open_sessions(&self) -> usize {
        self.network.borrow().tls.len()
    }
}

/// A copy of [`FlashWork`], kept until the flash does it.
enum KeptWork {
    SlotWrite(u8, Vec<u8>),
    Sync(Handle),
    Rename(String, String),
    Remove(String),
}

impl KeptWork {
    fn of(work: &FlashWork<'_>) -> Self {
        match *work {
            FlashWork::SlotWrite { slot, record } => Self::SlotWrite(slot, record.to_vec()),
            FlashWork::Sync(file) => Self::Sync(file),
            FlashWork::Rename { from, to } => Self::Rename(from.into(), to.into()),
            FlashWork::Remove(name) => Self::Remove(name.into()),
        }
    }

    fn work(&self) -> FlashWork<'_> {
        match self {
            Self::SlotWrite(slot, record) => FlashWork::SlotWrite { slot: *slot, record },
            Self::Sync(file) => FlashWork::Sync(*file),
            Self::Rename(from, to) => FlashWork::Rename { from, to },
            Self::Remove(name) => FlashWork::Remove(name),
        }
    }
}

impl SimPort {
    /// Does work on flash when its time is over, unless the power is cut before that. A flash without delay does it at
    /// once.
    fn flash_work(&self, work: &FlashWork<'_>) -> Job {
        let job = self.network.borrow_mut().new_job();
        let delay = self.flash.state.borrow().delay;
        if let Some(delay) = delay {
            let kept = KeptWork::of(work);
            self.after(delay, move |port| port.end_flash_work(job, &kept.work()));
        } else {
            self.end_flash_work(job, work);
        }
        job
    }

    fn end_flash_work(&self, job: Job, work: &FlashWork<'_>) {
        if !self.network.borrow().jobs.contains_key(&job.0) {
            return;
        }
        self.flash.state.borrow_mut().at_work = true;
        let result = work.carry_out(self);
        self.flash.state.borrow_mut().at_work = false;
        self.network.borrow_mut().end_job(job, result.map(|()| JobOutput::Flash));
    }
}

impl Jobs for SimPort {
    fn start(&self, request: &JobRequest<'_>) -> Result<Job> {
        match *request {
            JobRequest::Lookup { interface, name } => self.lookup(interface, name),
            JobRequest::Ping { interface, address, timeout_ms } => self.ping(interface, address, timeout_ms),
            JobRequest::Bus(ref transfer) => self.buses.start(transfer),
            JobRequest::Flash(work) => Ok(self.flash_work(&work)),
            JobRequest::MakeIdentity(request) => Ok(self.make_identity(&request)),
            JobRequest::MakeRequest(request) => Ok(self.make_request(&request)),
            JobRequest::Tls { socket, role, first, credentials } => self.tls_start(socket, &role, first, credentials),
        }
    }

    fn result(&self, job: Job) -> Result<JobOutput> {
        if job == host_bus::JOB {
            return self.buses.result();
        }
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

    fn bus_received(&self, buffer: &mut [u8]) -> Result<usize> {
        self.buses.received(buffer)
    }

    fn identity(&self, buffer: &mut [u8]) -> Result<(usize, usize)> {
        self.network.borrow_mut().identity.take().ok_or(PortError::NotFound)?.put(buffer)
    }

    fn request(&self, buffer: &mut [u8]) -> Result<usize> {
        let made = self.network.borrow_mut().request.take().ok_or(PortError::NotFound)?;
        host_tls::put(&made, buffer)
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
