//! Who may do what: scopes, and the API tokens that grant them (`docs/extensions.md`).

pub mod scope;
pub mod token;
