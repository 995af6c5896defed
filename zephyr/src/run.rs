//! The loop of the device: run the tasks that are ready, then sleep until a timer, a socket or the bell.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::raw::Executor;
use heapless::Vec;
use openzentri::device::{self, BootError};
use static_cell::StaticCell;

use crate::port::ZephyrPort;
use crate::{console, shim, time};

/// Turns of the executor between two polls of the sockets, while tasks keep waking each other.
const TURNS: usize = 16;

/// Variables that can be given at the start.
const MAX_OVERRIDES: usize = 32;

/// A task is ready. Only the thread of the loop wakes tasks, so loads and stores are enough.
static PENDING: AtomicBool = AtomicBool::new(false);

/// Called by the executor when it has a task to run.
#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    PENDING.store(true, Ordering::Release);
}

/// Runs the device, for ever.
pub fn run() {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let port = ZephyrPort::start();
    let executor: &'static Executor = EXECUTOR.init(Executor::new(core::ptr::null_mut()));
    if !boot(port, executor) {
        shim::give_up();
        return;
    }
    loop {
        let sleep = run_tasks(executor);
        if port.reboot_ordered() {
            shim::reboot();
        }
        port.wait(sleep);
    }
}

/// Starts the device; not inlined, so that the stack for the start is free again afterwards.
#[inline(never)]
fn boot(port: &'static ZephyrPort, executor: &'static Executor) -> bool {
    #[cfg(CONFIG_OPENZENTRI_SIMULATED_WIFI)]
    crate::air::start(executor.spawner());
    let overrides: Vec<(&str, &str), MAX_OVERRIDES> = shim::overrides().take(MAX_OVERRIDES).collect();
    match device::boot(port, executor.spawner(), &overrides) {
        Ok(_) => return true,
        Err(BootError::Override(place)) => {
            let (name, _) = overrides.get(place).copied().unwrap_or_default();
            console::line(format_args!("a variable given at the start is unknown, or its value not valid: {name}"));
        }
        Err(BootError::Services) => console::line(format_args!("more services than there is room for")),
    }
    false
}

/// Runs tasks until none is ready, or for [`TURNS`] turns; returns how long to sleep in microseconds, `None` for ever.
fn run_tasks(executor: &'static Executor) -> Option<u64> {
    let mut next = time::wake_due();
    for _ in 0..TURNS {
        if !PENDING.load(Ordering::Acquire) {
            return next.map(|at| at.saturating_sub(shim::uptime_us()));
        }
        PENDING.store(false, Ordering::Release);
        // SAFETY: this thread alone polls the executor, and never from within a task.
        unsafe { executor.poll() };
        next = time::wake_due();
    }
    Some(0)
}

/// Whether a task is ready.
pub fn pending() -> bool {
    PENDING.load(Ordering::Acquire)
}
