"""Metrics in OpenMetrics text (docs/extensions.md), read by the parser of PyPI's prometheus_client."""

import importlib.util
import unittest

from test_rest import RestCase

TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Metrics(RestCase):
    def test_off_by_default(self):
        self.assertEqual(self.rest.text("get http.server.metrics_enabled"), "0")
        self.assertEqual(self.status("/metrics"), 404)
        self.rest.text("set http.server.metrics_enabled 1")
        self.assertEqual(self.status("/metrics"), 200)
        self.rest.text("set http.server.metrics_enabled 0")
        self.assertEqual(self.status("/metrics"), 404)


@unittest.skipUnless(importlib.util.find_spec("prometheus_client"), "prometheus_client is not installed")
class Parsed(RestCase):
    settings = {"http.server.metrics_enabled": "1"}

    def scrape(self):
        """All samples, `(name, label values)` to value."""
        from prometheus_client.openmetrics.parser import text_string_to_metric_families

        status, headers, body = self.rest.open("/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, TYPE))
        self.assertEqual(int(headers["Content-Length"]), len(body))
        families = list(text_string_to_metric_families(body.decode()))
        self.assertEqual(len({family.name for family in families}), len(families))
        for family in families:
            self.assertTrue(family.name.startswith("openzentri_") and family.documentation, family)
        samples = [sample for family in families for sample in family.samples]
        return {(sample.name, *sample.labels.values()): sample.value for sample in samples}

    def grown(self, before, after, *key):
        return after[key] - before[key]

    def test_what_happens_is_counted(self):
        rest = self.rest
        first = self.scrape()
        self.assertEqual(first["openzentri_streams_limit",], 8)
        rest.get("version")
        self.assertEqual(rest.get("stream_poll 7")["code"], 1)
        self.assertEqual(rest.get("nonsense")["code"], 3)
        self.assertEqual(self.status("/no/such/file"), 404)
        rest.text("fcr -o a.txt 10")
        then = self.scrape()
        for code, count in (("0", 2), ("1", 1), ("3", 1), ("4", 0)):
            self.assertEqual(self.grown(first, then, "openzentri_commands_total", code), count, code)
        # The answer to the first scrape was counted after its text was written.
        self.assertEqual(self.grown(first, then, "openzentri_http_requests_total", "2xx"), 5)
        self.assertEqual(self.grown(first, then, "openzentri_http_requests_total", "4xx"), 1)
        self.assertEqual(self.grown(first, then, "openzentri_http_connections_total"), 6)
        self.assertEqual(then["openzentri_http_connections_open",], 1)
        self.assertEqual((first["openzentri_streams_open", "FILE"], then["openzentri_streams_open", "FILE"]), (0, 1))
        self.assertEqual(self.grown(first, then, "openzentri_stream_handles_total"), 1)
        self.assertGreater(then["openzentri_uptime_seconds",], first["openzentri_uptime_seconds",])
        self.assertEqual(then["openzentri_network_up",], 1)

    def test_files_and_streams(self):
        rest = self.rest
        before = self.scrape()
        rest.post("fcr a.txt 5", "hello")
        after = self.scrape()
        self.assertEqual(self.grown(before, after, "openzentri_files"), 1)
        self.assertLess(after["openzentri_flash_free_bytes",], before["openzentri_flash_free_bytes",])

    def test_lines_that_fall_out_of_the_log(self):
        lines = lambda: self.scrape()["openzentri_log_lines_total",]
        dropped = lambda: self.scrape()["openzentri_log_lines_dropped_total",]
        before = lines()
        self.assertEqual(dropped(), 0)
        for _ in range(500):
            self.assertEqual(self.rest.get("file_open nothing")["code"], 1)
        self.assertGreaterEqual(lines() - before, 500)
        self.assertGreater(dropped(), 0)
