//! One open WebSocket and its stream, up to the end.
//!
//! The peer's data go into the stream, without frame boundaries; each `stream_write` goes out as one message. The
//! session reads nothing from the peer while the stream is full, and takes nothing from the stream while the peer does
//! not read.

use core::pin::{Pin, pin};

use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::{Duration, with_timeout};

use super::outbox::Outbox;
use crate::base::Base;
use crate::log::Level;
use crate::port::{self, Event, PortError, Socket};
use crate::stream::FarSide;
use crate::wire::websocket::{self as wire, Mask, Reader, Sender, Step, code};

/// How long the closing handshake may take.
pub const CLOSE_TIME: Duration = Duration::from_secs(5);

/// How long the session waits for a peer that takes none of the bytes sent to it.
const SILENCE: Duration = Duration::from_secs(30);

/// The role of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server; its messages are binary.
    Server,
    /// The client. The log says how the connection has ended.
    Client {
        /// Its messages are text, else binary.
        text: bool,
    },
}

/// Why a session ends, unless the owner closes the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer closes, perhaps with a code.
    Closed(Option<u16>),
    /// The device closes with this code: the peer has broken the protocol, or may not go on.
    Refused(u16),
    /// The connection is broken, or the peer is silent.
    Gone,
}

/// The connection is gone, nothing can be sent any more.
struct Gone;

/// An open WebSocket and its stream. It does not close the socket.
pub struct Session {
    /// Port and log.
    pub base: &'static Base,
    /// The connection.
    pub socket: Socket,
    /// The stream.
    pub far: FarSide,
    /// The role of the device.
    pub side: Side,
}

impl Session {
    /// Serves the WebSocket up to the end. The first `waiting` bytes of `inbound` were received before. `over` may end
    /// the session early. `farewell` is the close code for the peer when the owner closes the stream.
    ///
    /// Answers whether both sides have completed the closing handshake.
    pub async fn serve(
        &self,
        outbox: &Outbox,
        (inbound, waiting): (&mut [u8], usize),
        outbound: &mut [u8],
        over: Pin<&mut dyn Future<Output = End>>,
        farewell: &dyn Fn() -> u16,
    ) -> bool {
        let polite = {
            let mut sending = pin!(self.send(outbound, outbox, farewell));
            let mut receiving = pin!(self.until_end((inbound, waiting), outbox, over));
            match select(sending.as_mut(), receiving.as_mut()).await {
                // The owner has closed the stream: the peer may answer to that.
                Either::First(Ok(())) => {
                    outbox.end();
                    with_timeout(CLOSE_TIME, receiving).await.is_ok()
                }
                Either::Second(end) => {
                    self.tell(end);
                    let code = match end {
                        End::Closed(code) => Some(code),
                        End::Refused(code) => Some(Some(code)),
                        End::Gone => None,
                    };
                    match code {
                        Some(code) => {
                            outbox.close(code);
                            self.far.peer_gone();
                            matches!(with_timeout(CLOSE_TIME, sending).await, Ok(Ok(())))
                        }
                        None => false,
                    }
                }
                Either::First(Err(Gone)) => false,
            }
        };
        self.far.peer_gone();
        polite
    }

    /// Logs why a client session has ended; a normal end is not logged.
    fn tell(&self, end: End) {
        let log = &self.base.log;
        match (self.side, end) {
            (Side::Server, _) | (_, End::Closed(None | Some(code::NORMAL)) | End::Gone) => {}
            (_, End::Closed(Some(code))) => {
                log.line(Level::Progress, format_args!("WebSocket closed by the server: {code}"));
            }
            (_, End::Refused(code)) => {
                log.line(Level::Failure, format_args!("WebSocket closed: the server broke the protocol ({code})"));
            }
        }
    }

    /// The mask for the next frame of the device: an unpredictable number for a client, none for a server.
    fn mask(&self) -> Mask {
        match self.side {
            Side::Server => None,
            Side::Client { .. } => {
                let mut key = [0; 4];
                self.base.port.board().random(&mut key);
                Some(key)
            }
        }
    }

