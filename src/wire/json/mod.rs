//! The JSON of the REST API (interface, http 1.2, 2, 3.1).

mod answer;
mod call;
mod number;
mod text;

pub use answer::{Answer, LINE_END, flag, write_text};
pub use call::{BEGIN, Call, Opening, is_end};
pub use text::{Place, Text};
