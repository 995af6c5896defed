"""Scans of the HTTPS server with sslyze and testssl.sh: no deprecated protocol, no weak suite, no vulnerability.

Both also scan a server with faults: a scan that finds nothing there would prove nothing here.
"""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import unittest
import warnings

import test_tls
from test_tls import path
from zentri import DeviceCase

#: Seconds for one scan.
PATIENCE = 150
#: Suites must have forward secrecy and authenticated encryption.
KEY_EXCHANGES, ENCRYPTIONS = ("TLS_ECDHE_ECDSA_", "TLS_ECDHE_RSA_"), ("_GCM_", "_CHACHA20_POLY1305_")
DEPRECATED = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1")


def setUpModule():
    """Makes the certificates of the server with faults."""
    test_tls.setUpModule()


class WeakServer:
    """TLS 1.1 and 1.2 with old suites, for any number of clients at once: scanners keep connections open."""

    def __init__(self):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*path("server-rsa"))
        self.context.set_ciphers("AES128-SHA:AES256-SHA:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.context.minimum_version = ssl.TLSVersion.TLSv1_1
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(20)
        try:
            with client, self.context.wrap_socket(client, server_side=True) as secure:
                secure.recv(1000)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except OSError:
            pass


class Scan(DeviceCase):
    """An HTTPS server with the certificate that the device has made for itself."""

    settings = {"http.server.tls_enabled": "1"}
    limit = PATIENCE + 30

    def setUp(self):
        super().setUp()
        self.port = self.device.http_port
        self.eventually(self.listens, 10)

    def listens(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                ssl._create_unverified_context().wrap_socket(connection).close()
            return True
        except OSError:
            return False


class Sslyze(Scan):
    """sslyze, as a library."""

    def setUp(self):
        try:
            import sslyze  # noqa: F401
        except ImportError:
            self.skipTest("sslyze is not installed")
        super().setUp()

    def scan(self, port):
        """Everything that sslyze can find out about a server, except for its certificate and its HTTP headers."""
        from sslyze import ScanCommand, Scanner, ServerNetworkConfiguration, ServerNetworkLocation, ServerScanRequest

        commands = set(ScanCommand) - {ScanCommand.CERTIFICATE_INFO, ScanCommand.HTTP_HEADERS}
        scanner = Scanner()
        place = ServerNetworkLocation(hostname="localhost", ip_address="127.0.0.1", port=port)
        patient = ServerNetworkConfiguration(tls_server_name_indication="localhost", network_timeout=20)
        scanner.queue_scans([ServerScanRequest(place, network_configuration=patient, scan_commands=commands)])
        (found,) = scanner.get_results()
        self.assertIsNotNone(found.scan_result, found.connectivity_error_trace)
        results = {}
        for command in commands:
            attempt = getattr(found.scan_result, command.value)
            self.assertIsNotNone(attempt.result, f"{command}: {attempt.error_reason} {attempt.error_trace}")
            results[command.value] = attempt.result
        return results

    def faults(self, port):
        """The faults of a server."""
        found = self.scan(port)
        accepted = {version: [one.cipher_suite.name for one in found[f"{version}_cipher_suites"].accepted_cipher_suites]
                    for version in (*DEPRECATED, "tls_1_2", "tls_1_3")}
        faults = [f"{version}: {suites}" for version, suites in accepted.items() if version in DEPRECATED and suites]
        faults += [suite for suite in accepted["tls_1_2"]
                   if not suite.startswith(KEY_EXCHANGES) or not any(part in suite for part in ENCRYPTIONS)]
        if not accepted["tls_1_2"] and not accepted["tls_1_3"]:
            faults.append("neither TLS 1.2 nor 1.3")
        renegotiation = found["session_renegotiation"]
        wrong = {
            "compression": found["tls_compression"].supports_compression,
            "early data": found["tls_1_3_early_data"].supports_early_data,
            "CCS injection": found["openssl_ccs_injection"].is_vulnerable_to_ccs_injection,
            "heartbleed": found["heartbleed"].is_vulnerable_to_heartbleed,
            "ROBOT": not found["robot"].robot_result.value.startswith("NOT_VULNERABLE"),
            "renegotiation": renegotiation.is_vulnerable_to_client_renegotiation_dos,
            "insecure renegotiation": not renegotiation.supports_secure_renegotiation,
            "no extended master secret": not found["tls_extended_master_secret"].supports_ems_extension,
            "no fallback signal": not found["tls_fallback_scsv"].supports_fallback_scsv,
        }
        return faults + [name for name, is_so in wrong.items() if is_so]

    def test_the_https_server(self):
        self.assertEqual(self.faults(self.port), [])

    def test_the_judge(self):
        with WeakServer() as server:
            faults = self.faults(server.port)
        self.assertIn("TLS_RSA_WITH_AES_128_CBC_SHA", faults)
        self.assertTrue(any(fault.startswith("tls_1_1") for fault in faults), faults)


class Testssl(Scan):
    """testssl.sh, Debian's package."""

    #: Severities of testssl.sh that are not a fault.
    GOOD = ("OK", "INFO", "DEBUG")
    #: `/` is the console, the same page for all clients: compressing it discloses nothing. The other one is about the
    #: OpenSSL that testssl.sh runs.
    HARMLESS = ("BREACH", "engine_problem")

    def setUp(self):
        if not shutil.which("testssl"):
            self.skipTest("testssl.sh is not installed")
        super().setUp()

    def findings(self, port, *checks):
        """The findings of testssl.sh about a server, by name."""
        report = self.device.folder / f"report-{port}.json"
        command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--jsonfile", report, *checks,
                   f"https://127.0.0.1:{port}"]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        self.assertTrue(report.exists(), ended.stdout)
        return {found["id"]: found for found in json.loads(report.read_text())}

    def faults(self, findings):
        return {name: f"{found['severity']}: {found['finding']}" for name, found in findings.items()
                if found["severity"] not in self.GOOD and name not in self.HARMLESS}

    def test_the_https_server(self):
        findings = self.findings(self.port, "--protocols", "--std", "--vulnerable")
        for name in ("TLS1_2", "TLS1_3", "SSLv2", "cipherlist_NULL", "heartbleed", "secure_client_renego", "LUCKY13", "scanTime"):
            self.assertIn(name, findings, "it was looked at")
        self.assertEqual(self.faults(findings), {})

    def test_the_judge(self):
        with WeakServer() as server:
            faults = self.faults(self.findings(server.port, "--protocols"))
        self.assertIn("TLS1_1", faults)


if __name__ == "__main__":
    unittest.main()
