//! WebSocket frames (RFC 6455), both sides: received bytes are checked and unmasked piece by piece, so that no frame
//! and no message has to fit into a buffer. [`handshake`] opens a WebSocket.

use edge_ws::{Error, FrameHeader, FrameType};
use heapless::Vec;

use super::utf8::Utf8;

pub mod handshake;

/// The longest payload of a control frame.
pub const CONTROL: usize = 125;

/// The longest header of a frame.
pub const HEADER: usize = 14;

/// Why a connection is closed (RFC 6455, section 7.4).
pub mod code {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The server goes down.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// The peer sent text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// The peer has no permission, or no longer.
    pub const POLICY: u16 = 1008;
}

/// The payload of a control frame.
pub type Payload = Vec<u8, CONTROL>;

/// The key with which a client masks a frame, a new one for each frame (RFC 6455, section 5.3); a server uses none.
pub type Mask = Option<[u8; 4]>;

/// Masks or unmasks bytes of a payload that begin at `offset` in it.
pub fn mask(bytes: &mut [u8], mask: Mask, offset: usize) {
    FrameHeader::mask_with(bytes, mask.map(u32::from_be_bytes), offset % 4);
}

/// The sender of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A client, whose frames must be masked.
    Client,
    /// A server, whose frames must not be masked.
    Server,
}

/// The meaning of the next bytes from the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to act on: part of a header or of a control frame, or an unsolicited pong.
    More,
    /// Unmasked data; the boundaries of frames and messages are not reported.
    Data,
    /// A ping; answer it with this payload.
    Ping(Payload),
    /// The peer closes, with a code that may be echoed.
    Close(Option<u16>),
}

/// Reads the frames of a peer.
pub struct Reader {
    sender: Sender,
    /// An incomplete header.
    header: Vec<u8, HEADER>,
    /// The frame whose payload comes now.
    frame: Option<Frame>,
    /// The payload of a control frame so far.
    control: Payload,
    /// A message is open: more fragments of it will follow.
    open: bool,
    /// The open message is text.
    text: bool,
    utf8: Utf8,
}

struct Frame {
    header: FrameHeader,
    /// Payload read so far.
    read: u64,
}

impl Frame {
    fn is_control(&self) -> bool {
        is_control(self.header.frame_type)
    }
}

fn is_control(kind: FrameType) -> bool {
    matches!(kind, FrameType::Close | FrameType::Ping | FrameType::Pong)
}

impl Reader {
    /// A reader for the frames of this kind of peer.
    pub fn new(sender: Sender) -> Self {
        let (header, control, utf8) = Default::default();
        Self { sender, header, frame: None, control, open: false, text: false, utf8 }
    }

