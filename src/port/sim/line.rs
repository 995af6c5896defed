//! The command UART and the operator console: input from the test, and output of the device.

use std::vec::Vec;

use super::super::{Console, Result, Serial, UartSettings};
use super::{Call, SimPort};

impl Serial for SimPort {
    fn serial_read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.check(Call::SerialRead)?;
        self.serial.borrow_mut().read(buffer)
    }

    fn serial_write(&self, data: &[u8]) -> Result<usize> {
        self.check(Call::SerialWrite)?;
        self.serial.borrow_mut().write(data)
    }

    fn serial_sent(&self) -> bool {
        !self.serial.borrow().holds
    }

    fn serial_configure(&self, settings: &UartSettings) -> Result<()> {
        self.serial.borrow_mut().settings = Some(*settings);
        Ok(())
    }

    fn serial_give_back(&self, bytes: &[u8]) {
        let mut serial = self.serial.borrow_mut();
        for byte in bytes.iter().rev() {
            serial.typed.push_front(*byte);
        }
    }

    fn serial_break(&self) -> bool {
        std::mem::take(&mut self.serial.borrow_mut().broken)
    }

    fn serial_terminal(&self) -> Option<u16> {
        self.serial.borrow().columns
    }

    fn serial_has_notice(&self) -> bool {
        !self.serial.borrow().notices.is_empty()
    }

    fn serial_notice(&self, buffer: &mut [u8]) -> Option<usize> {
        let notice = self.serial.borrow_mut().notices.pop_front()?;
        let length = notice.len().min(buffer.len());
        buffer[..length].copy_from_slice(&notice[..length]);
        Some(length)
    }
}

impl SimPort {
    /// The settings that the device has given the UART.
    pub fn uart_settings(&self) -> Option<UartSettings> {
        self.serial.borrow().settings
    }

    /// With `true`, the UART holds the last printed bytes until a call with `false` releases them.
    pub fn hold_output(&self, holds: bool) {
        self.serial.borrow_mut().holds = holds;
    }

    /// Types bytes on the serial line.
    pub fn type_bytes(&self, bytes: &[u8]) {
        self.serial.borrow_mut().typed.extend(bytes);
        self.notify();
    }

    /// Puts a person at a terminal with this many columns at the other end of the serial line, or a host with `None`.
    pub fn set_terminal(&self, columns: Option<u16>) {
        self.serial.borrow_mut().columns = columns;
    }

    /// Adds a notice for that person.
    pub fn notice(&self, text: &str) {
        self.serial.borrow_mut().notices.push_back(text.as_bytes().to_vec());
        self.notify();
    }

    /// Typed bytes that the device has not read yet.
    pub fn unread(&self) -> usize {
        self.serial.borrow().typed.len()
    }

    /// Sends a break condition.
    pub fn send_break(&self) {
        self.serial.borrow_mut().broken = true;
        self.notify();
    }

    /// Ends the serial line: after what was typed, reads answer `Ok(0)`.
    pub fn hang_up(&self) {
        self.serial.borrow_mut().ended = true;
        self.notify();
    }

    /// Takes the output of the device since the last call, which makes room for more.
    pub fn printed(&self) -> Vec<u8> {
        let printed = std::mem::take(&mut self.serial.borrow_mut().printed);
        self.notify();
        printed
    }

    /// Lets the device print no more than `room` bytes ahead of [`SimPort::printed`], for tests of back-pressure. A
    /// [`super::SimDevice`] takes output only when it is asked for it.
    pub fn limit_output(&self, room: usize) {
        self.serial.borrow_mut().room = room;
        self.notify();
    }

    /// Limits the bytes that one read and one write of the UART take.
    pub fn limit_serial_calls(&self, read: usize, write: usize) {
        let mut serial = self.serial.borrow_mut();
        (serial.read_limit, serial.write_limit) = (read, write);
    }
}

impl SimPort {
    /// Types a command on the operator console.
    pub fn console_type(&self, line: &str) {
        self.console.borrow_mut().lines.push_back(line.as_bytes().to_vec());
        self.notify();
    }

    /// Takes the answers that the operator console got since the last call.
    pub fn console_answers(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.console.borrow_mut().answers)
    }
}

impl Console for SimPort {
    fn console_line(&self, buffer: &mut [u8]) -> Result<usize> {
        self.console.borrow_mut().take_line(buffer)
    }

    fn console_answer(&self, text: &[u8]) {
        self.console.borrow_mut().answers.push(text.to_vec());
    }
}
