# shellcheck shell=bash
# Shared by the parts of `.ci/run`: counting, and installing missing packages.

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0 skipped=0
failures=()

# add NAME PASSED FAILED SKIPPED
add() {
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    if (($3 > 0)); then failures+=("$1"); fi
    echo "--- $1: $2 passed, $3 failed, $4 skipped"
}

# skip NAME REASON...
skip() {
    local name=$1
    shift
    echo "--- $name: skipped, $*"
    skipped=$((skipped + 1))
}

# bounded COMMAND...: runs a program for half an hour at most. (Functions here run programs of their own.)
bounded() {
    if [[ $(type -t "$1") == file ]] && command -v timeout >/dev/null; then
        timeout -k 10 1800 "$@"
    else
        "$@"
    fi
}

# check NAME COMMAND...: one thing that must hold.
check() {
    local name=$1
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    if bounded "$@"; then add "$name" 1 0 0; else add "$name" 0 1 0; fi
}

# suite NAME COUNTER COMMAND...: many tests; the counter reads the log and prints PASSED FAILED SKIPPED.
suite() {
    local name=$1 counter=$2 log status=0 counts
    log="$logs/$1"
    shift 2
    printf '\n=== %s: %s\n' "$name" "$*"
    bounded "$@" 2>&1 | tee "$log" || status=1
    counts=$("$counter" "$log")
    # shellcheck disable=SC2086 # three numbers
    set -- $counts
    local p=$1 f=$2 s=$3
    # A suite that fails without a failed test has not run to its end; one without any test has tested nothing.
    if ((status != 0 && f == 0)); then f=1; fi
    if ((p + f + s == 0)); then f=1; fi
    add "$name" "$p" "$f" "$s"
}

# Closing lines of cargo: `test result: ok. 12 passed; 0 failed; 1 ignored; …`
count_cargo() {
    awk '/^test result: /{gsub(";", ""); p += $4; f += $6; s += $8} END {print p + 0, f + 0, s + 0}' "$1"
}

# The last closing line of the form `12 passed, 0 failed, 1 skipped`.
count_plain() {
    awk -F'[ ,]+' '/^[0-9]+ passed, [0-9]+ failed/{p = $1; f = $3; s = $5} END {print p + 0, f + 0, s + 0}' "$1"
}

can_install() { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; }

apt_updated=
# debian PACKAGE...: installs missing packages; false when that is not possible here.
debian() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return 0; fi
    can_install || return 1
    if [[ -z $apt_updated ]]; then apt-get update -qq && apt_updated=1; fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Whether Debian's Rust is installed, which includes the source of `core` and so can build for every target.
debian_rust() {
    [[ -x /usr/bin/cargo && -x /usr/bin/rustc && -d $(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library ]]
}
