//! The time driver: Zephyr's uptime, and the timers of the device's tasks.

use core::cell::RefCell;
use core::task::Waker;

use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use crate::shim;

struct ZephyrTime {
    timers: Mutex<RefCell<Queue>>,
}

impl Driver for ZephyrTime {
    fn now(&self) -> u64 {
        shim::uptime_us()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| self.timers.borrow_ref_mut(section).schedule_wake(at, waker));
    }
}

embassy_time_driver::time_driver_impl!(static DRIVER: ZephyrTime = ZephyrTime {
    timers: Mutex::new(RefCell::new(Queue::new())),
});

/// Wakes the tasks whose time has come; returns when the next one is due, in microseconds since boot.
pub fn wake_due() -> Option<u64> {
    let now = DRIVER.now();
    let next = critical_section::with(|section| DRIVER.timers.borrow_ref_mut(section).next_expiration(now));
    (next != u64::MAX).then_some(next)
}
