//! The command language: one line in, one reply out, whoever asks.

mod arguments;
mod call;
mod certificate;
mod data;
mod dialogue;
mod files;
mod help;
mod http;
mod line;
mod mail;
pub mod manual;
mod network;
mod pins;
mod response;
mod scope;
mod setup;
mod shell;
mod sockets;
mod streams;
mod structured;
mod system;
mod table;
mod tokens;
mod turn;
mod variables;
mod wlan;
mod write;

pub use call::Machine;
pub use data::{Bytes, DataSource};
pub use dialogue::Dialogue;
pub use line::{Line, LineError};
pub use response::{CommandError, Ending, Reply};
pub use scope::scopes_of;
pub use shell::{CODES, Ready, Shell};
pub use table::{COMMANDS, Command, find};
pub use turn::{Asker, Busy};
