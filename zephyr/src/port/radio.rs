//! The radio: Zephyr's Wi-Fi where the board has one, else a simulated one.

#[cfg(CONFIG_WIFI)]
#[path = "radio/wifi.rs"]
mod kind;
#[cfg(not(CONFIG_WIFI))]
#[path = "radio/simulated.rs"]
mod kind;

pub use kind::{ZephyrRadio, changes, start, wake_when};
