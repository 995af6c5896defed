//! OpenZentri on Zephyr: the entry point.
//!
//! ```text
//! run      the loop: ready tasks, timers, sleep
//! port     the device's port over the shim; port/… its parts
//! time     the time driver
//! shim     Zephyr's C API, as far as it is needed
//! air      what native_sim's Wi-Fi driver hears
//! ```
#![no_std]

#[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
mod air;
mod port;
mod run;
mod shim;
mod time;

/// Called by the main thread of Zephyr.
#[unsafe(no_mangle)]
extern "C" fn rust_main() {
    run::run();
}
