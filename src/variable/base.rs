//! What every room above the variables needs: the ground, and the variables.

use core::fmt;
use core::ops::Deref;

use super::store::Variables;
use super::table::{Id, id};
use crate::ground::Ground;
use crate::place::place_const;
use crate::port::Port;

/// The ground and the variables of one device. It gives access to the ground's fields: `base.port`, `base.log`.
pub struct Base {
    ground: Ground,
    /// The variables in RAM.
    pub variables: &'static Variables,
}

impl Deref for Base {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Base {
    /// Joins the two: factory defaults, with the board's defaults on top.
    pub fn new(port: &'static dyn Port) -> Self {
        let variables = place_const!(Variables, Variables::new());
        variables.apply_board_defaults(port.board().board_defaults());
        Self { ground: Ground::new(port), variables }
    }

    /// Logs a state change in brackets, with the time unless `system.cmd.timestamp` is `none`.
    pub fn log_state(&self, text: fmt::Arguments<'_>) {
        const TIMESTAMP: Id = id("system.cmd.timestamp");
        let timed = self.variables.with(TIMESTAMP, |value| value != b"none");
        self.log.state(timed.then_some(&self.clock), text);
    }
}
