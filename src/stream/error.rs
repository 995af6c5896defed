//! What can go wrong with a stream.

/// Why a stream operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// No stream has this handle.
    NoStream,
    /// All handles are taken.
    Full,
    /// This kind of stream cannot do that.
    NotSupported,
    /// The peer is gone, or there is none yet.
    Closed,
    /// More than the stream can ever take at once.
    TooLarge,
    /// The peer has taken nothing for too long.
    Stalled,
    /// A file stream's store failed.
    File,
    /// A transfer on a bus failed; the log says why.
    Bus,
}
