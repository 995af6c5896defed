#!/usr/bin/env python3
"""Stores the web console in the files of a device whose image has none (`CONFIG_OPENZENTRI_CONSOLE=n`).

    zephyr/put_console.py http://192.168.1.20 [--user NAME:PASSWORD]
    west build -t console        the same, with the device's address in OPENZENTRI_DEVICE

The parts of `web/` become files `.console/<name>.gz`, packed as `build.rs` packs them into an image. The device then shows
the console at `/` as long as the file of `http.server.root_filename` does not exist. Existing files are replaced.
"""

import argparse
import base64
import gzip
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

WEB = Path(__file__).resolve().parents[1] / "web"
#: The page may only load its own parts and talk to its device. In an image, this is a header field of the answer.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
#: Bytes of a file that one command carries.
PIECE = 2048


def plain(text):
    """Without indentation, empty lines and comments of whole lines, as in `build.rs`."""
    kept, inside = [], False
    for line in text.splitlines():
        start = line.strip()
        inside |= start.startswith("/*")
        if start and not inside and not start.startswith("//"):
            kept.append(line.lstrip() + "\n")
        if start.endswith("*/"):
            inside = False
    return "".join(kept)


def tight(sheet):
    """A style sheet without blanks around its signs, as in `build.rs`."""
    for loose, close in ((" {", "{"), ("{ ", "{"), (" }", "}"), ("; ", ";"), (": ", ":"), (", ", ",")):
        sheet = sheet.replace(loose, close)
    return sheet


def parts():
    """The names of the files, and their contents."""
    for path in sorted(WEB.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.name == "index.html":
            field = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            text = text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{field}', 1)
        text = plain(text)
        if path.suffix == ".css":
            text = tight(text)
        yield f".console/{path.name}.gz", gzip.compress(text.encode(), 9, mtime=0)


class Device:
    """The REST API of a device."""

    def __init__(self, address, credentials):
        self.address = address.rstrip("/")
        self.credentials = credentials

    def run(self, command, data=b""):
        """The text of the answer to a command that succeeds."""
        call = {"command": command, "flags": 4, "data": base64.b64encode(data).decode()}
        request = urllib.request.Request(f"{self.address}/command", json.dumps(call).encode())
        if self.credentials:
            request.add_header("Authorization", "Basic " + base64.b64encode(self.credentials.encode()).decode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer = json.load(answer)
        if answer["code"]:
            sys.exit(f"put_console: {command}: {answer['response'].strip()}")
        return answer["response"]

    def store(self, name, content):
        """Creates a file; an existing one is replaced once the new one is complete."""
        handle = self.run(f"file_create -o -r {name} {len(content)} 1.0.0.0 FE").split()[-1]
        for at in range(0, len(content), PIECE):
            piece = content[at : at + PIECE]
            self.run(f"stream_write {handle} {len(piece)}", piece)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("device", help="address of the device: http://192.168.1.20")
    parser.add_argument("--user", metavar="NAME:PASSWORD", help="credentials, where the device asks for them")
    arguments = parser.parse_args()
    device = Device(arguments.device, arguments.user)
    total = 0
    try:
        for name, content in parts():
            device.store(name, content)
            total += len(content)
            print(f"{len(content):6} {name}")
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"put_console: {arguments.device}: {error}")
    print(f"{total:6} bytes: {arguments.device.rstrip('/')}/.console/index.html")


if __name__ == "__main__":
    main()
