//! Bytes that the device has read from the serial line and given back; they survive a reboot.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::FdFlags;
use rustix::pipe::PipeFlags;

use super::handover::own_descriptor;

/// The environment variable in which a device that reboots names the pipe with those bytes.
pub(super) const KEPT: &str = "OPENZENTRI_TYPED";
/// The capacity of a pipe without a reader (see pipe(7)).
const PIPE: usize = 65_536;

/// The bytes that the next read returns first.
#[derive(Default)]
pub(super) struct Kept {
    bytes: VecDeque<u8>,
    /// The pipe to the next process image, once it is filled.
    pipe: Option<OwnedFd>,
}

impl Kept {
    /// The bytes that the previous process image has left.
    pub(super) fn take_over() -> Self {
        let left = std::env::var(KEPT).ok().and_then(|token| Self::adopt(&token));
        Self { bytes: left.unwrap_or_default(), pipe: None }
    }

    /// Reads the pipe of a [`KEPT`] value; a value meant for another process is ignored.
    fn adopt(token: &str) -> Option<VecDeque<u8>> {
        let (process, pipe) = token.split_once(':')?;
        if process.parse() != Ok(std::process::id()) {
            return None;
        }
        let mut bytes = Vec::new();
        File::from(own_descriptor(pipe.parse().ok()?)?).read_to_end(&mut bytes).ok()?;
        Some(bytes.into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Puts bytes in front of the kept ones.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().rev() {
            self.bytes.push_front(*byte);
        }
    }

    /// Takes as many bytes as fit into `buffer`.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.bytes.len());
        for (place, byte) in buffer.iter_mut().zip(self.bytes.drain(..count)) {
            *place = byte;
        }
        count
    }

    /// Lets the bytes survive this process image; returns the value for [`KEPT`].
    pub(super) fn hand_over(&mut self) -> Option<String> {
        if self.bytes.is_empty() || self.bytes.len() > PIPE {
            return None;
        }
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).ok()?;
        File::from(writer).write_all(self.bytes.make_contiguous()).ok()?;
        rustix::io::fcntl_setfd(&reader, FdFlags::empty()).ok()?;
        let token = format!("{}:{}", std::process::id(), reader.as_raw_fd());
        self.pipe = Some(reader);
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_comes_first_and_in_order_over_a_restart() {
        let mut kept = Kept::default();
        kept.put_back(b"ver\n");
        kept.put_back(b"get \x00");
        let mut first = [0; 2];
        assert_eq!(kept.take(&mut first), 2);
        assert_eq!(&first, b"ge");
        let token = kept.hand_over().unwrap();
        // As `exec` does: the pipe stays open, its owner is gone.
        std::mem::forget(kept.pipe.take());
        let (_, pipe) = token.split_once(':').unwrap();
        assert!(Kept::adopt(&format!("1:{pipe}")).is_none(), "for another process");
        assert_eq!(Kept::adopt(&token).unwrap(), *b"t \x00ver\n");
        assert!(Kept::adopt(&token).is_none(), "taken already");
        assert!(Kept::default().hand_over().is_none());
    }
}
