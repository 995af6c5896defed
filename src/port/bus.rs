//! The contract with the buses of a board on which the device is the master: SPI and I2C. A transfer is a job
//! ([`super::JobRequest::Bus`]); what it has brought is taken by [`super::Jobs::bus_received`].

/// How a device on an SPI bus is spoken to. Its select line is a pin like others, and up to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpiSetup {
    /// The number of the bus.
    pub bus: u8,
    /// Bit 1: the clock rests high; bit 0: its second edge counts.
    pub mode: u8,
    /// The lowest bit goes first.
    pub lowest_first: bool,
    /// Hertz, at most.
    pub clock: u32,
}

/// How a device on an I2C bus is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I2cSetup {
    /// The number of the bus.
    pub bus: u8,
    /// Its address, of seven bits.
    pub address: u8,
    /// Hertz: 100,000, 400,000 or 1,000,000.
    pub clock: u32,
}

/// One transfer, of at most [`crate::limits::BUS_TRANSFER`] bytes. `NotFound` when there is no such bus, `Unreachable` when
/// nobody answers, `Unsupported` when the bus cannot do what is asked for.
#[derive(Clone, Copy, Debug)]
pub enum BusTransfer<'a> {
    /// Sends bytes; as many come back.
    Spi(SpiSetup, &'a [u8]),
    /// Sends bytes, one at least.
    I2cWrite(I2cSetup, &'a [u8]),
    /// Asks for so many bytes.
    I2cRead(I2cSetup, usize),
}
