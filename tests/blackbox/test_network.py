"""TCP and UDP streams, servers, ping and look-ups against real sockets (interface, network 4)."""

import random
import re
import socket
import struct
import time
import unittest

from zentri import DeviceCase, Peer, echo, free_port


class NetworkCase(DeviceCase):
    http = False

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()

    def client(self, port):
        """A client of a server of the device."""
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.addCleanup(client.close)
        return client

    def server(self, port=None):
        """A TCP server on the device; answers its port."""
        port = port or free_port()
        self.assertEqual(self.line.ok(f"tcps start {port}"), "Success")
        return port


class TcpClient(NetworkCase):
    def test_echo(self):
        line = self.line
        data = random.Random(1).randbytes(20_000) + b"\r\nR000009\r\nSuccess\r\n\x00\xff"
        with Peer(echo) as peer:
            handle = line.ok(f"tcp_client localhost {peer.port}")
            self.assertEqual(handle, "0")
            self.assertEqual(line.ok("stream_poll 0"), "0")
            self.assertEqual(line.ok(f"stream_write 0 {len(data)}", data), "Success")
            line.wait_poll(0, 1)
            self.assertEqual(line.read_stream(0, len(data)), data)
            self.assertEqual(line.ok("poll 0"), "0")
            self.assertEqual(line.command("read 0 100").data, b"")
            self.assertEqual(line.ok("stream_close 0"), "Success")
            self.assertEqual(line.command("poll 0").code, 1)

    def test_every_byte_value_passes(self):
        line = self.line
        with Peer(echo) as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            for value in range(256):
                data = bytes([value])
                self.assertEqual(line.ok("write 0 1", data), "Success")
                self.assertEqual(line.read_stream(0, 1), data)

    def test_listing(self):
        line = self.line
        with Peer(echo) as peer:
            line.ok(f"tcpc localhost {peer.port}")
            heading, row = line.command("list").lines
            self.assertEqual(heading, "! # Type  Info")
            self.assertRegex(row, rf"^# 0 TCPC  localhost:{peer.port} \(\d+\)$")

    def test_the_local_port(self):
        line = self.line
        with Peer() as peer:
            for form in ("tcpc -l {local} 127.0.0.1 {remote}", "tcpc 127.0.0.1 {remote} {local}"):
                local = free_port()
                line.ok(form.format(local=local, remote=peer.port))
                with peer.accept() as connection:
                    self.assertEqual(connection.getpeername()[1], local)
                    line.ok("close all")

    def test_refused(self):
        response = self.line.command(f"tcpc 127.0.0.1 {free_port()}")
        self.assertAnswer(response, 1, "Command failed")
        self.assertEqual(self.line.ok("poll all"), "None")

    def test_unknown_host(self):
        self.assertAnswer(self.line.command("tcpc no-such-host.invalid 80", seconds=30), 1, "Command failed")

    def test_data_stays_readable_after_the_peer_closed(self):
        line = self.line
        line.ok("set stream.auto_close 0")
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            with peer.accept() as connection:
                connection.sendall(b"last words")
            line.wait_text("poll all -c", "0,1,10")
            self.assertEqual(line.read_stream(0, 10), b"last words")
            self.assertEqual(line.ok("poll 0"), "2", "with auto_close 0 the handle stays")
            self.assertEqual(line.command("read 0 10").code, 1)
            self.assertEqual(line.ok("close 0"), "Success")
            self.assertEqual(line.command("poll 0").code, 1)

    def test_auto_close(self):
        line = self.line
        self.assertEqual(line.ok("get stream.auto_close"), "1")
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            with peer.accept() as connection:
                connection.sendall(b"last words")
            line.wait_text("poll all -c", "0,1,10")
            self.assertEqual(line.read_stream(0, 4), b"last")
            self.assertEqual(line.ok("poll 0"), "1")
            self.assertEqual(line.read_stream(0, 6), b" words")
            self.assertEqual(line.command("poll 0").code, 1, "the handle is free")
            self.assertEqual(line.command("read 0 1").code, 1)
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            peer.accept().close()
            line.wait_text("poll all", "None")

    def test_a_reset_is_a_close(self):
        line = self.line
        line.ok("set stream.auto_close 0")
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            connection = peer.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            line.wait_poll(0, 2)
            self.assertEqual(line.command("write 0 3", b"abc").code, 1)
            self.assertEqual(line.ok("close 0"), "Success")

    def test_close_sends_what_was_written(self):
        line = self.line
        data = random.Random(2).randbytes(60_000)
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            connection = peer.accept()
            line.ok(f"write 0 {len(data)}", data)
            line.ok("close 0")
            received = b""
            while len(received) < len(data):
                part = connection.recv(65536)
                self.assertTrue(part, f"only {len(received)} bytes came")
                received += part
            self.assertEqual(received, data)
            self.assertEqual(connection.recv(1), b"")
            connection.close()

    def test_the_data_of_a_failed_write_is_no_command(self):
        """A host sends command and data in one piece; data that cannot be written must not run as commands."""
        line = self.line
        for command in ("write 5 {}", "udps write {} 127.0.0.1 9", "fcr \"\" {}"):
            data = b"set udp.client.remote_port 1\r\n"
            self.assertEqual(line.command(command.format(len(data)), data).code in (1, 7), True)
            self.assertEqual(line.quiet(0.3), b"", command)
            self.assertEqual(line.ok("get udp.client.remote_port"), "3000")

    def test_with_the_write_check_a_failed_write_takes_no_data(self):
        line = self.line
        # Data that never come are not waited for as long as a host may need.
        line.ok("set bus.command.write_timeout 200")
        line.ok("set bus.command.write_check_enabled 1")
        self.assertEqual(line.command("write 5 3").code, 1)
        self.assertEqual(line.ok("ver")[:4], "OPEN")

    def test_half_closed_peer_still_gets_an_answer(self):
        line = self.line
        line.ok("set stream.auto_close 0")
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            with peer.accept() as connection:
                connection.sendall(b"question")
                connection.shutdown(socket.SHUT_WR)
                line.wait_poll(0, 1)
                self.assertEqual(line.read_stream(0, 8), b"question")
                line.wait_poll(0, 2)
                self.assertEqual(line.ok("write 0 6", b"answer"), "Success")
                line.ok("close 0")
                self.assertEqual(connection.recv(100), b"answer")

    def test_a_fast_sender_loses_nothing(self):
        """The stream's buffer fills; TCP must hold the peer back."""
        line = self.line
        line.ok("set stream.auto_close 0")
        data = random.Random(3).randbytes(2_000_000)
        with Peer(lambda connection: connection.sendall(data)) as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            time.sleep(0.3)
            self.assertEqual(line.read_stream(0, len(data), 30), data)
            line.wait_poll(0, 2)

    def test_a_peer_that_does_not_read(self):
        """Writes block, but the rest of the device goes on; closing ends within its time."""
        line = self.line
        # Data that never come are not waited for as long as a host may need.
        line.ok("set bus.command.write_timeout 200")
        line.ok("set stream.auto_close 0")
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            connection = peer.accept()
            line.ok("set bus.command.write_check_enabled 1")
            accepted = 0
            while True:
                response = line.command("write 0 60000")
                if response.code == 9:
                    break
                # The command reads its data; if they come too late, it succeeds without writing any.
                accepted += 1
                if accepted > 3:
                    break
            line.ok("set bus.command.write_check_enabled 0")
            self.assertEqual(line.ok("get sy c e"), "0")
            connection.close()
            line.ok("close 0", seconds=15)

    def test_missing_data_is_waited_for_and_then_given_up(self):
        line = self.line
        line.ok("set bus.command.write_timeout 200")
        with Peer(echo) as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            start = time.monotonic()
            self.assertEqual(line.command("write 0 10", b"abc").code, 1)
            waited = time.monotonic() - start
            self.assertTrue(0.15 < waited < 2, waited)
            self.assertEqual(line.read_stream(0, 3), b"abc")


