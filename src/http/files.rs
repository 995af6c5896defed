//! Files of the device as web pages (interface, http 6.1, 6.2).

use core::fmt;

use super::connection::Connection;
use super::console;
use super::exchange::Exchange;
use super::failure::Failure;
use super::respond::{self, Extra, Pen};
use super::state::HttpServer;
use crate::file::{FileError, Files, Name, Reader};
use crate::log::Level;
use crate::port::Interface;
use crate::variable::{Id, id};
use crate::wire::http::conditions::{Part, Tag, names, part, tag};
use crate::wire::http::mime;
use crate::wire::http::request::{Method, Request};
use crate::wire::http::status::Status;
use crate::wire::output::Output;
use crate::wire::span::Span;
use crate::{features, tls};

const ROOT: Id = id("http.server.root_filename");
const SETUP_ROOT: Id = id("setup.web.root_filename");
const SCRIPTS: Id = id("http.server.token_scripts");
const NOT_FOUND: Id = id("http.server.notfound_filename");

/// The page that fetches the web app again when its files are missing.
const RECOVERY: &str = "/.recovery.html";

/// The start page of the console when the console lies in files.
const CONSOLE: &str = "/.console/index.html";

/// The policy for a page that somebody other than the owner has written: it may only show itself. Otherwise its scripts
/// would have the owner's password as soon as the owner opens it.
const POLICY: &str = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'";

/// The suffix of a packed file.
const GZ: &[u8] = b".gz";

/// A file that is being sent.
struct Open {
    files: &'static Files,
    reader: Option<Reader>,
    /// It is sent as the packed form of a file with a shorter name.
    packed: bool,
    kind: &'static str,
    /// The browser must not run its scripts.
    tame: bool,
    /// Bytes that are still to be sent.
    left: u32,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.files.close(reader);
        }
    }
}

impl Output for Open {
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.left as usize);
        let (Some(reader), Some(out)) = (&mut self.reader, out.get_mut(..count)) else { return 0 };
        // If the file cannot be read, the body ends too early; the client notices by `Content-Length`.
        let read = self.files.read(reader, out).unwrap_or(0);
        self.left -= read as u32;
        read
    }
}

/// Why there is nothing to send.
enum Missing {
    NotFound,
    Failed(Status),
}

impl Open {
    /// Opens the file of a name, or its packed form. `as_page`: a name that ends in `.gz` counts as packed, too.
    fn named(server: &'static HttpServer, name: &[u8], as_page: bool) -> Result<Self, Missing> {
        let files = server.files();
        let exact = files.open(name);
        let (opened, packed) = match exact {
            Err(FileError::NotFound | FileError::InvalidName) => (files.open(&packed_name(name)?), true),
            other => (other, as_page && name.ends_with(GZ)),
        };
        let reader = opened.map_err(|error| match error {
            FileError::NotFound | FileError::InvalidName => Missing::NotFound,
            FileError::TooManyOpen => Missing::Failed(Status::UNAVAILABLE),
            _ => Missing::Failed(Status::INTERNAL_ERROR),
        })?;
        let plain = name.strip_suffix(GZ).filter(|_| packed).unwrap_or(name);
        let left = reader.size();
        let open = Self { files, kind: mime::of(plain), packed, tame: false, left, reader: Some(reader) };
        let is_key = |meta| tls::is_key(server.base(), meta);
        if open.meta().is_some_and(|meta| meta.is_servable() && !is_key(meta)) {
            Ok(open)
        } else {
            Err(Missing::NotFound)
        }
    }

    /// Verifies that the flash still holds what was stored, once after each start.
    async fn verify(&self, connection: &Connection<'_>) -> Result<(), Status> {
        let Some(reader) = &self.reader else { return Ok(()) };
        self.files.verify(reader).await.map_err(|error| {
            let name = core::str::from_utf8(&reader.meta().name).unwrap_or("?");
            connection.server.base().log.line(Level::Failure, format_args!("{error}: {name}"));
            Status::INTERNAL_ERROR
        })
    }

