//! The variables: one table of rows, value parsing, and the RAM copy that `set` writes and `save` stores.
//!
//! From the bottom up; each uses only what stands above it in this list:
//!
//! | file | what |
//! |---|---|
//! | `row` | what a row says: [`ValueKind`], [`Access`], [`Effect`] |
//! | `table/` | the rows, one file a group, and how a name is found |
//! | `output`, `error` | where printed values go; why a value was not accepted |
//! | `direction` | the directions of a GPIO |
//! | `names` | names in values, and the tags of event messages |
//! | `value` | text values by [`ValueKind`]: from any accepted spelling to the one that is stored and printed |
//! | `describe` | what a kind accepts, in words |
//! | `element` | the elements of an indexed variable, and the entries of a record |
//! | `store` | [`Variables`]: the values that differ from their defaults, and the typed getters |
//! | `base` | [`Base`]: the ground with the variables |
//! | `lock` | variables that their owner has locked |
//! | `message` | events, in built-in texts or those of `system.msg` |
//! | `version` | the version text |
//! | `usage` | who has which GPIO, and the text of `gpio.usage` |
//! | `live` | rows that are computed when read |
//! | `print` | `get`: one variable, a group, all |
//! | `set` | `set`, and what some rows do beyond storing their value |
//! | `settings` | `save` and `load`: one record, never torn; settings files |
//!
//! To add a variable, add one row to its group's table; a computed row also needs a function in `live`, and a row that
//! does more than store its value needs one in `set`.

pub mod base;
mod describe;
mod direction;
mod element;
mod error;
mod live;
mod lock;
mod message;
mod names;
mod output;
mod print;
mod row;
mod set;
pub mod settings;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod usage;
mod value;
pub mod version;

pub use base::Base;
pub use describe::{describe, describe_index};
pub use direction::{direction_of, direction_of_digit, direction_word};
pub use error::ValueError;
pub use message::Message;
pub use output::{Full, Output, Sink};
pub use print::is_long;
pub use row::{Access, Effect, Index, Saved, Secret, ValueKind, Variable};
pub use store::Variables;
pub use table::{Id, LONGEST, find, find_bytes, id, row, rows};
pub use usage::pin_owner;
pub use value::{Value, expand_name, mac_bytes, pin_direction};
