//! Turns: one command's code runs at a time, in the order in which the commands were given.
//!
//! A turn includes a buffer for the answer. A command that waits for something else goes apart: it gives turn and
//! buffer back and comes before new commands when it is ready to go on. A place in the queue is free again as soon as
//! its future is dropped, wherever in the queue it stood: a client that goes away does not count against the next one.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use heapless::Vec;

use super::response::Reply;
use crate::buffer::Pool;
use crate::limits;

const _: () = assert!(limits::COMMANDS_APART > limits::LINES, "clients of the HTTP server can wait as well");

/// Too many commands wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The host at the command UART.
    Serial,
    /// The client of the remote terminal.
    Remote,
    /// A person at another line.
    Console,
    /// A host that speaks the structured protocol: it asks for several things at once.
    Structured,
    /// A client of the HTTP server.
    Http,
    /// A client of the HTTP server that is not the owner: its token does not allow everything, or it has none. The
    /// files that it writes run no scripts.
    Guest,
}

impl Asker {
    /// Whether it can ask one thing at a time only, so that it never has many commands waiting.
    pub const fn is_line(self) -> bool {
        matches!(self, Self::Serial | Self::Remote | Self::Console)
    }

    /// Whether it types lines one after the other: a command can ask it a question, and its long answers may go to a
    /// CMD stream (`system.cmd.buffered`).
    pub const fn types(self) -> bool {
        matches!(self, Self::Serial | Self::Remote)
    }
}

/// The queue for the command interpreter.
pub(super) struct Queue {
    pool: &'static Pool,
    state: RefCell<State>,
}

struct State {
    /// A command runs.
    taken: bool,
    /// The number of the next command that waits.
    next: u32,
    /// Commands that come back, in order: before all others.
    returning: Waiting<{ limits::COMMANDS_APART }>,
    /// Commands that wait, in order.
    waiting: Waiting<{ limits::COMMAND_QUEUE }>,
    /// Commands that are apart.
    apart: usize,
}

type Waiting<const N: usize> = Vec<(u32, Waker), N>;

/// The right to run one command. It ends when this is dropped.
#[must_use = "the turn is over when this is dropped"]
pub(super) struct Turn<'a>(&'a Queue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.taken = false;
        state.wake_first();
    }
}

/// The right to come back. It ends when this is dropped.
#[must_use = "the command is gone when this is dropped"]
pub(super) struct Absence<'a>(&'a Queue);

impl Drop for Absence<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.apart = state.apart.saturating_sub(1);
    }
}

impl<'a> Absence<'a> {
    /// Waits for the turn again, and for a buffer if the reply has none.
    pub async fn back(self, reply: &mut Reply) -> Turn<'a> {
        let mut place = Place { queue: self.0, number: None, returns: true };
        // There is a place for every command that is apart.
        let _ = poll_fn(|context| place.poll(context, reply)).await;
        Turn(self.0)
    }
}

/// A place in the queue, given up when the waiting future is dropped.
struct Place<'a> {
    queue: &'a Queue,
    number: Option<u32>,
    returns: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.queue.state.borrow_mut();
        state.remove(number);
        if !state.taken {
            // The wake-up for the free turn may have gone to this place.
            state.wake_first();
        }
    }
}

impl Queue {
    /// Nobody waits.
    pub(super) const fn new(pool: &'static Pool) -> Self {
        let state = State { taken: false, next: 0, returning: Vec::new(), waiting: Vec::new(), apart: 0 };
        Self { pool, state: RefCell::new(state) }
    }

    /// The buffers that go with the turns.
    pub(super) fn pool(&self) -> &'static Pool {
        self.pool
    }

    /// Waits for the turn, and for a buffer if the reply has none; `Busy` when too many commands wait already.
    pub(super) async fn turn(&self, reply: &mut Reply) -> Result<Turn<'_>, Busy> {
        let mut place = Place { queue: self, number: None, returns: false };
        poll_fn(|context| place.poll(context, reply)).await?;
        Ok(Turn(self))
    }

    /// A command wants to wait for something else; `None` when the most that may do so already do.
    pub(super) fn leave(&self, asker: Asker) -> Option<Absence<'_>> {
        let mut state = self.state.borrow_mut();
        let most = if asker.is_line() { limits::COMMANDS_APART } else { limits::COMMANDS_APART - limits::LINES };
        (state.apart < most).then(|| {
            state.apart += 1;
            Absence(self)
        })
    }
}

impl State {
    fn first(&self) -> Option<&(u32, Waker)> {
        self.returning.first().or(self.waiting.first())
    }

    fn wake_first(&self) {
        if let Some((_, waker)) = self.first() {
            waker.wake_by_ref();
        }
    }

