//! Every bound of the device in one place.
//!
//! A full table, buffer or queue is an error code of the command language, never a panic. On Zephyr each value comes
//! from the Kconfig option named beside it (`CONFIG_OPENZENTRI_…`, see `Kconfig`); elsewhere the default for a machine
//! with an operating system holds.

use crate::features::{self, same};

include!(concat!(env!("OUT_DIR"), "/kconfig.rs"));

/// The value of a Kconfig option, or `default` in a build without Zephyr.
const fn option(name: &str, default: usize) -> usize {
    let mut row = 0;
    while row < KCONFIG.len() {
        if same(KCONFIG[row].0, name) {
            return KCONFIG[row].1;
        }
        row += 1;
    }
    default
}

/// Streams of all kinds at once (interface, network 4.1).
pub const STREAMS: usize = 8;
/// Bytes of received data a stream keeps for `stream_read` (`CONFIG_OPENZENTRI_STREAM_RX`).
pub const STREAM_RX: usize = option("STREAM_RX", 65536);
/// Bytes of `stream_write` that a stream takes before the peer takes them (`CONFIG_OPENZENTRI_STREAM_TX`).
pub const STREAM_TX: usize = option("STREAM_TX", 65536);
/// Bytes moved at once between a socket and a stream (`CONFIG_OPENZENTRI_CHUNK`).
pub const CHUNK: usize = option("CHUNK", 16_384);
/// Bytes of the largest datagram (`CONFIG_OPENZENTRI_DATAGRAM`).
pub const DATAGRAM: usize = option("DATAGRAM", 65_535);
/// Services that start and stop with their interface: the HTTP server, servers that start by themselves, and those to
/// come. A device that registers more does not start.
pub const SERVICES: usize = 12;
/// TCP and UDP servers running at once (`CONFIG_OPENZENTRI_SERVERS`).
pub const SERVERS: usize = option("SERVERS", 4);
/// Bytes of one command line without its terminator (`CONFIG_OPENZENTRI_COMMAND_LINE`).
pub const COMMAND_LINE: usize = option("COMMAND_LINE", 1024);
/// Words of one command line.
pub const COMMAND_WORDS: usize = 24;
/// Bytes of one response (`CONFIG_OPENZENTRI_RESPONSE`); the frame format allows 99,999.
pub const RESPONSE: usize = option("RESPONSE", 70_000);
/// Buffers for responses: commands that can answer at a time, at least two (`CONFIG_OPENZENTRI_ANSWERS`).
pub const ANSWERS: usize = option("ANSWERS", 8);
/// Bytes from a line that wait until they are used (`CONFIG_OPENZENTRI_SERIAL_RX`).
pub const SERIAL_RX: usize = option("SERIAL_RX", 4096);
/// Command lines kept for the arrow keys (interface, serial 2).
pub const HISTORY: usize = 5;
/// Bytes of a line that is drawn at a terminal.
pub const DRAFT: usize = if features::LINE_EDITOR { COMMAND_LINE } else { 0 };
/// Lines kept for the arrow keys and the search at a terminal.
pub const DRAFTS: usize = if features::LINE_EDITOR { 32 } else { 1 };
/// The last bytes of a command's data that are shown to the person who types them.
pub const DATA_SHOWN: usize = if features::LINE_EDITOR { 160 } else { 0 };
/// Bytes that draw a line: its text, a prompt, and what moves the cursor.
pub const DRAWING: usize = if features::LINE_EDITOR { COMMAND_LINE + 256 } else { 0 };
/// Bytes of the event log; the oldest lines fall out (`CONFIG_OPENZENTRI_LOG`).
pub const LOG: usize = option("LOG", 8192);
/// Bytes of one log line.
pub const LOG_LINE: usize = 192;
/// Bytes of the settings that differ from their defaults, and of their record (`CONFIG_OPENZENTRI_SETTINGS`).
pub const SETTINGS: usize = option("SETTINGS", 8192);
/// Bytes of one variable's value.
pub const VALUE: usize = 255;
/// GPIO numbers a variable can name, from 0.
pub const GPIOS: u8 = 64;
/// Files on the device (`CONFIG_OPENZENTRI_FILES`).
pub const FILES: usize = option("FILES", 128);
/// Bytes of a file name (interface, commands/file_create).
pub const FILE_NAME: usize = 96;
/// Bytes of a stored file read at once while its checksum is compared.
pub const FILE_PIECE: usize = 512;
/// Files being written at once: one for each stream, one each for `http_download` and `file_create` without a stream.
pub const FILE_WRITERS: usize = STREAMS + 2;
/// Different files open for reading at once (`CONFIG_OPENZENTRI_FILE_READERS`).
pub const FILE_READERS: usize = option("FILE_READERS", STREAMS + 32);
/// Commands that wait for their turn; one more is told that the device is busy (`CONFIG_OPENZENTRI_COMMAND_QUEUE`).
pub const COMMAND_QUEUE: usize = option("COMMAND_QUEUE", 64);
/// Lines that give commands: the command UART, the operator console and the remote terminal.
pub const LINES: usize = 2 + REMOTE_TERMINALS;
/// Remote terminals, one or none.
pub const REMOTE_TERMINALS: usize = features::REMOTE_TERMINAL as usize;
/// Bytes that the remote terminal sends in one piece: the echo of a line and its answer
/// (`CONFIG_OPENZENTRI_REMOTE_TERMINAL_TX`).
pub const REMOTE_TERMINAL_TX: usize = if features::REMOTE_TERMINAL { option("REMOTE_TERMINAL_TX", 1400) } else { 0 };
/// Commands that wait for something other than their turn at once, those of the [`LINES`] included; one more fails
/// (`CONFIG_OPENZENTRI_COMMANDS_APART`).
pub const COMMANDS_APART: usize = option("COMMANDS_APART", 24);
/// Tasks that can wait for one thing without waking each other: the commands that wait, and the room's own.
pub const WATCHERS: usize = COMMANDS_APART + 12;
/// HTTP connections served at once (`CONFIG_OPENZENTRI_HTTP_CONNECTIONS`).
pub const HTTP_CONNECTIONS: usize = option("HTTP_CONNECTIONS", 32);
/// Connections that wait for one of these to end, each with a socket (`CONFIG_OPENZENTRI_HTTP_WAITING`).
pub const HTTP_WAITING: usize = option("HTTP_WAITING", 64);
/// WebSocket clients served at once; more than [`STREAMS`] are of no use (`CONFIG_OPENZENTRI_WEBSOCKETS`).
pub const WEBSOCKETS: usize = if features::WEBSOCKET { option("WEBSOCKETS", STREAMS) } else { 0 };
/// Bytes of one HTTP request head (`CONFIG_OPENZENTRI_HTTP_HEAD`).
pub const HTTP_HEAD: usize = option("HTTP_HEAD", 4096);
/// Header fields of one HTTP request.
pub const HTTP_FIELDS: usize = 48;
/// Bytes of one `POST /command` body; clients need at least 4096 (interface, http 2.3) (`CONFIG_OPENZENTRI_HTTP_BODY`).
pub const HTTP_BODY: usize = option("HTTP_BODY", 16_384);
/// API tokens (`CONFIG_OPENZENTRI_API_TOKENS`).
pub const API_TOKENS: usize = option("API_TOKENS", 8);
/// HTTP client requests at once, streams and transfers, and WebSocket clients (`CONFIG_OPENZENTRI_HTTP_CLIENTS`).
pub const HTTP_CLIENTS: usize = if features::HTTP_CLIENT { option("HTTP_CLIENTS", STREAMS + 1) } else { 0 };
/// Bytes of path and query of a URL that is fetched (`CONFIG_OPENZENTRI_HTTP_TARGET`).
pub const HTTP_TARGET: usize = option("HTTP_TARGET", 1024);
/// Bytes of the header fields that a host adds to a request (`CONFIG_OPENZENTRI_HTTP_CLIENT_FIELDS`).
pub const HTTP_CLIENT_FIELDS: usize = option("HTTP_CLIENT_FIELDS", 4096);
/// Bytes of the buffer of a request: the head of the answer must fit (`CONFIG_OPENZENTRI_HTTP_CLIENT_BUFFER`).
pub const HTTP_CLIENT_BUFFER: usize = option("HTTP_CLIENT_BUFFER", 16_384);
/// Header fields of an answer to a request.
pub const HTTP_CLIENT_ANSWER_FIELDS: usize = 64;
/// Bytes of one transfer on SPI or I2C (`CONFIG_OPENZENTRI_BUS_TRANSFER`).
pub const BUS_TRANSFER: usize = if features::BUS_MASTERS { option("BUS_TRANSFER", 4096) } else { 0 };
/// Operator consoles, one or none (`CONFIG_OPENZENTRI_CONSOLES`).
pub const CONSOLES: usize = option("CONSOLES", 1);
/// Access points one scan keeps (`CONFIG_OPENZENTRI_SCAN_RESULTS`).
pub const SCAN_RESULTS: usize = option("SCAN_RESULTS", 32);
/// Stations of the access point at once (`CONFIG_OPENZENTRI_SOFTAP_STATIONS`).
pub const SOFTAP_STATIONS: usize = option("SOFTAP_STATIONS", 8);
/// Clients whose addresses the DHCP server of the soft AP remembers (`CONFIG_OPENZENTRI_DHCP_LEASES`).
pub const DHCP_LEASES: usize = option("DHCP_LEASES", 64);
/// Bytes of a host name.
pub const HOST_NAME: usize = 128;
/// Addresses of a host name that are tried, one after the other (`CONFIG_OPENZENTRI_LOOKUP_ADDRESSES`).
pub const LOOKUP_ADDRESSES: usize = option("LOOKUP_ADDRESSES", 8);
/// Services in `mdns.service`.
pub const MDNS_SERVICES: usize = 4;
/// Tasks that answer for the device's name: one, or none.
pub const DISCOVERY: usize = features::DISCOVERY as usize;
/// Services of others that a search keeps (`CONFIG_OPENZENTRI_DISCOVERED`).
pub const DISCOVERED: usize = if features::DISCOVERY { option("DISCOVERED", 32) } else { 0 };
/// Time servers in `ntp.server`.
pub const NTP_SERVERS: usize = 4;
/// Addresses of time servers that are remembered because they have asked for fewer requests or none.
pub const NTP_SILENCED: usize = 8;
/// Clients that open by themselves: TCP, UDP and the one of a pin; or none.
pub const AUTO_CLIENTS: usize = if features::AUTO_CONNECT { 3 } else { 0 };
/// Tasks that announce the device: one, or none.
pub const BROADCASTS: usize = features::BROADCAST as usize;
/// Bytes of an announcement; a field that does not fit is left out. The default needs about 300.
pub const ANNOUNCEMENT: usize = if features::BROADCAST { 1024 } else { 0 };
/// Tasks that ask time servers: one, or none.
pub const NTP_CLIENTS: usize = features::NTP as usize;
/// Bytes of one line that a mail server sends (`CONFIG_OPENZENTRI_MAIL_LINE`); RFC 5321 allows 512.
pub const MAIL_LINE: usize = if features::SMTP { option("MAIL_LINE", 1024) } else { 0 };
/// Bytes on their way to a mail server: the longest subject, encoded, and some more.
pub const MAIL_OUTPUT: usize = if features::SMTP { 2 * COMMAND_LINE + 512 } else { 0 };
/// Bytes of the longest payload of the structured protocol (`CONFIG_OPENZENTRI_STRUCTURED_FRAME`).
pub const STRUCTURED_FRAME: usize = option("STRUCTURED_FRAME", 2048);
/// Requests of the structured protocol at once on a line (`CONFIG_OPENZENTRI_STRUCTURED_REQUESTS`).
pub const STRUCTURED_REQUESTS: usize = option("STRUCTURED_REQUESTS", 4);
/// WebSockets that speak the structured protocol at once: one, or none.
pub const STRUCTURED_WEBSOCKETS: usize = (features::STRUCTURED && features::WEBSOCKET) as usize;
/// TLS sessions at once (`CONFIG_OPENZENTRI_TLS_SESSIONS`).
pub const TLS_SESSIONS: usize = option("TLS_SESSIONS", 64);
/// Bytes of all certificates and keys of one TLS session together (`CONFIG_OPENZENTRI_TLS_FILES`).
pub const TLS_FILES: usize = if features::TLS { option("TLS_FILES", 65_536) } else { 0 };
/// Clients of TLS servers whose sessions begin at once (`CONFIG_OPENZENTRI_TLS_DOORS`).
pub const TLS_DOORS: usize = if features::TLS { option("TLS_DOORS", 8) } else { 0 };
/// Bytes of the certificate and the key that a device makes for itself, both in DER.
pub const IDENTITY: usize = 1024;
/// The most bytes of a request for a certificate: one with an RSA key of 4,096 bits.
pub const REQUEST: usize = 1536;
/// Bytes of the name of a protocol chosen by ALPN.
pub const ALPN: usize = 16;
