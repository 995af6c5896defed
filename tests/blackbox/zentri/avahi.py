"""Avahi in the namespace of a `netns.Lab`'s peer: its daemon with a message bus of its own, and its clients."""

import shutil

from .netns import until

#: Programs that the tests need.
NEEDED = ("dbus-daemon", "avahi-daemon", "avahi-resolve", "avahi-browse")

BUS = """<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow receive_type="method_call"/>
    <allow receive_type="signal"/>
    <allow send_type="signal"/>
    <allow receive_type="error"/>
    <allow send_type="error"/>
    <allow receive_type="method_return"/>
    <allow send_type="method_return"/>
  </policy>
</busconfig>
"""

DAEMON = """[server]
host-name={name}
use-ipv4=yes
use-ipv6=no
allow-interfaces={interface}
enable-dbus=yes
[publish]
publish-workstation=no
publish-hinfo=no
[wide-area]
enable-wide-area=no
"""


def absent():
    """The programs that are not installed."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return [name for name in NEEDED if shutil.which(name) is None and shutil.which(name, path=path) is None]


class Avahi:
    """A daemon that runs until the lab ends."""

    def __init__(self, lab, interface, name="peer"):
        self.lab, self.socket = lab, lab.folder / "bus"
        bus, daemon = lab.folder / "bus.conf", lab.folder / "avahi.conf"
        bus.write_text(BUS.format(socket=self.socket))
        daemon.write_text(DAEMON.format(name=name, interface=interface))
        lab.start_at_peer("dbus-daemon", f"--config-file={bus}", "--nofork", "--nopidfile")
        until("message bus", self.socket.exists, 10)
        # `ip netns exec` gives the daemon its own mounts, so it is hidden from the daemon of this machine.
        script = 'mount -t tmpfs none /run && mkdir -p /run/avahi-daemon && exec "$@"'
        environment = f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={self.socket}"
        lab.start_at_peer(
            "env", environment, "sh", "-c", script, "sh", "/usr/sbin/avahi-daemon", "-f", str(daemon),
            "--no-drop-root", "--no-chroot", "--no-rlimits")
        until("avahi-daemon", lambda: self.ask("avahi-resolve", "-4", "-n", f"{name}.local"), 20)

    def ask(self, *command):
        """The output of a client; empty when it fails."""
        try:
            return self.lab.at_peer("env", f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={self.socket}", *command)
        except AssertionError:
            return ""

    def address(self, name):
        """The address of a name; None when no device has it."""
        words = self.ask("avahi-resolve", "-4", "-n", name).split()
        return words[1] if len(words) == 2 else None

    def name(self, address):
        """The name of an address."""
        words = self.ask("avahi-resolve", "-a", address).split()
        return words[1] if len(words) == 2 else None

    def services(self, kind):
        """Lines `=;interface;IPv4;name;type;domain;host;address;port;text` for each service of a type."""
        lines = self.ask("avahi-browse", "-r", "-t", "-p", kind).splitlines()
        return [line.split(";", 9) for line in lines if line.startswith("=")]
