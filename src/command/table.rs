//! The table of all commands: the parser, `help`, completion, the Zephyr shell and the documents read it.

use super::arguments::Words;
use super::call::{Call, unavailable};
use super::response::{CommandError, Ending};
use super::{
    buses, certificate, converters, files, help, http, mail, network, pins, setup, sockets, streams, structured,
    system, tokens, variables, wlan, write,
};
use crate::access::scope::Scope;
use crate::conformance::Conformance::{self, Differs, Done, Extension, NotYet};
use crate::features::{Built, Gate};
use crate::{features, sorted};

/// One row of the table: everything about a command.
pub struct Command {
    /// The full name.
    pub name: &'static str,
    /// The fixed short name; the full one when there is no other.
    pub abbr: &'static str,
    /// Its arguments.
    pub synopsis: &'static str,
    /// One sentence for `help` and the documents.
    pub summary: &'static str,
    /// What an API token must allow for it; see also [`super::scopes_of`].
    pub scope: Scope,
    /// Whether it can be given in safe mode.
    pub safe: bool,
    /// The words that may follow its name.
    pub(super) words: Words,
    /// How far it is built.
    pub status: Conformance,
    /// Its handler.
    run: Run,
}

/// Finds a command by its full or short name; there is no prefix matching, but `http_read` and `setup_web` stand for
/// `http_read_status` and `setup` (interface, http 7, commands/README).
pub fn find(name: &[u8]) -> Option<&'static Command> {
    let name: &[u8] = match name {
        b"http_read" => b"http_read_status",
        b"setup_web" => b"setup",
        b"file_list" => b"ls",
        name => name,
    };
    let by_name = COMMANDS.binary_search_by(|command| command.name.as_bytes().cmp(name)).ok();
    by_name.or_else(|| sorted::find(&BY_ABBREVIATION, name, |row| ABBREVIATIONS[row])).and_then(|row| COMMANDS.get(row))
}

/// The numbers of the commands, sorted by short name.
static BY_ABBREVIATION: [u16; COMMANDS.len()] = sorted::order(&ABBREVIATIONS);

