//! What the server counts, for `/metrics`.

use core::cell::Cell;

use crate::wire::http::status::Status;

/// Classes of status codes: 1xx to 5xx.
pub(super) const CLASSES: usize = 5;

/// Counters since boot; they wrap.
pub(super) struct Counters {
    /// Connections taken.
    connections: Cell<u32>,
    /// Answers by the first digit of their status.
    answers: [Cell<u32>; CLASSES],
}

impl Counters {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Self { connections: Cell::new(0), answers: [const { Cell::new(0) }; CLASSES] }
    }

    /// A connection was accepted.
    pub fn accepted(&self) {
        add_one(&self.connections);
    }

    /// An answer was begun.
    pub fn answered(&self, status: Status) {
        if let Some(count) = usize::from(status.0 / 100).checked_sub(1).and_then(|class| self.answers.get(class)) {
            add_one(count);
        }
    }

    /// Connections since boot.
    pub fn connections(&self) -> u32 {
        self.connections.get()
    }

    /// Answers since boot, from 1xx to 5xx.
    pub fn answers(&self) -> [u32; CLASSES] {
        self.answers.each_ref().map(Cell::get)
    }
}

fn add_one(counter: &Cell<u32>) {
    counter.set(counter.get().wrapping_add(1));
}
