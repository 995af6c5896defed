"""The device on real network interfaces, in network namespaces: its address comes from dnsmasq, and peers reach it there. It
is the Linux process (`--wlan`, `--softap`), or Zephyr's simulated board on a TAP when $OPENZENTRI_TAP names its program."""

import json
import unittest

from zentri.lab import lab_device
from zentri.netns import Lab, missing, stop, until

WHY_NOT = missing()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Station(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.lab.__enter__()
        self.addCleanup(self.lab.__exit__)
        self.device = lab_device(self.lab, "wlan", "net0", "10.77.0.1/24")
        self.server = self.lab.dnsmasq("net0", "10.77.0.50", "10.77.0.59", "--address=/printer.lan/10.77.0.99")
        self.device.start()
        self.addCleanup(self.device.close)
        self.line = self.device.machine()

    def get(self, variable):
        return self.device.ask(self.line, f"get {variable}")

    def rest(self, address, command):
        page = self.lab.at_peer("curl", "-sS", "--max-time", "5", f"http://{address}/command/{command}")
        return json.loads(page)["response"].strip()

    def join(self):
        self.device.ask(self.line, "network_up")
        until("address", lambda: self.get("wlan.network.status") == "2", 15)
        return self.get("wlan.network.ip")

    def test_dhcp_gives_an_address_and_peers_reach_it(self):
        address = self.join()
        self.assertRegex(address, r"^10\.77\.0\.5\d$")
        self.assertEqual(self.get("wlan.network.netmask"), "255.255.255.0")
        self.assertEqual(self.get("wlan.network.gateway"), "10.77.0.1")
        self.assertEqual(self.get("wlan.network.dns"), "10.77.0.1")
        self.lab.at_peer("ping", "-c", "1", "-W", "3", address)
        self.assertEqual(self.rest(address, "get%20wlan.network.ip"), address)
        self.assertIn("ms", self.device.ask(self.line, "ping -g"))
        self.assertIn(" ZentriOS-", (self.lab.folder / "leases").read_text(), "the host name is sent")
        # Leaving the network also ends the address.
        self.device.ask(self.line, "network_down")
        self.assertEqual(self.get("wlan.network.ip"), "0.0.0.0")
        shown = self.lab.at_peer("ip", "neigh")
        self.assertIn(address, shown)

    def test_names_are_asked_of_the_name_server_that_dhcp_names(self):
        self.join()
        self.assertEqual(self.device.ask(self.line, "network_lookup printer.lan"), "10.77.0.99")
        self.assertEqual(self.line.command("network_lookup nosuchname.lan").code, 1)

    def test_the_server_restarts_and_gives_another_address(self):
        before = self.join()
        stop(self.server)
        (self.lab.folder / "leases").unlink(missing_ok=True)
        self.lab.dnsmasq("net0", "10.77.0.70", "10.77.0.79")
        # After half of the two-minute lease the new server refuses the old address.
        address = until("another address", lambda: (now := self.get("wlan.network.ip")) not in (before, "0.0.0.0") and now, 100)
        self.assertRegex(address, r"^10\.77\.0\.7\d$")
        self.assertEqual(self.rest(address, "get%20wlan.network.status"), "2")

    def test_static_addresses(self):
        for setting in ("dhcp.enabled 0", "static.ip 10.77.0.7", "static.netmask 255.255.255.0", "static.gateway 10.77.0.1"):
            self.device.ask(self.line, f"set wlan.{setting}")
        self.assertEqual(self.join(), "10.77.0.7")
        self.assertEqual(self.rest("10.77.0.7", "get%20wlan.network.ip"), "10.77.0.7")

    def test_a_silent_network_ends_as_documented(self):
        stop(self.server)
        self.device.ask(self.line, "set wlan.dhcp.timeout 2")
        self.device.ask(self.line, "network_up")
        until("the end of the join", lambda: self.get("wlan.join.result") == "7", 10)
        self.assertEqual(self.get("wlan.join.reason"), "the network gave no address")


#: udhcpc calls this script with the lease in its environment; it sets the address and writes the lease to a file.
LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address flush dev "$interface"
ip address add "$ip/$mask" dev "$interface"
echo "ip=$ip router=$router dns=$dns lease=$lease portal=$opt114" > "{file}"
"""


@unittest.skipIf(WHY_NOT, WHY_NOT)
class SoftAp(unittest.TestCase):
    """A phone on the soft AP: a real DHCP client, DNS queries of a phone, the page of web setup."""

    def setUp(self):
        self.lab = Lab()
        self.lab.__enter__()
        self.addCleanup(self.lab.__exit__)
        self.device = lab_device(self.lab, "softap", "phone0", settings={"softap.ssid": "Mine"})
        self.device.start()
        self.addCleanup(self.device.close)
        self.line = self.device.machine()

    def lease(self):
        """The lease that the device's DHCP server gives to the phone."""
        script, file = self.lab.folder / "lease.sh", self.lab.folder / "lease"
        script.write_text(LEASE_SCRIPT.format(file=file))
        script.chmod(0o755)
        self.lab.at_peer("udhcpc", "-i", "phone0", "-n", "-q", "-f", "-t", "5", "-T", "1", "-O", "114", "-s", str(script))
        return dict(word.split("=", 1) for word in file.read_text().split())

    def name(self, name, kind=1):
        """The response code and the first address of a name."""
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0" + kind.to_bytes(2, "big") + b"\0\x01"
        program = (
            "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3);"
            f"s.sendto(bytes.fromhex('{query.hex()}'), ('10.10.10.1', 53)); print(s.recv(512).hex())"
        )
        answer = bytes.fromhex(self.lab.at_peer("python3", "-c", program).strip())
        self.assertEqual(answer[:2], b"\x12\x34")
        return answer[3] & 15, ".".join(map(str, answer[-4:])) if answer[7] else None

    def fetch(self, path):
        """The head of the answer."""
        return self.lab.at_peer("curl", "-sS", "-D", "-", "-o", "/dev/null", "--max-time", "5", f"http://10.10.10.1{path}")

    def test_a_phone_joins_and_finds_the_device(self):
        self.device.ask(self.line, "set http.server.interface softap")
        self.assertEqual(self.device.ask(self.line, "network_restart -i softap"), "Success")
        lease = self.lease()
        self.assertEqual((lease["ip"], lease["router"], lease["dns"]), ("10.10.10.2", "10.10.10.1", "10.10.10.1"))
        self.assertEqual(lease["lease"], "86400")
        self.assertEqual(self.name("zentrios.com"), (0, "10.10.10.1"))
        self.assertEqual(self.name("captive.apple.com", 28), (0, None))
        self.assertEqual(self.name("example.com"), (3, None))
        self.lab.at_peer("ping", "-c", "1", "-W", "3", "10.10.10.1")
        self.assertTrue(self.fetch("/generate_204").startswith("HTTP/1.1 204 Ok"))
        listed = self.device.ask(self.line, "get softap.client_list")
        self.assertRegex(listed, r"(?m)^# 0 ([0-9A-F]{2}:){5}[0-9A-F]{2} 10\.10\.10\.2$")
        self.assertIn("clients: 1", self.device.ask(self.line, "get softap.info"))
        # The same phone comes again.
        self.assertEqual(self.lease()["ip"], "10.10.10.2")

    def test_the_captive_page_of_web_setup(self):
        self.assertEqual(self.device.ask(self.line, "setup web"), "In progress")
        until("web setup", lambda: self.device.ask(self.line, "setup status") == "1", 5)
        lease = until("lease", lambda: self.lease(), 10)
        self.assertEqual(lease["ip"], "10.10.10.2")
        self.assertEqual(self.name("setup.com"), (0, "10.10.10.1"))
        answer = self.fetch("/hotspot-detect.html")
        self.assertTrue(answer.startswith("HTTP/1.1 302 Redirect"), answer)
        self.assertIn("Location: http://setup.com/", answer)
        self.assertTrue(self.fetch("/").startswith("HTTP/1.1 200"))
        self.assertEqual(self.device.ask(self.line, "setup stop"), "Success")
        until("the end of web setup", lambda: self.device.ask(self.line, "get softap.info").startswith("softap down"), 5)


if __name__ == "__main__":
    unittest.main()
