//! The ground: the base of every room of a device, without any of the device's functions.
//!
//! | file | what |
//! |---|---|
//! | `clock` | uptime and wall clock |
//! | `log` | the event log |
//! | `status` | live values that upper rooms publish and read-only variables show |
//! | `restart` | whether a restart was ordered, and the tasks that wait for it |
//! | `bus` | the turns on SPI and I2C |
//! | `flash` | the turns for slow work on flash |
//! | `pin_uses` | the current use of each pin |
//! | `scratch` | one shared buffer for short work |
//! | `revocations` | how often an API token was revoked, and the tasks that wait for it |
//!
//! The port handle stands beside them in [`Ground`]. Variables are a room above: see [`crate::variable::Base`].

mod bus;
pub mod clock;
mod flash;
pub mod log;
mod pin_uses;
mod restart;
mod revocations;
mod scratch;
mod status;

pub use bus::{Buses, Select};
pub use flash::{Flash, FlashTurn};
pub use pin_uses::{PinUse, PinUses};
pub use restart::Restart;
pub use revocations::Revocations;
pub use scratch::Scratch;
pub use status::{Buffers, Bus, Clients, Status};

use clock::Clock;
use log::Log;

use crate::place::place_const;
use crate::port::{Direction, Port};

/// Port, clock, event log and live status of one device.
pub struct Ground {
    /// The port on which the device runs.
    pub port: &'static dyn Port,
    /// Wall clock and uptime.
    pub clock: Clock,
    /// The event log.
    pub log: &'static Log,
    /// Slow work on flash.
    pub flash: Flash,
    /// Transfers on SPI and I2C.
    pub bus: Buses,
    /// The current use of each pin.
    pub pin_uses: PinUses,
    /// The shared buffer for short work.
    pub scratch: &'static Scratch,
    /// What upper rooms report for read-only variables.
    pub status: Status,
    /// A restart that was ordered; the device carries it out once the answer was sent.
    pub restart: Restart,
    /// API tokens that were revoked.
    pub revocations: Revocations,
}

impl Ground {
    /// Frees a pin that has selected a device on SPI.
    pub fn release_select(&self, select: Select) {
        self.pin_uses.set(select.pin(), PinUse::Free);
        // Releasing a pin that was an output cannot fail.
        let _ = self.port.pins().pin_direction(select.pin(), Direction::Released);
    }

    /// The ground of a device that starts now on `port`.
    pub fn new(port: &'static dyn Port) -> Self {
        let scratch = place_const!(Scratch, Scratch::new());
        Self {
            port,
            bus: Buses::new(port, scratch),
            clock: Clock::new(port.board().wall_clock()),
            log: place_const!(Log, Log::new()),
            flash: Flash::new(port),
            pin_uses: PinUses::default(),
            scratch,
            status: Status::default(),
            restart: Restart::new(),
            revocations: Revocations::new(),
        }
    }
}
