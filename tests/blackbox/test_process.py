"""The process: arguments, start, stop, restart, the data folder, the kinds of serial lines."""

import os
import pty
import signal
import socket
import subprocess
import time
import unittest

from zentri import Console, Device, DeviceCase, Machine, StartFailed, binary, free_port


def run(*arguments, seconds=10):
    """Runs the program to its end."""
    return subprocess.run([binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, text=True)


class Arguments(unittest.TestCase):
    def test_help_and_version(self):
        answer = run("--help")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        for option in ("--data", "--serial", "--set", "--bind"):
            self.assertIn(option, answer.stdout)
        self.assertRegex(run("--version").stdout, r"^openzentri \d+\.\d+\.\d+")

    def test_wrong_arguments_are_one_line_and_code_2(self):
        for arguments in (["--nonsense"], ["--serial", "usb"], ["--bind", "nowhere"], ["--set", "novalue"], ["stray"]):
            answer = run(*arguments)
            self.assertEqual((answer.returncode, answer.stdout), (2, ""), arguments)
            self.assertRegex(answer.stderr, r"^openzentri: [^\n]+\n$")


    def test_a_man_page_and_completions(self):
        page = run("--man").stdout
        self.assertIn(".TH openzentri 1", page)
        for shell in ("bash", "zsh", "fish"):
            script = run("--completion", shell).stdout
            self.assertIn("softap-bind", script, shell)
        check = subprocess.run(["bash", "-n"], input=run("--completion", "bash").stdout, text=True, capture_output=True)
        self.assertEqual((check.returncode, check.stderr), (0, ""))


class Surroundings(DeviceCase):
    """The output of the process on standard error, and the location of its data."""

    def test_log_without_a_serial_line(self):
        device = self.new_device(start=False, serial="none", machine=False, arguments=["--log"])
        device.start(wait=False)
        device.wait_http()
        self.eventually(lambda: "[Associated]" in device.stderr())
        lines = device.stderr().splitlines()
        self.assertIn("OPENZENTRI-Linux-", lines[0])
        self.assertEqual(lines[1], "[Ready]")
        self.assertEqual(device.rest.text("get bus.mode").strip(), "command")

    def test_the_folder_of_a_service(self):
        device = self.new_device(start=False, http=False)
        state = device.folder / "state"
        line = [word for word in device.command_line() if word not in ("--data", str(device.data))]
        environment = os.environ | {"STATE_DIRECTORY": str(state)}
        with subprocess.Popen(line, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            said = [process.stderr.readline() for _ in range(2)]
            process.terminate()
            process.stderr.read()
        self.assertIn(f"data {state}\n", said)
        self.assertTrue((state / "volume").is_dir())

    def test_open_to_everybody(self):
        device = self.new_device(arguments=["--bind", "0.0.0.0"])
        self.eventually(lambda: "anyone who reaches 0.0.0.0 may control this device" in device.stderr())
        guarded = {"http.server.username": "owner", "http.server.password": "secret"}
        device = self.new_device(arguments=["--bind", "0.0.0.0"], settings=guarded)
        device.wait_http()
        self.assertNotIn("whoever", device.stderr())

    def test_a_folder_that_cannot_be_written(self):
        """`save` says why it fails."""
        device = self.new_device(machine=False)
        console = device.console()
        console.quiet()
        for name in ("settings.a", "settings.b"):
            path = device.data / name
            path.unlink(missing_ok=True)
            path.mkdir()
        console.send(b"save\r")
        text = console.read_until(b"Command failed\r\n").decode()
        self.assertRegex(text, r"Settings not saved: \S+")


class Refusals(DeviceCase):
    """The process says in one line why it cannot start."""

    def refused(self, device):
        with self.assertRaises(StartFailed) as caught:
            device.start(wait=False)
            device.process.wait(10)
            device.check_alive()
        failure = caught.exception
        self.assertNotEqual(failure.code, 0)
        self.assertRegex(failure.stderr, r"(?m)^openzentri: [^\n]+$")
        self.assertNotIn("panicked", failure.stderr)
        return failure.stderr

    def test_a_second_device_on_the_same_folder(self):
        second = self.new_device(start=False)
        second.data = self.device.data
        message = self.refused(second)
        self.assertIn(str(self.device.data), message)
        self.assertEqual(self.device.machine().ok("get sy c e"), "0", "the first goes on")

    def test_a_terminal_link_in_use(self):
        second = self.new_device(start=False)
        second.link = self.device.link
        message = self.refused(second)
        self.assertIn("another device uses it", message)
        self.assertEqual(self.device.machine().ok("get sy c e"), "0", "the first goes on")

    def test_a_serial_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            message = self.refused(self.new_device(start=False, serial=f"tcp:{port}"))
        self.assertIn(str(port), message)
        self.assertIn("in use", message)

    def test_a_web_port_in_use_is_logged_and_nothing_more(self):
        """The device goes on over its serial line; the log line says what to change."""
        second = self.new_device(start=False, machine=False)
        second.http_port = self.device.http_port
        self.device.wait_http()
        second.start()
        console = second.console()
        text, _ = console.read_match(rb"\r\n(HTTP[^\r]*)\r\n", 10)
        line = text.split(b"\r\n")[-2].decode()
        self.assertIn(str(self.device.http_port), line)
        self.assertIn("in use", line)
        self.assertIn("http.server.port", line)
        console.quiet()
        console.send(b"get sy c e\r")
        self.assertEqual(console.read_until(b"> "), b"get sy c e\r\n1\r\n> ")

    def test_unknown_and_wrong_settings(self):
        self.assertIn("nonsense", self.refused(self.new_device(start=False, settings={"nonsense": "1"})))
        self.assertIn("wlan.static.ip", self.refused(self.new_device(start=False, settings={"wlan.static.ip": "x"})))

    def test_a_folder_that_cannot_be_made(self):
        device = self.new_device(start=False)
        file = device.folder / "file"
        file.touch()
        device.data = file / "data"
        self.assertIn(str(device.data), self.refused(device))

    def test_a_link_never_replaces_a_file(self):
        device = self.new_device(start=False)
        device.link.write_text("precious")
        self.assertIn(str(device.link), self.refused(device))
        self.assertEqual(device.link.read_text(), "precious")


class Ending(DeviceCase):
    def test_signals_end_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if self.device.process is None:
                self.device.start()
            self.device.machine()
            self.assertTrue(self.device.link.is_symlink())
            self.assertEqual(self.device.stop(number), 0, number)
            self.assertFalse(self.device.link.is_symlink(), "the link to the terminal is gone")

    def test_it_stops_in_the_middle_of_work(self):
        line = self.device.machine()
        port = free_port()
        line.ok(f"tcps start {port}")
        with socket.create_connection(("127.0.0.1", port)) as client:
            line.wait_text("poll all", "0,0")
            line.send(b"write 0 1000000\r\n" + b"x" * 200_000)
            self.assertEqual(self.device.stop(), 0)
            client.settimeout(5)
            while client.recv(65536):
                pass

    def test_a_left_behind_link_is_replaced(self):
        self.device.kill()
        self.assertTrue(self.device.link.is_symlink(), "after SIGKILL the link stays")
        old = os.readlink(self.device.link)
        self.device.start(wait=False)
        self.eventually(lambda: "serial" in self.device.stderr())
        self.eventually(lambda: self.device.link.exists())
        self.assertEqual(self.device.machine().ok("get sy c e"), "0", f"the link led to {old}")

    def test_control_c_on_a_terminal(self):
        device = self.new_device(start=False, serial="stdio", machine=False)
        master, slave = pty.openpty()
        process = subprocess.Popen(
            device.command_line(), stdin=slave, stdout=slave, stderr=slave, cwd=device.folder, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )
        os.close(slave)
        console = Console(master, lambda: os.close(master))
        try:
            console.read_until(b"> ")
            console.quiet()
            console.send(b"get sy c e\r")
            self.assertEqual(console.read_until(b"> "), b"get sy c e\r\n1\r\n> ")
            console.send(b"\x03")
            console.read_until(b"leaves; help lists what can be typed\r\n> ")
            console.send(b"\x03")
            self.assertEqual(process.wait(5), 0)
        finally:
            process.kill()
            process.wait()
            console.close()


class Rebooting(DeviceCase):
    def test_reboot_over_the_serial_line(self):
        process = self.device.process.pid
        line = self.device.machine()
        line.ok("set udp.client.remote_port 1234")
        self.assertEqual(line.rebooted().text, "Rebooting")
        self.assertEqual(line.ok("get udp.client.remote_port"), "3000", "what was not saved is lost")
        self.assertEqual(self.device.process.pid, process)
        self.assertTrue(self.device.link.exists())
        self.assertLess(int(line.ok("get time.uptime")), 5)

    def test_reboot_shows_its_log(self):
        device = self.new_device(machine=False, settings={"wlan.auto_join.enabled": "0"})
        console = device.console()
        console.read_until(b"> ")
        console.quiet()
        console.send(b"reboot\r")
        text, _ = console.read_match(rb"Ready\]\r\n> ", 10)
        self.assertRegex(
            text,
            rb"^reboot\r\nRebooting\r\n\[Disassociated\]\r\nOPENZENTRI-[^\r]*\r\n\[Ready\]\r\n> $",
        )

    def test_reboot_lets_ports_and_streams_go(self):
        line = self.device.machine()
        port = free_port()
        line.ok(f"tcps start {port}")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            line.wait_text("poll all", "0,0")
            line.rebooted()
            try:
                self.assertEqual(client.recv(1), b"")
            except ConnectionResetError:
                pass
        self.assertEqual(line.ok("poll all"), "None")
        line.ok(f"tcps start {port}")

    def test_many_reboots(self):
        line = self.device.machine()
        for _ in range(10):
            line.rebooted()
        descriptors = os.listdir(f"/proc/{self.device.process.pid}/fd")
        self.assertLess(len(descriptors), 30, "descriptors pile up")


class Settings(DeviceCase):
    settings = {}

    def test_saved_settings_survive_a_power_cut(self):
        line = self.device.machine()
        values = {
            "wlan.passkey": "pass word",
            "udp.client.remote_host": "example.com",
            "udp.client.remote_port": "4321",
            "time.zone": "-4:30",
            "stream.auto_close": "1",
        }
        line.ok("set wlan.hide_passkey 0")
        for name, value in values.items():
            line.ok(f'set {name} "{value}"')
        line.ok("save")
        line.ok("set udp.client.remote_port 1")
        self.device.kill()
        self.device.start()
        line = self.device.machine()
        for name, value in values.items():
            self.assertEqual(line.ok(f"get {name}"), value)

    def test_a_power_cut_while_saving_leaves_one_of_both(self):
        line = self.device.machine()
        for value in range(12):
            line.send(f"set udp.client.remote_port {5000 + value}\r\nsave\r\n".encode())
            line.answer()
            time.sleep(0.0007 * value)
            self.device.kill()
            self.device.start()
            line = self.device.machine()
            found = int(line.ok("get udp.client.remote_port"))
            self.assertIn(found, [3000] + list(range(5000, 5001 + value)))

    def test_damaged_settings_do_not_stop_the_device(self):
        line = self.device.machine()
        line.ok("set udp.client.remote_port 4000")
        line.ok("save")
        self.device.stop()
        damaged = [path for path in self.device.data.glob("settings.*")]
        self.assertTrue(damaged)
        for path in damaged:
            path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])
        self.device.start()
        self.assertEqual(self.device.machine().ok("get udp.client.remote_port"), "3000")

    def test_the_start_overrides_without_saving(self):
        device = self.new_device(settings={"udp.client.remote_port": "7777"})
        self.assertEqual(device.machine().ok("get udp.client.remote_port"), "7777")
        device.stop()
        device.settings = {}
        device.start()
        self.assertEqual(device.machine().ok("get udp.client.remote_port"), "3000")

    def test_named_configurations(self):
        line = self.device.machine()
        line.ok("set udp.client.remote_port 4711")
        line.ok("save my.cfg")
        line.ok("set udp.client.remote_port 1")
        line.ok("load my.cfg")
        self.assertEqual(line.ok("get udp.client.remote_port"), "4711")

    def test_factory_reset_needs_the_own_mac(self):
        line = self.device.machine()
        line.ok("set udp.client.remote_port 4711")
        line.ok("save")
        mac = line.ok("get wlan.mac")
        self.assertRegex(mac, r"^([0-9A-F]{2}:){5}[0-9A-F]{2}$")
        self.assertEqual(line.command("factory_reset 4C:55:CC:10:09:42").code, 7)
        self.assertEqual(line.ok("get udp.client.remote_port"), "4711")
        line.rebooted(f"factory_reset {mac}")
        self.assertEqual(line.ok("get udp.client.remote_port"), "3000")
        self.assertEqual(line.ok("get wlan.mac"), mac, "the identity is no setting")

    def test_the_mac_stays(self):
        mac = self.device.machine().ok("get wlan.mac")
        self.device.restart()
        self.assertEqual(self.device.machine().ok("get wlan.mac"), mac)
        self.assertNotEqual(self.new_device().machine().ok("get wlan.mac"), mac)


class TcpLine(DeviceCase):
    """`--serial tcp:PORT`"""

    def test_a_host_on_a_tcp_port(self):
        port = free_port()
        device = self.new_device(start=False, serial=f"tcp:{port}")
        device.start()
        self.eventually(lambda: str(port) in device.stderr())
        for _ in range(3):
            line = Machine.tcp("127.0.0.1", port)
            line.sync()
            self.assertEqual(line.ok("get sy c e"), "0")
            line.close()

    def test_the_http_client_does_not_type_on_the_line(self):
        port = free_port()
        device = self.new_device(start=False, serial=f"tcp:{port}")
        device.start()
        self.eventually(lambda: str(port) in device.stderr())
        line = Machine.tcp("127.0.0.1", port)
        line.sync()
        line.ok("set system.print_level all")
        response = line.command(f"http_get 127.0.0.1:{port}/set%20system.cmd.echo%201")
        self.assertEqual(response.code, 1)
        self.assertIn("Not connected: the device does not send itself requests", response.logs)
        line.close()


if __name__ == "__main__":
    unittest.main()
