"""Mail through aiosmtpd, an independent server: the message arrives byte for byte, without TLS and over TLS."""

import email
import email.policy
import random
import shutil
import ssl
import tempfile
import unittest
import warnings
from pathlib import Path

from zentri import DeviceCase, free_port
from zentri.certificates import Authority

try:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult
except ImportError:
    Controller = None

USER, PASSWORD = "tim", "tanstaaf tänstaaf"
ACCOUNT = {"email.smtp.username": USER, "email.smtp.password": PASSWORD}
SENDER = "Käthe's device <device@my.org>"
CONTENT = "Hello!\r\n.\r\n..two dots\r\nTür = 1\r\n \r\nblank at the end \r\n\ttab\t\r\nlone \n and \r ends\r\nFrom me\r\n".encode()


class Inbox:
    """The messages that the server has accepted; refuses recipients at `full.example`."""

    def __init__(self):
        self.envelopes = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.endswith("@full.example"):
            return "552 5.2.2 Mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append((envelope, session))
        return "250 Taken"


def message(envelope):
    """The message as a mail reader sees it."""
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


@unittest.skipUnless(Controller, "aiosmtpd is not installed")
class SmtpCase(DeviceCase):
    def serve(self, **options):
        """A server that ends with the test; answers its inbox."""
        inbox = Inbox()
        warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
        self.port = free_port()
        controller = Controller(inbox, hostname="127.0.0.1", port=self.port, ready_timeout=10, **options)
        controller.start()
        self.addCleanup(controller.stop)
        return inbox

    def configure(self, **more):
        """Sets the device's variables over its serial line."""
        line = self.device.machine()
        settings = {
            "system.print_level": "2",
            "email.smtp.host": "127.0.0.1",
            "email.smtp.port": self.port,
            "email.name_address": SENDER,
        } | more
        for name, value in settings.items():
            line.ok(f'set {name} "{value}"')
        return line

    def check(self, inbox, content=CONTENT, recipients=("you@your.org",), subject="Tür auf"):
        """Exactly one message must have arrived, and it must be this one."""
        ((envelope, session),) = inbox.envelopes
        self.assertEqual(envelope.mail_from, "device@my.org")
        self.assertEqual(tuple(envelope.rcpt_tos), tuple(recipients))
        arrived = message(envelope)
        self.assertEqual(arrived.get_payload(decode=True), content)
        self.assertEqual(arrived["Subject"], subject)
        self.assertEqual(arrived["From"].addresses[0].display_name, "Käthe's device")
        self.assertEqual(arrived["From"].addresses[0].addr_spec, "device@my.org")
        self.assertEqual([address.addr_spec for address in arrived["To"].addresses], list(recipients))
        self.assertFalse(arrived.defects)
        for line in envelope.content.split(b"\r\n"):
            self.assertLessEqual(len(line), 78)
        return envelope, session


