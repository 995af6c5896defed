//! A request that becomes a WebSocket (RFC 6455, section 4.1).

use core::future::pending;
use core::pin::pin;

use embassy_time::{Duration, with_timeout};

use super::failure::Failure;
use super::link::Link;
use super::request::Method;
use super::rooms::Rooms;
use super::transaction::{Phase, SWITCHING_PROTOCOLS, StreamId, Transaction};
use crate::log::Level;
use crate::stream::{FarSide, Intake};
use crate::websocket::{CLOSE_TIME, End, Outbox, Session, Side, keep_alive};
use crate::wire::websocket::{code, handshake};

/// Carries out the order's request and checks the answer. From then on the stream accepts messages.
pub(super) async fn open<'a>(
    rooms: &Rooms,
    order: &Transaction,
    hold: bool,
    StreamId { handle, generation }: StreamId,
    buffer: &'a mut [u8],
) -> Result<Link<'a>, Failure> {
    let mut link = Link::open(rooms, order, buffer).await?;
    link.transport.keep_alive(rooms.streams.keepalive());
    link.keep_apart();
    rooms.streams.set_intake(handle, generation, Intake::Shut);
    order.enter(Phase::Queued);
    if hold {
        order.go.wait().await;
    }
    order.enter(Phase::Sending);

    link.send_head(order, 0).await?;
    let head = link.answer(rooms, Method::Get).await?;
    match head.status {
        SWITCHING_PROTOCOLS => check(order, link.head())?,
        status if head.is_redirection() => return Err(Failure::Redirected(status)),
        status => return Err(Failure::Status(status)),
    }
    rooms.streams.set_intake(handle, generation, Intake::Open);
    order.phase.set(Phase::Answered);
    order.settle(Ok(head.status));
    if !order.opened.get() {
        order.open.wait().await;
    }
    Ok(link)
}

/// Checks that the answer opens a WebSocket for this request.
fn check(order: &Transaction, head: &[u8]) -> Result<(), Failure> {
    let request = order.request.borrow();
    let opening = request.opening().ok_or(Failure::NoRequest)?;
    let asked = |protocol: &[u8]| request.asks_for_protocol(protocol);
    handshake::check(head, &opening.key, asked).map_err(Failure::Handshake)
}

/// Serves an open WebSocket up to the end.
pub(super) async fn serve(rooms: &Rooms, order: &Transaction, stream: StreamId, mut link: Link<'_>) {
    let (text, ping) = {
        let request = order.request.borrow();
        request.opening().map_or((false, 0), |opening| (opening.text, opening.ping))
    };
    let waiting = link.rest_in_front();
    let (transport, incoming, outgoing) = link.halves();
    let (base, far) = (rooms.base, FarSide::new(rooms.streams, stream));
    let session = Session { base, socket: transport.socket(), far, side: Side::Client { text } };
    let outbox = Outbox::new();
    let mut silent = pin!(async {
        if ping == 0 {
            return pending().await;
        }
        keep_alive(&outbox, Duration::from_secs(ping.into())).await;
        base.log.line(Level::Failure, format_args!("WebSocket: no answer to a ping"));
        End::Gone
    });
    let polite = session.serve(&outbox, (incoming, waiting), outgoing, silent.as_mut(), &|| code::NORMAL).await;
    if polite {
        // The server closes the connection first (RFC 6455, section 7.1.1).
        let ended = async { while let Ok(1..) = transport.receive(incoming).await {} };
        let _ = with_timeout(CLOSE_TIME, ended).await;
    }
}
