//! Lines for the operator, on Zephyr's console and never on the command UART, and the message of a panic.

use core::fmt::Arguments;
use core::panic::PanicInfo;

use crate::shim;

/// Prints a line.
#[cfg(CONFIG_PRINTK)]
pub fn line(text: Arguments<'_>) {
    use core::fmt::Write;

    /// Bytes printed at once. Other output may interrupt a longer line.
    const ROOM: usize = 128;

    struct Line(heapless::Vec<u8, ROOM>);

    impl Write for Line {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            for &byte in text.as_bytes() {
                if self.0.is_full() {
                    self.flush();
                }
                let _ = self.0.push(byte);
            }
            Ok(())
        }
    }

    impl Line {
        fn flush(&mut self) {
            shim::print(&self.0);
            self.0.clear();
        }
    }

    let mut line = Line(heapless::Vec::new());
    let _ = writeln!(line, "{text}");
    line.flush();
}

/// There is no console.
#[cfg(not(CONFIG_PRINTK))]
pub fn line(_text: Arguments<'_>) {}

/// Without `CONFIG_OPENZENTRI_PANIC_TEXT` nothing uses the message and the place of a panic, so the image does not
/// contain them; the shim prints addresses that show where it was.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    #[cfg(CONFIG_OPENZENTRI_PANIC_TEXT)]
    line(format_args!("{info}"));
    let _ = info;
    shim::panic()
}
