//! A ring of bytes between two tasks, filled and emptied in place.
//!
//! A socket receives straight into the free part and sends straight from the used part
//! ([`Ring::fill`], [`Ring::drain`]), so that no task needs a buffer of its own between socket and stream. (The pipes of
//! `embassy-sync` copy.) Only [`Ring::write`] and [`Ring::read`] wait. A ring belongs to one thread.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use embassy_sync::waitqueue::WakerRegistration;

use crate::limits;

/// Bytes received from a peer and not read yet.
pub(super) type RxRing = Ring<{ limits::STREAM_RX }>;
/// Bytes written and not sent to the peer yet.
pub(super) type TxRing = Ring<{ limits::STREAM_TX }>;

/// Up to `N` bytes in order of arrival. One task waits for data and one for room.
pub(super) struct Ring<const N: usize>(RefCell<State<N>>);

struct State<const N: usize> {
    bytes: [u8; N],
    /// Where the oldest byte is.
    start: usize,
    /// Bytes in the ring.
    length: usize,
    /// How many of the newest bytes cannot be taken yet.
    held: usize,
    /// How often bytes were added to the empty ring.
    begun: u32,
    reader: WakerRegistration,
    writer: WakerRegistration,
}

impl<const N: usize> State<N> {
    /// The contiguous free bytes after the newest one.
    fn free(&mut self) -> &mut [u8] {
        let end = self.start + self.length;
        let range = if end < N { end..N } else { end - N..self.start };
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// The oldest bytes that can be taken, as far as they are contiguous.
    fn taken(&self) -> &[u8] {
        let end = (self.start + self.length - self.held).min(N);
        self.bytes.get(self.start..end).unwrap_or_default()
    }

    fn grow(&mut self, count: usize) {
        self.put(count);
        self.reader.wake();
    }

    fn put(&mut self, count: usize) {
        if self.length == 0 && count > 0 {
            self.begun = self.begun.wrapping_add(1);
        }
        self.length = (self.length + count).min(N);
    }

    fn shrink(&mut self, count: usize) {
        let count = count.min(self.length);
        self.length -= count;
        // An empty ring starts again at the front: the next bytes find all of it contiguous.
        self.start = if self.length == 0 { 0 } else { (self.start + count) % N };
        self.writer.wake();
    }
}

impl<const N: usize> Ring<N> {
    /// An empty ring.
    pub const fn new() -> Self {
        Self(RefCell::new(State {
            bytes: [0; N],
            start: 0,
            length: 0,
            begun: 0,
            held: 0,
            reader: WakerRegistration::new(),
            writer: WakerRegistration::new(),
        }))
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.0.borrow().length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often bytes were added to the empty ring, so that an arrival between two checks is not missed; wraps.
    pub fn times_begun(&self) -> u32 {
        self.0.borrow().begun
    }

    /// Bytes it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Bytes it can take now.
    pub fn free_capacity(&self) -> usize {
        N - self.len()
    }

    /// Discards all bytes in it.
    pub fn clear(&self) {
        let mut state = self.0.borrow_mut();
        state.held = 0;
        let all = state.length;
        state.shrink(all);
    }

    /// Lets `source` put bytes into contiguous free room, which is never empty; `source` answers how many it has put
    /// there. `None` when the ring is full.
    pub fn fill<E>(&self, source: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Option<Result<usize, E>> {
        let mut state = self.0.borrow_mut();
        let free = state.free();
        if free.is_empty() {
            return None;
        }
        let room = free.len();
        let count = source(free).map(|count| count.min(room));
        if let Ok(count @ 1..) = count {
            state.grow(count);
        }
        Some(count)
    }

    /// As [`Ring::fill`], but the added bytes cannot be taken until [`Ring::release`].
    pub fn fill_held<E>(&self, source: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Option<Result<usize, E>> {
        let mut state = self.0.borrow_mut();
        let free = state.free();
        if free.is_empty() {
            return None;
        }
        let room = free.len();
        let count = source(free).map(|count| count.min(room));
        if let Ok(count) = count {
            state.put(count);
            state.held += count;
        }
        Some(count)
    }

    /// Bytes that cannot be taken yet.
    pub fn held(&self) -> usize {
        self.0.borrow().held
    }

    /// Allows the held bytes to be taken, except for the newest `held` ones.
    pub fn release(&self, held: usize) {
        let mut state = self.0.borrow_mut();
        if held < state.held {
            state.held = held;
            state.reader.wake();
        }
    }

    /// Removes the newest `count` of the held bytes.
    pub fn take_back(&self, count: usize) {
        let mut state = self.0.borrow_mut();
        let count = count.min(state.held);
        state.held -= count;
        state.length -= count;
    }

    /// Whether there are bytes that can be taken.
    pub fn has_ready(&self) -> bool {
        let state = self.0.borrow();
        state.length > state.held
    }

    /// Lets `sink` take from the contiguous oldest bytes, of which there is at least one; `sink` answers how many it
    /// has taken. `None` when there are none.
    pub fn drain<E>(&self, sink: impl FnOnce(&[u8]) -> Result<usize, E>) -> Option<Result<usize, E>> {
        let mut state = self.0.borrow_mut();
        let taken = state.taken();
        if taken.is_empty() {
            return None;
        }
        let count = sink(taken);
        if let Ok(count @ 1..) = count {
            state.shrink(count);
        }
        Some(count)
    }

    /// Adds the bytes that fit; answers how many.
    pub fn add(&self, mut data: &[u8]) -> usize {
        let mut added = 0;
        while !data.is_empty() {
            let put = |free: &mut [u8]| {
                let count = free.len().min(data.len());
                free[..count].copy_from_slice(&data[..count]);
                Ok::<_, ()>(count)
            };
            let Some(Ok(count)) = self.fill(put) else { break };
            added += count;
            data = data.get(count..).unwrap_or_default();
        }
        added
    }

    /// Takes the oldest bytes, up to the size of `buffer`; answers how many.
    pub fn take(&self, buffer: &mut [u8]) -> usize {
        let mut taken = 0;
        while let Some(target) = buffer.get_mut(taken..).filter(|target| !target.is_empty()) {
            let get = |data: &[u8]| {
                let count = data.len().min(target.len());
                target[..count].copy_from_slice(&data[..count]);
                Ok::<_, ()>(count)
            };
            let Some(Ok(count)) = self.drain(get) else { break };
            taken += count;
        }
        taken
    }

    /// Copies the bytes after the oldest `skip` ones, up to the size of `buffer`, without taking them; answers how
    /// many.
    pub fn peek(&self, skip: usize, buffer: &mut [u8]) -> usize {
        let state = self.0.borrow();
        let count = state.length.saturating_sub(skip).min(buffer.len());
        let begin = (state.start + skip) % N;
        let first = count.min(N - begin);
        if count > 0 {
            buffer[..first].copy_from_slice(&state.bytes[begin..begin + first]);
            buffer[first..count].copy_from_slice(&state.bytes[..count - first]);
        }
        count
    }

    /// Wakes `waker` when there is room again.
    pub fn watch_room(&self, waker: &Waker) {
        self.0.borrow_mut().writer.register(waker);
    }

    /// Wakes `waker` when there are bytes again.
    pub fn watch_data(&self, waker: &Waker) {
        self.0.borrow_mut().reader.register(waker);
    }

    /// Waits for room, and adds the bytes that fit: at least one, unless `data` is empty.
    pub async fn write(&self, data: &[u8]) -> usize {
        poll_fn(|context| {
            let added = self.add(data);
            if added > 0 || data.is_empty() {
                return Poll::Ready(added);
            }
            self.watch_room(context.waker());
            Poll::Pending
        })
        .await
    }

    /// Waits for bytes, and takes the available ones: at least one, unless `buffer` is empty.
    pub async fn read(&self, buffer: &mut [u8]) -> usize {
        poll_fn(|context| {
            let taken = self.take(buffer);
            if taken > 0 || buffer.is_empty() {
                return Poll::Ready(taken);
            }
            self.watch_data(context.waker());
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::Ring;

    #[derive(Clone, Debug)]
    enum Step {
        Add(Vec<u8>),
        Take(usize),
        /// A socket that yields at most this number of bytes.
        Fill(usize),
        /// A socket that takes at most this number of bytes.
        Drain(usize),
        /// A source whose bytes cannot be taken yet.
        FillHeld(usize),
        Release(usize),
        TakeBack(usize),
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(Step::Add),
            4 => (0..12usize).prop_map(Step::Take),
            4 => (0..12usize).prop_map(Step::Fill),
            4 => (0..12usize).prop_map(Step::Drain),
            3 => (0..12usize).prop_map(Step::FillHeld),
            2 => (0..6usize).prop_map(Step::Release),
            1 => (0..6usize).prop_map(Step::TakeBack),
            1 => Just(Step::Clear),
        ]
    }

    proptest! {
        /// Bytes come out in the order in which they were put in, and no step puts in more than there is room for.
        #[test]
        fn is_a_queue(steps in proptest::collection::vec(step(), 0..200)) {
            let (ring, mut model, mut next, mut held) = (Ring::<8>::new(), VecDeque::new(), 0u8, 0usize);
            for step in steps {
                match step {
                    Step::Add(_) | Step::Fill(_) if held > 0 => {}
                    Step::Add(data) => {
                        let added = ring.add(&data);
                        prop_assert_eq!(added, data.len().min(8 - model.len()));
                        model.extend(&data[..added]);
                    }
                    Step::Take(count) => {
                        let mut buffer = std::vec![0; count];
                        let taken = ring.take(&mut buffer);
                        prop_assert_eq!(taken, count.min(model.len() - held));
                        prop_assert_eq!(&buffer[..taken], &model.drain(..taken).collect::<Vec<_>>()[..]);
                    }
                    Step::Fill(limit) => {
                        let filled = ring.fill(|free| {
                            let count = limit.min(free.len());
                            for byte in &mut free[..count] {
                                *byte = next;
                                model.push_back(next);
                                next = next.wrapping_add(1);
                            }
                            Ok::<_, ()>(count)
                        });
                        prop_assert!(filled.is_some() || ring.free_capacity() == 0);
                    }
                    Step::Drain(limit) => {
                        let drained = ring.drain(|data| {
                            assert!(data.len() <= model.len() - held);
                            let count = limit.min(data.len());
                            let expected: Vec<_> = model.drain(..count).collect();
                            assert_eq!(&data[..count], &expected[..]);
                            Ok::<_, ()>(count)
                        });
                        prop_assert!(drained.is_some() || !ring.has_ready());
                    }
                    Step::FillHeld(limit) => {
                        ring.fill_held(|free| {
                            let count = limit.min(free.len());
                            for byte in &mut free[..count] {
                                *byte = next;
                                model.push_back(next);
                                next = next.wrapping_add(1);
                            }
                            held += count;
                            Ok::<_, ()>(count)
                        });
                    }
                    Step::Release(rest) => {
                        ring.release(rest);
                        held = held.min(rest);
                    }
                    Step::TakeBack(count) => {
                        ring.take_back(count);
                        let count = count.min(held);
                        held -= count;
                        model.truncate(model.len() - count);
                    }
                    Step::Clear => {
                        held = 0;
                        ring.clear();
                        model.clear();
                    }
                }
                prop_assert_eq!((ring.len(), ring.held()), (model.len(), held));
                prop_assert_eq!(ring.has_ready(), model.len() > held);
                prop_assert_eq!(ring.free_capacity(), 8 - model.len());
            }
        }
    }

    #[test]
    fn an_error_changes_nothing() {
        let ring = Ring::<4>::new();
        ring.add(b"ab");
        assert_eq!(ring.fill(|_| Err("no")), Some(Err("no")));
        assert_eq!(ring.drain(|_| Err("no")), Some(Err("no")));
        assert_eq!(ring.len(), 2);
        ring.add(b"cd");
        assert_eq!(ring.fill(|_| Ok::<_, ()>(1)), None);
    }

    #[test]
    fn data_after_none_are_counted() {
        let ring = Ring::<8>::new();
        assert_eq!(ring.times_begun(), 0);
        ring.add(b"ab");
        ring.add(b"c");
        assert_eq!(ring.times_begun(), 1);
        ring.take(&mut [0; 3]);
        ring.add(b"d");
        assert_eq!(ring.times_begun(), 2);
        ring.clear();
        let _ = ring.fill_held(|free| Ok::<_, ()>(free.len().min(1)));
        assert_eq!(ring.times_begun(), 3);
    }

    #[test]
    fn a_source_cannot_claim_more_than_it_was_given() {
        let ring = Ring::<4>::new();
        assert_eq!(ring.fill(|_| Ok::<_, ()>(9)), Some(Ok(4)));
        assert_eq!((ring.len(), ring.take(&mut [0; 9])), (4, 4));
    }
}
