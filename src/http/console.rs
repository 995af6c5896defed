//! The web console: pages that are part of the firmware (design, section 2: `web/`).
//!
//! `build.rs` packs the files of `web/` with gzip; they lie in flash and are sent from there. The page is at
//! `/.console/`, and at `/` as long as the file of `http.server.root_filename` does not exist, so that a user's own
//! page takes precedence. Without the feature the table is empty.

use core::fmt;

use super::connection::Connection;
use super::exchange::Exchange;
use super::failure::Failure;
use super::respond::Pen;
use crate::wire::http::status::Status;

/// The path of the page; everything below it belongs to the console.
const ROOT: &str = "/.console/";

/// One part of the console.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asset {
    /// The whole path.
    path: &'static str,
    /// Its content type.
    kind: &'static str,
    /// Its content, packed with gzip.
    content: &'static [u8],
}

#[cfg(feature = "console")]
include!(concat!(env!("OUT_DIR"), "/console.rs"));
#[cfg(not(feature = "console"))]
static ASSETS: &[Asset] = &[];

/// What the page may do: load its own parts and talk to this device, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The part of the console that a path names.
pub(super) fn find(path: &[u8]) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path.as_bytes() == path)
}

/// The page that is served at `/` while there is no other.
pub(super) fn start_page() -> Option<&'static Asset> {
    find(ROOT.as_bytes())
}

/// Sends the part of the console that the path names.
pub(super) async fn get(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let asset = find(exchange.path()).ok_or(Status::NOT_FOUND)?;
    serve(exchange.connection, asset).await
}

/// Sends a part of the console.
pub(super) async fn serve(connection: &mut Connection<'_>, asset: &Asset) -> Result<(), Failure> {
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, Status::OK);
    begun.and_then(|()| head(&mut pen, asset)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await?;
    if connection.head_only { Ok(()) } else { connection.send_bytes(asset.content).await }
}

fn head(pen: &mut Pen<'_>, asset: &Asset) -> fmt::Result {
    pen.field("Content-Encoding", "gzip")?;
    pen.field("X-Content-Type-Options", "nosniff")?;
    if asset.path == ROOT {
        pen.field("Cache-Control", "no-cache")?;
        pen.field("Content-Security-Policy", POLICY)?;
        pen.field("Referrer-Policy", "no-referrer")?;
    } else {
        // The path holds a hash of the content.
        pen.field("Cache-Control", "max-age=31536000, immutable")?;
    }
    pen.body(asset.kind, asset.content.len())
}

#[cfg(all(test, feature = "console"))]
mod tests {
    use super::*;

    #[test]
    fn the_page_stands_at_the_root_and_at_its_own_path() {
        assert_eq!(start_page().unwrap().path, "/.console/");
        assert!(find(b"/.console").is_none());
        assert!(find(b"/.console/app.js").is_none(), "parts are found by the hash of this release only");
    }

    #[test]
    fn the_whole_console_stays_small() {
        let total: usize = ASSETS.iter().map(|asset| asset.content.len()).sum();
        assert!(total < 60_000, "{total} bytes");
    }

    #[test]
    fn the_head_keeps_parts_for_ever_and_the_page_never() {
        for asset in ASSETS {
            let mut buffer = [0; 1024];
            let mut pen = Pen::new(&mut buffer);
            head(&mut pen, asset).unwrap();
            let length = pen.length();
            let head = core::str::from_utf8(&buffer[..length]).unwrap();
            assert_eq!(head.contains("immutable"), asset.path != ROOT);
            assert_eq!(head.contains("Content-Security-Policy: default-src 'none'"), asset.path == ROOT);
            assert!(head.contains("Content-Encoding: gzip\r\n"));
        }
    }
}
