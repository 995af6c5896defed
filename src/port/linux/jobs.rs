//! Look-ups, pings and flash: blocking work runs on threads of its own and reports through one eventfd.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use super::wakers::{keep, wake};
use super::{icmp, lan};
use crate::port::host_tls::{self, MadeIdentity};
use crate::port::{Addresses, IdentityRequest, Job, JobOutput, JobRequest, Jobs, PortError, Result, SigningRequest};

/// Jobs at once. A cancelled look-up counts until the system's resolver has given up, because nothing can stop it.
const MAX_JOBS: usize = 128;

/// The places of handshakes: silent peers do not keep look-ups waiting.
const TLS: Range<usize> = 15..FLASH;

/// The place of work on flash: saving does not wait for look-ups.
const FLASH: usize = MAX_JOBS - 1;

/// The state of one place in the table.
enum State {
    Free,
    Running(Option<Waker>),
    Done(Result<JobOutput>),
    /// Cancelled, but its thread still runs.
    Abandoned,
}

struct JobPlace {
    generation: u16,
    state: State,
}

/// Where the threads put their results.
struct Mailbox {
    results: Mutex<Vec<(usize, Result<JobOutput>)>>,
    /// Results that the device has not taken yet.
    identity: Mutex<Option<MadeIdentity>>,
    request: Mutex<Option<Vec<u8>>>,
    bell: OwnedFd,
}

/// All jobs of the device.
pub(super) struct JobTable {
    slots: RefCell<[JobPlace; MAX_JOBS]>,
    mailbox: Arc<Mailbox>,
}

impl JobTable {
    /// An empty table.
    pub(super) fn new() -> rustix::io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let slot = |_| JobPlace { generation: 0, state: State::Free };
        Ok(Self {
            slots: RefCell::new(std::array::from_fn(slot)),
            mailbox: Arc::new(Mailbox {
                results: Mutex::default(),
                identity: Mutex::default(),
                request: Mutex::default(),
                bell,
            }),
        })
    }

    /// Runs work on flash on its own thread.
    pub(super) fn run_flash(&self, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Job> {
        self.run_in(FLASH..MAX_JOBS, move || work().map(|()| JobOutput::Flash))
    }

    /// Asks a name server for the addresses of a name.
    pub(super) fn run_lookup(&self, interface: &str, server: Ipv4Addr, name: &str) -> Result<Job> {
        let (interface, name) = (interface.to_owned(), name.to_owned());
        self.run(move || lan::resolve(&interface, server, &name).map(JobOutput::Addresses))
    }

    /// Runs `work` on a thread of its own.
    fn run(&self, work: impl FnOnce() -> Result<JobOutput> + Send + 'static) -> Result<Job> {
        self.run_in(0..TLS.start, work)
    }

    /// As [`Self::run`], in one of these places.
    fn run_in(&self, places: Range<usize>, work: impl FnOnce() -> Result<JobOutput> + Send + 'static) -> Result<Job> {
        let mut slots = self.slots.borrow_mut();
        let free = free_place(&slots, places)?;
        let mailbox = self.mailbox.clone();
        let report = move || {
            let result = work();
            mailbox.results.lock().unwrap_or_else(PoisonError::into_inner).push((free, result));
            // The counter cannot be full: there are fewer results than its limit of 2^64 - 2.
            let _ = rustix::io::write(&mailbox.bell, &1_u64.to_ne_bytes());
        };
        thread::Builder::new().name("job".into()).spawn(report).map_err(|_| PortError::NoRoom)?;
        Ok(begin(&mut slots, free))
    }

    /// Begins a handshake; [`JobTable::end`] reports its outcome.
    pub(super) fn begin_tls(&self) -> Result<Job> {
        let mut slots = self.slots.borrow_mut();
        let free = free_place(&slots, TLS)?;
        Ok(begin(&mut slots, free))
    }

    /// Ends a handshake, and wakes the task that waits for it.
    pub(super) fn end(&self, job: Job, result: Result<JobOutput>) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = find(&mut slots, job) else { return };
        if let State::Running(waker) = &mut slot.state {
            let mut waker = waker.take();
            slot.state = State::Done(result);
            wake(&mut waker);
        }
    }

    /// Collects the results of the threads and wakes the tasks that wait for them.
    pub(super) fn collect(&self) {
        let mut counter = [0; 8];
        let _ = rustix::io::read(&self.mailbox.bell, &mut counter);
        let results = std::mem::take(&mut *self.mailbox.results.lock().unwrap_or_else(PoisonError::into_inner));
        let mut slots = self.slots.borrow_mut();
        for (index, result) in results {
            let slot = &mut slots[index];
            match std::mem::replace(&mut slot.state, State::Free) {
                State::Running(mut waker) => {
                    slot.state = State::Done(result);
                    wake(&mut waker);
                }
                // The job was cancelled: the place is free now that the thread has ended.
                State::Abandoned | State::Free | State::Done(_) => {}
            }
        }
    }

    /// See [`crate::port::Port::wake_when`].
    pub(super) fn wake(&self, job: Job, waker: &Waker) {
        match find(&mut self.slots.borrow_mut(), job).map(|slot| &mut slot.state) {
            Some(State::Running(place)) => keep(place, waker),
            _ => waker.wake_by_ref(),
        }
    }
}

