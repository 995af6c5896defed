//! Places for values that live as long as the device: on a board statics of their own, elsewhere the heap.

/// Puts a value where it stays for ever. On a board, each call in the source has one place and may run once.
macro_rules! place {
    ($kind:ty, $value:expr) => {{
        #[cfg(feature = "host")]
        let placed: &'static $kind = std::boxed::Box::leak(std::boxed::Box::new($value));
        #[cfg(not(feature = "host"))]
        let placed: &'static $kind = {
            static PLACE: static_cell::StaticCell<$kind> = static_cell::StaticCell::new();
            $crate::place::fill(&PLACE, || $value)
        };
        placed
    }};
}

/// Puts `count` values side by side where they stay for ever; see [`place`]. On a board no more than one of them is on
/// the stack at a time.
macro_rules! place_all {
    ($kind:ty, $count:expr, $value:expr) => {{
        #[cfg(feature = "host")]
        let placed: &'static [$kind] = (0..$count).map(|_| $value).collect::<std::vec::Vec<$kind>>().leak();
        #[cfg(not(feature = "host"))]
        let placed: &'static [$kind] = {
            static PLACE: static_cell::StaticCell<heapless::Vec<$kind, { $count }>> = static_cell::StaticCell::new();
            $crate::place::fill_all(PLACE.init_with(heapless::Vec::new), || $value)
        };
        placed
    }};
}

/// As [`place`], for a value that the compiler can make: on a board it is never on the stack.
macro_rules! place_const {
    ($kind:ty, $value:expr) => {{
        #[cfg(feature = "host")]
        let placed: &'static $kind = std::boxed::Box::leak(std::boxed::Box::new($value));
        #[cfg(not(feature = "host"))]
        let placed: &'static $kind = {
            static PLACE: static_cell::ConstStaticCell<$kind> = static_cell::ConstStaticCell::new($value);
            PLACE.take()
        };
        placed
    }};
}

/// As [`place_all`], for values that the compiler can make: on a board they are never on the stack.
macro_rules! place_const_all {
    ($kind:ty, $count:expr, $value:expr) => {{
        #[cfg(feature = "host")]
        let placed: &'static [$kind] = (0..$count).map(|_| $value).collect::<std::vec::Vec<$kind>>().leak();
        #[cfg(not(feature = "host"))]
        let placed: &'static [$kind] = {
            static PLACE: static_cell::ConstStaticCell<[$kind; $count]> =
                static_cell::ConstStaticCell::new([const { $value }; $count]);
            PLACE.take()
        };
        placed
    }};
}

pub(crate) use {place, place_all, place_const, place_const_all};

/// Makes the value in a stack frame that is gone afterwards: on the way to its place it may be on the stack.
#[cfg(not(feature = "host"))]
#[inline(never)]
pub(crate) fn fill<T>(place: &'static static_cell::StaticCell<T>, value: impl FnOnce() -> T) -> &'static T {
    place.init_with(value)
}

/// Fills all places, one value after the other.
#[cfg(not(feature = "host"))]
#[inline(never)]
pub(crate) fn fill_all<T, const N: usize>(
    places: &'static mut heapless::Vec<T, N>,
    value: impl Fn() -> T,
) -> &'static [T] {
    while places.push(value()).is_ok() {}
    places
}
