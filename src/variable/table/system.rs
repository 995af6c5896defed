//! `system.*` (interface, variables/README, serial 3, 5, 11).

use super::build::*;
use Effect::Boot;

const MODES: ValueKind = ValueKind::Choice(&["human", "machine"]);
const INDICATORS: Index = Index::Word(&INDICATED);
const INDICATED: &[&str] = &["wlan", "network", "softap"];
const OWN_EVENTS: &str = "the names of the events and of all tags but @t are not known: those are ours";
const ANY_LOCK: &str = "the original marks some variables as lockable, of which uart.* are known; here any can be locked except the lock itself";
const RECOVERY: &str = "only the names are known; the device tries no update and no factory reset by itself";
const ACTIVITIES: ValueKind =
    ValueKind::Fields(&["none", "softap_rx", "softap_tx", "wlan_rx", "wlan_tx", "uart*_rx", "uart*_tx"]);
const EVENTS: Index = Index::Word(&EVENT_NAMES);
const EVENT_NAMES: &[&str] = &[
    "initialized",
    "stream_opened",
    "stream_closed",
    "stream_failed",
    "wlan_joined",
    "wlan_leave",
    "softap_joined",
    "softap_leave",
    "sleep",
    "wake",
    "safemode",
    "stream_mode",
    "command_mode",
];
const PATTERNS: &str = "static_off|fast_blink|medium_blink|static_on\n\
                        static_off|fast_blink|slow_blink\n\
                        static_off|fast_blink|slow_blink|static_on";

