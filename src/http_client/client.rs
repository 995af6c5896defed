//! What commands do with requests: claim, describe, start, wait, give up.

use core::cell::{RefCell, RefMut};
use core::future::poll_fn;
use core::task::Poll;

use embassy_time::{Duration, with_timeout};

use super::failure::Failure;
use super::request::{FieldError, Length, Method, Opening, Request};
use super::rooms::Rooms;
use super::task;
use super::transaction::{Job, Phase, SWITCHING_PROTOCOLS, StreamId, Target, Transaction, intake};
use crate::base::Base;
use crate::file::{Files, Name};
use crate::limits;
use crate::network::Network;
use crate::port::Interface;
use crate::stream::{Ends, Intake, Kind, Streams};
use crate::tls::Tls;
use crate::variable::Message;
use crate::wire::url::Url;
use crate::wire::websocket::handshake;

/// How long a command waits for the head of an answer, the time to send a queued request included.
const ANSWER_TIME: Duration = Duration::from_secs(90);
/// How long the transfer of a file may take.
const TRANSFER_TIME: Duration = Duration::from_secs(600);
/// How long a `stream_read` waits for the first bytes of a body: hosts read right after the status, without polling.
const READ_TIME: Duration = Duration::from_secs(5);

/// All requests of the device.
pub struct Client {
    pub(super) rooms: Rooms,
    orders: [Transaction; limits::HTTP_CLIENTS],
}

/// The descriptions of all requests. They are large and begin as zeros: in a static of their own they cost no flash.
pub type Requests = [RefCell<Request>; limits::HTTP_CLIENTS];

/// No request in any of them.
pub const fn no_requests() -> Requests {
    [const { RefCell::new(Request::empty()) }; limits::HTTP_CLIENTS]
}

/// A request that a command has claimed. Dropping the claim gives the request up.
#[must_use = "the request is given up when this is dropped"]
pub struct Claim {
    order: &'static Transaction,
    armed: bool,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        match self.order.phase.get() {
            Phase::Claimed => self.order.phase.set(Phase::Free),
            // The task has not begun.
            _ if self.order.job.try_take().is_some() => self.order.phase.set(Phase::Free),
            _ => self.order.cancel.signal(()),
        }
    }
}

impl Claim {
    /// The request, to be completed before it is started.
    pub fn request(&self) -> RefMut<'_, Request> {
        self.order.request.borrow_mut()
    }

    /// The interface that the request uses.
    pub fn interface(&self) -> Interface {
        self.order.request.borrow().interface
    }

    /// Stores the answer as a file. An older file of that name stays until the new one is complete.
    pub fn download(&self, target: Target) {
        self.order.plan.set(Some(Job::Download(target)));
    }

    /// Sends the file `local` in a form, under the name `remote`.
    pub fn upload(&self, local: Name, remote: Name) {
        self.order.plan.set(Some(Job::Upload { local, remote }));
    }

    fn start(&self, job: Job) {
        self.order.phase.set(Phase::Connecting);
        self.order.job.signal(job);
    }

    /// The request belongs to its stream from now on.
    fn hand_over(mut self) {
        self.armed = false;
        self.order.opened.set(true);
        self.order.open.signal(());
    }
}

impl Client {
    /// No request runs.
    pub fn new(
        base: &'static Base,
        network: &'static Network,
        streams: &'static Streams,
        files: &'static Files,
        tls: &'static Tls,
        requests: &'static Requests,
    ) -> Self {
        let rooms = Rooms { base, network, streams, files, tls };
        Self { rooms, orders: requests.each_ref().map(Transaction::new) }
    }

    /// Begins a request; `Full` when too many run.
    pub fn claim(&'static self, method: Method, url: Url, interface: Interface) -> Result<Claim, Failure> {
        let free = self.orders.iter().find(|order| order.phase.get() == Phase::Free);
        let order = free.or_else(|| self.leaving()).ok_or(Failure::Full)?;
        order.clear();
        order.phase.set(Phase::Claimed);
        order.request.borrow_mut().begin(method, url, interface);
        Ok(Claim { order, armed: true })
    }

