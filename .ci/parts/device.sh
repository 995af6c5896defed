# shellcheck shell=bash
# The device without an operating system, as for boards, and without features.

check "no_std" cargo check --lib --no-default-features --features full
# The device compiles without any single feature; without all of them it answers as it should.
mapfile -t features < <(
    python3 -c 'import tomllib; print(*tomllib.load(open("Cargo.toml", "rb"))["features"]["full"], sep="\n")'
)
check "features are known" test "${#features[@]}" -gt 1
for feature in "${features[@]}"; do
    others=$(printf '%s\n' "${features[@]}" | grep -vx "$feature" | paste -sd,)
    check "without $feature" cargo check --lib --no-default-features --features "$others"
done
suite "no features" count_cargo cargo test --test features --no-default-features --features linux

# The device as it is built for a board. Debian's Rust includes the source of `core`, so it can build for every target.
bare_target=thumbv8m.main-none-eabihf
bare_metal() {
    PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=core,alloc CARGO_TARGET_DIR=target/bare \
        timeout -k 10 1800 /usr/bin/cargo build --lib --no-default-features --features full --target "$bare_target"
}
if debian_rust || { debian rustc-web cargo-web rust-web-src && debian_rust; }; then
    check "bare metal" bare_metal
else
    skip "bare metal" "Debian's rustc-web, cargo-web and rust-web-src are not installed"
fi
