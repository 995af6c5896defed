//! The HTTP client (http-and-files reference 7): requests as streams, files fetched and sent.
//!
//! A fixed number of tasks does the network work; each has one request at a time and owns the buffer that it needs. A
//! command claims a free one, describes the request in it, starts it and waits for its outcome. What a request leaves
//! behind when it is given up half-way (a socket, half a file) goes with the task's work on it.
//!
//! ```text
//! stream     a request whose bodies go through a stream
//! download   a response that becomes a file
//! upload     a file that becomes a request
//! slot       what a task and the commands share about a request
//! link       one connection: connect, send, receive, time limits
//! transport  bytes to and from the server: here TLS comes in
//! request    the head that goes out
//! response   the head that comes in
//! body       the framing of a body that comes in
//! url        where a request goes
//! ```

use core::cell::RefMut;
use core::fmt;
use core::future::poll_fn;
use core::task::Poll;

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, with_timeout};

use crate::base::Base;
use crate::file::{FileError, Files, Name};
use crate::limits;
use crate::log::Level;
use crate::network::Network;
use crate::port::Interface;
use crate::stream::{Ends, Intake, Kind, StreamError, Streams};

mod download;
mod link;
mod request;
mod slot;
mod stream;
mod transport;
mod upload;

pub use crate::wire::url::{Url, UrlError};
pub use download::Target;
pub use request::{FieldError, Length, Method, Request};

use slot::{Job, Phase, Slot, StreamId};

/// How long a command waits for the head of an answer, the time to send a queued request included.
const ANSWER_TIME: Duration = Duration::from_secs(90);
/// How long a file may take on its way.
const TRANSFER_TIME: Duration = Duration::from_secs(600);
/// How long a `stream_read` waits for the first bytes of a body: hosts read right after the status, without polling.
const READ_TIME: Duration = Duration::from_secs(5);

/// Why a request came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// All streams or all requests are in use.
    Full,
    /// The stream is no request, or not in a state to do that.
    NoRequest,
    /// The name has no address.
    NotFound,
    /// The server does not take the connection.
    Connect,
    /// An `https` URL in a build without TLS.
    NoTls,
    /// The server did not answer, take or send anything for too long.
    TimedOut,
    /// The server closed the connection before it answered.
    Closed,
    /// So many bytes of the request's body have not been written yet.
    BodyMissing(u32),
    /// The head of the answer is longer than the device takes.
    HeadTooLong,
    /// The answer is not HTTP.
    Malformed,
    /// The answer ended before its body was whole.
    Incomplete,
    /// One redirection after the other.
    Redirections,
    /// The server said so.
    Status(u16),
    /// More bytes than a file can have.
    TooLarge,
    /// The file could not be stored or read.
    File(FileError),
}

/// What the log says about it. Empty for a connection that was not made: `Open failed` says that.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound | Self::Connect | Self::NoRequest => Ok(()),
            Self::Full => f.write_str("No more streams"),
            Self::NoTls => f.write_str("TLS is not available in this build"),
            Self::TimedOut => f.write_str("HTTP timeout"),
            Self::Closed => f.write_str("HTTP connection closed"),
            Self::BodyMissing(bytes) => write!(f, "HTTP request body incomplete: {bytes} bytes missing"),
            Self::HeadTooLong => f.write_str("HTTP response header too long"),
            Self::Malformed => f.write_str("HTTP response not understood"),
            Self::Incomplete => f.write_str("HTTP response incomplete"),
            Self::Redirections => f.write_str("Too many HTTP redirections"),
            Self::Status(status) => write!(f, "HTTP status: {status}"),
            Self::TooLarge => f.write_str("File too large"),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// All requests of the device.
pub struct Client {
    base: &'static Base,
    network: &'static Network,
    streams: &'static Streams,
    files: &'static Files,
    slots: [Slot; limits::HTTP_CLIENTS],
}

/// A request that a command has in hand. Dropping it gives the request up.
#[must_use = "the request is given up when this is dropped"]
pub struct Claim {
    slot: &'static Slot,
    armed: bool,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        match self.slot.phase.get() {
            Phase::Claimed => self.slot.phase.set(Phase::Free),
            _ => self.slot.cancel.signal(()),
        }
    }
}

impl Claim {
    /// The request, to be completed before it is started.
    pub fn request(&self) -> RefMut<'_, Request> {
        self.slot.request.borrow_mut()
    }

    /// Over which interface it goes.
    pub fn interface(&self) -> Interface {
        self.slot.request.borrow().interface
    }

    /// The answer is to become a file. An older file of that name stays until the new one is complete.
    pub fn download(&self, target: Target) {
        self.slot.plan.set(Some(Job::Download(target)));
    }

    /// The request is to carry the file `local` in a form, under the name `remote`.
    pub fn upload(&self, local: Name, remote: Name) {
        self.slot.plan.set(Some(Job::Upload { local, remote }));
    }

    fn start(&self, job: Job) {
        self.slot.phase.set(Phase::Connecting);
        self.slot.job.signal(job);
    }

    /// The request belongs to its stream from now on.
    fn hand_over(mut self) {
        self.armed = false;
        self.slot.opened.set(true);
        self.slot.open.signal(());
    }
}