class Plain(SmtpCase):
    def test_a_message_arrives_byte_for_byte(self):
        inbox = self.serve()
        line = self.configure()
        response = line.command(f'smtp_send you@your.org "Tür auf" {len(CONTENT)}', CONTENT)
        self.assertAnswer(response, 0, "Success")
        self.check(inbox)
        # The Linux device has a clock.
        self.assertIsNotNone(message(inbox.envelopes[0][0])["Date"].datetime)

    def test_any_bytes_of_any_length(self):
        inbox = self.serve()
        line = self.configure()
        for size in (0, 1, 75, 76, 4096, 70_000, 300_000):
            content = random.Random(size).randbytes(size)
            inbox.envelopes.clear()
            self.assertAnswer(line.command(f"smtp_send a@b.org s {size}", content), 0, "Success")
            self.check(inbox, content, ["a@b.org"], "s")

    def test_lines_of_text_stay_lines(self):
        inbox = self.serve()
        line = self.configure()
        content = b"".join(b"line %d: all is well.\r\n" % number for number in range(2000))
        self.assertAnswer(line.command(f"smtp_send a@b.org s {len(content)}", content), 0, "Success")
        envelope, _ = self.check(inbox, content, ["a@b.org"], "s")
        self.assertTrue(envelope.content.endswith(content), "plain text needs no encoding")

    def test_several_recipients_and_one_that_is_refused(self):
        inbox = self.serve()
        line = self.configure()
        everybody = ["a@b.org", "c@d.org", "e@f.org"]
        to = "a@b.org, Someone <c@d.org>,e@f.org"
        self.assertAnswer(line.command(f'smtp_send "{to}" "Tür auf" {len(CONTENT)}', CONTENT), 0, "Success")
        self.check(inbox, recipients=everybody)
        response = line.command("smtp_send a@b.org,x@full.example s 2", b"hi")
        self.assertAnswer(response, 1, "Command failed")
        self.assertIn("SMTP RCPT TO: 552 5.2.2 Mailbox full", " ".join(response.logs))
        self.assertEqual(len(inbox.envelopes), 1)

    def test_over_rest(self):
        inbox = self.serve()
        self.configure()
        answer = self.device.rest.post('smtp_send you@your.org "Tür auf" 5', "Hi\r\n.")
        self.assertEqual((answer["code"], answer["response"]), (0, "Success\r\n"))
        self.check(inbox, b"Hi\r\n.")

    def test_a_log_in_that_the_owner_allows(self):
        def authenticate(server, session, envelope, mechanism, data):
            return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

        for excluded in ([], ["PLAIN"], ["LOGIN"]):
            inbox = self.serve(
                authenticator=authenticate, auth_required=True, auth_require_tls=False, auth_exclude_mechanism=excluded
            )
            line = self.configure(**ACCOUNT)
            response = line.command("smtp_send you@your.org s 2", b"hi")
            self.assertAnswer(response, 1, "Command failed")
            self.assertIn("the password is not sent without TLS", " ".join(response.logs))
            line.ok("set email.smtp.auth_without_tls 1")
            self.assertAnswer(line.command("smtp_send you@your.org s 2", b"hi"), 0, "Success")
            self.check(inbox, b"hi", subject="s")
            line.ok("set email.smtp.password wrong")
            response = line.command("smtp_send you@your.org s 2", b"hi")
            self.assertAnswer(response, 1, "Command failed")
            self.assertIn("SMTP AUTH: 535", " ".join(response.logs))
            line.ok("set email.smtp.auth_without_tls 0")


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Tls(SmtpCase):
    def setUp(self):
        super().setUp()
        folder = Path(tempfile.mkdtemp(prefix="openzentri-smtp-"))
        self.addCleanup(shutil.rmtree, folder, True)
        authority = Authority(folder)
        authority.sign("server")
        self.folder = folder
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem", folder / "server.key")

    def authenticator(self, server, session, envelope, mechanism, data):
        """Accepts the test's user and password."""
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    def configure(self, **more):
        line = super().configure(**(ACCOUNT | more))
        content = (self.folder / "ca.pem").read_bytes()
        line.ok(f"file_create ca.pem {len(content)}", content)
        line.ok("set network.tls.ca_cert ca.pem")
        return line

    def test_starttls_and_a_log_in(self):
        inbox = self.serve(
            tls_context=self.context, require_starttls=True, authenticator=self.authenticator, auth_required=True
        )
        line = self.configure()
        response = line.command(f'smtp_send you@your.org "Tür auf" {len(CONTENT)}', CONTENT)
        self.assertEqual((response.code, response.text), (0, "Success"), response.logs)
        _, session = self.check(inbox)
        self.assertIsNotNone(session.ssl, "it came over TLS")
        self.assertTrue(session.authenticated)

    def test_a_long_message_over_starttls(self):
        inbox = self.serve(tls_context=self.context, require_starttls=True)
        line = self.configure(**{"email.smtp.username": ""})
        content = random.Random(1).randbytes(200_000)
        response = line.command(f"smtp_send you@your.org s {len(content)}", content)
        self.assertEqual((response.code, response.text), (0, "Success"), response.logs)
        self.check(inbox, content, subject="s")

    def test_a_server_that_proves_nothing_gets_no_password(self):
        inbox = self.serve(tls_context=self.context, authenticator=self.authenticator)
        line = self.configure()
        line.ok("set network.tls.ca_cert none.pem")
        response = line.command("smtp_send you@your.org s 2", b"hi")
        self.assertAnswer(response, 1, "Command failed")
        self.assertIn("Error with TLS handshake", " ".join(response.logs))
        self.assertEqual(inbox.envelopes, [])


if __name__ == "__main__":
    unittest.main()
