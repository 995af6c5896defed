//! Access rights: scopes, the API tokens that grant them, and the files that guard the device (`docs/extensions.md`);
//! passwords, and addresses that have given wrong ones.

pub mod attempts;
pub mod guard;
pub mod password;
pub mod scope;
pub mod token;
