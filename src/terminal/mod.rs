//! Lines and what runs on them: command mode, and on the command UART stream mode (interface, serial).
//!
//! ```text
//! line        where bytes come from and go to
//! session     command mode on a line
//! input       what has come and is not used yet
//! output      what goes out: whole frames, one after another
//! editor      the line that is typed; keys, text, complete: parts of it
//! drawn       command mode of a person at a terminal
//! person      what such a person gets beyond the plain editor
//! bridge      stream mode; packets, sequence: parts of it
//! uart        the variables of the UART
//! console     the operator console
//! remote      the remote terminal: one client at a time
//! login       its name and password
//! visitor     its client: strips Telnet, sends in as few pieces as possible
//! presence    whether a client is there; the UART takes no commands then
//! ```

mod bridge;
mod complete;
mod console;
mod drawn;
mod editor;
mod input;
mod keys;
mod line;
mod login;
mod output;
mod packets;
mod person;
mod presence;
mod remote;
mod sequence;
mod session;
mod structured;
mod text;
mod uart;
mod visitor;

pub use console::serve as serve_console;
pub use line::Line;
pub use output::prints_log;
pub use presence::Presence;
pub use remote::{Remote, run as keep_remote};
pub use session::{Opening, Uart, serve};
pub use structured::keep as keep_structured;
pub use uart::keep as keep_uart;
pub use visitor::Visitor;
