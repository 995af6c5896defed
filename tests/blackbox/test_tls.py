"""TLS against OpenSSL: `tls_client` and `s_server`, `tls_server` and `s_client`, HTTPS both ways."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from zentri import DeviceCase, Peer, binary, free_port, websocket
from zentri.certificates import Authority, openssl
from zentri.device import native_sim
from zentri.qemu import qemu_image
from zentri.rest import fetch

TRANSCRIPTS = Path(__file__).resolve().parents[1] / "transcripts"
sys.path.insert(0, str(TRANSCRIPTS))

import run as runner  # noqa: E402

#: Alerts and errors as `Error with TLS handshake:` prints them (interface, network 5.3).
CLOSED, PROTOCOL, ALERT = "5001", "5017", "5018"

FOLDER = None


def setUpModule():
    """Makes all certificates once."""
    global FOLDER
    if not shutil.which("openssl"):
        raise unittest.SkipTest("openssl is not installed")
    FOLDER = Path(tempfile.mkdtemp(prefix="openzentri-tls-"))
    unittest.addModuleCleanup(shutil.rmtree, FOLDER)
    ours = Authority(FOLDER / "ours")
    for kind in ("p256", "p384", "rsa"):
        ours.sign(f"server-{kind}", kind)
        ours.sign(f"client-{kind}", kind, names=("DNS:client.example",))
    ours.sign("elsewhere", names=("DNS:elsewhere.example",))
    ours.sign("expired", first="20200101000000Z", last="20210101000000Z")
    ours.sign("early", first="20400101000000Z", last="20410101000000Z")
    Authority(FOLDER / "theirs", name="Another Authority").sign("stranger", names=("DNS:client.example",))


def path(name, of="ours"):
    """The paths of the certificate and the key of a name."""
    return FOLDER / of / f"{name}.pem", FOLDER / of / f"{name}.key"


class Server:
    """`openssl s_server` that answers with `-rev` (each line reversed), or is silent."""

    def __init__(self, name="server-p256", *options):
        self.port = free_port()
        certificate, key = path(name)
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", certificate, "-key", key,
             "-naccept", "1", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.seen = b""
        while b"ACCEPT" not in self.seen:
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise RuntimeError(self.seen.decode(errors="replace"))
            self.seen += part

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()

    def until(self, text):
        """Reads the server's output until it contains the text."""
        while text not in self.seen:
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise AssertionError(f"{text} is not in {self.seen}")
            self.seen += part


#: For back ends that boards do not have: theirs is always Mbed TLS.
on_linux = unittest.skipIf(native_sim() or qemu_image(), "a back end of the Linux process")


class Case(DeviceCase):
    """A device with the owner's files."""

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()
        self.line.ok("set system.print_level 4")
        self.store("geotrust_ca.pem", path("ca")[0])

    def store(self, name, source):
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        self.line.ok(f"file_create {name} {len(content)}", content)

    def connect(self, port, rest="", host=None):
        """The answer of a `tls_client` to this machine, or to `host` if given."""
        return self.line.command(f"tls_client {host or self.device.here} {port}{rest}", seconds=30)

    def open(self, port, rest=""):
        response = self.connect(port, rest)
        self.assertEqual(response.code, 0, response.logs)
        return int(response.text)

    def refused(self, response):
        """The TLS code of a failed response."""
        self.assertAnswer(response, 1, "Command failed")
        self.assertIn("Open failed", response.logs[-1])
        error = response.logs[-2]
        self.assertTrue(error.startswith("Error with TLS handshake: "), response.logs)
        return error.split()[4]

    def is_prompt(self):
        """Whether REST answers within 100 ms in one of three tries: this machine may be busy otherwise."""
        times = []
        for _ in range(3):
            start = time.monotonic()
            self.assertEqual(self.device.rest.text("get network.tls.version"), "13")
            times.append(time.monotonic() - start)
        self.assertLess(min(times), 0.1)

    def close_all(self):
        self.line.command("close all")

    def versions(self):
        """The versions that the device's clients support, as options of OpenSSL."""
        return ("-tls1_2", "-tls1_3") if self.device.has_tls_1_2 else ("-tls1_3",)

    def store_identity(self, name):
        """Gives the device certificate and key of a name, as `cert.pem` and `key.pem`."""
        for file, source in zip(("cert.pem", "key.pem"), path(name), strict=True):
            self.store(file, source)

    def start_server(self, name):
        """Starts a `tls_server` with certificate and key of a name on a new port, `port`."""
        self.store_identity(name)
        self.line.ok("set network.tls.server_cert cert.pem")
        self.line.ok("set network.tls.server_key key.pem")
        self.port = free_port()
        self.device.expose(self.port)
        self.line.ok(f"tls_server start {self.port}")

    def client_stream(self):
        """The handle of the stream of a client; `None` while there is none."""
        return next((row[2] for row in self.line.ok("list").splitlines() if "TLSS" in row), None)


