//! `bus.*`, `gpio.*`, `spi.*`, `uart.*` (interface, variables/README, serial 1, 7).

use super::build::*;
use Effect::{Boot, Now, Uart};

const UARTS: ValueKind = ValueKind::Choice(&["uart0", "uart1"]);
const SLEEP_STATES: ValueKind =
    ValueKind::Choice(&["default", "input_highz", "input_pull_up", "input_pull_down", "output_low", "output_high"]);

/// An indexed variable of the two UARTs.
const fn each_uart(kind: &'static ValueKind) -> ValueKind {
    ValueKind::Indexed(Index::Number(2), kind)
}

/// An indexed variable of the GPIOs.
const fn each_gpio(kind: &'static ValueKind) -> ValueKind {
    ValueKind::Indexed(Index::Gpio, kind)
}

#[rustfmt::skip]
pub(super) const BUS: &[Variable] = &[
    // `bu c t` is the transmit buffer on Gecko OS 2 and the read timeout on 4: here it is the one that has an effect.
    var("bus.command.read_timeout", "bu c t", number(0, 65535), "100").at(Now)
        .differs(
            "acts under system.compatibility gecko_os; as ZentriOS, stream_read answers what is there and never waits",
            "Milliseconds that stream_read waits for missing bytes.",
        ),
    var("bus.command.rx_bufsize", "bu c r", number(256, 10_000), "4096").at(Boot)
        .differs(
            "the part of the build's buffer (4096, CONFIG_OPENZENTRI_SERIAL_RX) for bytes that wait for a connection in stream mode",
            "Bytes of the receive buffer.",
        ),
    var("bus.command.tx_bufsize", "", number(256, 10_000), "256").at(Boot)
        .differs("answers are sent from the buffer in which they are made", "Bytes of the transmit buffer in command mode."),
    var("bus.command.write_check_enabled", "bu c c", ValueKind::Bool, "0")
        .done("Check for room before a write takes its data."),
    var("bus.command.write_timeout", "bu c w", number(0, 65535), "25000")
        .done("Milliseconds a write waits for its data bytes, and for room."),
    var("bus.data_bus", "bu d", UARTS, "uart0").at(Boot)
        .differs(
            "chooses which uart.* apply; the devicetree (zentri,command-uart) or --serial on Linux says which UART it is",
            "UART of commands and data.",
        ),
    var("bus.log_bus", "bu l", UARTS, "uart0").at(Boot)
        .differs(
            "a value other than bus.data_bus keeps log lines off the command UART; they are in GET /log and in Zephyr's log",
            "UART of log lines.",
        ),
    var("bus.mode", "bu m", ValueKind::Choice(&["command", "stream"]), "command").at(Boot).backup()
        .done("Mode of the data bus at boot."),
    var("bus.stream.cmd_gpio", "bu s g", ValueKind::Gpio, "-1").at(Boot)
        .done("GPIO: high is command mode, low stream mode."),
    var("bus.stream.cmd_seq", "bu s s", text(15), "$$$").at(Boot)
        .done("Text that breaks out to command mode; empty is off."),
    var("bus.stream.flush_count", "bu s c", ValueKind::OffOr { min: 16, max: 10_000 }, "0").at(Boot)
        .done("Send when this many bytes wait; 0 is off."),
    var("bus.stream.flush_reset", "bu s r", ValueKind::Bool, "1").at(Boot)
        .done("Restart the flush timer with every byte."),
    var("bus.stream.flush_time", "bu s t", number(0, 65535), "10").at(Boot)
        .done("Milliseconds after which waiting bytes are sent."),
];

#[rustfmt::skip]
pub(super) const GPIO: &[Variable] = &[
    var("gpio.alias", "gp a", each_gpio(&text(15)), "")
        .done("Name to use in place of a GPIO's number."),
    var("gpio.init", "gp i", each_gpio(&ValueKind::Direction), "none").at(Boot)
        .done("Direction and level of a GPIO at boot."),
    live("gpio.level", "")
        .extension("levels of pins in use", "Levels of the GPIOs that are inputs or outputs now."),
    var("gpio.sleep", "gp s", each_gpio(&SLEEP_STATES), "default")
        .done("State of a GPIO during sleep."),
    report("gpio.usage", "gp u")
        .done("What each GPIO is used for."),
];

#[rustfmt::skip]
pub(super) const SPI: &[Variable] = &[
    var("spi.master.active_gpio", "", ValueKind::Gpio, "-1")
        .done("Chip select of the SPI master."),
    var("spi.master.active_level", "", number(0, 1), "0")
        .done("Active level of the chip select."),
];

#[rustfmt::skip]
pub(super) const UART: &[Variable] = &[
    var("uart.baud", "ua b", each_uart(&ValueKind::Baud), "115200").at(Uart).backup()
        .done("Speed of a UART."),
    var("uart.data", "ua d", each_uart(&number(5, 9)), "8").at(Uart).backup()
        .differs("9 if the driver can do it; a Linux terminal has 5 to 8", "Data bits of a UART."),
    var("uart.flow", "ua f", each_uart(&ValueKind::Bool), "0").at(Uart).backup()
        .done("RTS/CTS flow control of a UART."),
    var("uart.parity", "ua p", each_uart(&ValueKind::Choice(&["none", "odd", "even"])), "none").at(Uart).backup()
        .done("Parity of a UART."),
    var("uart.stop", "ua s", each_uart(&number(1, 2)), "1").at(Uart).backup()
        .done("Stop bits of a UART."),
];