    /// Reads from the front of `bytes`, and unmasks them in place. Returns how many bytes belong to the step; an error
    /// is the code to close with.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<(usize, Step), u16> {
        match self.frame.take() {
            None => self.read_header(bytes),
            Some(frame) => self.read_payload(frame, bytes),
        }
    }

    fn read_header(&mut self, bytes: &[u8]) -> Result<(usize, Step), u16> {
        for (index, byte) in bytes.iter().enumerate() {
            self.header.push(*byte).map_err(|_| code::PROTOCOL_ERROR)?;
            match FrameHeader::deserialize(&self.header) {
                Ok((header, _)) => return Ok((index + 1, self.begin(header)?)),
                Err(Error::Incomplete(_)) => {}
                Err(_) => return Err(code::PROTOCOL_ERROR),
            }
        }
        Ok((bytes.len(), Step::More))
    }

    /// Checks a header (RFC 6455, sections 5.1 to 5.5).
    fn begin(&mut self, header: FrameHeader) -> Result<Step, u16> {
        let kind = header.frame_type;
        let is_final = self.header.first().is_some_and(|first| first & 0x80 != 0);
        let allowed = match kind {
            _ if is_control(kind) => is_final && header.payload_len <= CONTROL as u64,
            FrameType::Continue(_) => self.open,
            _ => !self.open,
        };
        self.header.clear();
        let masked = self.sender == Sender::Client;
        if !allowed || header.mask_key.is_some() != masked || header.payload_len > i64::MAX as u64 {
            return Err(code::PROTOCOL_ERROR);
        }
        match kind {
            FrameType::Text(_) => (self.open, self.text) = (true, true),
            FrameType::Binary(_) => (self.open, self.text) = (true, false),
            _ => {}
        }
        self.control.clear();
        let frame = Frame { header, read: 0 };
        // A frame without payload ends with its header.
        if frame.header.payload_len == 0 { self.end(&frame) } else { self.keep(frame) }
    }

    fn keep(&mut self, frame: Frame) -> Result<Step, u16> {
        self.frame = Some(frame);
        Ok(Step::More)
    }

    fn read_payload(&mut self, mut frame: Frame, bytes: &mut [u8]) -> Result<(usize, Step), u16> {
        let left = frame.header.payload_len.saturating_sub(frame.read);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let payload = bytes.get_mut(..count).unwrap_or_default();
        frame.header.mask(payload, (frame.read % 4) as usize);
        frame.read += count as u64;
        if frame.is_control() {
            self.control.extend_from_slice(payload).map_err(|_| code::PROTOCOL_ERROR)?;
        } else if self.text && !self.utf8.push(payload) {
            return Err(code::INVALID_PAYLOAD);
        }
        let is_control = frame.is_control();
        let step = if frame.read == frame.header.payload_len { self.end(&frame)? } else { self.keep(frame)? };
        Ok((count, if is_control { step } else { Step::Data }))
    }

    /// A frame is complete.
    fn end(&mut self, frame: &Frame) -> Result<Step, u16> {
        match frame.header.frame_type {
            FrameType::Ping => Ok(Step::Ping(self.control.clone())),
            FrameType::Close => self.close().map(Step::Close),
            FrameType::Pong => Ok(Step::More),
            kind => {
                if kind.is_final() {
                    self.open = false;
                    if self.text && !self.utf8.end() {
                        return Err(code::INVALID_PAYLOAD);
                    }
                }
                Ok(Step::More)
            }
        }
    }

    /// The code of a close frame (RFC 6455, sections 5.5.1 and 7.4).
    fn close(&self) -> Result<Option<u16>, u16> {
        let Some((number, reason)) = self.control.split_first_chunk::<2>() else {
            return if self.control.is_empty() { Ok(None) } else { Err(code::PROTOCOL_ERROR) };
        };
        let number = u16::from_be_bytes(*number);
        if !matches!(number, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(code::PROTOCOL_ERROR);
        }
        core::str::from_utf8(reason).map(|_| Some(number)).map_err(|_| code::INVALID_PAYLOAD)
    }
}

/// Writes the header of a frame into `buffer`; returns its length.
fn header(kind: FrameType, length: usize, mask: Mask, buffer: &mut [u8; HEADER]) -> usize {
    let header = FrameHeader { frame_type: kind, payload_len: length as u64, mask_key: mask.map(u32::from_be_bytes) };
    // The buffer has room for the longest header.
    header.serialize(buffer).unwrap_or(0)
}

/// The header of a text or binary message of `length` bytes, and the header's length.
pub fn message(is_text: bool, length: usize, mask: Mask) -> ([u8; HEADER], usize) {
    let mut buffer = [0; HEADER];
    let kind = if is_text { FrameType::Text(false) } else { FrameType::Binary(false) };
    let used = header(kind, length, mask, &mut buffer);
    (buffer, used)
}

/// A control frame, complete.
pub type Control = Vec<u8, { CONTROL + 6 }>;

fn control(kind: FrameType, payload: &[u8], key: Mask) -> Control {
    let mut buffer = [0; HEADER];
    let used = header(kind, payload.len(), key, &mut buffer);
    // A header of at most six bytes and a payload of the checked length always fit.
    let mut frame: Control = buffer.get(..used).into_iter().chain([payload]).flatten().copied().collect();
    mask(frame.get_mut(used..).unwrap_or_default(), key, 0);
    frame
}

/// A ping, to check whether the peer is still there.
pub fn ping(mask: Mask) -> Control {
    control(FrameType::Ping, &[], mask)
}

/// The answer to a ping.
pub fn pong(payload: &Payload, mask: Mask) -> Control {
    control(FrameType::Pong, payload, mask)
}

/// A close frame.
pub fn close(code: Option<u16>, mask: Mask) -> Control {
    match code {
        Some(code) => control(FrameType::Close, &code.to_be_bytes(), mask),
        None => control(FrameType::Close, &[], mask),
    }
}

#[cfg(test)]
mod tests;
