//! The pins: those that show a host or a person the state of the device, the one that starts its set-up (interface,
//! serial 8, 11), and those that commands drive and read.
//!
//! ```text
//! activity     pins that pulse on traffic
//! command      low while a command of the host runs
//! button       whether the set-up button or the pins of the factory reset are held at the start
//! converters   voltages and pulses, and the pins that select devices on SPI
//! gpio         directions and levels that commands and gpio.init ask for
//! room         which function has which pin; what is shown now
//! event        pins that tell of the streams of servers
//! indicator    which state each indicator is in
//! input        inputs that are followed
//! outofband    a pin that tells of the events that a host has asked for
//! output       one pin that is driven
//! pattern      how a lamp blinks
//! ```

mod activity;
mod button;
mod command;
mod converters;
mod event;
mod gpio;
mod indicator;
mod input;
mod outofband;
mod output;
mod pattern;
mod room;

pub use command::CommandRuns;
pub use gpio::PinError;
pub use input::Input;
pub use room::{Pins, run as show};
