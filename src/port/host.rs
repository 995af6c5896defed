//! What the ports with an operating system share: the time driver of `embassy-time`, real or virtual, and the
//! executor of one device.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::Instant;

use embassy_executor::Spawner;
use embassy_executor::raw;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

thread_local! {
    /// Timers of the device that runs on this thread.
    static TIMERS: RefCell<Queue> = const { RefCell::new(Queue::new()) };
    /// The virtual time of this thread in microseconds; `None` means real time.
    static VIRTUAL: Cell<Option<u64>> = const { Cell::new(None) };
}

struct HostTime;

impl Driver for HostTime {
    fn now(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        VIRTUAL.get().unwrap_or_else(|| START.get_or_init(Instant::now).elapsed().as_micros() as u64)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        TIMERS.with_borrow_mut(|timers| timers.schedule_wake(at, waker));
    }
}

embassy_time_driver::time_driver_impl!(static DRIVER: HostTime = HostTime);

/// Sets the virtual clock of this thread, in microseconds. Time then moves only by this call.
pub fn set_virtual_time(micros: u64) {
    VIRTUAL.set(Some(micros));
}

/// An executor calls this when it has a task to run; the context is its [`Runtime`]'s flag.
#[unsafe(export_name = "__pender")]
fn pender(context: *mut ()) {
    // SAFETY: the only executors of this process are made by `Runtime::new`, whose flag is never freed.
    unsafe { (*context.cast::<AtomicBool>()).store(true, Ordering::Release) };
}

/// The executor of one device. It lives as long as the process, like the tasks in it.
pub struct Runtime {
    executor: &'static raw::Executor,
    pending: &'static AtomicBool,
}

impl Runtime {
    /// A new executor for a device that runs on this thread.
    pub fn new() -> Self {
        let pending: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let executor = raw::Executor::new(core::ptr::from_ref(pending).cast_mut().cast());
        Self { executor: Box::leak(Box::new(executor)), pending }
    }

    /// Starts tasks on this executor.
    pub fn spawner(&self) -> Spawner {
        self.executor.spawner()
    }

    /// Runs every task that is ready now once, and answers how long to sleep: `None` for ever, else microseconds.
    /// Zero means that tasks are ready again: look at the sockets, then call once more.
    pub fn turn(&self) -> Option<u64> {
        let mut now = embassy_time_driver::now();
        let mut next = TIMERS.with_borrow_mut(|timers| timers.next_expiration(now));
        if self.pending.swap(false, Ordering::Acquire) {
            // SAFETY: this thread alone polls the executor, and never from within a task.
            unsafe { self.executor.poll() };
            now = embassy_time_driver::now();
            next = TIMERS.with_borrow_mut(|timers| timers.next_expiration(now));
        }
        if self.pending.load(Ordering::Acquire) {
            return Some(0);
        }
        (next != u64::MAX).then(|| next.saturating_sub(now))
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts a task that lives as long as the process.
pub fn spawn<F: Future<Output = ()> + 'static>(spawner: Spawner, future: F) {
    let storage: &'static raw::TaskStorage<F> = Box::leak(Box::new(raw::TaskStorage::new()));
    if let Ok(token) = storage.spawn(|| future) {
        spawner.spawn(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_time::Timer;

    #[test]
    fn virtual_time_runs_timers_in_order() {
        set_virtual_time(0);
        let runtime = Runtime::new();
        let seen: &'static RefCell<Vec<u64>> = Box::leak(Box::default());
        for millis in [30, 10, 20] {
            spawn(runtime.spawner(), async move {
                Timer::after_millis(millis).await;
                seen.borrow_mut().push(millis);
            });
        }
        while let Some(sleep) = runtime.turn() {
            set_virtual_time(embassy_time_driver::now() + sleep);
        }
        assert_eq!(*seen.borrow(), [10, 20, 30]);
    }
}
