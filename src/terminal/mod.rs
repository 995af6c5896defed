//! The command UART: reads lines, prints answers and log lines (serial reference).

mod complete;
pub mod console;
mod editor;
mod output;
mod session;

pub use output::{Output, follow_log};
pub use session::command_mode;
