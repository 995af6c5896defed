//! A file sent as a request: a form with one file, as a browser sends it (RFC 7578).

use core::fmt::{self, Write};

use heapless::String;

use super::failure::Failure;
use super::link::{Link, Sent};
use super::request::Cursor;
use super::request::{FieldError, Length, Method};
use super::rooms::Rooms;
use super::transaction::Transaction;
use crate::file::{Files, Reader};
use crate::limits;

/// What separates the parts of a form; it must not occur in the file, so it ends in random digits.
type Boundary = String<32>;

const _: () = assert!(limits::HTTP_CLIENT_BUFFER / 2 >= 3 * limits::FILE_NAME + 256, "the front of a form fits");

/// Sends the file `local` in a form, under the name `remote`; answers the status, which is 2xx.
pub(super) async fn run(
    rooms: &Rooms,
    order: &Transaction,
    local: &[u8],
    remote: &[u8],
    buffer: &mut [u8],
) -> Result<u16, Failure> {
    let mut file = Open { files: rooms.files, reader: Some(rooms.files.open_verified(local).await?) };
    let boundary = boundary(rooms);
    describe(order, file.size(), remote, &boundary)?;
    let mut link = Link::open(rooms, order, buffer).await?;
    link.send_head(order, 0).await?;
    link.keep_pace();
    send(&mut link, &mut file, remote, &boundary).await?;
    drop(file);
    let method = order.request.borrow().method;
    let head = link.answer(rooms, method).await?;
    if matches!(head.status, 200..=299) { Ok(head.status) } else { Err(Failure::Status(head.status)) }
}

/// A file that is closed when it is no longer needed.
struct Open<'a> {
    files: &'a Files,
    reader: Option<Reader>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.files.close(reader);
        }
    }
}

impl Open<'_> {
    fn size(&self) -> u32 {
        self.reader.as_ref().map_or(0, Reader::size)
    }

    /// Reads some bytes; zero at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        match &mut self.reader {
            Some(reader) => Ok(self.files.read(reader, buffer)?),
            None => Ok(0),
        }
    }
}

fn boundary(rooms: &Rooms) -> Boundary {
    let mut random = [0; 8];
    rooms.base.port.board().random(&mut random);
    let mut boundary = Boundary::new();
    // 16 and 16 characters fit.
    let _ = write!(boundary, "----OpenZentri--{:016x}", u64::from_le_bytes(random));
    boundary
}

/// Completes the request with the type of a form and the length of the whole form.
fn describe(order: &Transaction, size: u32, remote: &[u8], boundary: &str) -> Result<(), Failure> {
    let mut frame = Count(0);
    // Counting cannot fail.
    let _ = write_front(&mut frame, remote, boundary);
    let _ = write_back(&mut frame, boundary);
    let length = u32::try_from(frame.0).ok().and_then(|frame| frame.checked_add(size)).ok_or(Failure::TooLarge)?;
    let mut kind: String<80> = String::new();
    let _ = write!(kind, "multipart/form-data; boundary={boundary}");
    let mut request = order.request.borrow_mut();
    request.length = Length::Exactly(length);
    let added: Result<(), FieldError> = request.add(b"Content-Type", kind.as_bytes());
    added.map_err(|_| Failure::TooLarge)
}

async fn send(link: &mut Link<'_>, file: &mut Open<'_>, remote: &[u8], boundary: &str) -> Result<(), Failure> {
    let mut front = Cursor { buffer: link.outgoing(), length: 0 };
    write_front(&mut front, remote, boundary).map_err(|_| Failure::TooLarge)?;
    let mut filled = front.length;
    loop {
        let room = link.outgoing().get_mut(filled..).unwrap_or_default();
        let count = file.read(room)?;
        filled += count;
        if link.send_outgoing(0..filled, Method::Post).await? == Sent::Refused {
            return Ok(());
        }
        if count == 0 {
            break;
        }
        filled = 0;
    }
    let mut back = Cursor { buffer: link.outgoing(), length: 0 };
    write_back(&mut back, boundary).map_err(|_| Failure::TooLarge)?;
    let length = back.length;
    link.send_outgoing(0..length, Method::Post).await.map(|_| ())
}

/// Everything before the content.
fn write_front(out: &mut dyn Bytes, remote: &[u8], boundary: &str) -> fmt::Result {
    out.bytes(b"--")?;
    out.bytes(boundary.as_bytes())?;
    out.bytes(b"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"")?;
    for part in remote.split_inclusive(|byte| *byte == b'"') {
        let (plain, quote) = part.strip_suffix(b"\"").map_or((part, b"".as_slice()), |plain| (plain, b"%22"));
        out.bytes(plain)?;
        out.bytes(quote)?;
    }
    out.bytes(b"\"\r\nContent-Type: application/octet-stream\r\n\r\n")
}

/// Everything after the content.
fn write_back(out: &mut dyn Bytes, boundary: &str) -> fmt::Result {
    out.bytes(b"\r\n--")?;
    out.bytes(boundary.as_bytes())?;
    out.bytes(b"--\r\n")
}

/// Takes bytes; file names need not be text.
trait Bytes {
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result;
}

impl Bytes for Cursor<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        self.put(bytes)
    }
}

/// Counts the bytes that it is given.
struct Count(usize);

impl Bytes for Count {
    fn bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        self.0 += bytes.len();
        Ok(())
    }
}
