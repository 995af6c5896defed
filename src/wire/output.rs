//! Texts that are produced piece by piece, because they do not fit into a buffer.

/// A text that is produced piece by piece.
pub trait Output {
    /// Writes the next bytes; zero at the end. `out` always has room for one step ([`MIN_PIECE`]).
    fn fill(&mut self, out: &mut [u8]) -> usize;
}

/// The smallest buffer that [`Output::fill`] gets.
pub const MIN_PIECE: usize = 16;
