//! The table of all commands: the parser, `help`, completion, the Zephyr shell and the documents read it.

use super::call::{Call, Step};
use super::response::CommandError;
use super::{files, help, http, network, scope, sockets, streams, system, tokens, variables, wlan};
use crate::access::scope::Scope;
use crate::conformance::Conformance::{self, Differs, Done, Extension, NotYet};
use crate::log::Level;

/// One row of the table: everything there is to know about a command.
pub struct Command {
    /// The full name.
    pub name: &'static str,
    /// The fixed short name; the full one when there is no other.
    pub abbr: &'static str,
    /// Its arguments.
    pub synopsis: &'static str,
    /// One sentence for `help` and the documents.
    pub summary: &'static str,
    /// What an API token must allow for it (`scope.rs`); see also [`super::scope_of`].
    pub scope: Scope,
    /// How far it is built.
    pub status: Conformance,
    /// Reads the arguments and does the work, or says what is to be waited for.
    pub(super) run: fn(&mut Call<'_>) -> Result<Step, CommandError>,
}

/// Finds a command by its full or short name; there is no prefix matching, but `http_read` and `setup_web` stand for
/// `http_read_status` and `setup` (HTTP reference 7, commands reference 2).
pub fn find(name: &[u8]) -> Option<&'static Command> {
    let name: &[u8] = match name {
        b"http_read" => b"http_read_status",
        b"setup_web" => b"setup",
        b"file_list" => b"ls",
        name => name,
    };
    COMMANDS.iter().find(|command| command.abbr.as_bytes() == name || command.name.as_bytes() == name)
}

/// What a command that is not built yet answers.
pub(super) fn unavailable(call: &mut Call<'_>) -> Result<Step, CommandError> {
    let name = call.line.get(0).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default();
    call.machine.base.log.line(Level::Failure, format_args!("{name} is not available in this build"));
    Err(CommandError::Failed)
}

macro_rules! commands {
    ($($name:literal $abbr:literal $synopsis:literal $summary:literal, $status:expr, $run:path;)*) => {
        /// Every command, sorted by name.
        pub static COMMANDS: &[Command] = &[$(Command {
            name: $name,
            abbr: $abbr,
            synopsis: concat!($name, " ", $synopsis),
            summary: $summary,
            scope: scope::of($name),
            status: $status,
            run: $run,
        }),*];
    };
}

const LATER_PINS: Conformance = NotYet("pins and converters");
const NO_HTTPS: Conformance = Differs("http only: there is no TLS yet");
const LATER_TLS: Conformance = NotYet("TLS");
const LATER_WLAN: Conformance = NotYet("the Wi-Fi commands");
const LATER_FAULTS: Conformance = NotYet("safe mode and the fault record");

