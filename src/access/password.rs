//! Comparing passwords.

use core::hint::black_box;

/// Compares in a time that depends only on the length of `given`.
pub fn same(wanted: &[u8], given: &[u8]) -> bool {
    let mut difference = wanted.len() ^ given.len();
    let cycle = wanted.iter().chain(core::iter::once(&0)).cycle();
    for (given, wanted) in given.iter().zip(cycle) {
        difference |= usize::from(black_box(given ^ wanted));
    }
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_is_the_same() {
        assert!(same(b"secret", b"secret"));
        for other in ["", "s", "secre", "secret1", "Secret", "secreu", "secretsecret", "secret\0"] {
            assert!(!same(b"secret", other.as_bytes()), "{other}");
        }
        assert!(!same(b"", b"\0"));
    }
}
