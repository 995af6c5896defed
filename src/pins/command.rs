//! `system.cmd.gpio`: low while a command of the host runs. The rising edge says that the answer has left.

use embassy_time::{Duration, Instant, Timer};

use super::room::Pins;

/// A host that looks at the pin now and then, or through a filter, must not miss a short command.
const LOW: Duration = Duration::from_millis(5);
/// How often the UART is asked whether it has sent everything.
const LOOK: Duration = Duration::from_millis(1);
/// A host that takes no answer does not keep the line for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command runs. When this is dropped, the pin is high.
#[must_use = "the command is over when this is dropped"]
pub struct CommandRuns<'a> {
    pins: &'a Pins,
    since: Instant,
}

impl Pins {
    /// A command of the host begins; `None` when no pin shows it.
    pub fn command_begins(&self) -> Option<CommandRuns<'_>> {
        self.command.pin()?;
        self.command.set(self.base.port, false);
        Some(CommandRuns { pins: self, since: Instant::now() })
    }
}

impl CommandRuns<'_> {
    /// The answer is written: waits until it has left, then ends.
    pub async fn answered(self) {
        Timer::at(self.since + LOW).await;
        let given_up = Instant::now() + PATIENCE;
        while !self.pins.base.port.serial().serial_sent() && Instant::now() < given_up {
            Timer::after(LOOK).await;
        }
    }
}

impl Drop for CommandRuns<'_> {
    fn drop(&mut self) {
        self.pins.command.set(self.pins.base.port, true);
    }
}
