"""The description of the REST API: it is valid and complete, and the device conforms to it (docs/extensions.md).

Two packages of PyPI judge it: openapi-spec-validator and schemathesis. Without them their tests are skipped.
"""

import base64
import importlib.util
import json
import os
import subprocess
import sys
import unittest

from test_rest import RestCase


def needs(module, package):
    """Skips a test where a package is not installed."""
    return unittest.skipUnless(importlib.util.find_spec(module), f"{package} is not installed")


class Description(RestCase):
    def document(self):
        """The description as it is now."""
        status, headers, body = self.rest.open("/openapi.json")
        self.assertEqual((status, headers.get_content_type()), (200, "application/json"))
        self.assertEqual(int(headers["Content-Length"]), len(body))
        return json.loads(body)

    def test_every_command_and_variable_is_listed(self):
        document = self.document()
        self.assertEqual(document["openapi"], "3.1.0")
        commands = dict(line.split(" : ") for line in self.rest.text("help commands").split("\r\n"))
        self.assertEqual({row["name"]: row["short"] for row in document["x-commands"]}, commands)
        variables = [line[4:].split("  (")[0] for line in self.rest.text("help variables").split("\r\n")]
        self.assertEqual([row["name"] for row in document["x-variables"]], variables)
        rows = {row["name"]: row for row in document["x-commands"]}
        self.assertEqual(rows["stream_read"]["usage"], "stream_read <handle> <size>")
        self.assertEqual((rows["get"]["scope"], rows["set"]["scope"]), ("read", "config"))
        port = next(row for row in document["x-variables"] if row["name"] == "http.server.port")
        self.assertEqual((port["values"], port["default"], port["short"]), ("1-65535", "80", "ht s p"))

    def test_head_and_other_methods(self):
        status, headers, body = self.rest.open("/openapi.json", method="HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(int(headers["Content-Length"]), len(self.rest.open("/openapi.json")[2]))
        self.assertEqual(self.status("/openapi.json", b"", method="POST"), 405)

    @needs("openapi_spec_validator", "openapi-spec-validator")
    def test_it_is_valid(self):
        from openapi_spec_validator import validate

        validate(self.document())

    def test_a_slow_reader_gets_it_whole(self):
        whole = self.rest.open("/openapi.json")[2]
        with self.rest.connect() as connection:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: device\r\n\r\n")
            received = b""
            while part := connection.recv(777):
                received += part
        self.assertEqual(received.split(b"\r\n\r\n", 1)[1], whole)


@needs("schemathesis", "schemathesis")
class Conversation(RestCase):
    """Thousands of calls, right and wrong ones, generated from the description."""

    limit = 300

    def check(self, *arguments):
        """Runs schemathesis with all its checks."""
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{self.rest.base}/openapi.json", "--no-color"]
        command += ["--max-examples", os.environ.get("OPENZENTRI_EXAMPLES", "40")]
        # The same calls each time, so that a change that passes here passes everywhere.
        command += ["--seed", os.environ.get("OPENZENTRI_SEED", "1"), *arguments]
        environment = os.environ | {"NO_PROXY": "*", "no_proxy": "*"}
        # Its working files are removed with the device's folder.
        answer = subprocess.run(command, env=environment, cwd=self.device.folder, capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertIn("Tested: 5", answer.stdout)
        self.assertEqual(self.rest_after(*arguments)["code"], 0, "the device goes on")

    def rest_after(self, *arguments):
        headers = dict(given.split(": ", 1) for given in arguments if ": " in given)
        return json.loads(self.rest.open("/command/version", headers=headers)[2])

    def test_an_open_device(self):
        self.check()

    def test_with_metrics(self):
        self.rest.text("set http.server.metrics_enabled 1")
        self.check()

    def test_a_device_with_a_password(self):
        token = self.rest.text("token_create tester admin")
        self.rest.text("set http.server.username me")
        self.rest.text("set http.server.password secret")
        basic = base64.b64encode(b"me:secret").decode()
        self.check("--header", f"Authorization: Basic {basic}")
        self.check("--header", f"Authorization: Bearer {token}")
