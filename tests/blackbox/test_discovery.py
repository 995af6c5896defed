"""Names and services in the local network, with programs of others that ask for them: Avahi, Python's zeroconf, nmblookup and a
raw client of LLMNR. Device and peers are in network namespaces; the device is the Linux process, or Zephyr's simulated board on
a TAP when $OPENZENTRI_TAP names its program."""

import copy
import importlib.util
import json
import shutil
import subprocess
import sys
import time
import unittest

from zentri import avahi
from zentri.lab import lab_device
from zentri.netns import Lab, missing, run, stop, until

NET = "10.77.0"
PEER = f"{NET}.1"


def why_not():
    """Why these tests cannot run here; None when they can."""
    absent = avahi.absent() + [name for name in ("nmblookup",) if shutil.which(name) is None]
    if importlib.util.find_spec("zeroconf") is None:
        absent.append("zeroconf (tests/blackbox/requirements.txt)")
    return missing() or (f"not installed: {', '.join(absent)}" if absent else None)


WHY_NOT = why_not()

#: Prints every response that the peer receives: one line `<kind of record> <name> <ttl>` per record.
LISTEN = f"""
import socket
from zeroconf import DNSIncoming
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
heard.bind(("224.0.0.251", 5353))
heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton("{PEER}"))
print("listens", flush=True)
while True:
    data, peer = heard.recvfrom(9000)
    message = DNSIncoming(data)
    if peer[0] != "{PEER}" and not message.is_query():
        for record in message.answers():
            print(record.type, record.name, int(record.ttl), flush=True)
"""

#: Asks for the address of a name by zeroconf and fetches a page from there, as a page of web setup does: 2 s per try.
POLL = f"""
import sys, time, urllib.request
from zeroconf import AddressResolverIPv4, IPVersion, Zeroconf
zeroconf = Zeroconf(interfaces=["{PEER}"], ip_version=IPVersion.V4Only)
for attempt in range(1, 31):
    begun = time.monotonic()
    name = AddressResolverIPv4(sys.argv[1] + ".")
    if name.request(zeroconf, 2000):
        address = name.parsed_addresses()[0]
        left = 2 - (time.monotonic() - begun)
        page = urllib.request.urlopen(f"http://{{address}}/command/ver", timeout=max(left, 0.1)).read()
        print(attempt, page.decode())
        break
    time.sleep(1)
zeroconf.close()
"""

#: Prints what zeroconf finds for a service type: name, address, port and text of each service.
BROWSE = f"""
import json, sys, time
from zeroconf import IPVersion, ServiceBrowser, Zeroconf
zeroconf = Zeroconf(interfaces=["{PEER}"], ip_version=IPVersion.V4Only)
found = {{}}
class Listener:
    def add_service(self, zeroconf, kind, name):
        info = zeroconf.get_service_info(kind, name, 3000)
        if info:
            text = {{key.decode(): (value or b"").decode() for key, value in info.properties.items() if key}}
            found[name] = [info.parsed_addresses()[0], info.port, info.server, text]
    update_service = remove_service = lambda self, *_: None
browser = ServiceBrowser(zeroconf, sys.argv[1], Listener())
end = time.monotonic() + 8
while time.monotonic() < end and len(found) < int(sys.argv[2]):
    time.sleep(0.1)
zeroconf.close()
print(json.dumps(found))
"""

#: Sends one LLMNR query to an address; prints the answer as hexadecimal digits, nothing if there is none.
LLMNR = f"""
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("{PEER}"))
client.settimeout(1.5)
labels = b"".join(bytes([len(label)]) + label.encode() for label in sys.argv[2].split("."))
query = bytes.fromhex("123400000001000000000000") + labels + b"\\0\\0" + bytes([int(sys.argv[3])]) + b"\\0\\1"
client.sendto(query, (sys.argv[1], 5355))
try:
    print(client.recv(512).hex())
except TimeoutError:
    pass
"""


