# shellcheck shell=bash
# Tests the running process from outside, with programs of others as peers and judges.

# The judges have the versions of the requirements, in their own Python environment in `target/judges`.
judges=target/judges
has_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
# The environment is kept as long as it was made from these requirements and its Python still runs.
has_judges() {
    cmp -s tests/blackbox/requirements.txt "$judges/requirements.txt" &&
        "$judges/bin/python" -c 'import schemathesis' >/dev/null 2>&1
}
install_judges() {
    if ! has_venv; then debian python3-venv && has_venv || return 1; fi
    rm -rf "$judges"
    python3 -m venv "$judges" &&
        "$judges/bin/python" -m pip install -q --no-input --disable-pip-version-check \
            -r tests/blackbox/requirements.txt &&
        cp tests/blackbox/requirements.txt "$judges/"
}

check "build" cargo build
python="$judges/bin/python"
if ! has_judges && ! install_judges; then
    echo "What tests/blackbox/requirements.txt names could not be installed (venv, pip): tests that need it are skipped."
    python=python3
fi
# Peers for the tests in network namespaces; without them, or without the privilege for namespaces, these are skipped.
for program in dnsmasq:dnsmasq-base ip:iproute2 ping:iputils-ping udhcpc:udhcpc dbus-daemon:dbus-daemon \
    avahi-daemon:avahi-daemon avahi-resolve:avahi-utils nmblookup:samba-common-bin; do
    [[ -n $(PATH=$PATH:/usr/sbin type -P "${program%%:*}") ]] || debian "${program##*:}" ||
        echo "No ${program%%:*}: tests in network namespaces are skipped."
done
# Clients of the remote terminal and of stream mode.
for program in telnet:inetutils-telnet expect:expect nc:netcat-openbsd socat:socat; do
    command -v "${program%%:*}" >/dev/null || debian "${program##*:}" ||
        echo "No ${program%%:*}: the tests with it are skipped."
done
# Peers and judges of TLS.
for program in nginx:nginx-light testssl:testssl.sh; do
    [[ -n $(PATH=$PATH:/usr/sbin type -P "${program%%:*}") ]] || debian "${program##*:}" ||
        echo "No ${program%%:*}: the tests with it are skipped."
done
suite "black box" count_plain "$python" tests/blackbox/run
# The ways to install it.
suite "installation" count_plain packaging/check
