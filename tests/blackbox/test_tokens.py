"""API tokens against a running process (docs/extensions.md)."""

import base64
import json
import urllib.error

from test_rest import RestCase

OWNER = "Basic " + base64.b64encode(b"me:secret").decode()


class Tokens(RestCase):
    settings = {"http.server.username": "me", "http.server.password": "secret"}

    def ask(self, command, authorization=OWNER):
        """Runs a command; answers status and response."""
        headers = {"Authorization": authorization} if authorization else {}
        body = json.dumps({"command": command}).encode()
        try:
            status, _, answer = self.device.rest.open("/command", body, headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        return status, json.loads(answer)["response"]

    def create(self, name, scopes):
        status, answer = self.ask(f"token_create {name} {scopes}")
        self.assertEqual(status, 200)
        self.assertRegex(answer, r"^[A-Za-z0-9_-]{32}\r\n$")
        return "Bearer " + answer.strip()

    def test_the_life_of_a_token(self):
        token = self.create("dashboard", "read")
        self.assertEqual(self.ask("get time.zone", token), (200, "0\r\n"))
        self.assertEqual(self.ask("get time.zone", None)[0], 401)
        self.assertEqual(self.ask("save", token), (403, "403 Forbidden: the token lacks the scope config\r\n"))
        self.assertEqual(self.ask("token_delete dashboard"), (200, "Success\r\n"))
        self.assertEqual(self.ask("get time.zone", token)[0], 401)

    def test_a_restart_keeps_saved_tokens_only(self):
        saved = self.create("saved", "read,config")
        self.assertEqual(self.ask("save", saved), (200, "Success\r\n"))
        unsaved = self.create("unsaved", "admin")
        self.device.restart()
        self.device.wait_http()
        self.assertEqual(self.ask("get time.zone", saved)[0], 200)
        self.assertEqual(self.ask("get time.zone", unsaved)[0], 401)

    def test_no_token_in_the_data_folder_or_the_log(self):
        token = self.create("phone", "admin").removeprefix("Bearer ")
        self.assertEqual(self.ask("save")[0], 200)
        self.assertEqual(self.ask("save settings.txt")[0], 200)
        folder = self.device.data
        contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.assertTrue(any(b"phone admin " in content for content in contents.values()), "the hash is in the settings")
        for path, content in contents.items():
            self.assertNotIn(token.encode(), content, path)
        status, _, log = self.device.rest.open("/log", headers={"Authorization": OWNER})
        self.assertEqual(status, 200)
        self.assertNotIn(token, log.decode() + self.device.stderr())

    def test_tokens_are_different_on_every_device(self):
        other = self.new_device()
        other.wait_http()
        mine, self.device = self.device, other
        theirs = self.create("a", "read")
        self.device = mine
        self.assertNotEqual(self.create("a", "read"), theirs)
        self.assertEqual(self.ask("version", theirs)[0], 401)
