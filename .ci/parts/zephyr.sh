# shellcheck shell=bash
# shellcheck disable=SC2154 # `logs` is of lib.sh
# native_sim, boards and QEMU, where a Zephyr workspace is found.

# The workspace: that of `west`, or the one that CMake knows.
zephyr_base() {
    local top package
    if [[ -n ${ZEPHYR_BASE:-} && -f $ZEPHYR_BASE/scripts/twister ]]; then echo "$ZEPHYR_BASE" && return; fi
    if command -v west >/dev/null && top=$(west topdir 2>/dev/null) && [[ -f $top/zephyr/scripts/twister ]]; then
        echo "$top/zephyr" && return
    fi
    for package in ~/.cmake/packages/Zephyr/*; do
        [[ -f $package ]] || continue
        # `<base>/share/zephyr-package/cmake`
        top=$(sed 's|/share/zephyr-package/cmake/*$||' "$package")
        if [[ -f $top/scripts/twister ]]; then echo "$top" && return; fi
    done
    return 1
}

# The workspace's own Python if it has one, and a Rust that can build `core`, first in PATH.
zephyr_path() {
    local base=$1 tools="$logs/bin" tool venv
    mkdir -p "$tools"
    for tool in cargo rustc rustdoc cargo-clippy clippy-driver; do
        if [[ -x /usr/bin/$tool ]]; then ln -sf "/usr/bin/$tool" "$tools/$tool"; fi
    done
    venv="$(dirname "$base")/.venv/bin"
    if [[ -d $venv ]]; then echo "$tools:$venv:$PATH"; else echo "$tools:$PATH"; fi
}

# twister BASE OUT VARIABLE=VALUE... -- ARGUMENT...
twister() {
    local base=$1 out=$2 variables=()
    shift 2
    while [[ $1 != -- ]]; do variables+=("$1") && shift; done
    shift
    env PATH="$(zephyr_path "$base")" ZEPHYR_BASE="$base" RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=core,alloc \
        "${variables[@]}" \
        timeout -k 10 2700 python3 "$base/scripts/twister" -T . -j2 --clobber-output --inline-logs -O "$logs/$out" "$@"
}

# Reads twister's report beside its log; twister itself succeeds even when it has filtered all suites out.
count_twister() {
    python3 - "$1.out/twister.json" <<'PYTHON'
import json, sys
counts = {"passed": 0, "failed": 0, "skipped": 0}
try:
    suites = json.load(open(sys.argv[1]))["testsuites"]
except OSError:
    suites = []
for suite in suites:
    for case in suite.get("testcases") or [suite]:
        status = case.get("status") or suite.get("status")
        if status == "filtered":
            continue
        # What is only built counts as passed when it was built.
        if status in ("not run", "notrun"):
            status = "passed" if suite.get("status") in ("not run", "notrun", "passed") else "failed"
        counts[status if status in counts else "failed"] += 1
print(*counts.values())
PYTHON
}

# Asked for its library, Debian's RISC-V compiler does not know `_zicsr_zifencei` and names the wrong one.
riscv_compiler() {
    local folder="$logs/riscv" prefix=riscv64-unknown-elf- tool
    mkdir -p "$folder"
    for tool in /usr/bin/"$prefix"*; do ln -sf "$tool" "$folder/"; done
    rm -f "$folder/${prefix}gcc"
    cat >"$folder/${prefix}gcc" <<'WRAPPER'
#!/usr/bin/env bash
arguments=("$@")
if [[ " $* " == *" -print-"* || " $* " == *" --print-"* ]]; then
    for place in "${!arguments[@]}"; do
        if [[ ${arguments[place]} == -march=* ]]; then arguments[place]=${arguments[place]%%_z*}; fi
    done
fi
exec /usr/bin/riscv64-unknown-elf-gcc "${arguments[@]}"
WRAPPER
    chmod +x "$folder/${prefix}gcc"
    echo "$folder/$prefix"
}

# Compares the image that Twister has built for a board with the limits of its profile.
footprint() {
    local board=$1 out=$2 elf
    elf=$(find "$logs/$out" -path "*openzentri.$board/*" -name zephyr.elf -print -quit 2>/dev/null) || true
    if [[ -z $elf ]]; then
        skip "footprint of $board" "Twister has built no image"
        return
    fi
    check "footprint of $board" benches/memory --build "$(dirname "$(dirname "$elf")")" --check
}

# The program that Twister has built for an entry of sample.yaml.
built_program() { find "$logs/native_sim.out" -path "*/$1/*" -name zephyr.exe -print -quit 2>/dev/null || true; }

# Tests that Twister's Python cannot run, on the programs that it has built: more TLS peers, and Chromium: all its tests
# on host sockets, and a phone on the soft AP's TAP.
judges_on_native_sim() {
    local program tap
    program=$(built_program openzentri.native_sim)
    tap=$(built_program openzentri.native_sim.tap)
    if [[ -z $program || -z $tap ]]; then
        skip "TLS and browser on native_sim" "Twister has not built both programs"
        return
    fi
    # Where the part blackbox has made it, the Python that has the programs of others.
    local judge=target/judges/bin/python
    [[ -x $judge ]] || judge=python3
    suite "services on native_sim" count_plain \
        env OPENZENTRI_NATIVE_SIM="$program" "$judge" tests/blackbox/run \
        test_remote_terminal test_structured test_stream_mode test_broadcast test_ntp test_smtp test_websocket_client test_kinds
    suite "TLS on native_sim" count_plain \
        env OPENZENTRI_NATIVE_SIM="$program" "$judge" tests/blackbox/run \
        test_tls_broken test_tls_nginx test_tls_scans test_tls_tlslite
    suite "browser on native_sim" count_plain \
        env OPENZENTRI="$program" OPENZENTRI_TARGET=native_sim tests/browser/run
    if [[ $(id -u) != 0 ]]; then
        skip "browser on a TAP" "network namespaces need root"
        return
    fi
    suite "browser on a TAP" count_plain \
        env OPENZENTRI="$program" OPENZENTRI_TARGET=native_sim OPENZENTRI_TAP="$tap" tests/browser/run captive-portal
}

zephyr_suites() {
    local base=$1
    if ! debian_rust; then
        skip "Zephyr" "no Rust that can build \`core\` is installed"
        return
    fi
    suite "native_sim" count_twister twister "$base" native_sim.out ZEPHYR_TOOLCHAIN_VARIANT=host -- \
        -p native_sim/native/64
    judges_on_native_sim
    # The boards are only built, to see that they fit; tests in QEMU take longer.
    local qemu=
    if [[ -z ${OPENZENTRI_BOARDS:-} ]]; then
        skip "QEMU, ESP32-C6" "OPENZENTRI_BOARDS=1 runs the device on a Cortex-M33 and builds for the ESP32-C6, too"
    elif command -v qemu-system-arm >/dev/null; then
        qemu=1
    fi
    # Boards name only the compilers of Zephyr's SDK; and the chip vendors' code has warnings.
    local any=(--force-toolchain --disable-warnings-as-errors)
    if command -v arm-none-eabi-gcc >/dev/null; then
        local arm=(-p nrf7002dk/nrf5340/cpuapp)
        if [[ -n $qemu ]]; then arm+=(-p mps2/an521/cpu0); fi
        suite "Arm" count_twister twister "$base" Arm.out ZEPHYR_TOOLCHAIN_VARIANT=cross-compile \
            CROSS_COMPILE="$(command -v arm-none-eabi-gcc | sed 's/gcc$//')" -- \
            "${any[@]}" "${arm[@]}"
        footprint nrf7002dk Arm.out
        footprint nrf7002dk.tls Arm.out
        if [[ -n $qemu ]]; then footprint qemu Arm.out; fi
    else
        skip "Arm" "no arm-none-eabi-gcc (Debian's gcc-arm-none-eabi)"
    fi
    if [[ -x /usr/bin/riscv64-unknown-elf-gcc ]]; then
        local riscv=(-p esp32c3_devkitm)
        if [[ -n ${OPENZENTRI_BOARDS:-} ]]; then riscv+=(-p esp32c6_devkitc); fi
        suite "RISC-V" count_twister twister "$base" RISC-V.out ZEPHYR_TOOLCHAIN_VARIANT=cross-compile \
            CROSS_COMPILE="$(riscv_compiler)" -- "${any[@]}" "${riscv[@]}"
        footprint esp32c3 RISC-V.out
        if [[ -n ${OPENZENTRI_BOARDS:-} ]]; then footprint esp32c6 RISC-V.out; fi
    else
        skip "RISC-V" "no riscv64-unknown-elf-gcc (Debian's gcc-riscv64-unknown-elf)"
    fi
}

printf '\n=== Zephyr\n'
if [[ ! -f sample.yaml ]]; then
    echo "This tree has no Zephyr suites."
elif base=$(zephyr_base); then
    zephyr_suites "$base"
else
    skip "Zephyr" "no Zephyr workspace was found (west, or CMake's package registry); these suites did not run"
fi
