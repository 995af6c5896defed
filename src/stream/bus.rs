//! Streams of SPI and I2C. Each write is one transfer. On SPI the same number of bytes comes back and waits to be read;
//! on I2C a read is a transfer of its own.

use core::fmt;

use embassy_time::{Duration, Timer};

use super::{Kind, Source, StreamError, StreamId, Streams};
use crate::ground::Select;
use crate::limits;
use crate::log::Level;
use crate::port::{self, BusTransfer, I2cSetup, PortError, SpiSetup};

/// The pause before a device that has not answered is tried again; an EEPROM does not answer while it writes.
const PAUSE: Duration = Duration::from_millis(5);

/// A device on a bus.
#[derive(Clone, Copy, Debug)]
pub enum BusDevice {
    /// On SPI, with the pin that selects it.
    Spi(SpiSetup, Option<Select>),
    /// On I2C, with the number of retries of a transfer that the device has not answered.
    I2c(I2cSetup, u8),
}

impl fmt::Display for BusDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spi(setup, select) => {
                write!(f, "spi{} mode {} {} Hz", setup.bus, setup.mode, setup.clock)?;
                select.map_or(Ok(()), |select| write!(f, " GPIO {}", select.pin()))
            }
            Self::I2c(setup, _) => write!(f, "i2c{} {:#04x} {} Hz", setup.bus, setup.address, setup.clock),
        }
    }
}

impl Streams {
    /// The device of a stream, and the maximum number of received bytes that the stream keeps.
    fn bus_device(&self, id: StreamId) -> Result<(BusDevice, usize), StreamError> {
        self.room(id.handle, id.generation, |_, stream| match stream.source {
            Source::Bus(device, keeps) => Ok((device, usize::from(keeps))),
            _ => Err(StreamError::NotSupported),
        })?
    }

    /// Keeps the bytes received from a device.
    fn keep(&self, id: StreamId, bytes: &[u8]) {
        let _ = self.room(id.handle, id.generation, |slot, _| {
            // The caller has checked that there is room.
            slot.rx.add(bytes);
            slot.changed();
        });
    }

    /// Logs why a transfer has failed.
    fn bus_failed(&self, device: BusDevice, error: PortError) -> StreamError {
        self.base.log.line(Level::Failure, format_args!("{device}: {error}"));
        StreamError::Bus
    }

    /// Writes bytes to a device, all in one transfer.
    pub(super) async fn write_bus(&self, id: StreamId, data: &[u8]) -> Result<(), StreamError> {
        let (device, keeps) = self.bus_device(id)?;
        if data.is_empty() {
            return Ok(());
        }
        if data.len() > limits::BUS_TRANSFER {
            return Err(StreamError::TooLarge);
        }
        match device {
            BusDevice::I2c(setup, retries) => self.ask(BusTransfer::I2cWrite(setup, data), retries, |_| {}).await,
            BusDevice::Spi(setup, select) => {
                let waiting = self.waiting(id.handle)?;
                if keeps > 0 && waiting + data.len() > keeps {
                    let text = format_args!("{device}: no room for what comes back, {waiting} bytes wait to be read");
                    self.base.log.line(Level::Failure, text);
                    return Err(StreamError::Bus);
                }
                let begin = || select.map(|select| select.assert(self.base.port));
                let end = |bytes: &[u8]| {
                    if keeps > 0 {
                        self.keep(id, bytes)
                    }
                };
                self.base.bus.transfer(BusTransfer::Spi(setup, data), begin, end).await
            }
        }
        .map_err(|error| self.bus_failed(device, error))
    }

    /// Before a read of `size` bytes: requests them from a device on I2C, unless some bytes wait already.
    pub async fn before_read(&self, id: StreamId, size: usize) -> Result<(), StreamError> {
        let (device, keeps) = self.bus_device(id)?;
        let BusDevice::I2c(setup, retries) = device else { return Ok(()) };
        if size == 0 || self.waiting(id.handle)? > 0 {
            return Ok(());
        }
        if size > keeps {
            return Err(StreamError::TooLarge);
        }
        let end = |bytes: &[u8]| self.keep(id, bytes);
        let asked = self.ask(BusTransfer::I2cRead(setup, size), retries, end).await;
        asked.map_err(|error| self.bus_failed(device, error))
    }

    /// Carries out a transfer, and retries while the device does not answer.
    async fn ask(&self, transfer: BusTransfer<'_>, retries: u8, end: impl Fn(&[u8])) -> port::Result<()> {
        for _ in 0..retries {
            match self.base.bus.transfer(transfer, || (), &end).await {
                Err(PortError::Unreachable) => Timer::after(PAUSE).await,
                outcome => return outcome,
            }
        }
        self.base.bus.transfer(transfer, || (), end).await
    }
}

impl Kind {
    /// It is a device on a bus.
    pub const fn is_bus(self) -> bool {
        matches!(self, Self::Spi | Self::I2c)
    }
}