impl Client {
    /// No request runs.
    pub const fn new(
        base: &'static Base,
        network: &'static Network,
        streams: &'static Streams,
        files: &'static Files,
    ) -> Self {
        Self { base, network, streams, files, slots: [const { Slot::new() }; limits::HTTP_CLIENTS] }
    }

    /// Begins a request; `Full` when too many run.
    pub fn claim(&'static self, method: Method, url: Url, interface: Interface) -> Result<Claim, Failure> {
        let free = self.slots.iter().find(|slot| slot.phase.get() == Phase::Free);
        let slot = free.ok_or(Failure::Full)?;
        slot.clear();
        slot.phase.set(Phase::Claimed);
        slot.request.borrow_mut().begin(method, url, interface);
        Ok(Claim { slot, armed: true })
    }

    /// Logs why a request failed, as far as there is something to say.
    pub fn log_failure(&self, failure: Failure) {
        if !matches!(failure, Failure::NotFound | Failure::Connect | Failure::NoRequest) {
            self.base.log.line(Level::Failure, format_args!("{failure}"));
        }
    }

    /// Opens a stream for the request and answers its handle: with `hold` as soon as the server is connected, else when
    /// the server has answered (or, when the body is written later, when the head is sent). Failures are logged.
    pub async fn open(&'static self, claim: Claim, hold: bool) -> Result<u8, Failure> {
        let host = claim.request().url.host.clone();
        self.base.log_state(format_args!("Opening: {host}"));
        drop(host);
        let opened = match with_timeout(ANSWER_TIME, self.begin(claim, hold)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::TimedOut),
        };
        if let Err(failure) = opened {
            self.log_failure(failure);
            self.base.log_state(format_args!("Open failed"));
        }
        opened
    }

    async fn begin(&'static self, claim: Claim, hold: bool) -> Result<u8, Failure> {
        let reservation = self.streams.reserve(Kind::Http).map_err(|_| Failure::Full)?;
        let handle = reservation.handle();
        let generation = self.streams.generation(handle).map_err(|_| Failure::Full)?;
        let slot = claim.slot;
        claim.start(Job::Stream { stream: StreamId { handle, generation }, hold });
        let length = slot.request.borrow().length;
        match (hold, length) {
            (true, _) => slot.reached(Phase::Queued).await?,
            (false, Length::Queued) => {
                slot.go.signal(());
                slot.settled().await?;
            }
            (false, _) => slot.reached(Phase::Sending).await?,
        }
        let ends = {
            let url = &slot.request.borrow().url;
            Ends::Client { host: url.host.clone(), port: url.port, local: slot.local_port.get() }
        };
        let handle = reservation.room(ends).ok_or(Failure::NoRequest)?;
        claim.hand_over();
        Ok(handle)
    }

    /// The slot of an open stream.
    fn slot_of(&self, handle: u8) -> Result<(&Slot, StreamId), Failure> {
        let generation = self.streams.generation(handle).map_err(|_| Failure::NoRequest)?;
        let stream = StreamId { handle, generation };
        let slot = self.slots.iter().find(|slot| slot.stream.get() == Some(stream));
        slot.map(|slot| (slot, stream)).ok_or(Failure::NoRequest)
    }

    /// Adds a field to a request that has been opened and not sent.
    pub fn add_header(&self, handle: u8, name: &[u8], value: &[u8]) -> Result<(), HeaderError> {
        let (slot, stream) = self.slot_of(handle).map_err(|_| HeaderError::NotQueued)?;
        if slot.phase.get() != Phase::Queued {
            return Err(HeaderError::NotQueued);
        }
        let mut request = slot.request.borrow_mut();
        let before = request.length;
        request.add(name, value).map_err(HeaderError::Field)?;
        if request.length != before {
            let written = self.streams.tx_waiting(stream.handle, stream.generation);
            let Some(intake) = intake(request.length, written) else {
                request.length = before;
                return Err(HeaderError::Field(FieldError::Invalid));
            };
            drop(request);
            self.streams.set_intake(stream.handle, stream.generation, intake);
        }
        Ok(())
    }

    /// Sends a request that was held back and answers the status of the response. Failures are logged.
    pub async fn status(&self, handle: u8) -> Result<u16, Failure> {
        let (slot, _) = self.slot_of(handle)?;
        let status = self.complete(slot, handle).await;
        if let Err(failure) = status {
            self.log_failure(failure);
        }
        status
    }

    async fn complete(&self, slot: &Slot, handle: u8) -> Result<u16, Failure> {
        if let Some(outcome) = slot.outcome.get() {
            return outcome;
        }
        if let Ok(Intake::Exactly(missing @ 1..)) = self.streams.intake(handle) {
            return Err(Failure::BodyMissing(missing));
        }
        slot.go.signal(());
        match with_timeout(ANSWER_TIME, slot.settled()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                slot.cancel.signal(());
                Err(Failure::TimedOut)
            }
        }
    }

    /// Before a `stream_read`: sends the request if the host has not done so, and waits a little for the first bytes
    /// of the body. Failures are logged.
    pub async fn before_read(&self, handle: u8) -> Result<(), Failure> {
        // What has come stays readable when the request is over.
        if self.status(handle).await? != SWITCHING_PROTOCOLS {
            let _ = with_timeout(READ_TIME, self.first_bytes(handle)).await;
        }
        Ok(())
    }

    async fn first_bytes(&self, handle: u8) {
        poll_fn(|context| {
            let empty = self.streams.waiting(handle) == Ok(0);
            if !empty || self.streams.is_ended(handle) != Ok(false) {
                return Poll::Ready(());
            }
            self.streams.watch(handle, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Carries out a request that was claimed for a download or an upload. Failures are logged.
    pub async fn transfer(&self, claim: Claim) -> Result<(), Failure> {
        let job = claim.slot.plan.take().ok_or(Failure::NoRequest)?;
        claim.start(job);
        let outcome = with_timeout(TRANSFER_TIME, claim.slot.settled()).await;
        let outcome = outcome.unwrap_or(Err(Failure::TimedOut)).map(|_| ());
        if let Err(failure) = outcome {
            self.log_failure(failure);
            if matches!(failure, Failure::NotFound | Failure::Connect | Failure::NoTls) {
                self.base.log_state(format_args!("Open failed"));
            }
        }
        outcome
    }
}

/// Why a field was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The stream is no request, or the request is on its way already.
    NotQueued,
    /// The field itself.
    Field(FieldError),
}

/// The status after which the connection speaks another protocol.
const SWITCHING_PROTOCOLS: u16 = 101;

/// What may be written when `written` bytes have been; `None` when that is too much already.
fn intake(length: Length, written: usize) -> Option<Intake> {
    match length {
        Length::Queued => Some(Intake::Held),
        Length::Chunked => Some(Intake::Open),
        Length::Exactly(length) => {
            u32::try_from(written).ok().and_then(|done| length.checked_sub(done)).map(Intake::Exactly)
        }
    }
}

/// Serves one request after another, for ever: [`limits::HTTP_CLIENTS`] tasks, `number` from 0.
pub async fn run(client: &'static Client, number: usize) {
    let Some(slot) = client.slots.get(number) else { return };
    let mut buffer = [0; limits::HTTP_CLIENT_BUFFER];
    loop {
        let job = slot.job.wait().await;
        match select(slot.cancel.wait(), perform(client, slot, job, &mut buffer)).await {
            Either::First(()) => given_up(client, slot),
            Either::Second(()) => {}
        }
        slot.stream.set(None);
        slot.enter(Phase::Free);
    }
}

async fn perform(client: &'static Client, slot: &Slot, job: Job, buffer: &mut [u8]) {
    match job {
        Job::Stream { stream, hold } => {
            slot.stream.set(Some(stream));
            let closed = client.streams.closed(stream.handle, stream.generation);
            select(closed, serve(client, slot, stream, hold, buffer)).await;
        }
        Job::Download(target) => slot.settle(download::run(client, slot, &target, buffer).await),
        Job::Upload { local, remote } => slot.settle(upload::run(client, slot, &local, &remote, buffer).await),
    }
}

/// Carries a request out and keeps its outcome until the stream is closed.
async fn serve(client: &'static Client, slot: &Slot, stream: StreamId, hold: bool, buffer: &mut [u8]) {
    if let Err(failure) = stream::serve(client, slot, stream, hold, buffer).await {
        if slot.outcome.get().is_some() {
            // Nobody waits who would say so.
            client.log_failure(failure);
        }
        slot.settle(Err(failure));
    }
    end(client, slot, stream);
    core::future::pending().await
}

/// The connection is over: the stream has no more to give and takes nothing.
fn end(client: &Client, slot: &Slot, stream: StreamId) {
    let StreamId { handle, generation } = stream;
    client.streams.set_intake(handle, generation, Intake::Shut);
    client.streams.tx_drop(handle, generation);
    if slot.opened.get() {
        client.streams.peer_ended(handle, generation);
    }
}

/// The command has lost patience.
fn given_up(client: &Client, slot: &Slot) {
    if let Some(stream) = slot.stream.get() {
        end(client, slot, stream);
    }
}

/// A stream that is closed while its room works on it ends the work soon.
impl From<StreamError> for Failure {
    fn from(_: StreamError) -> Self {
        Self::Closed
    }
}
