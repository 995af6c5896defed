# shellcheck shell=bash
# First what the README tells everybody to run; then format, lints, rooms and documents.

suite "cargo test" count_cargo cargo test
if cargo fmt --version >/dev/null 2>&1; then check "format" cargo fmt --check; else skip "format" "no rustfmt here"; fi
if cargo clippy --version >/dev/null 2>&1; then
    check "clippy" cargo clippy --all-targets -- -D warnings
    check "clippy, as on a board" cargo clippy --lib --no-default-features --features full -- -D warnings
else
    skip "clippy" "no clippy here"
fi
check "rooms, the check itself" python3 .ci/test_rooms.py
# Known circles would be named here with --untie; a new circle fails, and so does a name without a circle.
check "rooms" .ci/rooms
suite "random numbers" count_plain python3 tests/zephyr/test_noise.py
suite "firmware of the radio" count_plain python3 tests/zephyr/test_radio_firmware.py
check "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
