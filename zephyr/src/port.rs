//! The device's port over the shim.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use heapless::Vec;
use openzentri::port::{Board, Console, Event, Port, Radio, ResetReason, Serial, Sockets, Storage};
use static_cell::StaticCell;

use crate::run;
use crate::shim::{self, Watch};
use radio::ZephyrRadio;
use wakers::Wakers;

mod contract;
mod radio;
mod wakers;

/// Descriptors watched at once, and the bell.
const WATCHES: usize = zephyr::kconfig::CONFIG_ZVFS_POLL_MAX as usize;

/// The device's surroundings on Zephyr.
pub struct ZephyrPort {
    wakers: RefCell<Wakers>,
    radio: ZephyrRadio,
    /// Variables whose default differs on this board.
    defaults: Vec<(&'static str, &'static str), 16>,
    /// Which places of the job table hold pings.
    pings: Cell<u32>,
    reboot: Cell<bool>,
    /// Why the device has started.
    reset: Option<ResetReason>,
}

impl ZephyrPort {
    /// Takes UART, flash and radio into use. What fails here shows when the device uses it.
    pub fn start() -> &'static Self {
        static PORT: StaticCell<ZephyrPort> = StaticCell::new();
        let (bell, serial, storage) = shim::start();
        report("wake-up", bell);
        report("command UART", serial);
        report("flash", storage);
        PORT.init(Self {
            wakers: RefCell::new(Wakers::new()),
            radio: ZephyrRadio::start(),
            defaults: defaults(zephyr::kconfig::CONFIG_OPENZENTRI_BOARD_DEFAULTS),
            pings: Cell::new(0),
            reboot: Cell::new(false),
            reset: shim::reset_reason(),
        })
    }

    /// Whether the device has ordered a restart.
    pub fn reboot_ordered(&self) -> bool {
        self.reboot.get()
    }

    /// Wakes the tasks whose events have happened; sleeps before, unless there are some already, for at most `sleep`
    /// microseconds (`None`: for ever).
    pub fn wait(&self, sleep: Option<u64>) {
        self.wakers.borrow_mut().wake_local();
        let sleep = if run::pending() { Some(0) } else { sleep };
        let mut watches = [Watch::default(); WATCHES];
        let count = self.wakers.borrow().watch(&mut watches);
        if shim::wait(&mut watches, count, sleep).is_ok() {
            let mut wakers = self.wakers.borrow_mut();
            watches.iter().take(count).filter(|watch| watch.ready != 0).for_each(|watch| wakers.wake_socket(watch));
        }
        self.wakers.borrow_mut().wake_local();
    }
}

impl Port for ZephyrPort {
    fn serial(&self) -> &dyn Serial {
        self
    }

    fn sockets(&self) -> &dyn Sockets {
        self
    }

    fn storage(&self) -> &dyn Storage {
        self
    }

    fn radio(&self) -> &dyn Radio {
        self
    }

    fn board(&self) -> &dyn Board {
        self
    }

    fn console(&self) -> &dyn Console {
        self
    }

    fn wake_when(&self, event: Event, waker: &Waker) {
        if event == Event::Radio && self.radio.wake_when(waker) {
            return;
        }
        self.wakers.borrow_mut().register(event, waker);
    }
}

/// Tells the operator's console, where there is one, what does not work.
fn report(part: &str, result: openzentri::port::Result<()>) {
    if let Err(error) = result {
        console(format_args!("{part} not available: {error:?}"));
    }
}

/// Prints a line for the operator, never on the command UART.
#[cfg(CONFIG_PRINTK)]
pub fn console(text: core::fmt::Arguments<'_>) {
    zephyr::printkln!("{text}");
}

/// Nobody to tell.
#[cfg(not(CONFIG_PRINTK))]
pub fn console(_text: core::fmt::Arguments<'_>) {}

/// Splits `name=value;name=value`.
fn defaults(text: &'static str) -> Vec<(&'static str, &'static str), 16> {
    text.split(';').filter_map(|pair| pair.split_once('=')).take(16).collect()
}
