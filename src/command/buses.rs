//! `spi_master_open`, `i2c_master_open` (interface, commands/README, serial 12): streams of devices on the buses of the board.

use core::fmt::Write;

use super::call::{Call, number};
use super::response::{CommandError, Ending};
use crate::limits;
use crate::log::Level;
use crate::port::{I2cSetup, SpiSetup};
use crate::stream::{BusDevice, Kind};

/// The clocks of I2C, in hertz.
const I2C_CLOCKS: [u32; 3] = [100_000, 400_000, 1_000_000];
/// The addresses of I2C that are not reserved.
const ADDRESSES: core::ops::RangeInclusive<u32> = 0x08..=0x77;
/// Hertz of SPI when the host says nothing.
const SPI_CLOCK: u32 = 1_000_000;
/// The fastest SPI clock that a host can ask for.
const FASTEST: u32 = 100_000_000;
/// The most bytes that a stream keeps.
const MOST: usize = if limits::BUS_TRANSFER < limits::STREAM_RX { limits::BUS_TRANSFER } else { limits::STREAM_RX };

const _: () = assert!(MOST <= u16::MAX as usize);

/// The number after an option, or `absent` without the option.
fn option(call: &Call<'_>, letter: u8, most: u32, absent: u32) -> Result<u32, CommandError> {
    call.option(letter).map_or(Ok(absent), |word| number(word, most))
}

/// The number of the bus, of which the board has `count`.
fn bus(call: &Call<'_>, name: &str, count: u8) -> Result<u8, CommandError> {
    let bus = option(call, b'p', u8::MAX.into(), 0)? as u8;
    if bus < count {
        return Ok(bus);
    }
    call.machine.base.log.line(Level::Failure, format_args!("{name}{bus} does not exist on this board"));
    Err(CommandError::Failed)
}

/// How many bytes the stream keeps at most.
fn keeps(call: &Call<'_>) -> Result<u16, CommandError> {
    option(call, b'b', MOST as u32, MOST as u32).map(|keeps| keeps as u16)
}

fn tell(call: &mut Call<'_>, handle: Option<u8>) -> Result<Ending, CommandError> {
    let handle = handle.ok_or(CommandError::Failed)?;
    let _ = write!(call.reply, "{handle}");
    Ok(Ending::Text)
}

/// `spi_master_open [-p <bus>] [-m <mode>] [-l] [-b <bytes>] [<gpio> [<clock>]]`
pub(super) fn open_spi(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let setup = SpiSetup {
        bus: bus(call, "spi", machine.base.port.board().spi_buses())?,
        mode: option(call, b'm', 3, 0)? as u8,
        lowest_first: call.flag(b'l'),
        clock: if call.count() > 1 { call.number(1, FASTEST)?.max(1) } else { SPI_CLOCK },
    };
    let keeps = keeps(call)?;
    let pin = match call.argument(0) {
        Err(_) | Ok(b"-1") => None,
        Ok(word) => Some(machine.pins.named(word)?),
    };
    let reservation = machine.streams.reserve(Kind::Spi)?;
    let select = machine.pins.take_select(pin)?;
    tell(call, reservation.bus(BusDevice::Spi(setup, select), keeps))
}

/// `i2c_master_open [-p <bus>] [-r <retries>] [-b <bytes>] <address> [<clock>]`
pub(super) fn open_i2c(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let machine = call.machine;
    let setup = I2cSetup {
        bus: bus(call, "i2c", machine.base.port.board().i2c_buses())?,
        address: call.number(0, *ADDRESSES.end())? as u8,
        clock: if call.count() > 1 { call.number(1, FASTEST)? } else { I2C_CLOCKS[0] },
    };
    if !ADDRESSES.contains(&setup.address.into()) || !I2C_CLOCKS.contains(&setup.clock) {
        return Err(CommandError::Invalid);
    }
    let retries = option(call, b'r', u8::MAX.into(), 0)? as u8;
    let keeps = keeps(call)?;
    let reservation = machine.streams.reserve(Kind::I2c)?;
    tell(call, reservation.bus(BusDevice::I2c(setup, retries), keeps))
}