class Clients(Case):
    """`tls_client`."""

    def test_versions_and_keys(self):
        for version in self.versions():
            for kind in ("p256", "p384", "rsa"):
                with self.subTest(f"{version} {kind}"), Server(f"server-{kind}", version, "-rev") as server:
                    handle = self.open(server.port)
                    self.assertIn(f"# {handle} TLSC  {self.device.here}:{server.port}", self.line.ok("list"))
                    self.line.ok(f"write {handle} 6", b"hello\n")
                    self.assertEqual(self.line.read_stream(handle, 6), b"olleh\n")
                    self.line.ok(f"close {handle}")

    def test_the_highest_version_is_the_owners(self):
        self.line.ok("set network.tls.version 12")
        if not self.device.has_tls_1_2:
            with Server() as server:
                self.assertEqual(self.refused(self.connect(server.port)), "5010")
            return
        with Server("server-p256", "-rev") as server:
            self.open(server.port)
            server.until(b"TLSv1.2")
        self.close_all()
        with Server("server-p256", "-tls1_3") as server:
            self.assertEqual(self.refused(self.connect(server.port)), ALERT)
        for old in ("10", "11"):
            self.assertAnswer(self.line.command(f"set network.tls.version {old}"), 7, "Invalid argument")

    def test_old_versions_are_refused(self):
        for version in ("-tls1", "-tls1_1"):
            with self.subTest(version), Server("server-rsa", version, "-cipher", "ALL:@SECLEVEL=0") as server:
                self.assertIn(self.refused(self.connect(server.port)), (ALERT, "5010", PROTOCOL))

    def test_wrong_servers_are_refused(self):
        cases = {"elsewhere": "5037", "expired": "5036", "early": "5036"}
        for name, code in cases.items():
            with self.subTest(name), Server(name) as server:
                response = self.connect(server.port)
                self.assertEqual(self.refused(response), code)
                self.assertIn("(state: 3, code: ", response.logs[-2])
        self.store("theirs.pem", path("ca", "theirs")[0])
        with Server() as server:
            self.assertEqual(self.refused(self.connect(server.port, " theirs.pem")), "5035")
        with Server("elsewhere") as server:
            # Neither its address nor this name is in the certificate of "elsewhere".
            self.assertEqual(self.refused(self.connect(server.port, host=self.device.here_by_name)), "5037")
        with Server() as server:
            self.assertEqual(self.connect(server.port, host=self.device.here_by_name).code, 0)

    def test_mutual_authentication(self):
        for version in self.versions():
            for kind in ("p256", "p384", "rsa") if self.device.has_tls_1_2 else ("p256", "p384"):
                certificate, key = path(f"client-{kind}")
                self.store("cert.pem", certificate)
                self.store("key.pem", key)
                options = (version, "-Verify", "1", "-verify_return_error", "-CAfile", path("ca")[0], "-rev")
                with self.subTest(f"{version} {kind}"), Server("server-p256", *options) as server:
                    handle = self.open(server.port, " geotrust_ca.pem cert.pem key.pem")
                    self.line.ok(f"write {handle} 3", b"ab\n")
                    self.assertEqual(self.line.read_stream(handle, 3), b"ba\n")
                    self.line.ok(f"close {handle}")
                self.line.ok("file_delete cert.pem")
                self.line.ok("file_delete key.pem")
        if not self.device.has_tls_1_2:
            return  # in TLS 1.3 the device's part of the handshake is over before the server has looked at it
        certificate, key = path("stranger", "theirs")
        self.store("cert.pem", certificate)
        self.store("key.pem", key)
        for rest in ("", " geotrust_ca.pem cert.pem key.pem"):
            options = ("-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", path("ca")[0])
            with self.subTest(rest), Server("server-p256", *options) as server:
                codes = (ALERT,) if self.device.reads_last_words else (ALERT, CLOSED)
                self.assertIn(self.refused(self.connect(server.port, rest)), codes)

    def test_forms_of_keys_and_certificates(self):
        certificate, rsa = path("client-rsa")
        _, p256 = path("client-p256")
        forms = {
            "PKCS#1": (certificate, openssl("rsa", "-in", rsa, "-traditional")),
            "PKCS#1 DER": (certificate, openssl("rsa", "-in", rsa, "-traditional", "-outform", "DER")),
            "PKCS#8 DER": (certificate, openssl("pkcs8", "-topk8", "-nocrypt", "-in", rsa, "-outform", "DER")),
            "SEC1": (path("client-p256")[0], openssl("ec", "-in", p256)),
            "SEC1 DER": (path("client-p256")[0], openssl("ec", "-in", p256, "-outform", "DER")),
            "CR LF": (certificate.read_bytes().replace(b"\n", b"\r\n"), rsa.read_bytes().replace(b"\n", b"\r\n")),
            "DER": (openssl("x509", "-in", certificate, "-outform", "DER"), rsa),
        }
        for name, (shown, key) in forms.items():
            if not self.device.has_tls_1_2 and not name.startswith("SEC1"):
                continue
            self.store("cert", shown)
            self.store("key", key)
            options = ("-Verify", "1", "-verify_return_error", "-CAfile", path("ca")[0], "-rev")
            with self.subTest(name), Server("server-p256", *options) as server:
                handle = self.open(server.port, " geotrust_ca.pem cert key")
                self.line.ok(f"write {handle} 3", b"ab\n")
                self.assertEqual(self.line.read_stream(handle, 3), b"ba\n")
                self.line.ok(f"close {handle}")
            self.line.ok("file_delete cert")
            self.line.ok("file_delete key")

    def test_a_self_signed_server_is_its_own_authority(self):
        key = FOLDER / "ours" / "self.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=localhost", "-addext",
                f"subjectAltName=IP:{self.device.here}", "-days", "10", "-out", key.with_suffix(".pem"))
        # The certificate is valid from now on, and the device's clock may be a second behind.
        time.sleep(2)
        self.store("self.pem", key.with_suffix(".pem"))
        with Server("self") as server:
            self.open(server.port, " self.pem")

    def test_no_authority(self):
        self.line.ok("file_delete geotrust_ca.pem")
        with Server() as server:
            self.assertEqual(self.refused(self.connect(server.port)), "5016")
        self.line.ok("set network.tls.verify 0")
        with Server("elsewhere") as server:
            self.open(server.port)

    def test_records_of_all_sizes(self):
        """One byte in each record, and the largest there are; more than a megabyte both ways."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*path("server-p256"))
        for size, most in ((1, 300), (16384, 80), (16385, 3)):
            count = max(1, most // self.device.slowness)
            data = os.urandom(size * count)
            received = bytearray()

            def serve(connection, size=size, data=data, received=received):
                with context.wrap_socket(connection, server_side=True) as secure:
                    for at in range(0, len(data), size):
                        secure.sendall(data[at : at + size])
                    while len(received) < len(data):
                        received += secure.recv(65536)

            with self.subTest(size), Peer(serve) as peer:
                handle = self.open(peer.port)
                self.assertTrue(self.line.read_stream(handle, len(data), 30) == data)
                for at in range(0, len(data), 60_000):
                    part = data[at : at + 60_000]
                    self.line.ok(f"write {handle} {len(part)}", part)
                self.eventually(lambda: bytes(received) == data, 20)
                self.close_all()

    def test_ends(self):
        """A session ended by `close_notify`, a connection that is cut, and one that is lost in the handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*path("server-p256"))

        def orderly(connection):
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.sendall(b"last words")
                secure.unwrap()

        def cut(connection):
            secure = context.wrap_socket(connection, server_side=True)
            secure.sendall(b"last words")
            secure.recv(1)
            # Ends the connection, but not the session.
            socket.socket(fileno=secure.detach()).close()

        for serve in (orderly, cut):
            with self.subTest(serve.__name__), Peer(serve) as peer:
                handle = self.open(peer.port)
                self.line.wait_poll(handle, 1)
                self.line.ok(f"write {handle} 1", b"x") if serve is cut else None
                self.assertEqual(self.line.read_stream(handle, 10), b"last words")
                self.eventually(lambda: "TLSC" not in self.line.ok("list"))
        with Peer(lambda connection: connection.recv(100)) as peer:
            self.assertEqual(self.refused(self.connect(peer.port)), CLOSED)
        with Peer(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as peer:
            self.assertIn(self.refused(self.connect(peer.port)), (PROTOCOL, CLOSED))

    def test_a_silent_server_keeps_nobody_waiting(self):
        self.line.ok("set network.tls.handshake_timeout 3000")
        with Peer() as silent:
            self.line.send(f"tls_client {self.device.here} {silent.port}\r\n".encode())
            with silent.accept():
                time.sleep(0.2)
                for _ in range(7):
                    self.is_prompt()
                self.assertEqual(self.refused(self.line.answer(10)), "5031")


@on_linux
class EmbeddedClients(Clients):
    """The same with embedded-tls, and its limits."""

    arguments = ("--tls-client", "embedded")

    def test_what_the_library_does_not_have(self):
        with Server("server-p256", "-tls1_2") as server:
            self.assertEqual(self.refused(self.connect(server.port)), ALERT)
        for options in (("-groups", "X25519"), ("-ciphersuites", "TLS_AES_256_GCM_SHA384")):
            with self.subTest(options), Server("server-p256", "-tls1_3", *options) as server:
                self.assertIn(self.refused(self.connect(server.port)), (ALERT, "5010"))
        self.store_identity("client-rsa")
        with Server() as server:
            self.assertEqual(self.refused(self.connect(server.port, " geotrust_ca.pem cert.pem key.pem")), "5005")

    def test_new_keys_end_the_session(self):
        """`k` makes OpenSSL send a KeyUpdate; data received before must still be readable."""
        with Server("server-p256", "-tls1_3") as server:
            handle = self.open(server.port)
            server.until(b"CIPHER is")
            server.process.stdin.write(b"before\n")
            server.process.stdin.flush()
            self.assertEqual(self.line.read_stream(handle, 7), b"before\n")
            server.process.stdin.write(b"k\n")
            server.process.stdin.flush()
            self.eventually(lambda: "TLSC" not in self.line.ok("list"))
            server.until(b"internal error")


class Servers(Case):
    """`tls_server`."""

    def setUp(self):
        super().setUp()
        self.start_server("server-rsa")

    def client(self, *options):
        """Runs `openssl s_client`, which sends a line and ends after the answer; answers its exit code and output."""
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", path("ca")[0], "-verify_return_error",
             "-verify_ip", "127.0.0.1", "-brief", *map(str, options)],
            input=b"hello\n", capture_output=True, timeout=20,
        )

    def secure(self, **options):
        """A client in this process."""
        context = ssl.create_default_context(cafile=path("ca")[0])
        for name, value in options.items():
            setattr(context, name, value)
        connection = socket.create_connection(("127.0.0.1", self.port), 10)
        return context.wrap_socket(connection, server_hostname="127.0.0.1")

    def test_clients_are_streams(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version), self.secure(minimum_version=version, maximum_version=version) as client:
                client.sendall(b"question")
                handle = self.eventually(self.client_stream)
                self.assertEqual(self.line.read_stream(handle, 8), b"question")
                self.line.ok(f"write {handle} 6", b"answer")
                self.assertEqual(client.recv(100), b"answer")
                self.line.ok(f"close {handle}")
                self.assertEqual(client.recv(100), b"", "the end is said")
        self.assertIn(b"Verification: OK", self.client().stderr)

    def test_old_versions_and_weak_suites_are_refused(self):
        weak = ("-tls1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), \
            ("-tls1_2", "-cipher", "AES128-SHA:AES256-SHA:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AECDH:NULL:@SECLEVEL=0")
        for options in weak:
            with self.subTest(options):
                self.assertNotEqual(self.client(*options).returncode, 0)
        self.assertEqual(self.line.ok("list"), "! # Type  Info")

    def test_clients_that_must_be_known(self):
        self.store("clients.pem", path("ca")[0])
        self.line.ok("set network.tls.server_ca_cert clients.pem")
        certificate, key = path("client-rsa")
        stranger, strange_key = path("stranger", "theirs")
        own = ("-tls1_2", "-cert", certificate, "-key", key)
        for options, known in ((own, True), (("-tls1_2",), False),
                               (("-tls1_2", "-cert", stranger, "-key", strange_key), False)):
            with self.subTest(options):
                self.assertEqual(self.client(*options).returncode == 0, known)

    def test_silent_clients_keep_nobody_out(self):
        silent = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in range(20)]
        for number, connection in enumerate(silent):
            self.addCleanup(connection.close)
            if number % 2:
                # A part of a ClientHello.
                connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        start = time.monotonic()
        self.assertEqual(self.device.rest.text("get network.tls.version"), "13")
        self.assertLess(time.monotonic() - start, 0.1)
        with self.secure() as client:
            client.sendall(b"x")
            self.eventually(lambda: "TLSS" in self.line.ok("list"), 10)

    def test_a_hundred_clients_one_after_the_other(self):
        for _ in range(100 // self.device.slowness):
            with self.secure() as client:
                client.sendall(b"x")
                handle = self.eventually(self.client_stream)
                self.line.ok(f"close {handle}")
        self.assertEqual(self.line.ok("list"), "! # Type  Info")


class Https(DeviceCase):
    """The HTTPS server."""

    settings = {"http.server.tls_enabled": "1", "mdns.name": "lamp"}

    def setUp(self):
        super().setUp()
        self.context = ssl._create_unverified_context()
        self.port = self.device.http_port
        self.eventually(self.listens, 10)

    def listens(self):
        try:
            return self.get("/command/version")[0] == 200
        except OSError:
            return False

    def get(self, target):
        return fetch(self.port, target, self.context)

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port), timeout=10)

    def test_the_devices_own_certificate(self):
        log = json.loads(self.get("/log")[1])
        lines = json.dumps(log)
        certificate = self.certificate()
        shown = openssl("x509", "-noout", "-fingerprint", "-sha256", input=certificate.encode()).decode()
        self.assertIn(shown.strip().split("=")[1], lines)
        text = openssl("x509", "-noout", "-text", input=certificate.encode()).decode()
        self.assertIn("DNS:lamp.local", text)
        self.assertIn("CA:FALSE", text)
        self.device.restart()
        self.eventually(self.listens, 10)
        self.assertEqual(self.certificate(), certificate)
        self.assertEqual(self.get("/https_key.der")[0], 404)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl(self):
        url = f"https://127.0.0.1:{self.port}"
        seen = subprocess.run(["curl", "-sk", f"{url}/command/version"], capture_output=True, timeout=10, check=True)
        self.assertIn(b"OPENZENTRI", seen.stdout)
        seen = subprocess.run(["curl", "-s", f"{url}/command/version"], capture_output=True, timeout=10)
        self.assertEqual(seen.returncode, 60, "nobody vouches for it")
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as own:
            own.write(self.certificate())
            own.flush()
            known = ["curl", "-s", "--cacert", own.name, "--resolve", f"lamp.local:{self.port}:127.0.0.1",
                     f"https://lamp.local:{self.port}/command/version"]
            seen = subprocess.run(known, capture_output=True, timeout=10)
            self.assertEqual((seen.returncode, b"OPENZENTRI" in seen.stdout), (0, True))
        seen = subprocess.run(["curl", "-s", f"http://127.0.0.1:{self.port}/"], capture_output=True, timeout=10)
        self.assertNotEqual(seen.returncode, 0, "nothing is served in the clear")

    def test_large_files_both_ways(self):
        data = os.urandom(700_000)
        self.device.machine().ok(f"file_create big {len(data)}", data, 30)
        self.assertTrue(self.get("/big") == (200, data))

    def test_silent_clients(self):
        for number in range(40):
            connection = socket.create_connection(("127.0.0.1", self.port), 10)
            self.addCleanup(connection.close)
            if number % 2:
                connection.sendall(b"\x16\x03\x01")
        start = time.monotonic()
        self.assertEqual(self.get("/command/version")[0], 200)
        self.assertLess(time.monotonic() - start, 3)

    def test_many_at_once(self):
        seen = []

        def get():
            seen.append(self.get("/command/version")[0])

        threads = [threading.Thread(target=get) for _ in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(seen, [200] * 60)

    def test_a_websocket(self):
        try:
            from websockets.sync.client import connect
        except ImportError:
            self.skipTest("websockets is not installed")
        with connect(f"wss://127.0.0.1:{self.port}/stream", ssl=self.context) as client:
            line = self.device.machine()
            self.assertIn("WEBS", line.ok("list"))
            line.ok("write 0 5", b"hello")
            self.assertIn(client.recv(5), ("hello", b"hello"))
            client.send("x" * 50_000)
            self.assertEqual(len(line.read_stream(0, 50_000)), 50_000)

    def test_old_versions_are_refused(self):
        for version in ("-tls1", "-tls1_1"):
            ended = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", version, "-cipher", "ALL:@SECLEVEL=0"],
                input=b"", capture_output=True, timeout=20)
            self.assertNotEqual(ended.returncode, 0)