/// How a command is run.
#[derive(Clone, Copy)]
enum Run {
    /// Its handler answers at once.
    Now(fn(&mut Call<'_>) -> Result<Ending, CommandError>),
    /// Its handler may wait.
    Waits(Waiting),
}

/// Whether this build has a command. A missing one is still in the table, and says so when it is run.
const fn is_built(name: &str) -> bool {
    match name.as_bytes() {
        [b'a' | b'd', b'd' | b'a', b'c', b'_', ..] | [b'p', b'w', b'm', b'_', ..] => features::CONVERTERS,
        [b'e', b'x', b'i', b't'] => features::STREAM_MODE,
        [b'h', b't', b't', b'p', b'_', ..] => features::HTTP_CLIENT,
        [b'i', b'2', b'c', b'_', ..] | [b's', b'p', b'i', b'_', ..] => features::BUS_MASTERS,
        [b'm', b'd', b'n', b's', b'_', ..] => features::DISCOVERY,
        [b's', b'm', b't', b'p', b'_', ..] => features::SMTP,
        [b's', b't', b'r', b'u', ..] => features::STRUCTURED,
        [b't', b'l', b's', b'_', ..] => features::TLS,
        [b't', b'o', b'k', b'e', b'n', b'_', ..] => features::TOKENS,
        [b'w', b'e', b'b', b's', b'o', b'c', b'k', b'e', b't', b'_', ..] => features::WEBSOCKET_CLIENT,
        _ => true,
    }
}

/// Makes the table, and one asynchronous function for all handlers that wait: its future is as large as the largest of
/// their futures.
macro_rules! commands {
    (@safe safe) => { true };
    (@safe) => { false };
    (@run $name:ident now $run:path) => {
        if is_built(stringify!($name)) { Run::Now($run) } else { Run::Now(unavailable) }
    };
    (@run $name:ident waits $wait:path) => {
        if is_built(stringify!($name)) { Run::Waits(Waiting::$name) } else { Run::Now(unavailable) }
    };
    ($(
        $name:ident $abbr:literal $scope:ident $synopsis:literal [$options:literal $min:literal..=$max:literal $($safe:ident)?]
        $summary:literal, $status:expr => $(now($run:path))? $(waits($wait:path))?;
    )*) => {
        /// Every command, sorted by name.
        pub static COMMANDS: &[Command] = &[$(Command {
            name: stringify!($name),
            abbr: $abbr,
            synopsis: concat!(stringify!($name), " ", $synopsis),
            summary: $summary,
            scope: Scope::$scope,
            safe: commands!(@safe $($safe)?),
            words: Words { options: $options, min: $min, max: $max },
            status: $status,
            run: commands!(@run $name $(now $run)? $(waits $wait)?),
        }),*];

        /// Their short names.
        static ABBREVIATIONS: [&str; COMMANDS.len()] = [$($abbr),*];

        /// The commands whose handlers wait.
        #[allow(non_camel_case_types, reason = "the names of the commands")]
        #[derive(Clone, Copy)]
        enum Waiting {
            $($(#[doc = stringify!($wait)] $name,)?)*
        }

        /// Runs the handler of a command.
        pub(super) async fn run(command: &Command, call: &mut Call<'_>) -> Result<Ending, CommandError> {
            match command.run {
                Run::Now(run) => run(call),
                $($(Run::Waits(Waiting::$name) => {
                    Built::<{ is_built(stringify!($name)) }>::run(call, $wait, unavailable).await
                })?)*
            }
        }
    };
}

const OWN_FAULTS: Conformance = Differs(
    "the original's two handles do not exist here and print as 00; after them comes what is known of the place of a fault",
);

const AWAKE: Conformance = Differs(
    "the processor idles with its memory on, and a byte at the command UART wakes it, too; waking is like a reset",
);

commands! {
    adc_take_sample "adc" Read "<gpio>" ["" 1..=1] "Sample an ADC pin", Done => now(converters::sample);
    dac_set_level "dac" Streams "<gpio> <level>|stop" ["" 2..=2] "Set a DAC output", Done => now(converters::set_level);
    exit "exit" Streams "" ["" 0..=0] "Go back to stream mode, after breaking out of it", Done => now(system::exit);
    factory_reset "fac" Admin "<MAC>" ["" 1..=1 safe] "Erase the configuration and restart; it needs the device's own MAC", Done => waits(system::factory_reset);
    faults_print "faup" Read "" ["" 0..=0 safe] "Print the stored faults", OWN_FAULTS => now(system::faults_print);
    faults_reset "faur" Config "" ["" 0..=0 safe] "Clear the stored faults", Done => waits(system::faults_reset);
    file_create "fcr" Files "[-[e][u][r]] [-o] <name> <size> [<version> [<type> [<crc>]]]" ["oeurv:t:c:l:m:" 2..=5 safe] "Create a file from the data that follow, or as a stream", Done => waits(files::create);
    file_delete "fde" Files "<name>" ["" 1..=1 safe] "Delete a file", Done => waits(files::delete);
    file_open "fop" Files "<name>" ["" 1..=1 safe] "Open a file for reading", Done => waits(files::open);
    file_stat "fst" Read "[-v] <name>" ["v" 1..=1 safe] "Print the properties of a file", Differs("the original's output is not known; size,version,type,flags,CRC,name, with -v one name: value line each") => now(files::stat);
    force_safemode "force_safemode" Admin "<MAC>" ["" 1..=1 safe] "Enter safe mode for a test; it needs the device's own MAC", Done => waits(system::force_safemode);
    format_flash "format" Admin "<extended|bulk> <MAC>" ["" 2..=2 safe] "Erase all files; it needs the device's own MAC", Done => waits(files::format);
    get "get" Read "<variable>|<group>|all" ["" 1..=23 safe] "Read a variable, a group or all", Done => now(variables::get);
    gpio_dir "gdi" Config "<gpio> <direction> [<level>]" ["" 2..=3] "Set the direction of a pin, or release it", Done => now(pins::direct);
    gpio_get "gge" Read "<gpio>" ["" 1..=1] "Read a pin", Done => now(pins::get);
    gpio_set "gse" Streams "<gpio> <0|1>" ["" 2..=2] "Drive a pin", Done => now(pins::set);
    gpios_dir "gdis" Config "<directions>" ["" 1..=1] "Set several directions: one digit per pin, x for no change", Done => now(pins::direct_all);
    gpios_get "gges" Read "" ["" 0..=0] "Read all pins: one digit per pin", Done => now(pins::get_all);
    gpios_set "gses" Streams "<levels>" ["" 1..=1] "Drive several pins: one digit per pin, x for no change", Done => now(pins::set_all);
    help "help" Read "[commands|variables|all|<name>]" ["" 0..=8 safe] "List commands or variables, or explain one", Done => now(help::help);
    http_add_header "had" Streams "<handle> <name> <value>" ["" 3..=3] "Add a header to an opened request", Done => now(http::add_header);
    http_download "hdo" Files "[-e] [-u] [-c <crc>] [-i <interface>] [-a <ca cert>] [-x <cert>] [-k <key>] <url> [<name> [<version> [<type>]]]" ["euc:i:n:v:t:a:x:k:" 1..=4] "Fetch a URL into a file; an older file of that name is replaced", Done => waits(http::download);
    http_get "hge" Streams "[-o] [-i <interface>] [-c <ca cert>] [-x <cert>] [-k <key>] <url>" ["oi:c:x:k:" 1..=1] "Start a GET request as a stream", Done => waits(http::get);
    http_head "hhe" Streams "[-o] [-i <interface>] [-c <ca cert>] [-x <cert>] [-k <key>] <url>" ["oi:c:x:k:" 1..=1] "Start a HEAD request as a stream", Done => waits(http::head);
    http_post "hpo" Streams "[-o] [-i <interface>] [-c <ca cert>] [-x <cert>] [-k <key>] [-l <length>] <url> <content type>" ["oi:c:x:k:l:" 1..=2] "Start a POST request as a stream", Done => waits(http::post);
    http_put "http_put" Streams "[-o] [-i <interface>] [-c <ca cert>] [-x <cert>] [-k <key>] [-l <length>] <url> <content type>" ["oi:c:x:k:l:" 1..=2] "Start a PUT request as a stream", Done => waits(http::put);
    http_read_status "hre" Streams "<handle>" ["" 1..=1] "Complete a request and answer its status", Done => waits(http::read_status);
    http_upload "hup" Files "[-i <interface>] [-a <ca cert>] [-x <cert>] [-k <key>] <url> <name> [<remote name>]" ["i:a:x:k:" 2..=3] "Send a file to a URL as a form", Done => waits(http::upload);
    i2c_master_open "i2c_master_open" Streams "[-p <bus>] [-r <retries>] [-b <bytes>] <address> [<clock>]" ["p:r:b:" 1..=2] "Open a stream to a device on I2C", Done => now(buses::open_i2c);
    load "load" Admin "<file>" ["" 1..=1 safe] "Read a settings file into RAM", Differs("takes effect at once, without a restart") => waits(variables::load);
    ls "ls" Read "[-v]" ["vl" 0..=0 safe] "List the files", Done => now(files::list);
    mdns_discover "mdns" Streams "[<service>]" ["" 0..=1] "List the providers of a service in the network, or of all services", Differs("the original's output is not known; a row # <name> <ip>:<port> each, with its type at the end if no service was named") => waits(network::mdns_discover);
    network_down "ndo" Config "[-i <interface>]" ["i:" 0..=1] "Take an interface down", Done => now(network::network_down);
    network_lookup "nlo" Streams "<name>" ["" 1..=1] "Resolve a host name", Done => waits(network::network_lookup);
    network_restart "nre" Config "[-i <interface>]" ["i:" 0..=1] "Take an interface down and up, which applies its variables", Done => waits(network::network_restart);
    network_up "nup" Config "[-s] [-i <interface>]" ["i:s" 0..=1] "Bring an interface up; -s picks a network first", Done => waits(network::network_up);
    network_verify "nve" Config "wifi <ssid> <bssid> <channel> [<security> <key>]" ["" 4..=6] "Test network credentials without storing them", Done => waits(setup::network_verify);
    nvm "nvm" Files "" ["" 0..=23 safe] "Access the user's non-volatile memory", Differs("refused: only an API for native applications of the original is known, and there are none here; files keep data") => now(system::nvm);
    ota "ota" Admin "[-f] [<bundle>]" ["" 0..=23 safe] "Update the firmware", NotYet("updates") => now(system::ota);
    ping "ping" Streams "[-g] [-i <interface>] [<host>]" ["gi:" 0..=1] "Send one echo request", Done => waits(network::ping);
    pwm_update "pwm" Streams "<gpio> <duty> <frequency>|stop" ["" 2..=3] "Start, change or stop a PWM output", Done => now(converters::pulse);
    reboot "reboot" Config "" ["" 0..=0 safe] "Restart", Done => now(system::reboot);
    save "save" Config "[<file>]" ["" 0..=1 safe] "Store the variables", Done => waits(system::save);
    set "set" Config "<variable> <value>" ["" 1..=23 safe] "Write a variable", Done => now(variables::set);
    setup "setup" Config "web|stop|status|cmd" ["" 0..=1] "Start, stop or ask for web setup", Differs("`setup cmd` is refused: `network_up -s` asks at the terminal") => now(setup::setup);
    simulate "simulate" Admin "<gpio> [low|high|open|<level>]" ["" 1..=2] "Do at the wire of a simulated pin what people do at that of a real one, or look at it", Extension("simulated pins") => now(pins::simulate);
    sleep "sleep" Config "" ["" 0..=0 safe] "Sleep until an event or reset", AWAKE => waits(system::sleep);
    smtp_send "smtp" Streams "[-i <interface>] <to>[,<to>] <subject> <size>" ["i:" 3..=3] "Send the data that follow as an e-mail", Done => waits(mail::send);
    spi_master_open "spi_master_open" Streams "[-p <bus>] [-m <mode>] [-l] [-b <bytes>] [<gpio> [<clock>]]" ["p:m:lb:" 0..=2] "Open a stream to a device on SPI", Done => now(buses::open_spi);
    stream_close "close" Streams "<handle>|all" ["" 1..=1 safe] "Close a stream or all", Done => waits(streams::close);
    stream_list "list" Read "[<handle>]" ["" 0..=1 safe] "List the streams", Done => now(streams::list);
    stream_poll "poll" Read "<handle>|all [-c] [-r]" ["cr" 1..=1 safe] "Ask a stream for data or its end", Done => now(streams::poll);
    stream_read "read" Streams "<handle> <size>" ["" 2..=2 safe] "Read from a stream", Done => waits(streams::read);
    stream_wait "stream_wait" Read "<handle>|all <milliseconds> [-c] [-r]" ["cr" 2..=2 safe] "Wait until a stream has data or its end, then answer as stream_poll", Extension("waiting for data") => waits(streams::wait);
    stream_write "write" Streams "<handle> <size>" ["c" 2..=2 safe] "Write the data that follow to a stream", Done => waits(write::write);
    structured_start "structured_start" Admin "" ["" 0..=0 safe] "Speak the structured protocol on this line", Extension("the structured protocol") => now(structured::start);
    tcp_client "tcpc" Streams "[-i <interface>] [-l <local port>] <host> <port> [<local port>]" ["i:l:" 2..=3] "Open a TCP client", Done => waits(sockets::tcp_client);
    tcp_server "tcps" Streams "[-i <interface>] start|stop [<port>]" ["i:" 1..=2] "Start or stop a TCP server", Done => waits(sockets::tcp_server);
    tls_certificate_request "tlscr" Config "[<name>]" ["" 0..=1] "Print a certificate request (PKCS#10, PEM) with the key of the HTTPS server", Extension("certificate requests") => waits(certificate::request);
    tls_client "tlsc" Streams "[-i <interface>] [-l <local port>] <host> <port> [<ca cert> [<cert> [<key>]]]" ["i:l:" 2..=5] "Open a TLS client", Done => waits(sockets::tls_client);
    tls_server "tlss" Streams "[-i <interface>] start|stop [<port>]" ["i:" 1..=2] "Start or stop a TLS server", Done => waits(sockets::tls_server);
    token_create "token_create" Admin "<name> <scope,...>" ["" 2..=2] "Make an API token and print it once", Extension("API tokens") => now(tokens::create);
    token_delete "token_delete" Admin "<name>" ["" 1..=1] "Revoke an API token", Extension("API tokens") => now(tokens::delete);
    token_list "token_list" Admin "" ["" 0..=0] "List the API tokens", Extension("API tokens") => now(tokens::list);
    uart_update "uart_update" Config "[<uart>]" ["" 0..=1 safe] "Apply uart.*, once the answer has been sent", Done => now(system::uart_update);
    udp_client "udpc" Streams "[-i <interface>] [-l <local port>] <host> <port> [<local port>]" ["i:l:" 2..=3] "Open a UDP client", Done => waits(sockets::udp_client);
    udp_server "udps" Streams "[-i <interface>] start|stop [<port>]; read <size>; write <size> <ip> <port>" ["i:" 1..=4] "Start, stop, read or write a UDP server", Done => waits(sockets::udp_server);
    version "ver" Read "" ["" 0..=0 safe] "Print the version", Done => now(system::version);
    websocket_client "webc" Streams "[-o] [-i <interface>] [-f bin|text] [-p <seconds>] <url> [<ca cert> [<cert> [<key>]]]" ["oi:f:p:" 1..=4] "Open a WebSocket client; -o lets headers be added before http_read_status opens it, -p pings a silent server", Done => waits(http::websocket);
    wlan_get_rssi "rssi" Read "" ["" 0..=0] "Signal of the present network in dBm", Done => now(wlan::rssi);
    wlan_join "wlan_join" Config "[-t <seconds>] <ssid> [<passkey>]" ["t:" 1..=2] "Join a network and store it; go back to the old one if that fails", Extension("joining with a way back") => waits(setup::wlan_join);
    wlan_scan "scan" Read "[-v] [<channel>|all] [<ssid>]" ["+v" 0..=2] "List the wireless networks", Differs("the rate prints as 54.0 if the radio's driver does not report it, as with Zephyr's drivers") => waits(wlan::scan);
    wps "wps" Config "[<pin>]" ["" 0..=1] "Join by WPS", Differs("WPS is refused: its PIN can be guessed in hours, and the radios' drivers here have no push button") => now(setup::wps);
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
