//! Names of a table in order, made at compile time: a name is found by binary search instead of by looking at every
//! row.

/// The numbers of all names, sorted by name. Of equal names the first comes first.
pub const fn order<const N: usize>(names: &[&str; N]) -> [u16; N] {
    assert!(N <= u16::MAX as usize, "the rows are numbered by 16 bits");
    let mut order = [0; N];
    let mut row = 0;
    while row < N {
        // Tables are nearly in order, so few names have to move.
        let mut place = row;
        while place > 0 && is_less(names[row], names[order[place - 1] as usize]) {
            order[place] = order[place - 1];
            place -= 1;
        }
        order[place] = row as u16;
        row += 1;
    }
    order
}

const fn is_less(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

/// The number of a name; `name_of` returns the name of a number.
pub fn find(order: &[u16], name: &[u8], name_of: impl Fn(usize) -> &'static str) -> Option<usize> {
    let found = order.binary_search_by(|row| name_of(usize::from(*row)).as_bytes().cmp(name)).ok()?;
    order.get(found).map(|row| usize::from(*row))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = ["b", "ab", "", "a", "abc", "é", "c"];
    const ORDER: [u16; 7] = order(&NAMES);

    #[test]
    fn the_order_is_that_of_the_bytes() {
        assert!(ORDER.is_sorted_by_key(|row| NAMES[usize::from(*row)]));
        assert_eq!(order(&["x", "a", "x"]), [1, 0, 2]);
    }

    #[test]
    fn every_name_is_found_and_nothing_else() {
        for (number, name) in NAMES.iter().enumerate() {
            assert_eq!(find(&ORDER, name.as_bytes(), |row| NAMES[row]), Some(number));
        }
        for name in ["aa", "abcd", "d", "ê"] {
            assert_eq!(find(&ORDER, name.as_bytes(), |row| NAMES[row]), None);
        }
        assert_eq!(find(&[], b"a", |_| "a"), None);
    }
}
