//! The ground: what every room of a device stands on, and nothing of what it does.
//!
//! | file | what |
//! |---|---|
//! | `clock` | uptime and wall clock |
//! | `log` | the event log |
//! | `status` | live values that upper rooms publish and read-only variables show |
//! | `restart` | whether a restart was ordered, and who waits for it |
//! | `flash` | whose turn it is to do slow work on flash |
//! | `pin_uses` | who has which pin |
//! | `scratch` | bytes for a moment's work, of which there is one piece for all |
//! | `revocations` | how often an API token was revoked, and who waits for it |
//!
//! The port handle stands beside them in [`Ground`]. Variables are a room above: see [`crate::variable::Base`].

pub mod clock;
mod flash;
pub mod log;
mod pin_uses;
mod restart;
mod revocations;
mod scratch;
mod status;

pub use flash::{Flash, FlashTurn};
pub use pin_uses::{PinUse, PinUses};
pub use restart::Restart;
pub use revocations::Revocations;
pub use scratch::Scratch;
pub use status::{Buffers, Bus, Clients, Status};

use clock::Clock;
use log::Log;

use crate::place::place_const;
use crate::port::Port;

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
    /// The ground of a device that starts now on `port`.
    pub fn new(port: &'static dyn Port) -> Self {
        Self {
            port,
            clock: Clock::new(port.board().wall_clock()),
            log: place_const!(Log, Log::new()),
            flash: Flash::new(port),
            pin_uses: PinUses::default(),
            scratch: place_const!(Scratch, Scratch::new()),
            status: Status::default(),
            restart: Restart::new(),
            revocations: Revocations::new(),
        }
    }
}