    fn remove(&mut self, number: u32) {
        self.returning.retain(|(other, _)| *other != number);
        self.waiting.retain(|(other, _)| *other != number);
    }
}

impl Place<'_> {
    fn poll(&mut self, context: &mut Context<'_>, reply: &mut Reply) -> Poll<Result<(), Busy>> {
        let pool = self.queue.pool;
        let mut state = self.queue.state.borrow_mut();
        let first = state.first().map(|(number, _)| *number);
        if !state.taken && (first == self.number || (self.returns && state.returning.is_empty())) {
            if !reply.has_buffer()
                && let Some(buffer) = pool.take()
            {
                *reply = Reply::with(buffer);
            }
            if reply.has_buffer() {
                state.taken = true;
                if let Some(number) = self.number.take() {
                    state.remove(number);
                }
                return Poll::Ready(Ok(()));
            }
            pool.watch(context.waker());
        }
        self.enqueue(&mut state, context.waker())
    }

    /// Takes a place, or keeps the one it has.
    fn enqueue(&mut self, state: &mut State, waker: &Waker) -> Poll<Result<(), Busy>> {
        let Some(number) = self.number else {
            let entry = (state.next, waker.clone());
            let full = match self.returns {
                true => state.returning.push(entry).is_err(),
                false => state.waiting.push(entry).is_err(),
            };
            if full {
                return Poll::Ready(Err(Busy));
            }
            self.number = Some(state.next);
            state.next = state.next.wrapping_add(1);
            return Poll::Pending;
        };
        let entries = state.returning.iter_mut().chain(state.waiting.iter_mut());
        if let Some((_, own)) = entries.into_iter().find(|(other, _)| *other == number) {
            own.clone_from(waker);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::place;
    use std::boxed::Box;
    use std::pin::Pin;

    type Held<'a> = (Turn<'a>, Reply);
    type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Held<'a>, Busy>> + 'a>>;

    fn queue() -> Queue {
        Queue::new(place!(Pool, Pool::new()))
    }

    fn attempt(queue: &Queue) -> Attempt<'_> {
        Box::pin(async {
            let mut reply = Reply::new();
            Ok((queue.turn(&mut reply).await?, reply))
        })
    }

    fn back(absence: Absence<'_>) -> Attempt<'_> {
        Box::pin(async {
            let mut reply = Reply::new();
            Ok((absence.back(&mut reply).await, reply))
        })
    }

    fn poll<'a>(attempt: &mut Attempt<'a>) -> Poll<Result<Held<'a>, Busy>> {
        attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn turns_go_in_order() {
        let queue = queue();
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
        let queue = queue();
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

    #[test]
    fn who_comes_back_comes_first() {
        let queue = queue();
        let Poll::Ready(Ok(first)) = poll(&mut attempt(&queue)) else { panic!("the first waits for nobody") };
        let (absence, other) = (queue.leave(Asker::Serial).unwrap(), queue.leave(Asker::Http).unwrap());
        let mut new = attempt(&queue);
        assert!(poll(&mut new).is_pending());
        let (mut returning, mut second) = (back(absence), back(other));
        assert!(poll(&mut returning).is_pending());
        assert!(poll(&mut second).is_pending());
        drop(first);
        assert!(poll(&mut new).is_pending() && poll(&mut second).is_pending());
        let Poll::Ready(Ok(turn)) = poll(&mut returning) else { panic!("it comes before the new one") };
        drop(turn);
        assert!(poll(&mut new).is_pending());
        assert!(poll(&mut second).is_ready());
        assert!(poll(&mut new).is_ready());
    }

    #[test]
    fn a_bounded_number_is_apart_and_the_lines_always_can_be() {
        let queue = queue();
        let http: std::vec::Vec<_> =
            (limits::LINES..limits::COMMANDS_APART).map(|_| queue.leave(Asker::Http).unwrap()).collect();
        assert!(queue.leave(Asker::Http).is_none());
        let lines = (queue.leave(Asker::Serial).unwrap(), queue.leave(Asker::Console).unwrap());
        drop(http);
        assert!(queue.leave(Asker::Http).is_some());
        drop(lines);
    }

    #[test]
    fn the_turn_waits_for_a_buffer() {
        let queue = queue();
        let held: std::vec::Vec<_> = core::iter::from_fn(|| queue.pool().take()).collect();
        let (mut one, mut two) = (attempt(&queue), attempt(&queue));
        assert!(poll(&mut one).is_pending() && poll(&mut two).is_pending());
        drop(held);
        assert!(poll(&mut two).is_pending(), "a buffer does not change the order");
        assert!(poll(&mut one).is_ready());
    }
}
