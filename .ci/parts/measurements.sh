# shellcheck shell=bash
# Speed and memory.

# Instructions per command and per request: notices what has become much slower.
if command -v valgrind >/dev/null || { debian valgrind && command -v valgrind >/dev/null; }; then
    check "instructions" benches/check-instructions
else
    skip "instructions" "valgrind is not installed"
fi

# Checks only that the measurements work; their results on a busy machine mean nothing.
check "measurements" benches/run --seconds 0.2 --megabytes 1 --client sequential --no-peers
if command -v openssl >/dev/null || debian openssl; then
    check "measurements of TLS" benches/tls
else
    skip "measurements of TLS" "openssl is not installed"
fi
check "memory of a connection" benches/memory
