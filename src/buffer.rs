//! Buffers for answers: one for each command that can answer at a time, not one for each place where an answer could be.
//!
//! A running command has one, and gives it back with its turn. A text that must stay in a buffer for longer, because a
//! peer takes its time (an answer on its way to a slow HTTP client, the text of a buffered command), may do so only
//! while one buffer is left for other commands: see [`Buffer::keep`].

use core::cell::{Cell, RefCell, RefMut};
use core::future::poll_fn;
use core::ops::{Deref, DerefMut};
use core::task::{Poll, Waker};

use embassy_sync::waitqueue::MultiWakerRegistration;
use heapless::Vec;

use crate::limits;
use crate::place::place_const_all;

const _: () = assert!(limits::ANSWERS >= 2, "a buffer that is kept must leave one");

/// What a buffer holds.
pub type Content = Vec<u8, { limits::RESPONSE }>;

/// All buffers of a device.
pub struct Pool {
    buffers: &'static [RefCell<Content>],
    /// How many are kept beyond a turn.
    kept: Cell<usize>,
    /// Tasks that wait for a buffer or for the right to keep one.
    waiting: RefCell<MultiWakerRegistration<{ limits::WATCHERS }>>,
}

impl Pool {
    /// All buffers are free.
    pub fn new() -> Self {
        let buffers = place_const_all!(RefCell<Content>, limits::ANSWERS, RefCell::new(Vec::new()));
        Self { buffers, kept: Cell::new(0), waiting: RefCell::new(MultiWakerRegistration::new()) }
    }

    /// Takes an empty buffer.
    pub fn take(&'static self) -> Option<Buffer> {
        let mut content = self.buffers.iter().find_map(|buffer| buffer.try_borrow_mut().ok())?;
        content.clear();
        Some(Buffer { pool: self, content, kept: false })
    }

    /// Wakes the task when a buffer is given back or no longer kept.
    pub fn watch(&self, waker: &Waker) {
        self.waiting.borrow_mut().register(waker);
    }

    /// Waits for an empty buffer.
    pub async fn wait(&'static self) -> Buffer {
        poll_fn(|context| match self.take() {
            Some(buffer) => Poll::Ready(buffer),
            None => {
                self.watch(context.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// How many buffers are free.
    pub fn free(&self) -> usize {
        self.buffers.iter().filter(|buffer| buffer.try_borrow().is_ok()).count()
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

/// A buffer in use. Dropping it gives it back.
pub struct Buffer {
    pool: &'static Pool,
    content: RefMut<'static, Content>,
    kept: bool,
}

impl Buffer {
    /// Asks to keep the buffer for as long as a peer takes; `false` when the most that may be kept are kept already.
    #[must_use = "who may not keep it must give it back soon"]
    pub fn keep(&mut self) -> bool {
        let kept = self.pool.kept.get();
        if !self.kept && kept + 1 < limits::ANSWERS {
            self.pool.kept.set(kept + 1);
            self.kept = true;
        }
        self.kept
    }

    /// Waits until the buffer may be kept.
    pub async fn kept(&mut self) {
        poll_fn(|context| {
            if self.keep() {
                return Poll::Ready(());
            }
            self.pool.watch(context.waker());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.kept {
            self.pool.kept.set(self.pool.kept.get().saturating_sub(1));
        }
        // A woken task looks for the buffer after it has been dropped: there is one thread.
        self.pool.waiting.borrow_mut().wake();
    }
}

impl Deref for Buffer {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.content
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Content {
        &mut self.content
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::place;

    #[test]
    fn what_is_kept_leaves_one_buffer() {
        let pool = place!(Pool, Pool::new());
        let mut kept: std::vec::Vec<_> = (1..limits::ANSWERS).map(|_| pool.take().unwrap()).collect();
        assert!(kept.iter_mut().all(Buffer::keep));
        let mut last = pool.take().unwrap();
        assert!(!last.keep());
        assert!(pool.take().is_none());
        drop(kept.pop());
        assert!(last.keep());
        assert_eq!(pool.free(), 1);
    }

    #[test]
    fn a_buffer_comes_back_empty() {
        let pool = place!(Pool, Pool::new());
        pool.take().unwrap().extend_from_slice(b"old").unwrap();
        assert!(pool.take().unwrap().is_empty());
    }
}
