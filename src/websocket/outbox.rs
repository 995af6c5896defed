//! Control frames to send between two messages: pings, pongs, a close frame.

use core::cell::{Cell, RefCell};

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::wire::websocket::{self as wire, Control, Mask, Payload};

/// How long the answer to a ping waits until the previous pong is sent. After that the previous pong is skipped, so
/// that a peer that does not read can still send.
const PONG_TIME: Duration = Duration::from_secs(1);

/// The control frames that the receiving half of a session, or its caller, wants the sending half to send.
pub struct Outbox {
    /// The payload of a ping that has not been answered.
    pong: RefCell<Option<Payload>>,
    /// A ping is to be sent.
    ping: Cell<bool>,
    close: Cell<Option<Option<u16>>>,
    changed: Signal<NoopRawMutex, ()>,
    pong_taken: Signal<NoopRawMutex, ()>,
    /// A close frame has been sent: nothing may follow it.
    ended: Cell<bool>,
    /// When the peer was heard last. `None` while received data wait for the owner of the stream: the peer may have
    /// sent more that was not received yet.
    heard: Cell<Option<Instant>>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Outbox {
    /// Nothing to send; the peer was heard just now.
    pub fn new() -> Self {
        Self {
            pong: RefCell::new(None),
            ping: Cell::new(false),
            close: Cell::new(None),
            changed: Signal::new(),
            pong_taken: Signal::new(),
            ended: Cell::new(false),
            heard: Cell::new(Some(Instant::now())),
        }
    }

    /// Answers every ping as long as the peer reads; otherwise only the last one must be answered (RFC 6455, section
    /// 5.5.3).
    pub(super) async fn answer(&self, ping: Payload) {
        let is_pending = self.pong.borrow().is_some();
        if is_pending && !self.ended.get() {
            self.pong_taken.reset();
            let _ = with_timeout(PONG_TIME, self.pong_taken.wait()).await;
        }
        self.pong.replace(Some(ping));
        self.changed.signal(());
    }

    fn ping(&self) {
        self.ping.set(true);
        self.changed.signal(());
    }

    pub(super) fn close(&self, code: Option<u16>) {
        self.close.set(Some(code));
        self.changed.signal(());
    }

    /// A close frame has been sent.
    pub(super) fn end(&self) {
        self.ended.set(true);
    }

    /// The peer was heard just now; or, with `waits`, its data wait for the owner of the stream from now on.
    pub(super) fn heard(&self, waits: bool) {
        self.heard.set((!waits).then(Instant::now));
    }

    /// The next control frame, masked, and whether it is the last.
    pub(super) async fn next(&self, mask: &dyn Fn() -> Mask) -> (Control, bool) {
        loop {
            // A ping that came before the close is answered before the close.
            if let Some(ping) = self.pong.take() {
                self.pong_taken.signal(());
                return (wire::pong(&ping, mask()), false);
            }
            if let Some(code) = self.close.get() {
                return (wire::close(code, mask()), true);
            }
            if self.ping.take() {
                return (wire::ping(mask()), false);
            }
            self.changed.wait().await;
        }
    }
}

/// Pings the peer whenever it has sent nothing for `interval`; ends when it sends nothing for another `interval`.
pub async fn keep_alive(outbox: &Outbox, interval: Duration) {
    loop {
        let since = outbox.heard.get().unwrap_or_else(Instant::now);
        if since.elapsed() < interval {
            Timer::at(since + interval).await;
            continue;
        }
        outbox.ping();
        Timer::after(interval).await;
        if outbox.heard.get() == Some(since) {
            return;
        }
    }
}
