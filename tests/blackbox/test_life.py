"""Crashes, safe mode, the supervisor's watchdog and sleep, seen from outside the process."""

import os
import re
import signal
import socket
import time
import unittest

from zentri import DeviceCase
from zentri.device import native_sim

SAFE = b"\r\n*** Max faults exceeded. Entering Safe Mode.\r\nSAFEMODE> "


@unittest.skipIf(native_sim(), "a simulated board that crashes ends like any process")
class Crashes(DeviceCase):
    machine = False

    def crash(self, number=signal.SIGSEGV):
        """Lets the device crash and starts it again; answers its console."""
        self.assertEqual(self.device.stop(number), -number)
        self.device.start()
        return self.device.console()

    def faults(self, console):
        """The lines of `faults_print`."""
        console.quiet(0.3)
        console.send(b"faults_print\r")
        return console.read_until(b"> ").split(b"\r\n")[1:-1]

    def test_a_crash_is_a_fault_and_a_power_cut_is_none(self):
        self.device.kill()
        self.device.start()
        self.assertEqual(self.faults(self.device.console()), [])
        self.device.restart()
        self.assertEqual(self.faults(self.device.console()), [])
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
            self.crash(number)
        expected = [f"{place}: Hard Fault Exception, uhandle:00 bhandle:00 signal {number:02}".encode()
                    for place, number in enumerate((signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS))]
        self.assertEqual(self.faults(self.device.console()), expected)
        self.device.restart()
        self.assertEqual(self.faults(self.device.console()), expected, "an end in order adds nothing")

    def test_eight_crashes_lead_to_safe_mode_and_back(self):
        for _ in range(7):
            self.crash()
        console = self.crash()
        console.send(b"get system.safemode.status\r")
        console.read_until(b"get system.safemode.status\r\n1\r\nSAFEMODE> ")
        time.sleep(1)
        self.assertEqual(len(self.faults(console)), 8)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", self.device.http_port), timeout=1)
        console.send(b"tcpc 127.0.0.1 80\r")
        console.read_until(b"Not available in safe mode: tcp_client\r\nCommand failed\r\nSAFEMODE> ")
        console.send(b"faur\rreboot\r")
        console.read_until(b"[Ready]\r\n")
        self.device.wait_http()

    def test_safe_mode_by_command(self):
        console = self.device.console()
        console.quiet(0.3)
        console.send(b"get wlan.mac\r")
        mac = console.read_until(b"> ").split(b"\r\n")[1]
        console.send(b"force_safemode " + mac + b"\r")
        shown = console.read_until(SAFE)
        self.assertIn(b"\r\nForcing safemode...\r\nRebooting\r\n[Disassociated]\r\n", shown)


@unittest.skipIf(native_sim(), "there is no supervisor")
class Watchdog(DeviceCase):
    machine = False
    settings = {"wlan.auto_join.enabled": "0"}

    def test_a_process_that_hangs_is_known_as_such(self):
        place = self.device.folder / "notify"
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        supervisor.bind(str(place))
        supervisor.settimeout(10)
        self.device.stop()
        os.environ |= {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "1000000"}
        self.addCleanup(lambda: [os.environ.pop(name) for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC")])
        self.device.start()
        calls = []
        while len(calls) < 4:
            self.assertEqual(supervisor.recv(100), b"READY=1\nWATCHDOG=1")
            calls.append(time.monotonic())
        self.assertGreater(calls[-1] - calls[0], 1.2, "half a second apart")
        self.device.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        supervisor.settimeout(1.5)
        with self.assertRaises(TimeoutError):
            while True:
                supervisor.recv(100)
        # As systemd does in this case.
        self.device.process.send_signal(signal.SIGCONT)
        self.assertEqual(self.device.stop(signal.SIGABRT), -signal.SIGABRT)
        self.device.start()
        console = self.device.console()
        console.quiet()
        console.send(b"faults_print\r")
        console.read_until(b"0: Watchdog Reset, uhandle:00 bhandle:00\r\n> ")


class Sleep(DeviceCase):
    machine = False

    def asleep(self, *lines):
        """Sends the device to sleep; answers its console."""
        console = self.device.console()
        console.quiet(0.3)
        for line in (*lines, b"sleep"):
            console.send(line + b"\r\n")
        console.read_until(b"[Disassociated]\r\n")
        return console

    def test_time_wakes_it(self):
        start = time.monotonic()
        console = self.asleep(b"set system.wakeup.timeout 2")
        text = console.read_until(b"[Ready]\r\n")
        self.assertGreaterEqual(time.monotonic() - start, 2)
        self.assertIsNone(re.search(rb"Success|Rebooting", text))

    def test_a_byte_wakes_it_and_is_not_lost(self):
        console = self.asleep()
        time.sleep(1)
        self.assertEqual(console.quiet(0.2), b"")
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", self.device.http_port), timeout=1)
        console.send(b"get sy c e\r")
        console.read_until(b"[Ready]\r\n")
        console.read_until(b"get sy c e\r\n1\r\n> ")
        self.device.wait_http()


if __name__ == "__main__":
    unittest.main()
