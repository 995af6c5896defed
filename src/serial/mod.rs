//! The command UART: reads lines, prints answers and log lines (serial reference).

mod complete;
mod editor;
mod output;
mod session;

pub use output::{Output, follow_log};
pub use session::command_mode;
