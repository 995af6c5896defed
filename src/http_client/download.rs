//! A response that becomes a file (interface, http 7.4).

use super::failure::Failure;
use super::link::{Link, SILENCE};
use super::rooms::Rooms;
use super::transaction::{Target, Transaction};
use crate::file::{FileSpec, Files, Unfinished, Writer};
use crate::log::Level;
use crate::wire::http::body::Body;

/// Redirections that are followed.
const REDIRECTIONS: usize = 5;

/// Fetches the order's request into a file; answers the status.
pub(super) async fn run(
    rooms: &Rooms,
    order: &Transaction,
    target: &Target,
    buffer: &mut [u8],
) -> Result<u16, Failure> {
    for _ in 0..=REDIRECTIONS {
        let mut link = Link::open(rooms, order, buffer).await?;
        link.send_head(order, 0).await?;
        let method = order.request.borrow().method;
        let head = link.answer(rooms, method).await?;
        if head.is_redirection() {
            let next = link.location(&order.request.borrow().url)?.ok_or(Failure::Status(head.status))?;
            order.request.borrow_mut().url = next;
            continue;
        }
        if head.status != 200 {
            return Err(Failure::Status(head.status));
        }
        link.keep_pace();
        store(rooms, &mut link, head.body, target).await?;
        rooms.base.log.line(Level::Detail, format_args!("File created"));
        return Ok(head.status);
    }
    Err(Failure::Redirections)
}

async fn store(rooms: &Rooms, link: &mut Link<'_>, mut body: Body, target: &Target) -> Result<(), Failure> {
    let files = rooms.files;
    let mut file = Unfinished::new(files, create(files, &body, target)?);
    while let Some(piece) = link.piece(&mut body, SILENCE).await? {
        file.write(link.bytes(piece))?;
    }
    Ok(file.finish().await?)
}

/// Begins the file: flash is reserved at once when the length is known.
fn create(files: &Files, body: &Body, target: &Target) -> Result<Writer, Failure> {
    let Target { ref name, version, kind, flags, crc, crc32 } = *target;
    let size = body.length().map(u32::try_from).transpose().map_err(|_| Failure::TooLarge)?;
    let spec = FileSpec { name, size: size.unwrap_or(0), version, kind, flags, crc, replace: true };
    let writer = if size.is_some() { files.create(&spec)? } else { files.create_growing(&spec)? };
    if let Some(crc32) = crc32 {
        // The writer was made just now, so this cannot fail.
        let _ = files.expect_crc32(&writer, crc32);
    }
    Ok(writer)
}
