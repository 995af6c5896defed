//! Texts that are produced piece by piece, because no buffer holds them.

/// A text that is produced piece by piece.
pub trait Output {
    /// Writes the next bytes; zero at the end. `out` is never shorter than one step needs ([`MIN_PIECE`]).
    fn fill(&mut self, out: &mut [u8]) -> usize;
}

/// The smallest room that [`Output::fill`] is given.
pub const MIN_PIECE: usize = 16;