commands! {
    "adc_take_sample" "adc" "<gpio>" "Sample an ADC pin", LATER_PINS, unavailable;
    "dac_set_level" "dac" "<gpio> <level>" "Set a DAC output", LATER_PINS, unavailable;
    "factory_reset" "fac" "<MAC>" "Erase the configuration and restart; the device's own MAC is the guard", Done, system::factory_reset;
    "faults_print" "faup" "" "Print the stored faults", LATER_FAULTS, unavailable;
    "faults_reset" "faur" "" "Clear the stored faults", LATER_FAULTS, unavailable;
    "file_create" "fcr" "[-[e][u][r]] [-o] <name> <size> [<version> [<type> [<crc>]]]" "Create a file from the data that follow, or as a stream", Done, files::create;
    "file_delete" "fde" "<name>" "Delete a file", Done, files::delete;
    "file_open" "fop" "<name>" "Open a file for reading", Done, files::open;
    "file_stat" "fst" "[-v] <name>" "Print what is known of a file", Differs("the original's output is not known; one name: value line for each attribute"), files::stat;
    "force_safemode" "force_safemode" "<MAC>" "Enter safe mode for a test", LATER_FAULTS, unavailable;
    "format_flash" "format" "<extended|bulk> <MAC>" "Erase all files; the device's own MAC is the guard", Done, files::format;
    "get" "get" "<variable>|<group>|all" "Read a variable, a group or all", Done, variables::get;
    "gpio_dir" "gdi" "<gpio> <direction>" "Set the direction of a pin, or release it", LATER_PINS, unavailable;
    "gpio_get" "gge" "<gpio>" "Read a pin", LATER_PINS, unavailable;
    "gpio_set" "gse" "<gpio> <0|1>" "Drive a pin", LATER_PINS, unavailable;
    "gpios_dir" "gdis" "<directions>" "Set several directions", LATER_PINS, unavailable;
    "gpios_get" "gges" "" "Read all pins", LATER_PINS, unavailable;
    "gpios_set" "gses" "<levels>" "Drive several pins", LATER_PINS, unavailable;
    "help" "help" "[commands|variables|all|<name>]" "List commands or variables, or explain one", Done, help::help;
    "http_add_header" "had" "<handle> <name> <value>" "Add a header to an opened request", Done, http::add_header;
    "http_download" "hdo" "[-e] [-u] [-c <crc>] [-i <interface>] <url> [<name> [<version> [<type>]]]" "Fetch a URL into a file; an older file of that name is replaced", NO_HTTPS, http::download;
    "http_get" "hge" "[-o] [-i <interface>] [-c <cert>] <url>" "Start a GET request as a stream", NO_HTTPS, http::get;
    "http_head" "hhe" "[-o] [-i <interface>] [-c <cert>] <url>" "Start a HEAD request as a stream", NO_HTTPS, http::head;
    "http_post" "hpo" "[-o] [-i <interface>] [-c <cert>] [-l <length>] <url> <content type>" "Start a POST request as a stream", NO_HTTPS, http::post;
    "http_put" "http_put" "[-o] [-i <interface>] [-c <cert>] [-l <length>] <url> <content type>" "Start a PUT request as a stream", NO_HTTPS, http::put;
    "http_read_status" "hre" "<handle>" "Complete a request and answer its status", Done, http::read_status;
    "http_upload" "hup" "[-i <interface>] <url> <name> [<remote name>]" "Send a file to a URL as a form", NO_HTTPS, http::upload;
    "i2c_master_open" "i2c_master_open" "<address>" "Open an I2C stream", LATER_PINS, unavailable;
    "load" "load" "<file>" "Read a settings file into RAM", Differs("takes effect at once, without a restart"), variables::load;
    "ls" "ls" "[-v]" "List the files", Done, files::list;
    "mdns_discover" "mdns" "[<service>]" "Browse the services of the network", NotYet("name discovery"), unavailable;
    "network_down" "ndo" "[-i <interface>]" "Take an interface down", Done, network::network_down;
    "network_lookup" "nlo" "<name>" "Resolve a host name", Done, network::network_lookup;
    "network_restart" "nre" "[-i <interface>]" "Take an interface down and up, which applies its variables", Done, network::network_restart;
    "network_up" "nup" "[-i <interface>]" "Bring an interface up", Differs("without -s, the interactive join; the soft AP is not built"), network::network_up;
    "network_verify" "nve" "wifi <ssid> <bssid> <channel> [<security> <key>]" "Test network credentials without storing them", LATER_WLAN, unavailable;
    "nvm" "nvm" "" "Access the user's non-volatile memory", NotYet("only the native API of it is known"), unavailable;
    "ota" "ota" "[-f] [<bundle>]" "Update the firmware", NotYet("updates"), unavailable;
    "ping" "ping" "[-g] [-i <interface>] [<host>]" "Send one echo request", Done, network::ping_command;
    "pwm_update" "pwm" "<gpio> <frequency> <duty>|stop" "Start, change or stop a PWM output", LATER_PINS, unavailable;
    "reboot" "reboot" "" "Restart", Done, system::reboot;
    "save" "save" "[<file>]" "Store the variables", Done, system::save;
    "set" "set" "<variable> <value>" "Write a variable", Done, variables::set;
    "setup" "setup" "web|stop|status|cmd" "Start, stop or ask for web setup", Differs("only `setup status`, which answers 0: there is no web setup yet"), system::setup;
    "sleep" "sleep" "" "Sleep until an event or reset", NotYet("power states"), unavailable;
    "smtp_send" "smtp" "<to> <subject> <size>" "Send an e-mail", NotYet("the SMTP client"), unavailable;
    "spi_master_open" "spi_master_open" "" "Open an SPI stream", LATER_PINS, unavailable;
    "stream_close" "close" "<handle>|all" "Close a stream or all", Done, streams::close_streams;
    "stream_list" "list" "[<handle>]" "List the streams", Done, streams::list;
    "stream_poll" "poll" "<handle>|all [-c]" "Ask a stream for data or its end", Done, streams::poll;
    "stream_read" "read" "<handle> <size>" "Read from a stream", Done, streams::read;
    "stream_write" "write" "<handle> <size>" "Write the data that follow to a stream", Done, streams::write;
    "tcp_client" "tcpc" "[-i <interface>] [-l <local port>] <host> <port> [<local port>]" "Open a TCP client", Done, sockets::tcp_client;
    "tcp_server" "tcps" "[-i <interface>] start|stop [<port>]" "Start or stop a TCP server", Done, sockets::tcp_server;
    "tls_client" "tlsc" "[-l <local port>] <host> <port> [<ca cert>]" "Open a TLS client", LATER_TLS, unavailable;
    "tls_server" "tlss" "start|stop [<port>]" "Start or stop a TLS server", LATER_TLS, unavailable;
    "token_create" "token_create" "<name> <scope,...>" "Make an API token and print it once", Extension("API tokens"), tokens::create;
    "token_delete" "token_delete" "<name>" "Revoke an API token", Extension("API tokens"), tokens::delete;
    "token_list" "token_list" "" "List the API tokens", Extension("API tokens"), tokens::list;
    "udp_client" "udpc" "[-i <interface>] [-l <local port>] <host> <port> [<local port>]" "Open a UDP client", Done, sockets::udp_client;
    "udp_server" "udps" "[-i <interface>] start|stop [<port>]; read <size>; write <size> <ip> <port>" "Start, stop, read or write a UDP server", Done, sockets::udp_server;
    "version" "ver" "" "Print the version", Done, system::version;
    "websocket_client" "webc" "<url>" "Open a WebSocket client", NotYet("the WebSocket client"), unavailable;
    "wlan_get_rssi" "rssi" "" "Signal of the present network in dBm", Done, wlan::rssi;
    "wlan_scan" "scan" "[-v] [<channel>|all] [<ssid>]" "List the wireless networks", Differs("the rate is not known to the radio contract and prints as 54.0"), wlan::scan_command;
    "wps" "wps" "[<pin>]" "Join by WPS", LATER_WLAN, unavailable;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_name_is_found() {
        assert!(COMMANDS.is_sorted_by(|left, right| left.name < right.name));
        for command in COMMANDS {
            assert_eq!(find(command.name.as_bytes()).unwrap().name, command.name);
            assert_eq!(find(command.abbr.as_bytes()).unwrap().name, command.name);
            assert!(command.abbr.len() <= 6 || command.abbr == command.name);
        }
        assert!(find(b"vers").is_none());
    }
}
