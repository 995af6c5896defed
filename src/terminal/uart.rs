//! The settings of the command UART: `uart.*`, `uart_update` (interface, serial 1).

use embassy_time::{Duration, Instant, Timer};

use crate::base::Base;
use crate::log::Level;
use crate::port::{Parity, UartSettings};
use crate::variable::{Id, id};

const BAUD: Id = id("uart.baud");
const DATA: Id = id("uart.data");
const FLOW: Id = id("uart.flow");
const PARITY: Id = id("uart.parity");
const STOP: Id = id("uart.stop");
const DATA_BUS: Id = id("bus.data_bus");

/// How long the answer to `uart_update` may take to reach the UART.
const ANSWER: Duration = Duration::from_millis(50);
/// How often the UART is asked whether it has sent everything, and for how long.
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(2);

/// What the variables say about the UART of `bus.data_bus`.
fn settings(base: &Base) -> UartSettings {
    let variables = &base.variables;
    let uart = variables.with(DATA_BUS, |bus| u8::from(bus == b"uart1"));
    let number = |id| {
        let value = variables.at(id, uart);
        core::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let parity = match &*variables.at(PARITY, uart) {
        b"odd" => Parity::Odd,
        b"even" => Parity::Even,
        _ => Parity::None,
    };
    let (data, stop) = (number(DATA) as u8, number(STOP) as u8);
    UartSettings { baud: number(BAUD), data, parity, stop, flow: number(FLOW) == 1 }
}

/// Sets the UART up as the variables say. A line that is no UART, or a UART that cannot do it, keeps its settings; the
/// log says so when the owner wants other settings than every UART has.
fn apply(base: &Base) {
    let settings = settings(base);
    if let Err(error) = base.port.serial().serial_configure(&settings)
        && settings != UartSettings::default()
    {
        base.log.line(Level::Failure, format_args!("UART settings not changed ({error})"));
    }
}

/// Keeps the settings of the command UART, for ever: one task. `uart_update` acts when its answer has left.
pub async fn keep(base: &'static Base) {
    apply(base);
    loop {
        base.status.uart_update.wait().await;
        Timer::after(ANSWER).await;
        let given_up = Instant::now() + PATIENCE;
        while !base.port.serial().serial_sent() && Instant::now() < given_up {
            Timer::after(LOOK).await;
        }
        apply(base);
    }
}
