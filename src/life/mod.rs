//! How a life of the device begins and ends: faults of the ones before, safe mode, sleep (interface, serial 9,
//! commands/sleep).
//!
//! ```text
//! sleep     waiting for what wakes the device
//! recovery  what a device in safe mode does by itself
//! faults    the record of this device, and how this life is spent
//! record    the record as it lies in flash
//! ```

mod faults;
mod record;
mod recovery;
mod sleep;

pub use faults::{Faults, Mode};
pub use recovery::recover;
pub use sleep::{go_to_sleep, sleep};
