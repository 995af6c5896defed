//! What the workers wait for, and which of them gives way when a connection that has sent something waits for a worker.
//!
//! A worker that computes, or waits for its turn or for the host, is not disturbed. A worker that waits for its client
//! ends this wait, while another connection waits for a worker,
//!
//! - when the client has not made the required progress ([`Waiting::window`]);
//! - soon, when the client has sent nothing yet or has its answer already ([`Manner::Free`]);
//! - soon, when too many workers wait for their clients: some workers are kept for quick clients.
//!
//! The address with the most connections gives way first, then the longest wait. So many slow clients together delay
//! the others by a moment each, and a slow client alone has all its time.

use core::cell::Cell;
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::{Context, Poll};

use embassy_sync::waitqueue::WakerRegistration;
use embassy_time::{Duration, Instant};

use crate::limits;

/// How long any client may keep a worker waiting, even when it is one too many, while one other waits.
const SOON: Duration = Duration::from_millis(100);
/// The same while very many wait.
const AT_ONCE: Duration = Duration::from_millis(1);

/// How a wait ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// When its window is over.
    Firm,
    /// When too many wait.
    Share,
    /// Soon.
    Free,
}

/// A wait of a worker for its client.
#[derive(Clone, Copy)]
struct Waiting {
    begun: Instant,
    /// How long it may last while another connection waits for a worker.
    window: Duration,
    manner: Manner,
}

/// What one worker does.
pub(super) struct Seat {
    /// The client that it serves.
    client: Cell<Option<Ipv4Addr>>,
    waiting: Cell<Option<Waiting>>,
    /// Its client has to give way.
    told: Cell<bool>,
    waker: core::cell::RefCell<WakerRegistration>,
}

/// A wait that ends when this is dropped.
pub(super) struct Guard<'a>(&'a Seat);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.rest();
    }
}

impl Seat {
    const fn new() -> Self {
        Self {
            client: Cell::new(None),
            waiting: Cell::new(None),
            told: Cell::new(false),
            waker: core::cell::RefCell::new(WakerRegistration::new()),
        }
    }

    /// A client takes the seat.
    pub fn take(&self, client: Ipv4Addr) {
        self.client.set(Some(client));
        self.told.set(false);
    }

    /// The client is gone.
    pub fn leave(&self) {
        self.client.set(None);
    }

    /// The client has to give way: it gets no more time.
    pub fn is_told(&self) -> bool {
        self.told.get()
    }

    /// The worker waits for its client until the guard is dropped.
    pub fn wait(&self, begun: Instant, window: Duration, manner: Manner) -> Guard<'_> {
        self.begin(begun, window, manner);
        Guard(self)
    }

    /// The worker waits for its client from now on.
    pub fn begin(&self, begun: Instant, window: Duration, manner: Manner) {
        self.waiting.set(Some(Waiting { begun, window, manner }));
    }

    /// The worker does not wait for its client any more.
    pub fn rest(&self) {
        self.waiting.set(None);
    }

    /// Ends when the client has to give way.
    pub async fn given_up(&self) {
        poll_fn(|context| self.poll_given_up(context)).await
    }

    /// The same as a poll function.
    pub fn poll_given_up(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.told.get() {
            return Poll::Ready(());
        }
        self.waker.borrow_mut().register(context.waker());
        Poll::Pending
    }

    fn tell(&self) {
        self.told.set(true);
        self.waker.borrow_mut().wake();
    }
}

/// The seats of all workers.
pub(super) struct Seats([Seat; limits::HTTP_CONNECTIONS]);

impl Seats {
    /// All are free.
    pub const fn new() -> Self {
        Self([const { Seat::new() }; limits::HTTP_CONNECTIONS])
    }

    /// The seat of a worker.
    pub fn get(&self, number: usize) -> Option<&Seat> {
        self.0.get(number)
    }

    /// Connections of an address that are being served.
    pub fn count(&self, client: Ipv4Addr) -> usize {
        self.0.iter().filter(|seat| seat.client.get() == Some(client)).count()
    }

    /// Clients that were told to give way and are still there.
    pub fn leaving(&self) -> usize {
        self.0.iter().filter(|seat| seat.client.get().is_some() && seat.told.get()).count()
    }

