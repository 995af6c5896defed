//! How bytes look on the wire of a UART.

/// The bit after the data bits of a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parity {
    /// Nothing.
    #[default]
    None,
    /// A bit that makes the number of ones odd.
    Odd,
    /// A bit that makes it even.
    Even,
}

/// The settings of a UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UartSettings {
    /// Bits a second.
    pub baud: u32,
    /// Data bits of a byte, 5 to 9.
    pub data: u8,
    /// The parity bit after them.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop: u8,
    /// Flow control by RTS and CTS.
    pub flow: bool,
}

impl Default for UartSettings {
    /// 115200 bits a second, 8 data bits, no parity, 1 stop bit, no flow control.
    fn default() -> Self {
        Self { baud: 115_200, data: 8, parity: Parity::None, stop: 1, flow: false }
    }
}
