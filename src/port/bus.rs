//! The contract with the buses of a board on which the device is the master: SPI and I2C. A transfer is a job
//! ([`super::JobRequest::Bus`]); [`super::Jobs::bus_received`] takes the bytes that it received.

/// How to talk to a device on an SPI bus. Its chip select line is an ordinary pin, which the caller drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpiSetup {
    /// The number of the bus.
    pub bus: u8,
    /// Bit 1: the clock idles high; bit 0: data is sampled on its second edge.
    pub mode: u8,
    /// The least significant bit is sent first.
    pub lowest_first: bool,
    /// Hertz, at most.
    pub clock: u32,
}

/// How to talk to a device on an I2C bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I2cSetup {
    /// The number of the bus.
    pub bus: u8,
    /// The device's 7-bit address.
    pub address: u8,
    /// Hertz: 100,000, 400,000 or 1,000,000.
    pub clock: u32,
}

/// One transfer, of at most [`crate::limits::BUS_TRANSFER`] bytes. `NotFound` when there is no such bus, `Unreachable` when
/// no device answers, `Unsupported` when the bus cannot do what is asked for.
#[derive(Clone, Copy, Debug)]
pub enum BusTransfer<'a> {
    /// Sends bytes and receives the same number of bytes.
    Spi(SpiSetup, &'a [u8]),
    /// Sends at least one byte.
    I2cWrite(I2cSetup, &'a [u8]),
    /// Reads this number of bytes.
    I2cRead(I2cSetup, usize),
}
