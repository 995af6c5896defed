//! Streams and sockets.

use super::page::{CA, CERT, HANDLE, INTERFACE, KEY, ON_STREAM, Page, Part, SUCCESS, part};

const HOST: Part = part("host", "A name or an address.");
const PORT: Part = part("port", "The port of the host.");
const LOCAL: Part = part("local port", "The port on this side; without it one is chosen.");
const OPTION_LOCAL: Part = part("-l", "The port on this side, as `<local port>` at the end of the line.");
const START: Part = part("start|stop", "What to do.");
const LISTENING: Part = part("port", "The port; `stop` without one stops all of them.");
const COUNT: Part = part("-c", "Also the number of bytes that wait.");
const READY: Part = part("-r", "Only streams that have data or have ended.");

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "stream_close",
        parameters: &[part("handle", "The number of the stream, or `all`.")],
        options: &[],
        answer: SUCCESS,
        example: "stream_close 0",
    },
    Page {
        name: "stream_list",
        parameters: &[part("handle", "One stream only.")],
        options: &[],
        answer: "The heading `! # Type  Info`, then one row per stream, beginning with `#`: handle, kind, the two ends.",
        example: "stream_list",
    },
    Page {
        name: "stream_poll",
        parameters: &[part("handle", "The number of the stream, or `all`.")],
        options: &[COUNT, READY],
        answer: "0 no data, 1 data, 2 ended and read; for `all` `<handle>,<state>` with `|` between them, or `None`.",
        example: "stream_poll all -c",
    },
    Page {
        name: "stream_read",
        parameters: &[ON_STREAM, part("size", "The most bytes to take.")],
        options: &[],
        answer: "The bytes that are there, possibly none. `Command failed` when the stream has ended and all is read.",
        example: "stream_read 0 1000",
    },
    Page {
        name: "stream_wait",
        parameters: &[
            part("handle", "The number of the stream, or `all`."),
            part("milliseconds", "How long to wait, up to 600,000."),
        ],
        options: &[COUNT, READY],
        answer: "As `stream_poll`, but only when a stream has data or has ended, or the time is over.",
        example: "stream_wait 0 5000",
    },
    Page {
        name: "stream_write",
        parameters: &[ON_STREAM, part("size", "Bytes, which follow the line.")],
        options: &[],
        answer: SUCCESS,
        example: "stream_write 0 5",
    },
    Page {
        name: "structured_start",
        parameters: &[],
        options: &[],
        answer: "`Success`; after it the line carries frames ([the structured protocol](../../structured-protocol.md)).",
        example: "structured_start",
    },
    Page {
        name: "tcp_client",
        parameters: &[HOST, PORT, LOCAL],
        options: &[INTERFACE, OPTION_LOCAL],
        answer: HANDLE,
        example: "tcp_client example.com 80",
    },
    Page {
        name: "tcp_server",
        parameters: &[START, LISTENING],
        options: &[INTERFACE],
        answer: "`Success`. Each client is a stream of the kind TCPS.",
        example: "tcp_server start 3000",
    },
    Page {
        name: "tls_client",
        parameters: &[HOST, PORT, part("ca cert", CA), part("cert", CERT), part("key", KEY)],
        options: &[INTERFACE, part("-l", "The port on this side, `<local port>`.")],
        answer: HANDLE,
        example: "tls_client example.com 443 ca.pem",
    },
    Page {
        name: "tls_server",
        parameters: &[START, LISTENING],
        options: &[INTERFACE],
        answer: "`Success`. Each client is a stream of the kind TLSS.",
        example: "tls_server start 3001",
    },
    Page {
        name: "udp_client",
        parameters: &[HOST, PORT, LOCAL],
        options: &[INTERFACE, OPTION_LOCAL],
        answer: "The handle. Nothing is sent yet.",
        example: "udp_client 10.0.0.255 50000 50000",
    },
    Page {
        name: "udp_server",
        parameters: &[
            part("start|stop", "Starts or stops the server."),
            part("read", "Reads at most `<size>` bytes."),
            part("write", "Sends `<size>` bytes, which follow the line, to `<ip>` and `<port>`."),
            LISTENING,
        ],
        options: &[INTERFACE],
        answer: "`start`: the handle of its one stream, of the kind UDPS, for all its peers. Otherwise `Success`.",
        example: "udp_server start 3000",
    },
];