class TcpServer(NetworkCase):
    def test_several_clients(self):
        line = self.line
        line.ok("set stream.auto_close 0")
        port = self.server()
        clients = []
        for number in range(3):
            clients.append(self.client(port))
            line.wait_text("poll all", "|".join(f"{handle},0" for handle in range(number + 1)))
        for number, client in enumerate(clients):
            client.sendall(b"x" * (number + 1))
        for number in range(3):
            line.wait_poll(number, 1)
        self.assertEqual(line.ok("poll all"), "0,1|1,1|2,1")
        self.assertEqual(line.ok("poll all -c"), "0,1,1|1,1,2|2,1,3")
        for number, client in enumerate(clients):
            self.assertEqual(line.read_stream(number, number + 1), b"x" * (number + 1))
            line.ok(f"write {number} 2", b"%d!" % number)
            self.assertEqual(client.recv(10), b"%d!" % number)
        local = [client.getsockname()[1] for client in clients]
        self.assertEqual(
            line.command("list").lines,
            ["! # Type  Info"] + [f"# {n} TCPS  127.0.0.1:{port} 127.0.0.1:{local[n]}" for n in range(3)],
        )
        clients[1].close()
        line.wait_poll(1, 2)
        self.assertEqual(line.ok("poll all"), "0,0|1,2|2,0")
        line.ok("close 1")
        self.assertEqual(line.ok("poll all"), "0,0|2,0")
        self.assertEqual(self.line.ok(f"tcps stop {port}"), "Success")
        self.assertEqual(line.ok("poll all"), "None", "the clients' streams are closed")
        for client in (clients[0], clients[2]):
            self.assertEqual(client.recv(1), b"")

    def test_default_port_and_its_errors(self):
        line = self.line
        port = free_port()
        line.ok(f"set tcp.server.port {port}")
        line.ok("tcps start")
        self.client(port)
        self.assertAnswer(line.command(f"tcps start {port}"), 1, "Command failed")
        self.assertAnswer(line.command(f"tcps stop {free_port()}"), 1, "Command failed")
        line.ok("tcp_server stop")
        self.assertAnswer(line.command("tcp_server stop"), 1, "Command failed")
        with self.assertRaises(ConnectionRefusedError):
            self.client(port)

    def test_a_port_that_another_program_uses(self):
        line = self.line
        line.ok("set system.print_level all")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            response = line.command(f"tcps start {taken.getsockname()[1]}")
        self.assertAnswer(response, 1, "Command failed")
        self.assertEqual(response.logs, ["Port in use"])

    def test_two_servers_on_two_ports(self):
        first, second = self.server(), self.server()
        self.client(first)
        self.line.wait_text("poll all", "0,0")
        self.client(second)
        self.line.wait_text("poll all", "0,0|1,0")
        self.line.ok(f"tcps stop {first}")
        self.assertEqual(self.line.ok("poll all"), "1,0")

    def test_max_clients(self):
        line = self.line
        line.ok("set stream.auto_close 0")
        line.ok("set tcp.server.max_clients 2")
        port = self.server()
        kept = [self.client(port), self.client(port)]
        line.wait_text("poll all", "0,0|1,0")
        late = self.client(port)
        try:
            self.assertEqual(late.recv(1), b"", "one too many is closed")
        except ConnectionResetError:
            pass
        self.assertEqual(line.ok("poll all"), "0,0|1,0")
        kept[0].close()
        line.wait_poll(0, 2)
        line.ok("close 0")
        self.client(port)
        line.wait_text("poll all", "0,0|1,0")

    def test_eight_streams_and_no_more(self):
        line = self.line
        line.ok("set tcp.server.max_clients 8")
        port = self.server()
        clients = [self.client(port) for _ in range(8)]
        line.wait_text("poll all", "|".join(f"{handle},0" for handle in range(8)))
        late = self.client(port)
        try:
            self.assertEqual(late.recv(1), b"")
        except ConnectionResetError:
            pass
        self.assertAnswer(line.command("udpc 127.0.0.1 9"), 1, "Command failed")
        for client in clients:
            client.sendall(b"still here")
        for handle in range(8):
            self.assertEqual(line.read_stream(handle, 10), b"still here")

    def test_idle_timeout(self):
        """tests/streams.rs tests in virtual time that bytes keep a client connected, and that 0 keeps all clients."""
        line = self.line
        line.ok("set stream.auto_close 0")
        line.ok("set tcp.server.idle_timeout 1")
        client = self.client(self.server())
        client.sendall(b"x")
        start = time.monotonic()
        client.settimeout(20)
        self.assertEqual(client.recv(1), b"", "dropped after silence")
        self.assertGreater(time.monotonic() - start, 0.9)
        self.assertEqual(line.read_stream(0, 1), b"x")
        line.wait_poll(0, 2)

    def test_auto_close_of_server_clients(self):
        line = self.line
        port = self.server()
        for _ in range(20):
            client = self.client(port)
            client.sendall(b"hello")
            client.close()
            line.wait_text("poll all -c", "0,1,5")
            self.assertEqual(line.read_stream(0, 5), b"hello")
            line.wait_text("poll all", "None")

    def test_clients_that_come_and_go(self):
        line = self.line
        line.ok("set stream.auto_close 0")
        port = self.server()
        for _ in range(100):
            self.client(port).close()
        self.eventually(lambda: set(re.findall(r",(\d)", line.ok("poll all"))) == {"2"})
        line.ok("close all")
        # Every place is free again.
        self.client(port)
        line.wait_text("poll all", "0,0")


