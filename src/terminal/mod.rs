//! Lines and what runs on them: command mode, and on the command UART stream mode (interface, serial).

mod bridge;
mod complete;
mod console;
mod editor;
mod input;
mod keys;
mod line;
mod output;
mod packets;
mod sequence;
mod session;
mod structured;
mod text;
mod uart;

pub use console::serve as serve_console;
pub use line::Line;
pub use session::{Opening, serve};
pub use structured::keep as keep_structured;
pub use uart::keep as keep_uart;
