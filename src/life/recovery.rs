//! What a device in safe mode does by itself while nobody comes to help.

use embassy_time::{Duration, Timer};

use super::faults::{Faults, Mode};
use crate::base::Base;
use crate::log::Level;
use crate::variable::{Id, id};

const CONSOLE_TIMEOUT: Id = id("system.safemode.console_timeout");
const SLEEP_TIMEOUT: Id = id("system.safemode.sleep_timeout");

/// Clears the faults and restarts when nobody has given a command for `system.safemode.console_timeout` seconds; before
/// that the device sleeps for `system.safemode.sleep_timeout`. How often it does so is limited: see [`Mode::Serial`].
/// `commands` returns how many commands there were so far.
pub async fn recover(base: &'static Base, faults: &'static Faults, commands: impl Fn() -> u32) {
    let seconds = |id| base.variables.number(id).max(0) as u64;
    let patience = seconds(CONSOLE_TIMEOUT);
    if faults.mode() != Mode::Safe || patience == 0 {
        return;
    }
    loop {
        let seen = commands();
        Timer::after_secs(patience).await;
        if commands() == seen {
            break;
        }
    }
    if !faults.recover().await {
        return;
    }
    base.log.line(Level::Failure, format_args!("Nobody has come: faults cleared"));
    match seconds(SLEEP_TIMEOUT) {
        0 => base.restart.order(),
        sleep => base.restart.order_sleep(Some(Duration::from_secs(sleep))),
    }
}
