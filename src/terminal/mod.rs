//! Lines and what runs on them: command mode (interface, serial).

mod complete;
mod console;
mod editor;
mod input;
mod keys;
mod line;
mod output;
mod session;
mod text;

pub use console::serve as serve_console;
pub use line::Line;
pub use session::{Opening, serve};
