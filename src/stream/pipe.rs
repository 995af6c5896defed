//! A far side without a stream: bytes between a WebSocket and something within the device. Hosts do not see it.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Context, Poll};

use embassy_sync::waitqueue::MultiWakerRegistration;

use super::ring::Ring;
use crate::features;
use crate::limits;
use crate::port::Interface;
use crate::wire::structured::frame::encoded;

/// Bytes in front of a message.
const LENGTH: usize = 4;

/// Bytes per direction: a frame is one message.
const SIZE: usize = if features::STRUCTURED { encoded(limits::STRUCTURED_FRAME) + LENGTH } else { LENGTH + 1 };

/// Two rings, for one conversation at a time.
pub struct Pipe {
    from_peer: Ring<SIZE>,
    /// Messages, each with its length in front.
    to_peer: Ring<SIZE>,
    open: Cell<bool>,
    interface: Cell<Option<Interface>>,
    /// The number of the conversation, so that late bytes of an earlier one do not reach it.
    number: Cell<u32>,
    peer_gone: Cell<bool>,
    waiting: RefCell<MultiWakerRegistration<4>>,
}

impl Pipe {
    /// A pipe without a conversation.
    pub const fn new() -> Self {
        Self {
            from_peer: Ring::new(),
            to_peer: Ring::new(),
            open: Cell::new(false),
            interface: Cell::new(None),
            number: Cell::new(0),
            peer_gone: Cell::new(false),
            waiting: RefCell::new(MultiWakerRegistration::new()),
        }
    }

    /// Begins a conversation over an interface, and answers its number; `None` while there is one already.
    pub(super) fn open(&self, interface: Interface) -> Option<u32> {
        if self.open.replace(true) {
            return None;
        }
        self.from_peer.clear();
        self.to_peer.clear();
        self.peer_gone.set(false);
        self.interface.set(Some(interface));
        self.number.set(self.number.get().wrapping_add(1));
        self.changed();
        Some(self.number.get())
    }

    /// Waits for a conversation.
    pub async fn opened(&self) {
        self.until(|| self.open.get()).await;
    }

    /// Ends the conversation once all waiting bytes were sent to the peer, or the peer is gone.
    pub async fn close(&self) {
        self.until(|| self.to_peer.is_empty() || self.peer_gone.get()).await;
        self.end();
    }

    /// Takes bytes from the peer; zero when it is gone.
    pub fn poll_read(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<usize> {
        let taken = self.from_peer.take(buffer);
        if taken > 0 || self.peer_gone.get() || !self.open.get() {
            return Poll::Ready(taken);
        }
        self.watch(context);
        Poll::Pending
    }

    /// Sends bytes to the peer as one message, up to the longest message; `None` when the peer is gone.
    pub fn poll_write(&self, context: &mut Context<'_>, data: &[u8]) -> Poll<Option<usize>> {
        if self.peer_gone.get() || !self.open.get() {
            return Poll::Ready(None);
        }
        let data = data.get(..SIZE - LENGTH).unwrap_or(data);
        if self.to_peer.free_capacity() < data.len() + LENGTH {
            self.watch(context);
            return Poll::Pending;
        }
        self.to_peer.add(&(data.len() as u32).to_le_bytes());
        self.to_peer.add(data);
        self.changed();
        Poll::Ready(Some(data.len()))
    }

    /// Delivers bytes that the peer has sent: all of them (true), unless the conversation ends (false).
    pub(super) async fn deliver(&self, number: u32, mut data: &[u8]) -> bool {
        poll_fn(|context| {
            if !self.is(number) {
                return Poll::Ready(false);
            }
            let added = self.from_peer.add(data);
            data = data.get(added..).unwrap_or_default();
            if added > 0 {
                self.changed();
            }
            if data.is_empty() {
                return Poll::Ready(true);
            }
            self.watch(context);
            Poll::Pending
        })
        .await
    }

    /// Takes bytes for the peer; waits if there are none. `None` when the conversation is over.
    pub(super) async fn take(&self, number: u32, buffer: &mut [u8]) -> Option<usize> {
        poll_fn(|context| {
            if !self.is(number) {
                return Poll::Ready(None);
            }
            let taken = self.to_peer.take(buffer);
            if taken > 0 {
                self.changed();
                return Poll::Ready(Some(taken));
            }
            self.watch(context);
            Poll::Pending
        })
        .await
    }

    /// Waits for the end of a conversation.
    pub(super) async fn closed(&self, number: u32) {
        self.until(|| !self.is(number)).await;
    }

    /// The peer is gone.
    pub(super) fn peer_gone(&self, number: u32) {
        if self.is(number) {
            self.peer_gone.set(true);
            self.changed();
        }
    }

    fn end(&self) {
        self.open.set(false);
        self.changed();
    }

    /// Ends the conversation if it uses this interface, which is down.
    pub fn interface_down(&self, interface: Interface) {
        if self.interface.get() == Some(interface) {
            self.peer_gone(self.number.get());
        }
    }

    fn is(&self, number: u32) -> bool {
        self.open.get() && self.number.get() == number
    }

    fn changed(&self) {
        self.waiting.borrow_mut().wake();
    }

    fn watch(&self, context: &Context<'_>) {
        self.waiting.borrow_mut().register(context.waker());
    }

    async fn until(&self, condition: impl Fn() -> bool) {
        poll_fn(|context| {
            if condition() {
                return Poll::Ready(());
            }
            self.watch(context);
            Poll::Pending
        })
        .await;
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}
