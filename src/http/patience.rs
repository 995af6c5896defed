//! How long a client may keep a worker waiting: long while there are workers for everybody, not long when somebody else
//! waits for one (then `seats` decides).

use core::pin::Pin;
use core::task::{Context, Poll};

use embassy_futures::select::select;
use embassy_time::{Duration, Instant, Timer};

use super::seats::{Manner, Seat};

/// The limits of one wait, from its beginning.
pub(super) struct Limits {
    /// While nobody waits for a worker.
    calm: Duration,
    /// While another connection waits for a worker.
    pressed: Duration,
    /// Whether it may have to end before that.
    manner: Manner,
}

/// The time in which a client must make progress while somebody waits for a worker.
const WINDOW: Duration = Duration::from_secs(2);

/// For the first byte. A browser opens connections before it needs them.
pub(super) const SILENCE: Limits = Limits { calm: Duration::from_secs(10), pressed: WINDOW, manner: Manner::Free };
/// For the head of a request.
pub(super) const HEAD: Limits = Limits { calm: Duration::from_secs(10), pressed: WINDOW, manner: Manner::Share };
/// For an answer of the client in the handshake of TLS. The port computes the handshakes of all in turn: who waits for that
/// must not lose its worker to the next, but need not have the whole window for an answer.
pub(super) const HANDSHAKE: Limits =
    Limits { calm: Duration::from_secs(10), pressed: Duration::from_millis(500), manner: Manner::Firm };
/// For [`PROGRESS`] bytes of a body.
pub(super) const BODY: Limits = Limits { calm: Duration::from_secs(120), pressed: WINDOW, manner: Manner::Share };
/// For any byte of a body, or of an answer until it is taken; while others wait, for [`PROGRESS`] bytes of an answer.
pub(super) const IDLE: Limits = Limits { calm: Duration::from_secs(30), pressed: WINDOW, manner: Manner::Share };
/// For the host: until it reads what a client sends to it, or answers.
pub(super) const HOST: Limits =
    Limits { calm: Duration::from_secs(120), pressed: Duration::from_secs(10), manner: Manner::Firm };
/// For the end of a client that has sent more than was read: closing at once would reset the connection, and the answer
/// would be lost.
pub(super) const LINGER: Limits =
    Limits { calm: Duration::from_secs(5), pressed: Duration::from_millis(500), manner: Manner::Free };

/// So many bytes are worth a new wait: less would let a client drip for ever.
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

    /// Something came, or was taken, but not enough to begin anew: that matters only while somebody else waits.
    pub fn go_on(&mut self, limits: &Limits) {
        self.calm = Instant::now() + limits.calm;
    }

    /// A wait within this one: for less time while nobody else waits.
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

    /// Ends when the time is up. Without a seat nobody waits for the task.
    pub async fn end(self, seat: Option<&Seat>) {
        let up = Timer::at(self.calm);
        let Some(seat) = seat else { return up.await };
        let _waiting = seat.wait(self.begun, self.pressed, self.manner);
        select(up, seat.given_up()).await;
    }
}
