//! HTTP, WebSocket and mail clients.

use super::page::{CA, CERT, HANDLE, INTERFACE, KEY, ON_STREAM, Page, Part, SUCCESS, part};

const LATER: Part = part("-o", "Only opens: headers and the body may follow before `http_read_status` sends it.");
const URL: Part = part("url", "`[http://|https://]<host>[:<port>]/<path>`.");
const BODY_TYPE: Part = part("content type", "The media type of the body.");
const OPTION_CA: Part = part("-c", "`<ca cert>`: the file of the CA certificate; without it `network.tls.ca_cert`.");
const FILE_CA: Part = part("-a", "`<ca cert>`: file of the CA certificate; without it `network.tls.ca_cert`.");
const OPTION_CERT: Part = part("-x", "`<cert>`: file of the client certificate; without it `network.tls.client_cert`.");
const OPTION_KEY: Part = part("-k", "`<key>`: file of its key; without it `network.tls.client_key`.");
const LENGTH: Part = part("-l", "`<length>` of the body, which goes out as it is written; -1 sends it in chunks.");
const GET: &[Part] = &[LATER, INTERFACE, OPTION_CA, OPTION_CERT, OPTION_KEY];
const POST: &[Part] = &[LATER, INTERFACE, OPTION_CA, OPTION_CERT, OPTION_KEY, LENGTH];

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "http_add_header",
        parameters: &[
            ON_STREAM,
            part("name", "The name of the header."),
            part("value", "Its value, in quotes when it has blanks."),
        ],
        options: &[],
        answer: SUCCESS,
        example: "http_add_header 0 Accept text/plain",
    },
    Page {
        name: "http_download",
        parameters: &[
            URL,
            part("name", "The name of the file; without it the last part of the URL."),
            part("version", "Its version, 1.0.0.0 if none is given."),
            part("type", "Its type, FE if none is given."),
        ],
        options: &[
            part("-e", "Essential: factory_reset keeps the file."),
            part("-u", "Unprotected: the web server gives it out without a password."),
            part("-c", "`<crc>` of the content, hexadecimal; when it does not match, no file is made."),
            INTERFACE,
            FILE_CA,
            OPTION_CERT,
            OPTION_KEY,
        ],
        answer: "`Success` when the file is complete. A status other than 200 is `Command failed`.",
        example: "http_download http://example.com/index.html webapp/index.html",
    },
    Page { name: "http_get", parameters: &[URL], options: GET, answer: HANDLE, example: "http_get example.com/status" },
    Page { name: "http_head", parameters: &[URL], options: GET, answer: HANDLE, example: "http_head example.com" },
    Page {
        name: "http_post",
        parameters: &[URL, BODY_TYPE],
        options: POST,
        answer: HANDLE,
        example: "http_post -o example.com/hello application/json",
    },
    Page {
        name: "http_put",
        parameters: &[URL, BODY_TYPE],
        options: POST,
        answer: HANDLE,
        example: "http_put -o example.com/hello application/json",
    },
    Page {
        name: "http_read_status",
        parameters: &[ON_STREAM],
        options: &[],
        answer: "The status, such as 200.",
        example: "http_read_status 0",
    },
    Page {
        name: "http_upload",
        parameters: &[
            URL,
            part("name", "The file."),
            part("remote name", "Its name in the form; without it the same."),
        ],
        options: &[INTERFACE, FILE_CA, OPTION_CERT, OPTION_KEY],
        answer: "`Success` for a status of 2xx.",
        example: "http_upload example.com/upload hello.txt",
    },
    Page {
        name: "smtp_send",
        parameters: &[
            part("to", "The address of a recipient; several with commas, without blanks."),
            part("subject", "The subject, in quotes when it has blanks."),
            part("size", "Bytes of the text, which follow the line."),
        ],
        options: &[INTERFACE],
        answer: SUCCESS,
        example: "smtp_send owner@example.com \"Door open\" 14",
    },
    Page {
        name: "websocket_client",
        parameters: &[
            part("url", "`ws://` or `wss://`, host, port and path."),
            part("ca cert", CA),
            part("cert", CERT),
            part("key", KEY),
        ],
        options: &[
            part("-o", "Only opens: headers may follow before `http_read_status` makes the handshake."),
            INTERFACE,
            part("-f", "Kind of the messages that are written, `bin` or `text`; `bin` without it."),
            part("-p", "Pings a server that has been silent for `<seconds>`, and closes when it stays silent."),
        ],
        answer: HANDLE,
        example: "websocket_client ws://example.com:8000/socket",
    },
];
