//! How long a client may keep a worker waiting: long while there are workers for everybody, not long when somebody else
//! waits for one.

use embassy_time::{Duration, Instant, Timer};

use super::state::HttpServer;

/// How often a client that has used up its short time is looked at again.
const STEP: Duration = Duration::from_millis(250);

/// The limits of one wait, from its beginning.
pub(super) struct Limits {
    /// While there are idle workers.
    calm: Duration,
    /// While another connection waits for a worker.
    pressed: Duration,
}

/// For the head of a request. A browser opens connections before it needs them.
pub(super) const HEAD: Limits = Limits { calm: Duration::from_secs(10), pressed: Duration::from_secs(1) };
/// For a whole body, or for [`PROGRESS`] bytes of one that may be of any length.
pub(super) const BODY: Limits = Limits { calm: Duration::from_secs(120), pressed: Duration::from_secs(20) };
/// For any byte of a body, or of an answer until it is taken; while others wait, for [`PROGRESS`] bytes of an answer.
pub(super) const IDLE: Limits = Limits { calm: Duration::from_secs(30), pressed: Duration::from_secs(3) };
/// For the host: until it reads what a client sends to it, or answers.
pub(super) const HOST: Limits = Limits { calm: Duration::from_secs(120), pressed: Duration::from_secs(10) };
/// For any byte that a WebSocket takes: no worker waits for it.
pub(super) const SESSION: Limits = Limits { calm: IDLE.calm, pressed: IDLE.calm };
/// For the end of a client that has sent more than was read: closing at once would reset the connection, and the answer
/// would be lost.
pub(super) const LINGER: Limits = Limits { calm: Duration::from_secs(5), pressed: Duration::from_millis(500) };

/// So many bytes are worth a new wait: less would let a client drip for ever.
pub(super) const PROGRESS: usize = 1024;

/// When the limits of a wait are reached.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    calm: Instant,
    pressed: Instant,
}

impl Patience {
    /// A wait that begins now.
    pub fn begin(limits: &Limits) -> Self {
        let now = Instant::now();
        Self { calm: now + limits.calm, pressed: now + limits.pressed }
    }

    /// Something came, or was taken, but not enough to begin anew: that matters only while somebody else waits.
    pub fn go_on(&mut self, limits: &Limits) {
        self.calm = Instant::now() + limits.calm;
    }

    /// A wait within another one.
    pub fn within(self, outer: Self) -> Self {
        Self { calm: self.calm.min(outer.calm), pressed: self.pressed.min(outer.pressed) }
    }

    /// Ends when the time is up.
    pub async fn end(self, server: &HttpServer) {
        loop {
            let now = Instant::now();
            if now >= self.calm || (now >= self.pressed && server.is_pressed()) {
                return;
            }
            let look = if now < self.pressed { self.pressed } else { now + STEP };
            Timer::at(look.min(self.calm)).await;
        }
    }
}
