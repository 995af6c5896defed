//! Tasks that wait for something to serve.

use core::cell::RefCell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use heapless::Vec;

/// Tasks that wait for something to serve. The one that was busy last is taken first: its memory is still cached.
pub(super) struct Pool<T, const N: usize> {
    idle: RefCell<Vec<u8, N>>,
    work: [Signal<NoopRawMutex, T>; N],
}

impl<T, const N: usize> Pool<T, N> {
    /// A pool without idle tasks.
    pub const fn new() -> Self {
        const { assert!(N <= 256, "the tasks are numbered by a byte") };
        Self { idle: RefCell::new(Vec::new()), work: [const { Signal::new() }; N] }
    }

    /// Gives work to an idle task, or back when there is none.
    pub fn give(&self, work: T) -> Result<(), T> {
        let task = self.idle.borrow_mut().pop();
        match task.and_then(|task| self.work.get(usize::from(task))) {
            Some(signal) => {
                signal.signal(work);
                Ok(())
            }
            None => Err(work),
        }
    }

    /// How many tasks are idle.
    pub fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// The task of this number is idle now.
    pub fn rest(&self, number: usize) {
        if let Ok(number) = u8::try_from(number) {
            // There is room for every task.
            let _ = self.idle.borrow_mut().push(number);
        }
    }

    /// Waits for work for the task of this number.
    pub async fn work(&self, number: usize) -> T {
        match self.work.get(number) {
            Some(signal) => signal.wait().await,
            None => core::future::pending().await,
        }
    }
}
