//! `setup.*`, `stream.*` and `dms.*` (interface, variables/README, http 6.4).

use super::build::*;
use Effect::{Boot, Setup};

#[rustfmt::skip]
pub(super) const DMS: &[Variable] = &[
    var("dms.bundle_id", "", text(64), "").read_only()
        .differs("always empty: there are no bundles; system.version says what runs", "Firmware bundle of updates."),
];

#[rustfmt::skip]
pub(super) const SETUP: &[Variable] = &[
    var("setup.auto.cmd", "se a c", text(128), "").at(Boot).guarded()
        .done("Command to run at boot while wlan.ssid is empty."),
    var("setup.gpio.cmd", "se g c", text(128), "setup web").guarded()
        .done("Command of the control GPIO."),
    var("setup.gpio.control_gpio", "se g g", ValueKind::Gpio, "-1").at(Boot)
        .done("GPIO that runs the command when held for 3 s at reset."),
    var("setup.gpio.level", "", number(0, 1), "1").at(Boot)
        .done("Active level of that GPIO."),
    var("setup.gpio.mode", "", text(16), "").at(Boot)
        .differs("stored; its values are not known: the button must be held", "How the GPIO triggers."),
    var("setup.web.captive_portal_enabled", "", ValueKind::Bool, "1").at(Setup)
        .differs("1 by default, so that a phone shows the page by itself", "Redirect the connectivity checks of phones to the setup page."),
    var("setup.web.channel", "", number(0, 13), "0").at(Setup)
        .done("Radio channel during web setup; 0 is automatic."),
    report("setup.web.client_list", "")
        .done("Connected stations during web setup."),
    var("setup.web.idle_timeout", "se w i", number(0, 65535), "300").at(Setup)
        .done("Seconds without a client after which web setup ends; 0 never."),
    var("setup.web.passkey", "se w p", ValueKind::Text { min: 8, max: 32, optional: true }, "").at(Setup)
        .secret(Secret::Always)
        .done("Passphrase during web setup; empty takes the device's own."),
    var("setup.web.root_filename", "se w r", FILE, "webapp/index.html").at(Setup)
        .done("Page of the path / during web setup."),
    var("setup.web.ssid", "se w s", ValueKind::Bytes(32), "ZentriOS-#").at(Setup)
        .done("Network name during web setup; # stands for the end of the MAC."),
    var("setup.web.url", "se w u", text(128), "setup.com").at(Setup)
        .done("Names that lead to the setup page."),
    var("setup.web.verify_credentials", "", ValueKind::Bool, "0").at(Setup)
        .differs("the page tries a network before it changes anything, regardless of this value", "Try the entered network before leaving web setup."),
];

#[rustfmt::skip]
pub(super) const STREAM: &[Variable] = &[
    var("stream.auto_close", "st a", ValueKind::Bool, "1")
        .done("Free a stream's handle as soon as its peer has closed and its data is read."),
];
