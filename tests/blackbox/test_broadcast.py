"""Announcements of the running process, on the loopback interface: datagrams, posts, and a port that is taken."""

import json
import queue
import shutil
import socket
import ssl
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from zentri import DeviceCase
from zentri.certificates import Authority
from zentri.device import free_port, native_sim
from zentri.qemu import qemu_image

#: All hosts of the loopback interface: the destination of the limited broadcast of a device on 127.0.0.1.
EVERYBODY = "127.255.255.255"
DEFAULT = ["mac", "bssid", "channel", "ip", "ssid", "rssi", "remote_terminal_port", "time", "version", "uuid"]


def listener(address, port=0):
    """A socket that receives datagrams to an address."""
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind((address, port))
    heard.settimeout(10)
    return heard


class Taker(BaseHTTPRequestHandler):
    """Accepts posts; the server keeps them in `posts`."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.put((self.path, dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Announcing(DeviceCase):
    """A device in its network that announces itself every second."""

    def announcing(self, **settings):
        """The device; the names of settings have `__` for `.`."""
        settings = {name.replace("__", "."): value for name, value in settings.items()}
        device = self.new_device(settings={"broadcast.interval": "1", **settings})
        device.wait_http()
        return device

    def hear(self, address, port=0):
        """A listener that ends with the test."""
        heard = listener(address, port)
        self.addCleanup(heard.close)
        return heard

    def server(self, context=None):
        """A server for posts that ends with the test; with TLS if there is a context for it."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.posts = queue.Queue()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def check(self, text):
        """Checks an announcement with the default list of fields."""
        announced = json.loads(text)
        self.assertEqual(list(announced), DEFAULT)
        self.assertNotIn(b'": ', text)
        self.assertEqual(announced["remote_terminal_port"], 2000)
        self.assertRegex(announced["ip"], r"^\d+\.\d+\.\d+\.\d+$")
        self.assertRegex(announced["uuid"], r"^[0-9A-F]{40}$")
        for field in ("channel", "rssi", "time"):
            self.assertIsInstance(announced[field], int)


@unittest.skipIf(native_sim() or qemu_image(), "datagrams of the host's loopback interface")
class Datagrams(Announcing):
    """Announcements as datagrams on the loopback interface."""

    def test_datagrams_stay_on_the_loopback_interface(self):
        heard = self.hear(EVERYBODY)
        port = heard.getsockname()[1]
        self.announcing(broadcast__udp__port=port)
        for _ in range(2):
            text, (address, source) = heard.recvfrom(2048)
            self.check(text)
            self.assertEqual((address, source), ("127.0.0.1", port), "the source port is the same")

    def test_a_listener_that_takes_the_port_hears_them_too(self):
        heard = self.hear("0.0.0.0")
        port = heard.getsockname()[1]
        device = self.announcing(broadcast__udp__port=port)
        text, (address, source) = heard.recvfrom(2048)
        self.check(text)
        self.assertEqual(address, "127.0.0.1")
        self.assertNotEqual(source, port)
        log = device.rest.open("/log")[2].decode()
        self.assertEqual(log.count(f"Announcement not sent from port {port}"), 1, log)

    def test_the_list_and_the_interval_act_at_once(self):
        heard = self.hear(EVERYBODY)
        device = self.announcing(broadcast__udp__port=heard.getsockname()[1])
        device.rest.get("set broadcast.data ip,mac")
        self.eventually(lambda: list(json.loads(heard.recv(2048))) == ["ip", "mac"])
        device.rest.get("set broadcast.interval 0")
        heard.settimeout(1.5)
        with self.assertRaises(TimeoutError):
            for _ in range(3):
                heard.recv(2048)

    def test_a_server_that_never_answers_keeps_nobody(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        heard = self.hear(EVERYBODY)
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        device = self.announcing(broadcast__http__host=host, broadcast__udp__port=heard.getsockname()[1])
        for _ in range(4):
            heard.recv(2048)
            self.assertIn("OPENZENTRI", device.rest.get("version")["response"])
        self.assertNotIn("HTTP", device.rest.get("stream_list")["response"])


@unittest.skipIf(qemu_image(), "a server of the host")
class Posts(Announcing):
    """Announcements as posts to an HTTP server."""

    def test_posts(self):
        server = self.server()
        self.announcing(broadcast__http__host=f"127.0.0.1:{server.server_port}", broadcast__udp__port=free_port())
        for _ in range(2):
            path, head, body = server.posts.get(timeout=10)
            self.check(body)
            self.assertEqual((path, head["Content-Type"]), ("/", "application/json"))
            self.assertEqual(head["Host"], f"127.0.0.1:{server.server_port}")

    def test_posts_over_tls(self):
        folder = Path(tempfile.mkdtemp(prefix="openzentri-broadcast-"))
        self.addCleanup(shutil.rmtree, folder, True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*Authority(folder).sign("server"))
        server = self.server(context)
        host = f"https://127.0.0.1:{server.server_port}"
        device = self.announcing(broadcast__http__host=host, broadcast__udp__port=free_port())
        log = lambda: device.rest.open("/log")[2].decode()
        # Without a CA certificate the device trusts no server; it logs that once, and only where no host reads it.
        self.eventually(lambda: "Announcement not posted" in log())
        self.assertTrue(server.posts.empty())
        device.rest.get("set network.tls.verify 0")
        _, _, body = server.posts.get(timeout=10)
        self.check(body)
        self.assertNotIn("TLS", log())
