//! Critical sections: interrupts are off, by Zephyr's `irq_lock`.

use critical_section::RawRestoreState;

use crate::shim;

struct Interrupts;

critical_section::set_impl!(Interrupts);

// SAFETY: with interrupts off nothing else runs on the one core, and `release` restores what `acquire` found.
unsafe impl critical_section::Impl for Interrupts {
    unsafe fn acquire() -> RawRestoreState {
        shim::lock()
    }

    unsafe fn release(state: RawRestoreState) {
        shim::unlock(state);
    }
}
