//! What this build can do besides the core of the device: the command language, variables, files, streams of TCP and
//! UDP, the REST API and pages.
//!
//! A feature is there when its Cargo feature is, and on Zephyr only when its Kconfig option is set as well
//! (`CONFIG_OPENZENTRI_…`; the profiles `full` and `small` are sets of them). All code is always compiled, so that
//! every combination compiles: code behind a constant that is `false` is left out of the image. A missing feature
//! answers like something that the device does not have: a command with `Command failed`, a path like that of a file.

include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// Whether Kconfig, where there is one, has set an option.
const fn set(name: &str) -> bool {
    let Some(options) = OPTIONS else { return true };
    let mut row = 0;
    while row < options.len() {
        if same(options[row], name) {
            return true;
        }
        row += 1;
    }
    false
}

/// Chooses by type between what this build has and what it lacks. An `if` around an `await` is not enough: the future
/// keeps room for everything that it could ever wait for, and the code of it.
pub(crate) struct Built<const IS: bool>;

/// What [`Built`] can do.
pub(crate) trait Gate {
    /// Gives `context` to the asynchronous function `there`, or to `absent` when this build does not have it.
    async fn run<C, F: Future>(
        context: C,
        there: impl FnOnce(C) -> F,
        absent: impl FnOnce(C) -> F::Output,
    ) -> F::Output;
}

impl Gate for Built<true> {
    async fn run<C, F: Future>(context: C, there: impl FnOnce(C) -> F, _: impl FnOnce(C) -> F::Output) -> F::Output {
        there(context).await
    }
}

impl Gate for Built<false> {
    async fn run<C, F: Future>(context: C, _: impl FnOnce(C) -> F, absent: impl FnOnce(C) -> F::Output) -> F::Output {
        absent(context)
    }
}

/// Compares two names in a constant context.
pub(crate) const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Clients that open by themselves: `tcp.client.auto_start`, `udp.client.auto_start`, `ioconn.*` (`auto_connect`,
/// `CONFIG_OPENZENTRI_AUTO_CONNECT`).
pub const AUTO_CONNECT: bool = cfg!(feature = "auto_connect") && set("AUTO_CONNECT");
/// Announcements: `broadcast.*` (`broadcast`, `CONFIG_OPENZENTRI_BROADCAST`). Those over HTTP need [`HTTP_CLIENT`], too.
pub const BROADCAST: bool = cfg!(feature = "broadcast") && set("BROADCAST");
/// The web console in the image, at `/.console/` (`console`, `CONFIG_OPENZENTRI_CONSOLE`). Without it the console may lie in
/// files (`zephyr/put_console.py`).
pub const CONSOLE: bool = cfg!(feature = "console") && set("CONSOLE");
/// The description of the API at `/openapi.json` (`openapi`, `CONFIG_OPENZENTRI_OPENAPI`).
pub const OPENAPI: bool = cfg!(feature = "openapi") && set("OPENAPI");
/// Counters and gauges at `/metrics` (`metrics`, `CONFIG_OPENZENTRI_METRICS`).
pub const METRICS: bool = cfg!(feature = "metrics") && set("METRICS");
/// API tokens (`tokens`, `CONFIG_OPENZENTRI_TOKENS`).
pub const TOKENS: bool = cfg!(feature = "tokens") && set("TOKENS");
/// The commands `http_…` (`http_client`, `CONFIG_OPENZENTRI_HTTP_CLIENT`).
pub const HTTP_CLIENT: bool = cfg!(feature = "http_client") && set("HTTP_CLIENT");
/// Names and services of the local network: mDNS, LLMNR, NetBIOS (`discovery`, `CONFIG_OPENZENTRI_DISCOVERY`).
pub const DISCOVERY: bool = cfg!(feature = "discovery") && set("DISCOVERY");
/// The clock is set by time servers (`ntp`, `CONFIG_OPENZENTRI_NTP`).
pub const NTP: bool = cfg!(feature = "ntp") && set("NTP");
/// The commands `adc_take_sample`, `dac_set_level`, `pwm_update` (`converters`, `CONFIG_OPENZENTRI_CONVERTERS`). The port must
/// have some, too.
pub const CONVERTERS: bool = cfg!(feature = "converters") && set("CONVERTERS");
/// Streams of SPI and I2C (`bus_masters`, `CONFIG_OPENZENTRI_BUS_MASTERS`). The port must have such buses, too.
pub const BUS_MASTERS: bool = cfg!(feature = "bus_masters") && set("BUS_MASTERS");
/// The command `smtp_send` (`smtp`, `CONFIG_OPENZENTRI_SMTP`).
pub const SMTP: bool = cfg!(feature = "smtp") && set("SMTP");
/// Command mode over TCP (`remote_terminal`, `CONFIG_OPENZENTRI_REMOTE_TERMINAL`).
pub const REMOTE_TERMINAL: bool = cfg!(feature = "remote_terminal") && set("REMOTE_TERMINAL");
/// Stream mode: `bus.mode stream` (`stream_mode`, `CONFIG_OPENZENTRI_STREAM_MODE`).
pub const STREAM_MODE: bool = cfg!(feature = "stream_mode") && set("STREAM_MODE");
/// The structured protocol (`structured`, `CONFIG_OPENZENTRI_STRUCTURED`).
pub const STRUCTURED: bool = cfg!(feature = "structured") && set("STRUCTURED");
/// TLS: `tls_client`, `tls_server`, `https` (`tls`, `CONFIG_OPENZENTRI_TLS`). The port must have it, too.
pub const TLS: bool = cfg!(feature = "tls") && set("TLS");
/// What `help <command>` says beyond usage: parameters, options, answer, example (`manual`, `CONFIG_OPENZENTRI_MANUAL`).
pub const MANUAL: bool = cfg!(feature = "manual") && set("MANUAL");
/// The command `websocket_client` (`websocket_client`, `CONFIG_OPENZENTRI_WEBSOCKET_CLIENT`). It is a part of the HTTP client.
pub const WEBSOCKET_CLIENT: bool = HTTP_CLIENT && cfg!(feature = "websocket_client") && set("WEBSOCKET_CLIENT");
/// What a person at a terminal has beyond the plain editor: keys, search, completion of arguments, a line that is drawn
/// again (`line_editor`). No board sees a terminal, so this is for processes and not part of `full`.
pub const LINE_EDITOR: bool = cfg!(feature = "line_editor");
/// The WebSocket server at `/stream` (`websocket`, `CONFIG_OPENZENTRI_WEBSOCKET`).
pub const WEBSOCKET: bool = cfg!(feature = "websocket") && set("WEBSOCKET");