class Udp(NetworkCase):
    def setUp(self):
        super().setUp()
        self.peers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for peer in self.peers:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(5)
            self.addCleanup(peer.close)

    def port_of(self, number):
        return self.peers[number].getsockname()[1]

    def test_client(self):
        line, peer = self.line, self.peers[0]
        self.assertEqual(line.ok(f"udp_client 127.0.0.1 {self.port_of(0)}"), "0")
        line.ok("write 0 5", b"hello")
        data, address = peer.recvfrom(100)
        self.assertEqual(data, b"hello")
        peer.sendto(b"abc", address)
        peer.sendto(b"defgh", address)
        line.wait_poll(0, 1)
        self.assertEqual(line.command("read 0 2").raw, b"ab", "the rest of a datagram stays")
        self.assertEqual(line.command("read 0 100").raw, b"c", "one datagram at most")
        self.assertEqual(line.command("read 0 100").raw, b"defgh")
        self.assertEqual(line.command("read 0 100").data, b"")
        self.assertRegex(line.command("list").lines[1], rf"^# 0 UDPC  127\.0\.0\.1:{self.port_of(0)} \({address[1]}\)$")
        line.ok("close 0")

    def test_client_with_a_local_port(self):
        local = free_port(socket.SOCK_DGRAM)
        self.line.ok(f"udpc 127.0.0.1 {self.port_of(0)} {local}")
        self.line.ok("write 0 1", b"x")
        self.assertEqual(self.peers[0].recvfrom(10)[1][1], local)

    def test_one_write_is_one_datagram(self):
        line, peer = self.line, self.peers[0]
        line.ok(f"udpc 127.0.0.1 {self.port_of(0)}")
        for size in (1, 1472, 9000, 65_000):
            data = random.Random(size).randbytes(size)
            line.ok(f"write 0 {size}", data)
            self.assertEqual(peer.recvfrom(70_000)[0], data)

    def test_server_answers_the_last_sender(self):
        line = self.line
        port = free_port(socket.SOCK_DGRAM)
        handle = line.ok(f"udp_server start {port}")
        self.assertEqual(handle, "0")
        first, second = self.peers
        self.assertEqual(line.command("write 0 1", b"x").code, 1, "nobody has sent yet")
        first.sendto(b"one", ("127.0.0.1", port))
        line.wait_poll(0, 1)
        self.assertEqual(line.read_stream(0, 3), b"one")
        line.ok("write 0 2", b"to")
        self.assertEqual(first.recv(10), b"to")
        second.sendto(b"two", ("127.0.0.1", port))
        self.assertEqual(line.read_stream(0, 3), b"two")
        line.ok("write 0 3", b"too")
        self.assertEqual(second.recv(10), b"too")
        self.assertEqual(
            line.command("list 0").lines[-1], f"# 0 UDPS  127.0.0.1:{port} 127.0.0.1:{self.port_of(1)}"
        )

    def test_server_write_goes_to_anybody(self):
        line = self.line
        port = free_port(socket.SOCK_DGRAM)
        line.ok(f"udps start {port}")
        first, second = self.peers
        first.sendto(b"one", ("127.0.0.1", port))
        self.assertEqual(line.read_stream(0, 3), b"one")
        self.assertEqual(line.ok(f"udps write 4 127.0.0.1 {self.port_of(1)}", b"news"), "Success")
        self.assertEqual(second.recvfrom(10), (b"news", ("127.0.0.1", port)))
        line.ok("write 0 3", b"old")
        self.assertEqual(first.recv(10), b"old", "the last sender has not changed")

    def test_server_read_and_stop(self):
        line = self.line
        # Data that never come are not waited for as long as a host may need.
        line.ok("set bus.command.write_timeout 200")
        port = free_port(socket.SOCK_DGRAM)
        line.ok(f"udps start {port}")
        self.peers[0].sendto(b"text", ("127.0.0.1", port))
        line.wait_poll(0, 1)
        self.assertEqual(line.command("udps read 100").raw, b"text")
        self.assertAnswer(line.command(f"udps start {port}"), 1, "Command failed")
        line.ok(f"udps stop {port}")
        self.assertEqual(line.ok("poll all"), "None")
        self.assertAnswer(line.command(f"udps write 1 127.0.0.1 {port}"), 1, "Command failed")

    def test_lock_client(self):
        line = self.line
        line.ok("set udp.server.lock_client 1")
        port = free_port(socket.SOCK_DGRAM)
        line.ok(f"udps start {port}")
        first, second = self.peers
        first.sendto(b"mine", ("127.0.0.1", port))
        self.assertEqual(line.read_stream(0, 4), b"mine")
        second.sendto(b"intruder", ("127.0.0.1", port))
        first.sendto(b"again", ("127.0.0.1", port))
        self.assertEqual(line.read_stream(0, 5), b"again")
        self.assertEqual(line.command("read 0 100").data, b"")

    def test_a_dead_peer_does_not_close_the_stream(self):
        line = self.line
        line.ok(f"udpc 127.0.0.1 {free_port(socket.SOCK_DGRAM)}")
        for _ in range(5):
            line.command("write 0 1", b"x")
        self.assertEqual(line.ok("poll 0"), "0")

    def test_a_flood_is_cut_but_harmless(self):
        line = self.line
        port = free_port(socket.SOCK_DGRAM)
        line.ok(f"udps start {port}")
        for number in range(2000):
            self.peers[0].sendto(b"%04d" % number * 100, ("127.0.0.1", port))
        line.wait_poll(0, 1)
        seen = []
        while True:
            data = line.command("read 0 1000").raw
            if not data:
                break
            self.assertEqual(len(data), 400)
            self.assertEqual(data, data[:4] * 100, "datagrams are not mixed")
            seen.append(int(data[:4]))
        self.assertEqual(seen, sorted(set(seen)))
        self.assertGreater(len(seen), 50)


