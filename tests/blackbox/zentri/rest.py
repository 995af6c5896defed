"""The REST interface, using only `urllib` and `socket`."""

import base64
import http.client
import json
import socket
import urllib.parse
import urllib.request


class Rest:
    """Commands over HTTP."""

    def __init__(self, port, host="127.0.0.1", seconds=15.0):
        self.host = host
        self.port = port
        self.seconds = seconds
        self.base = f"http://{host}:{port}"
        # Ignores any proxy of the environment.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def open(self, path, data=None, headers=None, method=None):
        """One request; answers status, headers and body. Raises `HTTPError` as urllib does."""
        request = urllib.request.Request(self.base + path, data=data, headers=headers or {}, method=method)
        with self._opener.open(request, timeout=self.seconds) as answer:
            return answer.status, answer.headers, answer.read()

    def get(self, command):
        """`GET /command/...`; answers the JSON object."""
        _, _, body = self.open("/command/" + urllib.parse.quote(command))
        return json.loads(body)

    def post(self, command, data=None, flags=None):
        """`POST /command` with plain text; answers the JSON object."""
        content = {"command": command}
        if flags is not None:
            content["flags"] = flags
        if data is not None:
            content["data"] = data
        body = json.dumps(content).encode()
        _, _, answer = self.open("/command", body, {"Content-Type": "application/json"})
        return json.loads(answer)

    def post7(self, command, data=b""):
        """`POST /command` with everything in base64, as the vendor's Python library does; answers code and bytes."""
        encode = lambda raw: base64.b64encode(raw).decode()
        answer = self.post(encode(command.encode()), encode(data), 7)
        return answer["code"], base64.b64decode(answer["response"], validate=True)

    def text(self, command):
        """The text of a command that must succeed, without its line end."""
        answer = self.get(command)
        if answer["code"] != 0 or not (answer["response"] == "" or answer["response"].endswith("\r\n")):
            raise AssertionError(f"{command!r}: {answer!r}")
        return answer["response"].removesuffix("\r\n")

    def connect(self):
        """A plain TCP connection."""
        return socket.create_connection((self.host, self.port), timeout=self.seconds)

    def raw(self, request, finish=False):
        """Sends bytes as they are; answers all bytes received until the device closes."""
        with self.connect() as connection:
            try:
                connection.sendall(request)
                if finish:
                    connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                # The device has closed before it has read everything.
                pass
            return receive_all(connection)


def receive_all(connection):
    """All bytes received until the other end closes."""
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def fetch(port, target, context=None):
    """One request to a web server on this machine, with TLS if there is a context for it; answers status and body."""
    if context:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
