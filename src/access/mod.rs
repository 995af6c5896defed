//! Who may do what: scopes, the API tokens that grant them, and the files that guard the device (`docs/extensions.md`).

pub mod guard;
pub mod scope;
pub mod token;
