//! Messages: CBOR arrays whose first element is the type (`docs/structured-protocol.cddl`). Elements after the known
//! ones are for later versions and ignored.

use minicbor::encode::{Error, Write};
use minicbor::{Decoder, Encoder};

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// The smallest limit that a host may have: everything fits except answers and data, which are split.
pub const SMALLEST: usize = 256;

/// The longest encoding of a message without its bytes: five numbers of eight bytes, heads, truth values.
pub const OVERHEAD: usize = 48;

/// Declares the messages: name, number, elements, and the CBOR type of each element.
macro_rules! messages {
    ($($(#[$about:meta])* $name:ident = $number:literal { $($(#[$says:meta])* $field:ident: $kind:ident,)* })*) => {
        /// The content of a frame. `'a` is the lifetime of the payload.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $($(#[$about])* $name { $($(#[$says])* $field: messages!(@type $kind),)* },)*
        }

        impl<'a> Message<'a> {
            /// Every message: its number and the names of its elements.
            pub const ALL: &'static [(u8, &'static str, &'static [&'static str])] =
                &[$(($number, stringify!($name), &[$(stringify!($field)),*])),*];

            /// Reads a payload; `None` when it is not one of these messages.
            pub fn read(payload: &'a [u8]) -> Option<Self> {
                let mut decoder = Decoder::new(payload);
                let count = decoder.array().ok()??;
                let number = decoder.u8().ok()?;
                match number {
                    $($number => {
                        const COUNT: u64 = 1 $(+ { let _ = stringify!($field); 1 })*;
                        if count < COUNT {
                            return None;
                        }
                        Some(Self::$name { $($field: messages!(@read decoder $kind),)* })
                    })*
                    _ => None,
                }
            }

            /// Writes the payload.
            pub fn encode<W: Write>(&self, encoder: &mut Encoder<W>) -> Result<(), Error<W::Error>> {
                match self {
                    $(Self::$name { $($field),* } => {
                        const COUNT: u64 = 1 $(+ { let _ = stringify!($field); 1 })*;
                        encoder.array(COUNT)?.u8($number)?;
                        $(messages!(@write encoder $field $kind);)*
                    })*
                }
                Ok(())
            }
        }
    };
    (@type small) => { u8 };
    (@type number) => { u32 };
    (@type offset) => { u64 };
    (@type truth) => { bool };
    (@type bytes) => { &'a [u8] };
    (@type text) => { &'a str };
    (@read $decoder:ident small) => { $decoder.u8().ok()? };
    (@read $decoder:ident number) => { $decoder.u32().ok()? };
    (@read $decoder:ident offset) => { $decoder.u64().ok()? };
    (@read $decoder:ident truth) => { $decoder.bool().ok()? };
    (@read $decoder:ident bytes) => { $decoder.bytes().ok()? };
    (@read $decoder:ident text) => { $decoder.str().ok()? };
    (@write $encoder:ident $field:ident small) => { $encoder.u8(*$field)? };
    (@write $encoder:ident $field:ident number) => { $encoder.u32(*$field)? };
    (@write $encoder:ident $field:ident offset) => { $encoder.u64(*$field)? };
    (@write $encoder:ident $field:ident truth) => { $encoder.bool(*$field)? };
    (@write $encoder:ident $field:ident bytes) => { $encoder.bytes($field)? };
    (@write $encoder:ident $field:ident text) => { $encoder.str($field)? };
}

messages! {
    /// Host: asks for [`Message::Welcome`].
    Hello = 0 {
        /// Requests and offsets begin anew.
        restart: truth,
        /// Bytes of the longest payload that the host takes; 0: as long as the device's.
        frame: number,
    }
    /// Host: asks for a command to be run once, and for its answer from an offset on.
    Request = 1 {
        /// What the answer is called.
        id: number,
        /// The lowest request whose answer the host still wants.
        base: number,
        /// Where in the text the answer shall begin.
        offset: number,
        /// The command line, without its end.
        line: bytes,
        /// The data of the command.
        data: bytes,
    }
    /// Host: no answer below this one is wanted any more.
    Done = 2 {
        /// The lowest request whose answer the host still wants.
        base: number,
    }
    /// Both: how much of a stream has come, and how far the other side may send.
    Credit = 3 {
        /// The number of the stream.
        stream: number,
        /// Bytes that have come without a gap.
        received: offset,
        /// The offset that no byte may reach.
        limit: offset,
        /// See [`credit`].
        flags: small,
    }
    /// Both: bytes of a stream.
    Data = 4 {
        /// The number of the stream.
        stream: number,
        /// Bytes of the stream before these.
        offset: offset,
        /// A message of the stream ends here; it means nothing for streams without messages.
        last: truth,
        /// The bytes; none ask for [`Message::Credit`].
        bytes: bytes,
    }
    /// Host: asks which stream is open on a handle.
    Ask = 5 {
        /// The handle.
        handle: small,
    }
    /// Host: an event has come.
    Seen = 6 {
        /// The number of the event.
        event: number,
    }
    /// Host: asks for lines of the log that it has missed.
    Replay = 7 {
        /// The first of them.
        number: number,
    }
    /// Host: ends the protocol on this line.
    Stop = 8 {}
    /// Device: what it can do.
    Welcome = 16 {
        /// [`VERSION`].
        version: number,
        /// Bytes of the longest payload.
        frame: number,
        /// Requests at once.
        requests: number,
        /// Bytes of the longest command line.
        line: number,
        /// The number that the next line of the log will have.
        log: number,
        /// Frames that were dropped since the protocol began.
        dropped: number,
    }
    /// Device: a part of the answer to a request.
    Response = 17 {
        /// The request.
        id: number,
        /// The result code of the command.
        code: small,
        /// Bytes of the whole text.
        total: number,
        /// Bytes of the text before these.
        offset: number,
        /// Bytes of the text.
        text: bytes,
    }
    /// Device: what else there is to say about a request.
    Notice = 18 {
        /// The request.
        id: number,
        /// See [`notice`].
        what: small,
    }
    /// Device: the state of a stream. Repeated until it is seen, unless it was asked for.
    Stream = 19 {
        /// The number of the event; 0 when it was asked for.
        event: number,
        /// The number of the stream, which no other has had; 0 when there is none on the handle.
        stream: number,
        /// Its handle.
        handle: small,
        /// See [`state`].
        state: small,
        /// Bytes that the stream had for the host, as far as it is known; of one that is open those that were taken.
        end: offset,
        /// Its kind, as in `stream_list`.
        kind: text,
    }
    /// Device: the state of an interface. Repeated until it is seen.
    Network = 20 {
        /// The number of the event.
        event: number,
        /// 0: WLAN, 1: soft AP.
        interface: small,
        /// Whether it is up.
        up: truth,
        /// Its IPv4 address, or nothing.
        address: bytes,
    }
    /// Device: a line of the log.
    Log = 21 {
        /// Its number.
        number: number,
        /// Its level, 1 to 5.
        level: small,
        /// The line.
        text: bytes,
    }
    /// Device: the protocol has ended on this line.
    Bye = 22 {}
}

/// Flags of [`Message::Credit`].
pub mod credit {
    /// There is a gap: send again from `received` on.
    pub const AGAIN: u8 = 1;
    /// The receiver accepts nothing more.
    pub const SHUT: u8 = 2;
    /// The device has credit for the stream.
    pub const GRANTED: u8 = 4;
}

/// What a [`Message::Notice`] says.
pub mod notice {
    /// The request has come, and its command runs or waits for its turn.
    pub const RUNS: u8 = 0;
    /// Nothing was run: as many requests as can be are there. Send it again later.
    pub const BUSY: u8 = 1;
    /// The command has run, but there was no room to keep its answer.
    pub const LOST: u8 = 2;
}

/// States of a stream.
pub mod state {
    /// It is open.
    pub const OPEN: u8 = 0;
    /// Its peer sends nothing more.
    pub const ENDED: u8 = 1;
    /// It is closed.
    pub const CLOSED: u8 = 2;
}
