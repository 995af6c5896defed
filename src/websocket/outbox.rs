//! What is to be sent between two messages: pings, pongs, a close frame.

use core::cell::{Cell, RefCell};

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::wire::websocket::{self as wire, Control, Mask, Payload};

/// How long a ping waits for the pong before it to be on its way; then that pong is left out, so that a peer that does
/// not read can still send.
const PONG_TIME: Duration = Duration::from_secs(1);

/// What one half of a session, or who serves it, wants the other half to send between its messages.
pub struct Outbox {
    /// The payload of a ping that has not been answered.
    pong: RefCell<Option<Payload>>,
    /// The peer is to be asked whether it is still there.
    ping: Cell<bool>,
    close: Cell<Option<Option<u16>>>,
    changed: Signal<NoopRawMutex, ()>,
    pong_taken: Signal<NoopRawMutex, ()>,
    /// A close frame has been sent: nothing may follow it.
    ended: Cell<bool>,
    /// When the peer was heard last. `None` while what it has sent waits for the owner of the stream: then it may have said
    /// more that nobody has looked at.
    heard: Cell<Option<Instant>>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Outbox {
    /// There is nothing to send, and the peer was heard just now.
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

    /// Every ping is answered as long as the peer reads; otherwise only the last one has to be (RFC 6455, section
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

    /// The peer was heard; or what it says waits for the owner of the stream from now on.
    pub(super) fn heard(&self, waits: bool) {
        self.heard.set((!waits).then(Instant::now));
    }

    /// The next control frame, hidden with a mask, and whether it is the last.
    pub(super) async fn next(&self, mask: &dyn Fn() -> Mask) -> (Control, bool) {
        loop {
            // A ping that came before the end of the conversation is answered before it.
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

/// Pings the peer whenever it has said nothing for `interval`; ends when it says nothing for as long after that.
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
