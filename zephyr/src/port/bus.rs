//! Transfers on the buses of the board, one at a time; unsupported in a build without buses.

use openzentri::port::{BusTransfer, Job, Result};

/// The job number of a transfer; the worker thread's numbers are smaller.
pub const JOB: Job = Job(u16::MAX - 1);

#[cfg(CONFIG_OPENZENTRI_BUS_MASTERS)]
pub use crate::shim::bus::{ended, i2c_buses, outcome, received, spi_buses};

/// Begins a transfer.
#[cfg(CONFIG_OPENZENTRI_BUS_MASTERS)]
pub fn start(transfer: &BusTransfer<'_>) -> Result<Job> {
    crate::shim::bus::start(transfer).map(|()| JOB)
}

#[cfg(not(CONFIG_OPENZENTRI_BUS_MASTERS))]
mod none {
    use super::{BusTransfer, Job, Result};
    use openzentri::port::PortError;

    pub fn start(_transfer: &BusTransfer<'_>) -> Result<Job> {
        Err(PortError::Unsupported)
    }

    pub fn outcome() -> Result<()> {
        Err(PortError::Unsupported)
    }

    pub fn ended() -> bool {
        true
    }

    pub fn received(_buffer: &mut [u8]) -> Result<usize> {
        Err(PortError::Unsupported)
    }

    pub fn spi_buses() -> u8 {
        0
    }

    pub fn i2c_buses() -> u8 {
        0
    }
}

#[cfg(not(CONFIG_OPENZENTRI_BUS_MASTERS))]
pub use none::{ended, i2c_buses, outcome, received, spi_buses, start};
