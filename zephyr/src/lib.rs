//! OpenZentri on Zephyr: the entry point.
//!
//! ```text
//! run      the loop: ready tasks, timers, sleep
//! port     the device's port over the shim; port/… its parts
//! time     the time driver
//! critical critical sections
//! console  lines for the operator, and what a panic says
//! kconfig  Zephyr's configuration
//! shim     Zephyr's C API, as far as it is needed
//! air      what native_sim's Wi-Fi driver hears
//! ```
#![no_std]

#[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
mod air;
mod console;
mod critical;
mod port;
mod run;
mod shim;
mod time;

/// The numbers and texts of Zephyr's configuration.
#[allow(dead_code)]
mod kconfig {
    include!(concat!(env!("OUT_DIR"), "/kconfig.rs"));
}

/// Called by the main thread of Zephyr.
#[unsafe(no_mangle)]
extern "C" fn rust_main() {
    run::run();
}
