//! Whose turn it is: commands run one at a time, in the order in which they were given.
//!
//! A place in the queue is free again the moment its future is dropped, wherever in the queue it stood: a client that
//! goes away does not count against the next.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use heapless::Vec;

use crate::limits;

/// Too many commands wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// The queue for the command interpreter.
pub(super) struct Queue {
    state: RefCell<State>,
}

struct State {
    /// A command runs.
    taken: bool,
    /// What the next one who waits is called.
    next: u32,
    /// Who waits, the first first.
    waiting: Vec<(u32, Waker), { limits::COMMAND_QUEUE }>,
}

/// The right to run one command. It ends when this is dropped.
#[must_use = "the turn is over when this is dropped"]
pub struct Turn<'a>(&'a Queue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.taken = false;
        state.wake_first();
    }
}

/// A place in the queue, given up when the one who waits goes away.
struct Place<'a> {
    queue: &'a Queue,
    number: Option<u32>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.queue.state.borrow_mut();
        state.waiting.retain(|(other, _)| *other != number);
        if !state.taken {
            // It may have been this one who was told that the turn is free.
            state.wake_first();
        }
    }
}

impl Queue {
    /// Nobody waits.
    pub(super) const fn new() -> Self {
        Self { state: RefCell::new(State { taken: false, next: 0, waiting: Vec::new() }) }
    }

    /// Waits for the turn; `Busy` when too many wait already.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Busy> {
        let mut place = Place { queue: self, number: None };
        poll_fn(|context| place.poll(context)).await?;
        Ok(Turn(self))
    }
}

impl State {
    fn wake_first(&self) {
        if let Some((_, waker)) = self.waiting.first() {
            waker.wake_by_ref();
        }
    }
}

impl Place<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Busy>> {
        let mut state = self.queue.state.borrow_mut();
        let first = state.waiting.first().map(|(number, _)| *number);
        if !state.taken && first == self.number {
            state.taken = true;
            if self.number.take().is_some() {
                state.waiting.remove(0);
            }
            return Poll::Ready(Ok(()));
        }
        let Some(number) = self.number else {
            let number = state.next;
            if state.waiting.push((number, context.waker().clone())).is_err() {
                return Poll::Ready(Err(Busy));
            }
            state.next = number.wrapping_add(1);
            self.number = Some(number);
            return Poll::Pending;
        };
        if let Some((_, waker)) = state.waiting.iter_mut().find(|(other, _)| *other == number) {
            waker.clone_from(context.waker());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::pin::Pin;

    type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Turn<'a>, Busy>> + 'a>>;

    fn attempt(queue: &Queue) -> Attempt<'_> {
        Box::pin(queue.turn())
    }

    fn poll<'a>(attempt: &mut Attempt<'a>) -> Poll<Result<Turn<'a>, Busy>> {
        attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn turns_go_in_order() {
        let queue = Queue::new();
        let (mut one, mut two, mut three) = (attempt(&queue), attempt(&queue), attempt(&queue));
        let Poll::Ready(Ok(first)) = poll(&mut one) else { panic!("the first waits for nobody") };
        assert!(poll(&mut two).is_pending());
        assert!(poll(&mut three).is_pending());
        drop(first);
        assert!(poll(&mut three).is_pending(), "the second comes before the third");
        let Poll::Ready(Ok(second)) = poll(&mut two) else { panic!("it is the second's turn") };
        assert!(poll(&mut attempt(&queue)).is_pending());
        drop(second);
        assert!(poll(&mut three).is_ready());
    }

    #[test]
    fn who_goes_away_frees_his_place_wherever_it_is() {
        let queue = Queue::new();
        let mut one = attempt(&queue);
        let Poll::Ready(Ok(first)) = poll(&mut one) else { panic!("the first waits for nobody") };
        let mut head = attempt(&queue);
        assert!(poll(&mut head).is_pending());
        for _ in 0..3 * limits::COMMAND_QUEUE {
            let mut passing = attempt(&queue);
            assert!(poll(&mut passing).is_pending());
        }
        let mut waiting: std::vec::Vec<_> = (1..limits::COMMAND_QUEUE).map(|_| attempt(&queue)).collect();
        assert!(waiting.iter_mut().all(|attempt| poll(attempt).is_pending()));
        assert!(matches!(poll(&mut attempt(&queue)), Poll::Ready(Err(Busy))));
        drop(first);
        drop(head);
        assert!(poll(&mut waiting[0]).is_ready());
    }
}
