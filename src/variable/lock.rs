//! `system.variable_lock`: variables that nobody can change, not even a factory reset.

use super::names::covers;
use super::store::Variables;
use super::table::{Id, id};

const LOCK: Id = id("system.variable_lock");

impl Variables {
    /// Whether the owner has locked the variable. The lock itself is never locked: it can always be removed.
    pub fn is_locked(&self, id: Id) -> bool {
        id != LOCK && self.with(LOCK, |names| names.split(|byte| *byte == b',').any(|name| covers(name, id.row().name)))
    }

    /// Whether the variable outlives a factory reset.
    pub(super) fn survives(&self, id: Id) -> bool {
        id == LOCK || self.is_locked(id)
    }
}