class LanCase(unittest.TestCase):
    """A peer with a bridge that connects devices; each device has a namespace of its own."""

    def setUp(self):
        self.lab = Lab()
        self.lab.__enter__()
        self.addCleanup(self.lab.__exit__)
        run("ip", "-n", self.lab.peer, "link", "add", "br0", "type", "bridge")
        self.lab.raise_peer("br0", f"{PEER}/24")
        self.lab.dnsmasq("br0", f"{NET}.50", f"{NET}.59", f"--address=/printer.local/{NET}.99")
        self.devices = 0

    def add_device(self, **settings):
        """A device in the network that is not joined yet, and its line."""
        view, there = copy.copy(self.lab), f"net{self.devices}"
        if self.devices:
            view.device = f"{self.lab.device}{self.devices}"
            run("ip", "netns", "add", view.device)
            self.addCleanup(lambda: subprocess.run(["ip", "netns", "delete", view.device], capture_output=True))
            run("ip", "-n", view.device, "link", "set", "lo", "up")
        self.devices += 1
        settings = {"mdns.enabled": "1", "mdns.name": "lamp", **settings}
        device = lab_device(view, "wlan", there, settings=settings)
        run("ip", "-n", self.lab.peer, "link", "set", there, "master", "br0")
        device.start()
        self.addCleanup(device.close)
        return device, device.machine()

    def join(self, device, line):
        """Joins; answers the address."""
        device.ask(line, "network_up")
        until("address", lambda: device.ask(line, "get wlan.network.status") == "2", 20)
        return device.ask(line, "get wlan.network.ip")

    def script(self, program, *arguments):
        """The output of a Python program at the peer."""
        return self.lab.at_peer(sys.executable, "-c", program, *arguments, timeout=60).strip()

    def listen(self):
        """Starts `LISTEN`; answers a function that gives its lines so far."""
        path = self.lab.folder / "heard"
        with path.open("w") as out:
            line = ["ip", "netns", "exec", self.lab.peer, sys.executable, "-c", LISTEN]
            process = subprocess.Popen(line, stdout=out, stdin=subprocess.DEVNULL)
        self.addCleanup(stop, process)
        until("listener", lambda: "listens" in path.read_text(), 10)
        return lambda: path.read_text().splitlines()[1:]

    def llmnr(self, to, name, kind=1):
        return self.script(LLMNR, to, name, str(kind))


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Names(LanCase):
    def test_avahi_finds_name_address_and_services(self):
        peer = avahi.Avahi(self.lab, "br0")
        device, line = self.add_device(**{"mdns.service": "http,ipp,tcp,631,note=a b,txtvers=1"})
        address = self.join(device, line)
        self.assertEqual(until("name", lambda: peer.address("lamp.local"), 5), address)
        self.assertEqual(peer.name(address), "lamp.local")
        [service] = until("service", lambda: peer.services("_http._tcp"), 5)
        self.assertEqual((service[3], *service[6:9]), ("lamp", "lamp.local", address, "80"))
        [service] = until("service", lambda: peer.services("_ipp._tcp"), 5)
        self.assertEqual(service[6:9], ["lamp.local", address, "631"])
        self.assertEqual(set(service[9].strip('"').split('" "')), {"note=a b", "txtvers=1"})
        self.assertIsNone(peer.address("nobody.local"))
        # The other way round.
        self.assertEqual(device.ask(line, "network_lookup peer.local"), PEER)
        self.assertEqual(device.ask(line, "mdns_discover http"), f"# lamp {address}:80")
        device.ask(line, "network_down")
        until("goodbye", lambda: peer.services("_http._tcp") == [], 5)

    def test_the_services_of_others_are_found(self):
        service = self.lab.folder / "service"
        program = (
            "import socket, time\nfrom zeroconf import *\n"
            f"zeroconf = Zeroconf(interfaces=['{PEER}'], ip_version=IPVersion.V4Only)\n"
            "for name, kind, port in (('My printer', '_ipp', 631), ('Garden', '_http', 8080)):\n"
            "    kind += '._tcp.local.'\n"
            f"    info = ServiceInfo(kind, f'{{name}}.{{kind}}', addresses=[socket.inet_aton('{PEER}')], port=port, server='pc.local.')\n"
            "    zeroconf.register_service(info)\n"
            f"open({str(service)!r}, 'w').close()\ntime.sleep(300)\n"
        )
        self.lab.start_at_peer(sys.executable, "-c", program)
        until("services of the peer", service.exists, 30)
        device, line = self.add_device()
        address = self.join(device, line)
        until("own name", lambda: line.command("network_lookup lamp.local").text.strip() == address, 10)
        self.assertEqual(device.ask(line, "mdns_discover ipp"), f"# My printer {PEER}:631")
        rows = {f"# My printer {PEER}:631 _ipp._tcp", f"# Garden {PEER}:8080 _http._tcp", f"# lamp {address}:80 _http._tcp"}
        self.assertEqual(set(device.ask(line, "mdns_discover").splitlines()), rows)
        self.assertEqual(device.ask(line, "network_lookup pc.local"), PEER)

    def test_a_page_of_web_setup_finds_the_device_right_after_the_join(self):
        device, line = self.add_device(**{"mdns.name": "lamp-#"})
        mac = device.ask(line, "get wlan.mac").replace(":", "").lower()
        self.join(device, line)
        attempt, page = self.script(POLL, f"lamp-{mac[-3:]}.local").split(" ", 1)
        self.assertLessEqual(int(attempt), 2)
        self.assertIn("OPENZENTRI", json.loads(page)["response"])

    def test_zeroconf_finds_the_services(self):
        device, line = self.add_device(**{"mdns.service": "http,path=/,lights,udp,9"})
        address = self.join(device, line)
        found = json.loads(self.script(BROWSE, "_http._tcp.local.", "1"))
        self.assertEqual(found, {"lamp._http._tcp.local.": [address, 80, "lamp.local.", {"path": "/"}]})
        found = json.loads(self.script(BROWSE, "_lights._udp.local.", "1"))
        self.assertEqual(found, {"lamp._lights._udp.local.": [address, 9, "lamp.local.", {}]})

    def test_windows_finds_the_name(self):
        device, line = self.add_device()
        address = self.join(device, line)
        found = until("name", lambda: self.llmnr("224.0.0.252", "LAMP"), 10)
        self.assertEqual(found[:8] + found[12:16], "12348000" + "0001")
        self.assertTrue(found.endswith("".join(f"{int(part):02x}" for part in address.split("."))), found)
        # The device has no IPv6 address, and says so; LLMNR does not answer for names of multicast DNS or of others.
        self.assertEqual(self.llmnr("224.0.0.252", "lamp", 28)[12:16], "0000")
        self.assertEqual(self.llmnr("224.0.0.252", "lamp.local"), "")
        self.assertEqual(self.llmnr("224.0.0.252", "other"), "")
        self.assertEqual(self.llmnr(address, "lamp"), "", "to the device alone")
        self.assertIn(f"{address} lamp<00>", self.lab.at_peer("nmblookup", "-B", f"{NET}.255", "lamp"))
        status = self.lab.at_peer("nmblookup", "-A", address)
        self.assertRegex(status, r"LAMP +<00> - +B <ACTIVE>")
        mac = device.ask(line, "get wlan.mac").replace(":", "-").upper()
        self.assertIn(f"MAC Address = {mac}", status)
        # With its domain the name is longer than NetBIOS allows.
        device.ask(line, "set mdns.name longerlamp")
        device.ask(line, "network_restart")
        until("new name", lambda: self.llmnr("224.0.0.252", "longerlamp"), 10)
        with self.assertRaises(AssertionError):
            self.lab.at_peer("nmblookup", "-B", f"{NET}.255", "longerlamp")

    def test_a_restart_of_the_interface_says_goodbye_and_announces_again(self):
        heard = self.listen()
        device, line = self.add_device()
        self.join(device, line)
        until("announcement", lambda: heard().count("1 lamp.local. 300") >= 2, 10)
        before = len(heard())
        self.assertEqual(device.ask(line, "network_restart"), "Success")
        until("goodbye", lambda: "1 lamp.local. 0" in heard()[before:], 5)
        until("announcement", lambda: heard()[before:].count("1 lamp.local. 300") >= 2, 15)
        lines = heard()[before:]
        self.assertLess(lines.index("1 lamp.local. 0"), lines.index("1 lamp.local. 300"))
        self.assertIn("33 lamp._http._tcp.local. 0", lines)
        before = len(heard())
        line.rebooted()
        until("goodbye", lambda: "1 lamp.local. 0" in heard()[before:], 10)

    def test_two_devices_settle_a_conflict(self):
        peer = avahi.Avahi(self.lab, "br0")
        devices = [self.add_device() for _ in range(2)]
        for device, line in devices:
            device.ask(line, "network_up")
        addresses = {self.join(device, line) for device, line in devices}
        self.assertEqual(len(addresses), 2)
        found = until("both names", lambda: {peer.address("lamp.local"), peer.address("lamp-2.local")} - {None} == addresses, 20)
        self.assertTrue(found)
        # A host that has the name already keeps it.
        device, line = devices[0]
        device.ask(line, "set mdns.name peer")
        device.ask(line, "network_restart")
        own = device.ask(line, "get wlan.network.ip")
        until("other name", lambda: peer.address("peer-2.local") == own, 20)
        self.assertEqual(peer.address("peer.local"), PEER)

    def test_names_of_the_domain_that_nobody_has_go_to_the_name_server(self):
        device, line = self.add_device()
        self.join(device, line)
        begun = time.monotonic()
        self.assertEqual(device.ask(line, "network_lookup printer.local"), f"{NET}.99")
        self.assertGreater(time.monotonic() - begun, 1.5)
        self.assertEqual(line.command("network_lookup nobody.local").code, 1)


if __name__ == "__main__":
    unittest.main()