    /// Sends the owner's messages, and control frames between them, until a close frame has been sent.
    async fn send(&self, buffer: &mut [u8], outbox: &Outbox, farewell: &dyn Fn() -> u16) -> Result<(), Gone> {
        loop {
            let mut length = [0; 4];
            let mask = || self.mask();
            let first = match select3(outbox.next(&mask), self.far.closed(), self.far.take(&mut length)).await {
                Either3::First((frame, is_last)) => {
                    self.put(&frame).await?;
                    if is_last {
                        return Ok(());
                    }
                    continue;
                }
                Either3::Third(Ok(count)) => count,
                Either3::Second(()) | Either3::Third(Err(_)) => {
                    return self.put(&wire::close(Some(farewell()), self.mask())).await;
                }
            };
            // The length may wrap around the end of the ring.
            self.fill(length.get_mut(first..).unwrap_or_default()).await?;
            self.message(u32::from_le_bytes(length) as usize, buffer).await?;
            self.far.sent();
        }
    }

    /// Sends one message of the owner.
    async fn message(&self, length: usize, buffer: &mut [u8]) -> Result<(), Gone> {
        let mask = self.mask();
        let (header, mut used) = wire::message(self.side == Side::Client { text: true }, length, mask);
        buffer.get_mut(..used).ok_or(Gone)?.copy_from_slice(header.get(..used).unwrap_or_default());
        let mut done = 0;
        loop {
            let count = (length - done).min(buffer.len() - used);
            let part = buffer.get_mut(used..used + count).unwrap_or_default();
            self.fill(part).await?;
            wire::mask(part, mask, done);
            self.put(buffer.get(..used + count).unwrap_or_default()).await?;
            done += count;
            used = 0;
            if done == length {
                return Ok(());
            }
        }
    }

    /// Sends all of `bytes`, unless the peer takes none of them for too long.
    async fn put(&self, mut bytes: &[u8]) -> Result<(), Gone> {
        let port = self.base.port;
        while !bytes.is_empty() {
            let sending = port::io(port, Event::Writable(self.socket), || port.sockets().send(self.socket, bytes));
            let sent = with_timeout(SILENCE, sending).await.unwrap_or(Err(PortError::TimedOut));
            bytes = bytes.get(sent.map_err(|_| Gone)?..).unwrap_or_default();
        }
        Ok(())
    }

    /// Takes bytes that the owner has certainly written: a message and its length are written in one step. If the owner
    /// closes the stream meanwhile, the session ends without a close frame, since half a message was sent.
    async fn fill(&self, mut part: &mut [u8]) -> Result<(), Gone> {
        while !part.is_empty() {
            let count = self.far.take(part).await.map_err(|_| Gone)?;
            part = part.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Receives until the peer ends the connection, or it is over for another reason.
    async fn until_end(
        &self,
        inbound: (&mut [u8], usize),
        outbox: &Outbox,
        over: Pin<&mut dyn Future<Output = End>>,
    ) -> End {
        match select(self.receive(inbound, outbox), over).await {
            Either::First(end) | Either::Second(end) => end,
        }
    }

    /// Receives until the peer closes, breaks the protocol or is gone.
    async fn receive(&self, (buffer, waiting): (&mut [u8], usize), outbox: &Outbox) -> End {
        let sender = if self.side == Side::Server { Sender::Client } else { Sender::Server };
        let (port, mut reader, mut count) = (self.base.port, Reader::new(sender), waiting);
        loop {
            if count == 0 {
                let event = Event::Readable(self.socket);
                let received = port::io(port, event, || port.sockets().receive(self.socket, buffer)).await;
                count = received.unwrap_or(0);
                if count == 0 {
                    return End::Gone;
                }
                outbox.heard(false);
            }
            let mut rest = buffer.get_mut(..count).unwrap_or_default();
            while !rest.is_empty() {
                let (taken, step) = match reader.read(rest) {
                    Ok(step) => step,
                    Err(code) => return End::Refused(code),
                };
                let Some((now, later)) = rest.split_at_mut_checked(taken) else { return End::Gone };
                match step {
                    Step::More => {}
                    Step::Data => {
                        outbox.heard(true);
                        // After the owner has closed the stream, nobody wants the data.
                        self.far.deliver(now).await.unwrap_or_default();
                        outbox.heard(false);
                    }
                    Step::Ping(payload) => outbox.answer(payload).await,
                    Step::Close(code) => return End::Closed(code),
                }
                rest = later;
            }
            count = 0;
        }
    }
}
