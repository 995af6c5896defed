//! Variables of WiConnect that later firmware no longer has (interface, variables 3): clients of that time read them.

use super::build::*;

const GONE: &str = "the service behind it is gone";

#[rustfmt::skip]
pub(super) const GHM: &[Variable] = &[
    var("ghm.token", "gh t", text(64), "").read_only()
        .differs(GONE, "Activation token of goHACK.me; always empty."),
];

#[rustfmt::skip]
pub(super) const OTA: &[Variable] = &[
    var("ota.host", "ot h", HOST, "").read_only()
        .differs(GONE, "Server of updates; always empty."),
    var("ota.port", "ot p", text(5), "").read_only()
        .differs(GONE, "Port of that server; always empty."),
];
