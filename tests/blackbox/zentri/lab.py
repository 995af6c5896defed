"""Devices in the namespaces of a `netns.Lab`: the Linux process on a network interface, or Zephyr's simulated board on a TAP
(`FILE_SUFFIX=tap`), whose program $OPENZENTRI_TAP names."""

import os
import unittest

from .device import Device, NativeSimDevice
from .netns import run

#: The networks that the radio hears. The simulated board has them from its devicetree
#: (tests/zephyr/neighbourhood.overlay).
NETWORKS = "ssid=MyNet security=wpa2-aes passkey=mypassword channel=6\n"


def tap_program():
    """The simulated board's program; None when the Linux process is the device."""
    return os.environ.get("OPENZENTRI_TAP")


class LabDevice(Device):
    """The Linux process in the namespace `device`, with a cable to the namespace `peer`."""

    def __init__(self, lab, role, settings=None):
        """`role` is `wlan` or `softap`: the role of the device on the cable."""
        settings = {"wlan.auto_join.enabled": "0", "http.server.enabled": "1", "wlan.ssid": "MyNet",
                    "wlan.passkey": "mypassword", **(settings or {})}
        super().__init__(settings, http=False)
        self.settings["http.server.port"] = "80"
        self.lab, self.role = lab, role

    def lay_cable(self, there, address=None):
        """Lays the cable from the device to the peer. The peer's end gets this name and address."""
        self.lab.cable("oz0", there, address)
        networks = self.lab.folder / "networks"
        networks.write_text(NETWORKS)
        self.arguments = [f"--{self.role}", "oz0", "--radio", str(networks)]
        return self

    def command_line(self):
        return self.lab.at_device(*super().command_line())

    @staticmethod
    def ask(line, command):
        """Runs a command that must succeed; answers its text."""
        return line.ok(command).strip()


class TapDevice(NativeSimDevice, LabDevice):
    """The simulated board. Its end of the cable is a TAP, the peer's interface, so it runs in the peer's namespace."""

    program = staticmethod(tap_program)

    def lay_cable(self, there, address=None):
        if not os.path.exists("/dev/net/tun"):
            raise unittest.SkipTest("no TAP interfaces here: /dev/net/tun is missing")
        run("ip", "-n", self.lab.peer, "tuntap", "add", "dev", there, "mode", "tap")
        self.lab.raise_peer(there, address)
        self.arguments = [f"--tap-{self.role}={there}"]
        return self

    def command_line(self):
        return ["ip", "netns", "exec", self.lab.peer, *super().command_line()]


def lab_device(lab, role, there, address=None, settings=None):
    """The device under test on a cable to the peer."""
    kind = TapDevice if tap_program() else LabDevice
    return kind(lab, role, settings).lay_cable(there, address)
