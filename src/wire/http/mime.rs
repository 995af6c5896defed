//! Media types by the extension of a file's name (interface, http 6.2).

/// The type of names without a known extension.
const OTHER: &str = "application/octet-stream";

/// The type of scripts.
pub const SCRIPT: &str = "application/javascript";
/// The type of WebAssembly.
pub const WASM: &str = "application/wasm";
/// The type of text.
pub const TEXT: &str = "text/plain";

const TYPES: [(&[u8], &str); 21] = [
    (b"html", "text/html"),
    (b"htm", "text/html"),
    (b"css", "text/css"),
    (b"js", SCRIPT),
    (b"mjs", SCRIPT),
    (b"json", "application/json"),
    (b"txt", "text/plain"),
    (b"csv", "text/plain"),
    (b"log", "text/plain"),
    (b"xml", "text/xml"),
    (b"png", "image/png"),
    (b"jpg", "image/jpeg"),
    (b"jpeg", "image/jpeg"),
    (b"gif", "image/gif"),
    (b"bmp", "image/bmp"),
    (b"ico", "image/x-icon"),
    (b"svg", "image/svg+xml"),
    (b"webp", "image/webp"),
    (b"wasm", WASM),
    (b"woff2", "font/woff2"),
    (b"gz", "application/gzip"),
];

/// The media type of a file with this name.
pub fn of(name: &[u8]) -> &'static str {
    let Some(dot) = name.iter().rposition(|byte| matches!(byte, b'.' | b'/')).filter(|at| name.get(*at) == Some(&b'.'))
    else {
        return OTHER;
    };
    let end = name.get(dot + 1..).unwrap_or_default();
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(end)).map_or(OTHER, |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_last_end_counts() {
        for (name, kind) in [
            ("webapp/index.html", "text/html"),
            ("A.B.JPG", "image/jpeg"),
            ("x.js.gz", "application/gzip"),
            ("key.pem", "application/octet-stream"),
            ("folder.html/", "application/octet-stream"),
            ("folder.html/x", "application/octet-stream"),
            ("html", "application/octet-stream"),
            ("", "application/octet-stream"),
            (".css", "text/css"),
        ] {
            assert_eq!(of(name.as_bytes()), kind, "{name}");
        }
    }
}