    fn meta(&self) -> Option<&crate::file::Meta> {
        self.reader.as_ref().map(Reader::meta)
    }

    /// Unless others are `trusted`, a file that others have written runs no scripts, and no page can load it as one.
    fn tame(mut self, trusted: bool) -> Self {
        self.tame = !trusted && self.meta().is_some_and(|meta| meta.is_foreign());
        if self.tame && matches!(self.kind, mime::SCRIPT | mime::WASM) {
            self.kind = mime::TEXT;
        }
        self
    }

    /// Adds the fields that keep scripts from running.
    fn policy(&self, pen: &mut Pen<'_>) -> fmt::Result {
        if self.tame {
            pen.field("Content-Security-Policy", POLICY)?;
            pen.field("X-Content-Type-Options", "nosniff")?;
        }
        Ok(())
    }

    fn tag(&self) -> Tag {
        let reader = self.reader.as_ref();
        reader.map_or(Tag::new(), |reader| tag(reader.number(), reader.meta().crc, reader.size()))
    }

    fn size(&self) -> u32 {
        self.reader.as_ref().map_or(0, Reader::size)
    }

    /// Leaves only a part of the file to be sent.
    fn limit(&mut self, first: u32, last: u32) {
        if let Some(reader) = &mut self.reader {
            reader.seek(first);
            self.left = last.saturating_sub(first) + 1;
        }
    }
}

fn packed_name(name: &[u8]) -> Result<Name, Missing> {
    let mut packed = Name::from_slice(name).map_err(|_| Missing::NotFound)?;
    packed.extend_from_slice(GZ).map_err(|_| Missing::NotFound)?;
    Ok(packed)
}

/// `GET` and `HEAD` of a file.
pub(super) async fn get(exchange: &mut Exchange<'_, '_>) -> Result<(), Failure> {
    let Exchange { connection, request, access, .. } = exchange;
    let path = request.decode_path(connection.buffer)?;
    check_path(path.of(connection.buffer))?;
    let open = match (find(connection, path), access.reads_files()) {
        (Ok(open), Ok(())) => open,
        (Ok(open), Err(_)) if open.meta().is_some_and(|meta| meta.is_unprotected()) => open,
        // A client that may not read a file does not learn whether it exists, either.
        (_, Err(refusal)) => return Err(refusal),
        (Err(Missing::NotFound), Ok(())) => return not_found(connection, path.of(connection.buffer).is_empty()).await,
        (Err(Missing::Failed(status)), Ok(())) => return Err(status.into()),
    };
    open.verify(connection).await?;
    let open = open.tame(connection.server.base().variables.flag(SCRIPTS));
    send(connection, request, open).await
}

/// Answers for a file that does not exist. A missing root page may have a replacement.
async fn not_found(connection: &mut Connection<'_>, is_root: bool) -> Result<(), Failure> {
    let beginnings = [(RECOVERY, has(connection, RECOVERY)), (CONSOLE, !features::CONSOLE && has(connection, CONSOLE))];
    if let Some((place, _)) = beginnings.iter().find(|(_, there)| is_root && *there) {
        return respond::status_only(connection, Status::FOUND, &[("Location", place)]).await;
    }
    match console::start_page().filter(|_| is_root) {
        Some(start) => console::serve(connection, start).await,
        None => page(connection, Status::NOT_FOUND, NOT_FOUND, &[]).await,
    }
}

/// Whether the file of a path, or its packed form, exists.
fn has(connection: &Connection<'_>, path: &str) -> bool {
    let (files, name) = (connection.server.files(), path.trim_start_matches('/').as_bytes());
    files.stat(name).is_some() || packed_name(name).is_ok_and(|name| files.stat(&name).is_some())
}

/// Refuses paths that can only be meant to leave the folder. File names are flat, so such a path would lead nowhere.
fn check_path(path: &[u8]) -> Result<(), Status> {
    let dots = path.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"." || part == b"..");
    if dots || path.iter().any(u8::is_ascii_control) { Err(Status::BAD_REQUEST) } else { Ok(()) }
}