class Interface(NetworkCase):
    def test_down_closes_everything(self):
        line = self.line
        port = self.server()
        client = self.client(port)
        line.wait_text("poll all", "0,0")
        line.ok("udpc 127.0.0.1 9")
        with Peer() as peer:
            line.ok(f"tcpc 127.0.0.1 {peer.port}")
            connection = peer.accept()
            line.ok("fcr a.txt 1", b"x")
            line.ok("set system.print_level all")
            response = line.command("network_down")
            self.assertAnswer(response, 0, "Success")
            self.assertEqual(response.logs[-1], "[Disassociated]")
            self.assertEqual(sorted(response.logs[:-1]), ["[Closed: 0]", "[Closed: 1]", "[Closed: 2]"])
            self.assertEqual(line.ok("poll all"), "None")
            self.assertEqual(connection.recv(1), b"")
            connection.close()
        self.assertEqual(client.recv(1), b"")
        self.assertEqual(line.ok("get wlan.network.status"), "0")
        self.assertEqual(line.ok("get wlan.network.ip"), "0.0.0.0")
        with self.assertRaises(ConnectionRefusedError):
            self.client(port)

    def test_the_network_comes_up_when_it_is_needed(self):
        line = self.line
        line.ok("network_down")
        with Peer(echo) as peer:
            self.assertEqual(line.ok(f"tcpc 127.0.0.1 {peer.port}"), "0")
        self.assertEqual(line.ok("get wlan.network.status"), "2")

    def test_files_stay_open_when_it_goes_down(self):
        line = self.line
        line.ok("fcr a.txt 4", b"text")
        line.ok("fop a.txt")
        line.ok("network_down")
        self.assertEqual(line.command("read 0 4").raw, b"text")

    def test_up_and_restart(self):
        line = self.line
        line.ok("set system.print_level all")
        self.assertEqual(line.command("network_up").logs, [], "it is up already")
        logs = line.command("network_restart").logs
        self.assertEqual(logs[0], "[Disassociated]")
        self.assertIn("[Associating to OpenZentri]", logs)
        self.assertEqual(logs[-1], "[Associated]")
        line.ok("ndo")
        line.ok("set wlan.ssid \"No Such Network\"")
        response = line.command("nup", seconds=60)
        self.assertEqual((response.code, response.text), (1, "Command failed"))
        self.assertEqual(line.ok("get wlan.join.result"), "6")

    def test_a_secured_network(self):
        line = self.line
        line.ok("ndo")
        line.ok("set wlan.ssid OpenZentri-WPA2")
        self.assertAnswer(line.command("nup"), 1, "Command failed")
        self.assertEqual(line.ok("get wlan.join.result"), "4")
        line.ok("set wlan.passkey wrongwrong")
        self.assertAnswer(line.command("nup", seconds=60), 1, "Command failed")
        self.assertEqual(line.ok("get wlan.join.result"), "7")
        line.ok("set wlan.passkey password")
        line.ok("nup")
        self.assertEqual(line.ok("get wlan.join.result"), "1")

    def test_ping(self):
        line = self.line
        self.assertRegex(line.ok("ping localhost"), r"^Ping reply in \d+ms$")
        self.assertRegex(line.ok("ping 127.0.0.1"), r"^Ping reply in \d+ms$")
        self.assertAnswer(line.command("ping no-such-host.invalid", seconds=30), 1, "Ping failed")

    def test_lookup(self):
        line = self.line
        self.assertEqual(line.ok("network_lookup localhost"), "127.0.0.1")
        self.assertEqual(line.ok("nlo 127.0.0.9"), "127.0.0.9")
        self.assertAnswer(line.command("nlo no-such-host.invalid", seconds=30), 1, "Command failed")


if __name__ == "__main__":
    unittest.main()
