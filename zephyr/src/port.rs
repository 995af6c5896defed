//! The device's port over the shim.

use core::task::Waker;

use openzentri::port::{Board, Console, Event, Jobs, Port, Radio, Serial, Sockets, Storage};
use static_cell::StaticCell;

use crate::run;
use crate::shim::{self, Watch};
use board::{ZephyrBoard, ZephyrSerial};
use jobs::ZephyrJobs;
use radio::ZephyrRadio;
use sockets::ZephyrSockets;
use storage::ZephyrStorage;

mod board;
mod bus;
#[cfg(CONFIG_OPENZENTRI_CONVERTERS)]
mod converters;
mod jobs;
#[cfg(CONFIG_OPENZENTRI_PINS)]
mod pins;
mod radio;
mod sockets;
mod storage;
mod tls;
mod wakers;

/// The most descriptors watched at once, including the bell.
const WATCHES: usize = crate::kconfig::CONFIG_ZVFS_POLL_MAX as usize;

/// The port of the device on Zephyr.
pub struct ZephyrPort {
    sockets: ZephyrSockets,
    jobs: ZephyrJobs,
    radio: ZephyrRadio,
    board: ZephyrBoard,
}

impl ZephyrPort {
    /// Starts UART, flash and radio. A failure here shows when the device uses that part.
    pub fn start() -> &'static Self {
        static PORT: StaticCell<ZephyrPort> = StaticCell::new();
        let (bell, serial, storage) = shim::start();
        report("wake-up", bell);
        report("command UART", serial);
        report("flash", storage);
        PORT.init(Self {
            sockets: ZephyrSockets::new(),
            jobs: ZephyrJobs::new(),
            radio: radio::start(),
            board: ZephyrBoard::new(),
        })
    }

    /// Whether the device has asked for a restart.
    pub fn reboot_ordered(&self) -> bool {
        self.board.reboot.get()
    }

    /// Sleeps for at most `sleep` microseconds (`None`: for ever) unless events have happened already, then wakes the
    /// tasks whose events have happened.
    pub fn wait(&self, sleep: Option<u64>) {
        self.sockets.wakers.borrow_mut().wake_local();
        let sleep = if run::pending() { Some(0) } else { sleep };
        let mut watches = [Watch::default(); WATCHES];
        let count = self.sockets.wakers.borrow().watch(&mut watches);
        if shim::wait(&mut watches, count, sleep).is_ok() {
            let mut wakers = self.sockets.wakers.borrow_mut();
            watches.iter().take(count).filter(|watch| watch.ready != 0).for_each(|watch| wakers.wake_socket(watch));
        }
        self.sockets.wakers.borrow_mut().wake_local();
    }
}

impl Port for ZephyrPort {
    fn serial(&self) -> &dyn Serial {
        &ZephyrSerial
    }

    fn sockets(&self) -> &dyn Sockets {
        &self.sockets
    }

    fn jobs(&self) -> &dyn Jobs {
        &self.jobs
    }

    fn storage(&self) -> &dyn Storage {
        &ZephyrStorage
    }

    fn radio(&self) -> &dyn Radio {
        &self.radio
    }

    fn board(&self) -> &dyn Board {
        &self.board
    }

    #[cfg(CONFIG_OPENZENTRI_SHELL)]
    fn console(&self) -> &dyn Console {
        &board::ShellConsole
    }

    #[cfg(not(CONFIG_OPENZENTRI_SHELL))]
    fn console(&self) -> &dyn Console {
        &openzentri::port::NoConsole
    }

    #[cfg(CONFIG_OPENZENTRI_PINS)]
    fn pins(&self) -> &dyn openzentri::port::Pins {
        &pins::ZephyrPins
    }

    #[cfg(CONFIG_OPENZENTRI_CONVERTERS)]
    fn converters(&self) -> &dyn openzentri::port::Converters {
        &converters::ZephyrConverters
    }

    fn wake_when(&self, event: Event, waker: &Waker) {
        if let Event::Radio(interface) = event
            && radio::wake_when(&self.radio, interface, waker)
        {
            return;
        }
        self.sockets.wakers.borrow_mut().register(event, waker);
    }
}

/// Reports a part that does not work on the operator's console, if there is one.
fn report(part: &str, result: openzentri::port::Result<()>) {
    if let Err(error) = result {
        crate::console::line(format_args!("{part} not available: {error:?}"));
    }
}
