//! The tasks that carry requests out.

use embassy_futures::select::{Either, Either3, select, select3};

use super::failure::Failure;
use super::rooms::Rooms;
use super::transaction::{Job, Phase, StreamId, Transaction};
use super::{download, stream, upload, websocket};
use crate::features::{self, Built, Gate};
use crate::limits;
use crate::stream::Intake;

/// Serves one request after another, for ever.
pub(super) async fn run(rooms: &Rooms, order: &Transaction) {
    let mut buffer = [0; limits::HTTP_CLIENT_BUFFER];
    loop {
        let job = order.job.wait().await;
        order.hurry.reset();
        match job {
            Job::WebSocket { stream, hold } => {
                let work = (rooms, order, stream, hold, &mut buffer[..]);
                Built::<{ features::WEBSOCKET_CLIENT }>::run(work, serve_websocket, |_| ()).await;
            }
            job => match select(order.cancel.wait(), perform(rooms, order, job, &mut buffer)).await {
                Either::First(()) => given_up(rooms, order),
                Either::Second(()) => {}
            },
        }
        if !order.taken_over.take() {
            order.stream.set(None);
            order.enter(Phase::Free);
        }
    }
}

async fn perform(rooms: &Rooms, order: &Transaction, job: Job, buffer: &mut [u8]) {
    match job {
        Job::Stream { stream, hold } => {
            order.stream.set(Some(stream));
            let closed = rooms.streams.closed(stream.handle, stream.generation);
            select(closed, serve(rooms, order, stream, hold, buffer)).await;
        }
        Job::WebSocket { .. } => {}
        Job::Download(target) => order.settle(download::run(rooms, order, &target, buffer).await),
        Job::Upload { local, remote } => order.settle(upload::run(rooms, order, &local, &remote, buffer).await),
    }
}

/// Carries a request out and keeps its outcome until the stream is closed.
async fn serve(rooms: &Rooms, order: &Transaction, stream: StreamId, hold: bool, buffer: &mut [u8]) {
    if let Err(failure) = stream::serve(rooms, order, stream, hold, buffer).await {
        fail(rooms, order, failure);
    }
    end(rooms, order, stream);
    core::future::pending().await
}

fn fail(rooms: &Rooms, order: &Transaction, failure: Failure) {
    if order.outcome.get().is_some() {
        // No command waits that would log the failure.
        failure.log(rooms.base);
    }
    order.settle(Err(failure));
}

/// Opens a WebSocket and serves it. An open WebSocket is not given up: when the owner closes the stream, the closing
/// handshake follows.
async fn serve_websocket((rooms, order, stream, hold, buffer): (&Rooms, &Transaction, StreamId, bool, &mut [u8])) {
    order.stream.set(Some(stream));
    let opening = async {
        match websocket::open(rooms, order, hold, stream, buffer).await {
            Ok(link) => link,
            Err(failure) => {
                fail(rooms, order, failure);
                end(rooms, order, stream);
                core::future::pending().await
            }
        }
    };
    let closed = rooms.streams.closed(stream.handle, stream.generation);
    match select3(order.cancel.wait(), closed, opening).await {
        Either3::First(()) => given_up(rooms, order),
        Either3::Second(()) => {}
        Either3::Third(link) => {
            // `serve` is polled first: what can be sent at once is sent before a `hurry` takes effect.
            select(websocket::serve(rooms, order, stream, link), order.hurry.wait()).await;
        }
    }
}

/// The connection is over: the stream gets no more bytes and accepts none.
fn end(rooms: &Rooms, order: &Transaction, stream: StreamId) {
    let StreamId { handle, generation } = stream;
    rooms.streams.set_intake(handle, generation, Intake::Shut);
    rooms.streams.tx_drop(handle, generation);
    if order.opened.get() {
        rooms.streams.peer_ended(handle, generation);
    }
}

/// The command has timed out or was dropped.
fn given_up(rooms: &Rooms, order: &Transaction) {
    if let Some(stream) = order.stream.get() {
        end(rooms, order, stream);
    }
}
