//! Buses in memory, for ports without a board: I2C bus 0 has an EEPROM of 256 bytes at the address 0x50, like the
//! smallest of the AT24 family; on SPI bus 0 a wire connects the output to the input.

use std::cell::{Cell, RefCell};
use std::task::Waker;
use std::vec::Vec;

use super::{BusTransfer, I2cSetup, Job, JobOutput, PortError, Result, SpiSetup};

/// The job number of a transfer; all other jobs have lower numbers.
pub const JOB: Job = Job(u16::MAX - 1);

/// The address of the EEPROM.
const EEPROM: u8 = 0x50;
/// Its fastest clock.
const FASTEST: u32 = 100_000;

/// An EEPROM; the first byte of a write sets the address `at`, at which reads and writes go on.
struct Eeprom {
    cells: [u8; 256],
    at: u8,
}

impl Eeprom {
    fn write(&mut self, bytes: &[u8]) {
        let Some((at, rest)) = bytes.split_first() else { return };
        self.at = *at;
        for byte in rest {
            self.cells[usize::from(self.at)] = *byte;
            self.at = self.at.wrapping_add(1);
        }
    }

    fn read(&mut self, count: usize) -> Vec<u8> {
        let next = |_| {
            let byte = self.cells[usize::from(self.at)];
            self.at = self.at.wrapping_add(1);
            byte
        };
        (0..count).map(next).collect()
    }
}

/// The buses, and the last transfer on one of them.
pub struct HostBuses {
    eeprom: RefCell<Eeprom>,
    received: RefCell<Vec<u8>>,
    outcome: Cell<Option<Result<()>>>,
    held: Cell<bool>,
    waits: RefCell<Option<Waker>>,
}

impl Default for HostBuses {
    fn default() -> Self {
        Self {
            eeprom: RefCell::new(Eeprom { cells: [0xFF; 256], at: 0 }),
            received: RefCell::default(),
            outcome: Cell::default(),
            held: Cell::default(),
            waits: RefCell::default(),
        }
    }
}

impl HostBuses {
    /// Carries a transfer out; [`HostBuses::result`] returns the outcome.
    pub fn start(&self, transfer: &BusTransfer<'_>) -> Result<Job> {
        if self.outcome.get().is_some() {
            return Err(PortError::NoRoom);
        }
        let outcome = self.carry_out(transfer);
        self.outcome.set(Some(outcome.map(|received| {
            self.received.replace(received);
        })));
        Ok(JOB)
    }

    fn carry_out(&self, transfer: &BusTransfer<'_>) -> Result<Vec<u8>> {
        let check = |setup: I2cSetup| match setup {
            I2cSetup { bus: 0, address: EEPROM, clock: ..=FASTEST } => Ok(()),
            I2cSetup { bus: 0, .. } => Err(PortError::Unreachable),
            _ => Err(PortError::NotFound),
        };
        match *transfer {
            BusTransfer::Spi(SpiSetup { bus: 0, .. }, bytes) => Ok(bytes.to_vec()),
            BusTransfer::Spi(..) => Err(PortError::NotFound),
            BusTransfer::I2cWrite(setup, bytes) => check(setup).map(|()| {
                self.eeprom.borrow_mut().write(bytes);
                Vec::new()
            }),
            BusTransfer::I2cRead(setup, count) => check(setup).map(|()| self.eeprom.borrow_mut().read(count)),
        }
    }

    /// Returns the outcome of the transfer, once.
    pub fn result(&self) -> Result<JobOutput> {
        if self.held.get() {
            return Err(PortError::WouldBlock);
        }
        self.outcome.take().unwrap_or(Err(PortError::NotFound)).map(|()| JobOutput::Bus)
    }

    /// Takes the bytes that the last transfer received, once.
    pub fn received(&self, buffer: &mut [u8]) -> Result<usize> {
        let received = self.received.take();
        let place = buffer.get_mut(..received.len()).ok_or(PortError::NoRoom)?;
        place.copy_from_slice(&received);
        Ok(received.len())
    }

    /// Keeps transfers from ending, or lets them end again.
    pub fn hold(&self, held: bool) {
        self.held.set(held);
        if let Some(waker) = self.waits.take().filter(|_| !held) {
            waker.wake();
        }
    }

    /// Wakes `waker` when the transfer has ended.
    pub fn wake_when(&self, waker: &Waker) {
        if self.held.get() {
            *self.waits.borrow_mut() = Some(waker.clone());
        } else {
            waker.wake_by_ref();
        }
    }

    /// The device restarts; the EEPROM keeps its contents.
    pub fn restart(&self) {
        self.received.take();
        self.outcome.take();
        self.waits.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETUP: I2cSetup = I2cSetup { bus: 0, address: EEPROM, clock: FASTEST };

    fn transfer(buses: &HostBuses, transfer: BusTransfer<'_>) -> Result<Vec<u8>> {
        buses.start(&transfer).unwrap();
        assert_eq!(buses.start(&transfer), Err(PortError::NoRoom), "one at a time");
        buses.result()?;
        let mut buffer = [0; 300];
        let count = buses.received(&mut buffer)?;
        Ok(buffer[..count].to_vec())
    }

    #[test]
    fn an_eeprom_keeps_what_was_written() {
        let buses = HostBuses::default();
        assert_eq!(transfer(&buses, BusTransfer::I2cWrite(SETUP, b"\xFEabc")), Ok(Vec::new()));
        assert_eq!(transfer(&buses, BusTransfer::I2cWrite(SETUP, b"\xFE")), Ok(Vec::new()));
        assert_eq!(transfer(&buses, BusTransfer::I2cRead(SETUP, 4)), Ok(b"abc\xFF".to_vec()));
        buses.restart();
        assert_eq!(transfer(&buses, BusTransfer::I2cWrite(SETUP, b"\x00")), Ok(Vec::new()));
        assert_eq!(transfer(&buses, BusTransfer::I2cRead(SETUP, 1)), Ok(b"c".to_vec()));
    }

    #[test]
    fn nobody_answers_elsewhere() {
        let buses = HostBuses::default();
        let other = I2cSetup { address: 0x51, ..SETUP };
        assert_eq!(transfer(&buses, BusTransfer::I2cRead(other, 1)), Err(PortError::Unreachable));
        let fast = I2cSetup { clock: 400_000, ..SETUP };
        assert_eq!(transfer(&buses, BusTransfer::I2cWrite(fast, b"a")), Err(PortError::Unreachable));
        let bus = I2cSetup { bus: 1, ..SETUP };
        assert_eq!(transfer(&buses, BusTransfer::I2cRead(bus, 1)), Err(PortError::NotFound));
        let spi = SpiSetup { bus: 0, mode: 0, lowest_first: false, clock: 1 };
        assert_eq!(transfer(&buses, BusTransfer::Spi(spi, b"loop")), Ok(b"loop".to_vec()));
        assert_eq!(transfer(&buses, BusTransfer::Spi(SpiSetup { bus: 1, ..spi }, b"loop")), Err(PortError::NotFound));
    }
}