    /// A task whose stream the owner has closed. It will be free soon: only the closing handshake is left to do.
    fn leaving(&'static self) -> Option<&'static Transaction> {
        let is_leaving = |order: &&Transaction| {
            let gone = |stream| self.rooms.streams.still(stream).is_err();
            order.opened.get() && order.stream.get().is_some_and(gone)
        };
        let order = self.orders.iter().find(is_leaving)?;
        order.hurry.signal(());
        order.taken_over.set(true);
        Some(order)
    }

    /// Begins a request for a WebSocket with text or binary messages. After `ping` seconds of silence the device pings
    /// the server; never with 0.
    pub fn claim_websocket(
        &'static self,
        url: Url,
        interface: Interface,
        text: bool,
        ping: u16,
    ) -> Result<Claim, Failure> {
        let claim = self.claim(Method::Get, url, interface)?;
        let mut nonce = [0; 16];
        self.rooms.base.port.board().random(&mut nonce);
        claim.request().open_websocket(Opening { key: handshake::key(nonce), text, ping });
        Ok(claim)
    }

    /// Logs why a request failed, unless that is logged elsewhere.
    pub fn log_failure(&self, failure: Failure) {
        failure.log(self.rooms.base);
    }

    /// Opens a stream for the request and answers its handle: with `hold` as soon as the server is connected, else when
    /// the server has answered (or, when the body is written later, when the head is sent). Failures are logged.
    pub async fn open(&'static self, claim: Claim, hold: bool) -> Result<u8, Failure> {
        let host = claim.request().url.host.clone();
        self.rooms.base.log_state(format_args!("Opening: {host}"));
        drop(host);
        let opened = match with_timeout(ANSWER_TIME, self.begin(claim, hold)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::TimedOut),
        };
        if let Err(failure) = opened {
            self.log_failure(failure);
            self.rooms.base.tell(Message::StreamFailed);
        }
        opened
    }

    async fn begin(&'static self, claim: Claim, hold: bool) -> Result<u8, Failure> {
        let (kind, is_websocket) = {
            let request = claim.request();
            let kind = match request.opening() {
                Some(Opening { text: true, .. }) => Kind::WebcText,
                Some(_) => Kind::Webc,
                None if request.url.secure => Kind::Https,
                None => Kind::Http,
            };
            (kind, request.opening().is_some())
        };
        let reservation = self.rooms.streams.reserve_on(kind, claim.interface()).map_err(|_| Failure::Full)?;
        let handle = reservation.handle();
        let generation = self.rooms.streams.generation(handle).map_err(|_| Failure::Full)?;
        let order = claim.order;
        let stream = StreamId { handle, generation };
        claim.start(match is_websocket {
            true => Job::WebSocket { stream, hold },
            false => Job::Stream { stream, hold },
        });
        let length = order.request.borrow().length;
        match (hold, length) {
            (true, _) => order.reached(Phase::Queued).await?,
            (false, Length::Queued) => {
                order.go.signal(());
                order.settled().await?;
            }
            (false, _) => order.reached(Phase::Sending).await?,
        }
        let ends = {
            let url = &order.request.borrow().url;
            Ends::Client { host: url.host.clone(), port: url.port, local: order.local_port.get() }
        };
        let handle = reservation.room(ends).ok_or(Failure::NoRequest)?;
        // If the answer has no body, the request would be over before the host has asked for the status. For an open
        // WebSocket there is no status to ask for.
        self.rooms.streams.set_outcome_unread(handle, generation, hold || !is_websocket);
        claim.hand_over();
        Ok(handle)
    }

    /// The order of an open stream.
    fn order_of(&self, handle: u8) -> Result<(&Transaction, StreamId), Failure> {
        let generation = self.rooms.streams.generation(handle).map_err(|_| Failure::NoRequest)?;
        let stream = StreamId { handle, generation };
        let order = self.orders.iter().find(|order| order.stream.get() == Some(stream));
        order.map(|order| (order, stream)).ok_or(Failure::NoRequest)
    }

