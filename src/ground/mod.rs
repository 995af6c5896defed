//! The ground: what every room of a device stands on, and nothing of what it does.
//!
//! | file | what |
//! |---|---|
//! | `clock` | uptime and wall clock |
//! | `log` | the event log |
//! | `status` | live values that upper rooms publish and read-only variables show |
//! | `restart` | whether a restart was ordered, and who waits for it |
//! | `bus` | whose turn it is on SPI and I2C |
//! | `flash` | whose turn it is to do slow work on flash |
//! | `pin_uses` | who has which pin |
//! | `scratch` | bytes for a moment's work, of which there is one piece for all |
//! | `revocations` | how often an API token was revoked, and who waits for it |
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
    /// Where the device runs.
    pub port: &'static dyn Port,
    /// Wall clock and uptime.
    pub clock: Clock,
    /// The event log.
    pub log: &'static Log,
    /// Slow work on flash.
    pub flash: Flash,
    /// Transfers on SPI and I2C.
    pub bus: Buses,
    /// Who has which pin.
    pub pin_uses: PinUses,
    /// Bytes for a moment's work.
    pub scratch: &'static Scratch,
    /// What upper rooms report for read-only variables.
    pub status: Status,
    /// A restart that was ordered; the device carries it out when the answer is on its way.
    pub restart: Restart,
    /// API tokens that were revoked.
    pub revocations: Revocations,
}

impl Ground {
    /// A pin selects a device on SPI no more.
    pub fn release_select(&self, select: Select) {
        self.pin_uses.set(select.pin(), PinUse::Free);
        // What was an output can be let go.
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
