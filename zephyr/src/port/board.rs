//! Identity and services of the board, its command UART and its shell.

use core::cell::Cell;

use heapless::Vec;
use openzentri::port::{Board, Heap, HeapUse, ResetReason, Result, Serial, Stack, UartSettings};

use crate::shim;

/// The board.
pub struct ZephyrBoard {
    /// Variables whose default differs on this board.
    defaults: Vec<(&'static str, &'static str), 16>,
    /// The device has asked for a restart.
    pub reboot: Cell<bool>,
    /// Why the device has started.
    reset: Option<ResetReason>,
}

impl ZephyrBoard {
    /// Reads the board's properties; call it once, because the chip then forgets why it has started.
    pub fn new() -> Self {
        Self {
            defaults: defaults(crate::kconfig::CONFIG_OPENZENTRI_BOARD_DEFAULTS),
            reboot: Cell::new(false),
            reset: shim::reset_reason(),
        }
    }
}

/// Splits `name=value;name=value`.
fn defaults(text: &'static str) -> Vec<(&'static str, &'static str), 16> {
    text.split(';').filter_map(|pair| pair.split_once('=')).take(16).collect()
}

impl Board for ZephyrBoard {
    fn mac(&self) -> [u8; 6] {
        shim::mac()
    }

    fn uuid(&self) -> [u8; 20] {
        shim::unique_id()
    }

    fn board_name(&self) -> &'static str {
        crate::kconfig::CONFIG_BOARD
    }

    fn board_defaults(&self) -> &[(&str, &str)] {
        &self.defaults
    }

    fn random(&self, buffer: &mut [u8]) {
        shim::random(buffer);
    }

    fn wall_clock(&self) -> Option<u64> {
        shim::wall_clock()
    }

    fn spi_buses(&self) -> u8 {
        super::bus::spi_buses()
    }

    fn i2c_buses(&self) -> u8 {
        super::bus::i2c_buses()
    }

    fn memory_usage(&self) -> Option<u8> {
        shim::memory_usage()
    }

    fn heap(&self, heap: Heap) -> Option<HeapUse> {
        shim::heap(heap)
    }

    fn reset_reason(&self) -> Option<ResetReason> {
        self.reset
    }

    fn stack(&self) -> Option<Stack> {
        shim::stack()
    }

    fn reboot(&self) {
        self.reboot.set(true);
    }

    fn serial_ended(&self) {
        shim::serial_ended();
    }
}

/// The command UART.
pub struct ZephyrSerial;

impl Serial for ZephyrSerial {
    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize> {
        shim::serial_read(buffer)
    }

    fn serial_write(&self, data: &[u8]) -> Result<usize> {
        shim::serial_write(data)
    }

    fn serial_sent(&self) -> bool {
        shim::serial_sent()
    }

    fn serial_configure(&self, settings: &UartSettings) -> Result<()> {
        shim::serial_configure(settings)
    }

    fn serial_give_back(&self, bytes: &[u8]) {
        shim::serial_give_back(bytes);
    }

    fn serial_break(&self) -> bool {
        shim::serial_break()
    }
}

/// The root command of Zephyr's shell.
#[cfg(CONFIG_OPENZENTRI_SHELL)]
pub struct ShellConsole;

#[cfg(CONFIG_OPENZENTRI_SHELL)]
impl openzentri::port::Console for ShellConsole {
    fn console_line(&self, buffer: &mut [u8]) -> Result<usize> {
        shim::console::line(buffer)
    }

    fn console_answer(&self, text: &[u8]) {
        shim::console::answer(text);
    }
}