class Requests(Case):
    """`http_…` with `https`."""

    def setUp(self):
        super().setUp()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                body = self.server.big if self.path == "/big" else b"Hello World!"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.server.bodies.append((self.path, self.headers["Content-Type"], body))
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.bodies, self.server.big = [], os.urandom(400_000 // self.device.slowness)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*path("server-p256"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"https://{self.device.here_by_name}:{self.server.server_address[1]}"

    def test_a_post_as_the_reference_has_it(self):
        line = self.line
        opened = line.command(f"http_post -o {self.url}/hello application/json")
        self.assertAnswer(opened, 0, "0")
        port = self.url.rsplit(":", 1)[1]
        self.assertEqual(opened.logs[1:-1],
                         ["Request POST /hello", f"Connecting (https): {self.device.here_by_name}:{port}", "Starting TLS"])
        self.assertIn(f"# 0 HTTPS {self.device.here_by_name}", line.ok("list"))
        self.assertAnswer(line.command("stream_write 0 7", b'{"a":1}'), 0, "Success")
        status = line.command("http_read 0")
        self.assertAnswer(status, 0, "200")
        self.assertEqual(status.logs, ["HTTP response: 200", "Chunked response"])
        self.assertEqual(line.ok("stream_read 0 1000"), '{"a":1}')
        self.assertEqual(self.server.bodies, [("/hello", "application/json", b'{"a":1}')])

    def test_files(self):
        line = self.line
        line.ok(f"http_download {self.url}/big big", seconds=20)
        self.assertIn(str(len(self.server.big)), line.ok("ls"))
        line.ok(f"http_upload {self.url}/up big", seconds=20)
        self.assertTrue(self.server.big in self.server.bodies[0][2])
        self.line.ok("file_delete geotrust_ca.pem")
        self.assertEqual(self.refused(line.command(f"http_download {self.url}/big other")), "5016")
        self.store("ca.pem", path("ca")[0])
        line.ok(f"http_download -a ca.pem {self.url}/small small")
        handle = line.ok(f"http_get -c ca.pem {self.url}/small")
        self.assertEqual(line.read_stream(int(handle), 12), b"Hello World!")


class Transcripts(unittest.TestCase):
    """The transcripts in `tests/transcripts/peers`."""

    def serve(self, context):
        """A web server, with TLS or without; answers its port."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=self.answer, args=(client, context), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    def answer(self, client, context):
        """Serves one connection."""
        try:
            with client, context.wrap_socket(client, server_side=True) if context else client as client:
                seen = b""
                while not seen.endswith((b'{"a":1}', b"\r\n\r\n")) or seen.startswith(b"POST") and b"{" not in seen:
                    part = client.recv(65536)
                    seen += part
                    if not part or not seen[:1].isalpha():
                        return
                if seen.startswith(b"GET /echo "):
                    return websocket.Connection.of(client, seen.decode()).echo()
                if seen.startswith(b"GET /moved "):
                    return client.sendall(b"HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n")
                client.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{ "b": 2 }\r\n0\r\n\r\n')
        except OSError:
            pass

    def test_on_the_process(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*path("server-p256"))
        names = {"host": "127.0.0.1", "http": self.serve(None), "https": self.serve(context)}
        values = {name.encode(): str(value).encode() for name, value in names.items()}
        for name in ("post.txt", "tls_failure.txt", "websocket.txt"):
            with self.subTest(name):
                file = TRANSCRIPTS / "peers" / name
                self.assertIsNone(runner.play(file, runner.LinuxDevice(binary()), values=values))


if __name__ == "__main__":
    unittest.main()