/// The variable that names the file of the path `/`: a different one for a client that sets the device up.
fn root_page(connection: &Connection<'_>) -> Id {
    let status = &connection.server.base().status;
    if !status.web_setup.get() || connection.interface != Interface::SoftAp {
        return ROOT;
    }
    status.setup_page_fetched.set(true);
    SETUP_ROOT
}

fn find(connection: &Connection<'_>, path: Span) -> Result<Open, Missing> {
    let server = connection.server;
    match path.of(connection.buffer) {
        [] => server.base().variables.with(root_page(connection), |name| Open::named(server, name, true)),
        name => Open::named(server, name, false),
    }
}

/// Sends a file, a part of it, or the answer that the client has it already.
async fn send(connection: &mut Connection<'_>, request: &Request, mut open: Open) -> Result<(), Failure> {
    let tag = open.tag();
    let fields = &request.fields;
    let buffer = &*connection.buffer;
    let unchanged = fields.if_none_match.is_some_and(|field| names(field.of(buffer), &tag));
    let same = fields.if_range.is_none_or(|field| field.of(buffer) == tag.as_bytes());
    let range = fields.range.filter(|_| same && request.method == Method::Get);
    let part = range.map_or(Part::Whole, |range| part(range.of(buffer), open.size()));
    let status = match part {
        _ if unchanged => Status::NOT_MODIFIED,
        Part::Whole => Status::OK,
        Part::Range(..) => Status::PARTIAL,
        Part::None => {
            let range = format_args!("bytes */{}", open.size());
            return respond::status_only(connection, Status::RANGE_NOT_SATISFIABLE, &[("Content-Range", &range)]).await;
        }
    };
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, status);
    begun.and_then(|()| head(&mut pen, &mut open, &tag, status, part)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.head_only |= unchanged;
    deliver(connection, length, open).await
}

fn head(pen: &mut Pen<'_>, open: &mut Open, tag: &Tag, status: Status, part: Part) -> fmt::Result {
    pen.field_of("ETag", tag)?;
    open.policy(pen)?;
    // A page often shows what a host has just written, so the browser must always ask for it again.
    pen.field("Cache-Control", "no-cache")?;
    if status == Status::NOT_MODIFIED {
        return pen.end();
    }
    pen.field("Accept-Ranges", "bytes")?;
    if open.packed {
        pen.field("Content-Encoding", "gzip")?;
    }
    if let Part::Range(first, last) = part {
        pen.field_of("Content-Range", format_args!("bytes {first}-{last}/{}", open.size()))?;
        open.limit(first, last);
    }
    pen.body(open.kind, open.left as usize)
}

/// Sends the head in the buffer and the file after it.
async fn deliver(connection: &mut Connection<'_>, head: usize, mut open: Open) -> Result<(), Failure> {
    respond::send(connection, head, &mut open).await?;
    if connection.head_only || open.left == 0 { Ok(()) } else { Err(Failure::Gone) }
}

/// Sends the page that a variable names for a status, or the status in words when there is no such page.
pub(super) async fn page(
    connection: &mut Connection<'_>,
    status: Status,
    variable: Id,
    extra: Extra<'_>,
) -> Result<(), Failure> {
    let server = connection.server;
    let open = server.base().variables.with(variable, |name| match name {
        [] => Err(Missing::NotFound),
        name => Open::named(server, name, true),
    });
    let Ok(open) = open else { return respond::status_only(connection, status, extra).await };
    let open = open.tame(connection.server.base().variables.flag(SCRIPTS));
    if open.verify(connection).await.is_err() {
        return respond::status_only(connection, status, extra).await;
    }
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, status);
    begun.and_then(|()| page_head(&mut pen, &open, extra)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    deliver(connection, length, open).await
}

fn page_head(pen: &mut Pen<'_>, open: &Open, extra: Extra<'_>) -> fmt::Result {
    extra.iter().try_for_each(|(name, value)| pen.field_of(name, value))?;
    if open.packed {
        pen.field("Content-Encoding", "gzip")?;
    }
    open.policy(pen)?;
    pen.field("Cache-Control", "no-store")?;
    pen.body(open.kind, open.left as usize)
}
