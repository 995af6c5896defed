//! Sleep: the device has left its network and waits for what wakes it. Waking is like a reset, so what sleeps is a device
//! that is about to restart.

use embassy_futures::select::{select, select3};
use embassy_time::{Duration, Timer};

use crate::base::Base;
use crate::log::Level;
use crate::pins::Pins;
use crate::port::{Direction, Event, Pull, readable};
use crate::variable::{Id, id};

const SLEEP_AFTER: Id = id("system.gotosleep.timeout");
const EVENTS: Id = id("system.wakeup.events");
const TIMEOUT: Id = id("system.wakeup.timeout");

/// Bytes that come on the command UART within this time belong to the line that has sent the device to sleep.
const DEAF: Duration = Duration::from_millis(100);

/// Orders sleep once the device has run for `system.gotosleep.timeout` seconds; 0 never.
pub async fn go_to_sleep(base: &'static Base) {
    let seconds = base.variables.number(SLEEP_AFTER).max(0) as u64;
    if seconds != 0 {
        Timer::after_secs(seconds).await;
        base.restart.order_sleep(None);
    }
}

/// Waits for what wakes the device: the end of `limit` or, without one, of `system.wakeup.timeout`, an edge of a pin of
/// `system.wakeup.events`, or a byte at the command UART, which is kept for the next life.
pub async fn sleep(base: &'static Base, pins: &'static Pins, limit: Option<Duration>) {
    let wakers = watch_pins(base);
    // Earlier edges do not count.
    let _ = base.port.pins().pin_edges();
    let limit = limit.or_else(|| {
        let seconds = base.variables.number(TIMEOUT).max(0) as u64;
        (seconds != 0).then(|| Duration::from_secs(seconds))
    });
    let over = async {
        match limit {
            Some(limit) => Timer::after(limit).await,
            None => core::future::pending().await,
        }
    };
    let called = async {
        select(ignore_line(base), Timer::after(DEAF)).await;
        readable(base.port, Event::SerialReadable).await;
    };
    select3(over, pins.any_edge(wakers), called).await;
}

/// Drops received bytes, for ever.
async fn ignore_line(base: &Base) {
    let mut bytes = [0; 32];
    loop {
        while base.port.serial().serial_read(&mut bytes).is_ok_and(|count| count > 0) {}
        readable(base.port, Event::SerialReadable).await;
    }
}

/// Watches the pins that wake the device; bit `n` is pin `n`. A pin that is no input yet becomes one.
fn watch_pins(base: &Base) -> u64 {
    let pins = base.port.pins();
    let mut watched = 0;
    base.variables.with(EVENTS, |events| {
        for event in events.split(|byte| *byte == b',') {
            let Some(pin) = event.strip_prefix(b"gpio").and_then(|number| base.variables.gpio(number)) else {
                continue;
            };
            let ready = match pins.pin_watch(pin, true) {
                Err(_) => pins.pin_direction(pin, Direction::Input(Pull::Up)).and_then(|()| pins.pin_watch(pin, true)),
                watched => watched,
            };
            match ready {
                Ok(()) => watched |= 1 << pin,
                Err(error) => {
                    base.log.line(Level::Failure, format_args!("GPIO {pin} not available: it wakes nothing ({error})"));
                }
            }
        }
    });
    watched
}