#[rustfmt::skip]
pub(super) const ROWS: &[Variable] = &[
    var("system.activity.gpio", "sy a g", ValueKind::Indexed(Index::GpioOrAll, &ACTIVITIES), "none").at(Boot)
        .differs("traffic is what sockets and the command UART move; up to four GPIOs pulse", "Traffic that a GPIO pulses on."),
    var("system.activity.gpio_level", "sy a l", number(0, 1), "1").at(Boot)
        .done("Active level of those GPIOs."),
    var("system.adc.vref", "sy a v", number(0, 65535), "3300")
        .done("Reference of the ADC and the DAC in millivolts."),
    var("system.bflash.cs_gpio", "", ValueKind::Gpio, "-1").at(Boot)
        .differs("the devicetree of a board says how external flash is wired", "Chip select of external flash."),
    live("system.build_number", "sy n")
        .done("Build id, seven hexadecimal digits."),
    var("system.cmd.aux_bus", "", text(16), "").at(Boot)
        .differs("a device has one command UART; the remote terminal, HTTP and the shell take commands beside it", "A further command bus."),
    var("system.cmd.buffered", "sy c b", ValueKind::Bool, "0").backup()
        .done("Long answers go into a stream."),
    var("system.cmd.echo", "sy c e", ValueKind::Bool, "1").backup()
        .done("Echo typed characters."),
    var("system.cmd.format", "sy c f", MODES, "").computed()
        .done("As system.cmd.mode."),
    var("system.cmd.gpio", "sy c g", ValueKind::Gpio, "-1").at(Boot)
        .done("GPIO that is low while a command runs; its rising edge says that the answer is complete."),
    var("system.cmd.header_enabled", "sy c h", ValueKind::Bool, "0").backup()
        .done("Put a header before each answer."),
    var("system.cmd.mode", "sy c m", MODES, "").computed()
        .done("Sets echo, header, prompt and print level for a human or a machine."),
    var("system.cmd.prompt_enabled", "sy c p", ValueKind::Bool, "1").backup()
        .done("Print the prompt when ready."),
    var("system.cmd.timestamp", "sy c t", ValueKind::Choice(&["none", "log", "all"]), "log")
        .differs("all acts as log", "Where time stamps are printed."),
    var("system.compatibility", "", ValueKind::Choice(&["zentrios", "gecko_os"]), "zentrios")
        .extension("compatibility", "Form of the version text, ls -v and command options."),
    var("system.factory_reset.aux_gpio", "", ValueKind::Gpio, "-1").at(Boot)
        .done("GPIO that must be held together with system.factory_reset.gpio; -1 none."),
    var("system.factory_reset.aux_level", "", number(0, 1), "1").at(Boot)
        .done("Active level of that GPIO."),
    var("system.factory_reset.gpio", "", ValueKind::Gpio, "-1").at(Boot).guarded()
        .extension("factory reset by a pin", "GPIO that erases the settings when it is held from the reset on for 5 s."),
    var("system.factory_reset.level", "", number(0, 1), "1").at(Boot).guarded()
        .extension("factory reset by a pin", "Active level of that GPIO."),
    var("system.gotosleep.timeout", "sy g t", number(0, 4_294_967_295), "0").at(Boot)
        .done("Seconds after which the device goes to sleep; 0 never."),
    var("system.indicator.gpio", "sy i g", ValueKind::Indexed(INDICATORS, &ValueKind::Gpio), "-1")
        .done("GPIO of an indicator LED."),
    var("system.indicator.state", "sy i s", ValueKind::Indexed(INDICATORS, &ValueKind::Patterns(&[4, 3, 4])), PATTERNS)
        .done("LED patterns of the states of an indicator."),
    live("system.memory.usage", "sy e u")
        .done("Memory in use in percent."),
    var("system.msg", "", ValueKind::Indexed(EVENTS, &ValueKind::Template(31)), "")
        .differs(OWN_EVENTS, "Text of an event message; empty is the built-in one. @t is the time, @h the handle of a stream, @m the MAC of a station."),
    var("system.oob.edge", "sy o r", ValueKind::Mask(u32::MAX), "0x0").at(Boot)
        .done("Events that stay until system.oob.status is read; others last as long as their condition."),
    var("system.oob.events", "sy o e", ValueKind::Mask(u32::MAX), "0x0").at(Boot)
        .done("Events to signal: 1 ioconn, 2 WLAN, 4 client of a TCP server, 8 its data, 0x10 data of a UDP server, 0x20 of a TCP client, 0x40 of a UDP client."),
    var("system.oob.gpio", "sy o g", ValueKind::Gpio, "-1").at(Boot)
        .done("GPIO that signals events."),
    var("system.oob.level", "sy o l", number(0, 1), "1").at(Boot)
        .done("Level of that GPIO while there is an event."),
    live("system.oob.status", "sy o s")
        .done("Present events, as in system.oob.events; reading clears those of system.oob.edge."),
    var("system.powersave.mode", "sy p m", ValueKind::Bool, "1")
        .differs("an idle processor always sleeps, also with 0", "Let the processor sleep when idle."),
    var("system.print_level", "sy p", ValueKind::Choice(&["0", "1", "2", "3", "4", "5", "all"]), "all").backup()
        .done("How much of the log is printed."),
    var("system.safemode.console_timeout", "", number(0, 65535), "0").at(Boot)
        .differs(RECOVERY, "Seconds without a command after which a device in safe mode clears its faults and restarts; 0 never."),
    var("system.safemode.disabled", "", ValueKind::Bool, "0").at(Boot)
        .done("Never enter safe mode."),
    var("system.safemode.sleep_timeout", "", number(0, 65535), "0").at(Boot)
        .differs(RECOVERY, "Seconds of sleep before that restart."),
    live("system.safemode.status", "sy s s")
        .done("1 in safe mode."),
    var("system.security_key", "", text(64), "").write_only().guarded()
        .differs("kept and never shown, but nothing is encrypted with it: what it encrypts in the original is not known", "Key of the device's own encryption."),
    live("system.uuid", "sy u")
        .done("Unique id of the device."),
    var("system.variable_lock", "", ValueKind::Names, "").guarded()
        .differs(ANY_LOCK, "Variables or groups that cannot be set and that a factory reset keeps."),
    live("system.version", "sy v")
        .done("Version of the firmware."),
    var("system.wakeup.events", "sy w e", ValueKind::Fields(&["none", "gpio*"]), "none").at(Boot)
        .done("GPIOs whose edges wake the device: gpio22,gpio23."),
    var("system.wakeup.timeout", "sy w t", number(0, 4_294_967_295), "0").at(Boot)
        .done("Seconds of sleep; 0 for ever."),
];