    /// Makes a client give way if one must. `size` workers serve at once, `others` connections that have sent something
    /// wait, and `also` counts the waiting connections of an address. False when no client has to give way yet.
    pub fn give_up_one(&self, size: usize, others: usize, also: impl Fn(Ipv4Addr) -> usize) -> bool {
        let now = Instant::now();
        let soon = soon(size, others);
        let age = |waiting: &Waiting| now.saturating_duration_since(waiting.begun);
        let waits = || {
            let free = self.0.iter().filter(|seat| !seat.told.get());
            free.filter_map(|seat| Some((seat, seat.client.get()?, seat.waiting.get()?)))
        };
        let slow = waits().filter(|(.., waiting)| waiting.manner != Manner::Firm && age(waiting) >= soon).count();
        let too_many = slow > patient(size);
        let victim = waits().filter(|(.., waiting)| {
            let limit = match waiting.manner {
                Manner::Share if too_many => soon,
                Manner::Free => SOON,
                _ => waiting.window,
            };
            age(waiting) >= limit.min(waiting.window)
        });
        let victim = victim.max_by_key(|(_, client, waiting)| {
            (self.count(*client) + also(*client), waiting.manner == Manner::Free, age(waiting))
        });
        victim.inspect(|(seat, ..)| seat.tell()).is_some()
    }
}

/// Workers of `size` that are kept for quick clients.
fn quick(size: usize) -> usize {
    (size / 4).max(1)
}

/// How long a client that is one too many may take: the more others wait for each of the quick workers, the less.
fn soon(size: usize, others: usize) -> Duration {
    (SOON / (others / quick(size)).clamp(1, 1000) as u32).max(AT_ONCE)
}

/// How many of `size` workers may wait for slow clients while another connection waits for a worker.
fn patient(size: usize) -> usize {
    if size < 2 { size } else { size - quick(size) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::host::set_virtual_time;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const WINDOW: Duration = Duration::from_secs(2);

    fn told(seats: &Seats) -> std::vec::Vec<usize> {
        (0..limits::HTTP_CONNECTIONS).filter(|number| seats.get(*number).unwrap().is_told()).collect()
    }

    fn wait(seats: &Seats, number: usize, client: Ipv4Addr, manner: Manner) {
        let seat = seats.get(number).unwrap();
        seat.take(client);
        core::mem::forget(seat.wait(Instant::now(), WINDOW, manner));
    }

    #[test]
    fn one_slow_client_of_two_has_its_window_and_the_second_does_not() {
        set_virtual_time(0);
        let seats = Seats::new();
        wait(&seats, 0, A, Manner::Share);
        set_virtual_time(50_000);
        wait(&seats, 1, B, Manner::Share);
        set_virtual_time(120_000);
        assert!(!seats.give_up_one(2, 1, |_| 0), "the second is quick yet");
        set_virtual_time(150_000);
        assert!(seats.give_up_one(2, 1, |_| 0));
        assert_eq!(told(&seats), [0], "the longest wait");
        assert!(!seats.give_up_one(2, 1, |_| 0));
        set_virtual_time(2_050_000);
        assert!(seats.give_up_one(2, 1, |_| 0));
        assert_eq!(told(&seats), [0, 1]);
    }

    #[test]
    fn the_address_with_most_connections_gives_way_first() {
        set_virtual_time(0);
        let seats = Seats::new();
        wait(&seats, 0, B, Manner::Share);
        set_virtual_time(10_000);
        wait(&seats, 1, A, Manner::Share);
        set_virtual_time(1_000_000);
        assert!(seats.give_up_one(2, 1, |client| if client == A { 7 } else { 0 }));
        assert_eq!(told(&seats), [1]);
    }

    #[test]
    fn who_says_nothing_goes_soon_and_who_waits_for_the_host_late() {
        set_virtual_time(0);
        let seats = Seats::new();
        wait(&seats, 0, A, Manner::Firm);
        wait(&seats, 1, A, Manner::Free);
        set_virtual_time(90_000);
        assert!(!seats.give_up_one(32, 1, |_| 0));
        set_virtual_time(100_000);
        assert!(seats.give_up_one(32, 1, |_| 0));
        assert_eq!((told(&seats), seats.leaving()), (vec![1], 1));
        set_virtual_time(1_999_999);
        assert!(!seats.give_up_one(1, 1, |_| 0));
        set_virtual_time(2_000_000);
        assert!(seats.give_up_one(1, 1, |_| 0));
    }
}
