//! The part of the shim for the pins (`zephyr/shim/pins.c`).

use openzentri::port::{Direction, Driven, Outside, Pull, Pulse, Result};

use super::{done, result};

mod raw {
    use super::Raw;

    unsafe extern "C" {
        pub safe fn oz_pin_exists(pin: u8) -> i32;
        pub safe fn oz_pin_direction(pin: u8, direction: u8) -> i32;
        pub safe fn oz_pin_write(pin: u8, level: u8) -> i32;
        pub safe fn oz_pin_read(pin: u8) -> i32;
        pub safe fn oz_pin_watch(pin: u8, watched: u8) -> i32;
        pub safe fn oz_pin_edges() -> u64;
        pub safe fn oz_pin_edges_ready() -> i32;
        pub safe fn oz_pin_outside(pin: u8, outside: u8, voltage: u16) -> i32;
        pub fn oz_pin_driven(pin: u8, driven: *mut Raw) -> i32;
    }
}

pub use raw::oz_pin_edges as edges;

pub fn exists(pin: u8) -> bool {
    raw::oz_pin_exists(pin) != 0
}

/// The numbers are those of `enum oz_pin_direction`.
pub fn direction(pin: u8, direction: Direction) -> Result<()> {
    let number = match direction {
        Direction::Released => 0,
        Direction::Input(Pull::None) => 1,
        Direction::Input(Pull::Up) => 2,
        Direction::Input(Pull::Down) => 3,
        Direction::Output(false) => 4,
        Direction::Output(true) => 5,
        // No controller pulls an open-drain wire down.
        Direction::OpenDrain { level, pull: Pull::None | Pull::Down } => 6 + u8::from(level),
        Direction::OpenDrain { level, pull: Pull::Up } => 8 + u8::from(level),
    };
    done(raw::oz_pin_direction(pin, number))
}

pub fn write(pin: u8, level: bool) -> Result<()> {
    done(raw::oz_pin_write(pin, level.into()))
}

pub fn read(pin: u8) -> Result<bool> {
    result(raw::oz_pin_read(pin)).map(|level| level != 0)
}

pub fn watch(pin: u8, watched: bool) -> Result<()> {
    done(raw::oz_pin_watch(pin, watched.into()))
}

/// The numbers are those of `enum oz_pin_outside`.
pub fn outside(pin: u8, outside: Outside) -> Result<()> {
    let (number, voltage) = match outside {
        Outside::Open => (0, 0),
        Outside::Level(level) => (1 + u8::from(level), 0),
        Outside::Voltage(voltage) => (3, voltage),
    };
    done(raw::oz_pin_outside(pin, number, voltage))
}

/// `struct oz_driven`.
#[derive(Default)]
#[repr(C)]
pub struct Raw {
    period: u32,
    width: u32,
    kind: u8,
}

/// What the device drives the wire of an emulated pin with.
pub fn driven(pin: u8) -> Result<Driven> {
    let mut raw = Raw::default();
    // SAFETY: the function writes the structure, which has the layout of the header.
    done(unsafe { raw::oz_pin_driven(pin, &mut raw) })?;
    Ok(match raw.kind {
        1 => Driven::Level(false),
        2 => Driven::Level(true),
        3 => Driven::Pulse(Pulse { period: raw.period, width: raw.width }),
        4 => Driven::Part(raw.width as u16),
        _ => Driven::Open,
    })
}

/// Whether there are edges that were not fetched yet.
pub fn has_edges() -> bool {
    raw::oz_pin_edges_ready() != 0
}
