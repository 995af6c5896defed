//! The part of the shim for SPI and I2C (`zephyr/shim/bus.c`).

use openzentri::port::{BusTransfer, Result};

use super::{done, result};

/// `struct oz_transfer`.
#[repr(C)]
pub struct Transfer {
    clock: u32,
    size: u32,
    kind: u8,
    bus: u8,
    address: u8,
    mode: u8,
    lowest_first: u8,
}

mod raw {
    use super::Transfer;

    unsafe extern "C" {
        pub safe fn oz_spi_buses() -> i32;
        pub safe fn oz_i2c_buses() -> i32;
        pub fn oz_bus_start(transfer: *const Transfer, bytes: *const u8) -> i32;
        pub safe fn oz_bus_result() -> i32;
        pub safe fn oz_bus_ended() -> i32;
        pub fn oz_bus_received(buffer: *mut u8, size: u32) -> i32;
    }
}

pub fn spi_buses() -> u8 {
    raw::oz_spi_buses() as u8
}

pub fn i2c_buses() -> u8 {
    raw::oz_i2c_buses() as u8
}

/// The kinds are those of `enum oz_transfer_kind`.
pub fn start(transfer: &BusTransfer<'_>) -> Result<()> {
    let none: &[u8] = &[];
    let (kind, bytes, size) = match *transfer {
        BusTransfer::Spi(_, bytes) => (0, bytes, bytes.len()),
        BusTransfer::I2cWrite(_, bytes) => (1, bytes, bytes.len()),
        BusTransfer::I2cRead(_, size) => (2, none, size),
    };
    let (bus, clock, address, mode, lowest_first) = match *transfer {
        BusTransfer::Spi(setup, _) => (setup.bus, setup.clock, 0, setup.mode, setup.lowest_first.into()),
        BusTransfer::I2cWrite(setup, _) | BusTransfer::I2cRead(setup, _) => {
            (setup.bus, setup.clock, setup.address, 0, 0)
        }
    };
    let transfer = Transfer { clock, size: size as u32, kind, bus, address, mode, lowest_first };
    // SAFETY: the function reads the structure and, for a write, `size` bytes, all during the call.
    done(unsafe { raw::oz_bus_start(&transfer, bytes.as_ptr()) })
}

pub fn outcome() -> Result<()> {
    done(raw::oz_bus_result())
}

pub fn ended() -> bool {
    raw::oz_bus_ended() != 0
}

pub fn received(buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the function writes at most as many bytes as the length says.
    result(unsafe { raw::oz_bus_received(buffer.as_mut_ptr(), buffer.len() as u32) })
}
