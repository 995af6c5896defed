//! The pins that tell a host or a person how the device is, and the one that starts its set-up (interface, serial 8, 11).
//!
//! ```text
//! command      low while a command of the host runs
//! button       whether the set-up button is held at the start
//! room         who has which pin; what is shown now
//! indicator    which state each indicator is in
//! output       one pin that is driven
//! pattern      how a lamp blinks
//! ```

mod button;
mod command;
mod indicator;
mod output;
mod pattern;
mod room;

pub use command::CommandRuns;
pub use room::{Pins, run as show};
