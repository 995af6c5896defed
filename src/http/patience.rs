//! How long a client may keep a worker waiting: long while there are enough workers, not long when another connection
//! waits for one (then `seats` decides).

use core::pin::Pin;
use core::task::{Context, Poll};

use embassy_futures::select::select;
use embassy_time::{Duration, Instant, Timer};

use super::seats::{Manner, Seat};

/// The limits of one wait, from its beginning.
pub(super) struct Limits {
    /// While no connection waits for a worker.
    calm: Duration,
    /// While another connection waits for a worker.
    pressed: Duration,
    /// Whether the wait may have to end before that.
    manner: Manner,
}

/// The time in which a client must make progress while another connection waits for a worker.
const WINDOW: Duration = Duration::from_secs(2);

/// For the first byte. A browser opens connections before it needs them.
pub(super) const SILENCE: Limits = Limits { calm: Duration::from_secs(10), pressed: WINDOW, manner: Manner::Free };
/// For the head of a request.
pub(super) const HEAD: Limits = Limits { calm: Duration::from_secs(10), pressed: WINDOW, manner: Manner::Share };
/// For an answer of the client in the TLS handshake. The port computes all handshakes one after another. A client that
/// waits for its turn must not lose its worker to the next client, but does not need the whole window for an answer.
pub(super) const HANDSHAKE: Limits =
    Limits { calm: Duration::from_secs(10), pressed: Duration::from_millis(500), manner: Manner::Firm };
/// For [`PROGRESS`] bytes of a body.
pub(super) const BODY: Limits = Limits { calm: Duration::from_secs(120), pressed: WINDOW, manner: Manner::Share };
/// For any byte of a body, and until the client takes any byte of an answer; while others wait, for [`PROGRESS`] bytes
/// of an answer.
pub(super) const IDLE: Limits = Limits { calm: Duration::from_secs(30), pressed: WINDOW, manner: Manner::Share };
/// For the host: until it reads what a client has sent, or answers.
pub(super) const HOST: Limits =
    Limits { calm: Duration::from_secs(120), pressed: Duration::from_secs(10), manner: Manner::Firm };
/// For a client to finish that has sent more than was read: closing at once would reset the connection, and the answer
/// would be lost.
pub(super) const LINGER: Limits =
    Limits { calm: Duration::from_secs(5), pressed: Duration::from_millis(500), manner: Manner::Free };

/// After this number of bytes a new wait begins. A smaller number would let a client send single bytes for ever.
pub(super) const PROGRESS: usize = 1000;

/// When the limits of a wait are reached.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    begun: Instant,
    calm: Instant,
    pressed: Duration,
    manner: Manner,
}

impl Patience {
    /// A wait that begins now.
    pub fn begin(limits: &Limits) -> Self {
        let now = Instant::now();
        Self { begun: now, calm: now + limits.calm, pressed: limits.pressed, manner: limits.manner }
    }

    /// Extends the calm limit after progress of less than [`PROGRESS`] bytes; the limit under pressure stays.
    pub fn go_on(&mut self, limits: &Limits) {
        self.calm = Instant::now() + limits.calm;
    }

    /// A wait within this one, with the calm limit of `limits` if that ends earlier.
    pub fn within(self, limits: &Limits) -> Self {
        Self { calm: self.calm.min(Instant::now() + limits.calm), ..self }
    }

    /// Whether the time is up; wakes the task when it is. The worker waits until [`Seat::rest`].
    pub fn poll_end(&self, seat: &Seat, context: &mut Context<'_>) -> Poll<()> {
        seat.begin(self.begun, self.pressed, self.manner);
        if seat.poll_given_up(context).is_ready() {
            return Poll::Ready(());
        }
        Pin::new(&mut Timer::at(self.calm)).poll(context)
    }

    /// Ends when the time is up. Without a seat no connection waits for the task.
    pub async fn end(self, seat: Option<&Seat>) {
        let up = Timer::at(self.calm);
        let Some(seat) = seat else { return up.await };
        let _waiting = seat.wait(self.begun, self.pressed, self.manner);
        select(up, seat.given_up()).await;
    }
}