/// Station and access point share the host's network: the interface makes no difference here. Work on flash comes
/// through [`JobTable::run_flash`].
impl Jobs for JobTable {
    fn start(&self, request: &JobRequest<'_>) -> Result<Job> {
        match *request {
            JobRequest::Lookup { name, .. } => {
                let name = name.to_owned();
                self.run(move || resolve(&name).map(JobOutput::Addresses))
            }
            JobRequest::Ping { address, timeout_ms, .. } => {
                let timeout = Duration::from_millis(timeout_ms.into());
                self.run(move || icmp::ping(address, timeout).map(JobOutput::RoundTrip))
            }
            JobRequest::MakeIdentity(IdentityRequest { name, validity }) => {
                let (name, mailbox) = (name.to_owned(), self.mailbox.clone());
                self.run(move || {
                    let made = host_tls::make_identity(&IdentityRequest { name: &name, validity })?;
                    *mailbox.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                    Ok(JobOutput::Identity)
                })
            }
            JobRequest::MakeRequest(SigningRequest { name, key }) => {
                let (name, key, mailbox) = (name.to_owned(), key.to_owned(), self.mailbox.clone());
                self.run(move || {
                    let made = host_tls::make_request(&SigningRequest { name: &name, key: &key })?;
                    *mailbox.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                    Ok(JobOutput::Request)
                })
            }
            JobRequest::Tls { .. } | JobRequest::Flash(_) | JobRequest::Bus(_) => Err(PortError::Unsupported),
        }
    }

    fn result(&self, job: Job) -> Result<JobOutput> {
        let mut slots = self.slots.borrow_mut();
        let slot = find(&mut slots, job).ok_or(PortError::NotFound)?;
        match std::mem::replace(&mut slot.state, State::Free) {
            State::Done(result) => result,
            State::Free => Err(PortError::NotFound),
            State::Abandoned => {
                slot.state = State::Abandoned;
                Err(PortError::NotFound)
            }
            running @ State::Running(_) => {
                slot.state = running;
                Err(PortError::WouldBlock)
            }
        }
    }

    fn identity(&self, buffer: &mut [u8]) -> Result<(usize, usize)> {
        let made = self.mailbox.identity.lock().unwrap_or_else(PoisonError::into_inner).take();
        made.ok_or(PortError::NotFound)?.put(buffer)
    }

    fn request(&self, buffer: &mut [u8]) -> Result<usize> {
        let made = self.mailbox.request.lock().unwrap_or_else(PoisonError::into_inner).take();
        host_tls::put(&made.ok_or(PortError::NotFound)?, buffer)
    }

    fn cancel(&self, job: Job) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = find(&mut slots, job) else { return };
        let has_thread = !TLS.contains(&place(job));
        slot.state = match slot.state {
            State::Running(_) if !has_thread => State::Free,
            State::Running(_) | State::Abandoned => State::Abandoned,
            State::Done(_) | State::Free => State::Free,
        };
    }
}

impl AsFd for JobTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mailbox.bell.as_fd()
    }
}

/// The number of the job that runs in a place.
fn id(index: usize, slot: &JobPlace) -> Job {
    Job(slot.generation.wrapping_mul(MAX_JOBS as u16) | index as u16)
}

/// The first free place among these.
fn free_place(slots: &[JobPlace; MAX_JOBS], mut places: Range<usize>) -> Result<usize> {
    let is_free = |index: &usize| slots.get(*index).is_some_and(|slot| matches!(slot.state, State::Free));
    places.find(is_free).ok_or(PortError::NoRoom)
}

/// A new job in a free place.
fn begin(slots: &mut [JobPlace; MAX_JOBS], free: usize) -> Job {
    let slot = &mut slots[free];
    slot.state = State::Running(None);
    slot.generation = slot.generation.wrapping_add(1);
    id(free, slot)
}

/// Where a job is, or was.
fn place(job: Job) -> usize {
    usize::from(job.0) % MAX_JOBS
}

fn find(slots: &mut [JobPlace; MAX_JOBS], job: Job) -> Option<&mut JobPlace> {
    let index = place(job);
    (id(index, &slots[index]) == job).then_some(&mut slots[index])
}

/// The IPv4 addresses of a name, each once, up to the capacity of [`Addresses`]. The system does not distinguish "no
/// such name" from "no answer".
fn resolve(name: &str) -> Result<Addresses> {
    let mut found = Addresses::new();
    for address in (name, 0).to_socket_addrs().map_err(|_| PortError::NotFound)? {
        if let SocketAddr::V4(address) = address
            && !found.contains(address.ip())
            && found.push(*address.ip()).is_err()
        {
            break;
        }
    }
    if found.is_empty() { Err(PortError::NotFound) } else { Ok(found) }
}
