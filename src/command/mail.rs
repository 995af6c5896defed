//! `smtp_send` (interface, commands/README, network 9).

use core::pin::pin;

use super::call::{Call, Machine};
use super::data::Data;
use super::network::needed;
use super::response::{CommandError, Ending};
use super::turn::Asker;
use crate::buffer::{Buffer, Content, Pool};
use crate::log::Level;
use crate::port::Interface;
use crate::service::{Mail, NotSent, Session};

impl From<NotSent> for CommandError {
    fn from(_: NotSent) -> Self {
        Self::Failed
    }
}

/// `[-i <interface>] <to>[,<to>] <subject> <size>` and `<size>` bytes: one message.
pub(super) async fn send(call: &mut Call<'_>) -> Result<Ending, CommandError> {
    let size = call.number(2, u32::MAX)? as usize;
    let (machine, pool, asker) = (call.machine, call.pool(), call.asker());
    let (mail, interface) = match describe(call, size) {
        Ok(described) => described,
        Err(error) => return call.refuse(size, error).await,
    };
    let mut data = call.data(size)?;
    let sending = async {
        let early = collect(machine, pool, asker, &mut data).await;
        let sent = match &early {
            Ok(early) => deliver(machine, &mail, interface, early.as_deref(), &mut data).await,
            Err(error) => Err(*error),
        };
        data.skip().await;
        sent
    };
    call.apart(pin!(sending)).await??;
    Ok(Ending::Success)
}

fn describe<'a>(call: &Call<'a>, size: usize) -> Result<(Mail<'a>, Interface), CommandError> {
    let mail = Mail::new(call.text(0)?, call.text(1)?, size).ok_or(CommandError::Invalid)?;
    Ok((mail, call.interface()?))
}

async fn deliver(
    machine: &'static Machine,
    mail: &Mail<'_>,
    interface: Interface,
    early: Option<&Content>,
    data: &mut Data<'_>,
) -> Result<(), CommandError> {
    needed(machine, interface).await?;
    let mut session = machine.smtp.begin(interface, mail).await?;
    if let Some(early) = early {
        session.write(early).await?;
    }
    pour(&mut session, data).await?;
    Ok(session.end().await?)
}

/// Collects the bytes that a host sends right after the line, as far as there is room: they would get lost while the
/// device talks to the server, and a line that lends its bytes is not watched. Takes nothing from other askers that
/// have sent all of it.
async fn collect(
    machine: &'static Machine,
    pool: &'static Pool,
    asker: Asker,
    data: &mut Data<'_>,
) -> Result<Option<Buffer>, CommandError> {
    if data.left() == 0 || (!asker.is_line() && data.piece().await.len() == data.left()) {
        return Ok(None);
    }
    let mut early = pool.wait().await;
    // A server takes its time, and other commands need a buffer meanwhile.
    if !early.keep() {
        machine.base.log.line(Level::Failure, format_args!("No buffer for a message that comes in pieces"));
        return Err(CommandError::Failed);
    }
    while data.left() > 0 {
        let piece = data.piece().await;
        let count = piece.len().min(early.capacity() - early.len());
        if piece.is_empty() {
            return Err(CommandError::Failed);
        }
        if count == 0 {
            // Gives the bytes back, so that the line is watched again.
            data.used(0);
            break;
        }
        early.extend_from_slice(piece.get(..count).unwrap_or_default()).map_err(|_| CommandError::Bounds)?;
        data.used(count);
    }
    Ok(Some(early))
}

/// Sends the rest of the data as it comes.
async fn pour(session: &mut Session, data: &mut Data<'_>) -> Result<(), CommandError> {
    while data.left() > 0 {
        session.ready().await?;
        let used = match data.piece().await {
            [] => return Err(CommandError::Failed),
            piece => session.put(piece),
        };
        data.used(used);
    }
    Ok(())
}