    /// Adds a field to a request that has been opened and not sent.
    pub fn add_header(&self, handle: u8, name: &[u8], value: &[u8]) -> Result<(), HeaderError> {
        let (order, stream) = self.order_of(handle).map_err(|_| HeaderError::NotQueued)?;
        if order.phase.get() != Phase::Queued {
            return Err(HeaderError::NotQueued);
        }
        let mut request = order.request.borrow_mut();
        let before = request.length;
        request.add(name, value).map_err(HeaderError::Field)?;
        if request.length != before {
            let written = self.rooms.streams.tx_waiting(stream.handle, stream.generation);
            let Some(intake) = intake(request.length, written) else {
                request.length = before;
                return Err(HeaderError::Field(FieldError::Invalid));
            };
            drop(request);
            self.rooms.streams.set_intake(stream.handle, stream.generation, intake);
        }
        Ok(())
    }

    /// Sends a request that was held back and answers the status of the response. Failures are logged.
    pub async fn status(&self, handle: u8) -> Result<u16, Failure> {
        let (order, StreamId { generation, .. }) = self.order_of(handle)?;
        let status = self.complete(order, handle).await;
        if let Err(failure) = status {
            self.log_failure(failure);
        }
        // The missing bytes can still be written.
        let is_final = !matches!(status, Err(Failure::BodyMissing(_)));
        if is_final {
            self.rooms.streams.set_outcome_unread(handle, generation, false);
        }
        status
    }

    async fn complete(&self, order: &Transaction, handle: u8) -> Result<u16, Failure> {
        if let Some(outcome) = order.outcome.get() {
            return outcome;
        }
        if let Ok(Intake::Exactly(missing @ 1..)) = self.rooms.streams.intake(handle) {
            return Err(Failure::BodyMissing(missing));
        }
        order.go.signal(());
        match with_timeout(ANSWER_TIME, order.settled()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                order.cancel.signal(());
                Err(Failure::TimedOut)
            }
        }
    }

    /// Before a `stream_read`: sends the request if the host has not done so, and waits a short time for the first
    /// bytes of the body. Failures are logged.
    pub async fn before_read(&self, handle: u8) -> Result<(), Failure> {
        // Received bytes stay readable when the request is over; the outcome of a WebSocket that has ended is not kept.
        if self.order_of(handle).is_ok() && self.status(handle).await? != SWITCHING_PROTOCOLS {
            let _ = with_timeout(READ_TIME, self.first_bytes(handle)).await;
        }
        Ok(())
    }

    async fn first_bytes(&self, handle: u8) {
        poll_fn(|context| {
            let empty = self.rooms.streams.waiting(handle) == Ok(0);
            if !empty || self.rooms.streams.is_ended(handle) != Ok(false) {
                return Poll::Ready(());
            }
            self.rooms.streams.watch(handle, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Carries out a request that was claimed for a download or an upload. Failures are logged.
    pub async fn transfer(&self, claim: Claim) -> Result<(), Failure> {
        let job = claim.order.plan.take().ok_or(Failure::NoRequest)?;
        claim.start(job);
        let outcome = with_timeout(TRANSFER_TIME, claim.order.settled()).await;
        let outcome = outcome.unwrap_or(Err(Failure::TimedOut)).map(|_| ());
        if let Err(failure) = outcome {
            self.log_failure(failure);
            if matches!(failure, Failure::NotFound | Failure::Connect | Failure::OwnServer | Failure::Tls) {
                self.rooms.base.tell(Message::StreamFailed);
            }
        }
        outcome
    }
}

/// Why a field was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The stream is not a request, or the request is already being sent.
    NotQueued,
    /// The field itself.
    Field(FieldError),
}

/// Serves one request after another, for ever: [`limits::HTTP_CLIENTS`] tasks, `number` from 0.
pub async fn run(client: &'static Client, number: usize) {
    if let Some(order) = client.orders.get(number) {
        task::run(&client.rooms, order).await;
    }
}
