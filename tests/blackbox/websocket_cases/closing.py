"""Section 7: closing, valid and invalid."""

from .case import INFORMATIONAL, OK, SOON, Outcome, Violation, add, case
from .frames import CLOSE, CONTINUATION, PING, TEXT, close_payload, frame
from .payload import payload
from .text import BROKEN

HELLO = b"Hello World!"
VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)


def closing(run, data, codes, after=()):
    """Sends a close frame with this payload, followed by `after`. The only answer must be one of the codes."""
    run.client.has_closed = True
    run.send(frame(CLOSE, data), *after)
    run.expect_close(codes, by_device=False)
    run.check_pongs(())
    run.check_delivered([b""])
    return Outcome(OK, "closed" + (f" with {run.client.close_code}" if run.client.close_code else " without a code"))


def closed(data, *codes, after=()):
    """See `closing`."""
    return lambda run: closing(run, data, codes, after)


@case("7.1.1", "A text; when it has come back, a close frame.")
def _(run):
    run.send(frame(TEXT, HELLO))
    return run.expect_echo(HELLO)


NORMAL = close_payload(1000)
add("7.1.2", "Two close frames; the second one is ignored.", closed(NORMAL, 1000, after=[frame(CLOSE)]))
add("7.1.3", "A ping after the close frame has no pong.", closed(NORMAL, 1000, after=[frame(PING)]))
add("7.1.4", "A text after the close frame reaches nobody.", closed(NORMAL, 1000, after=[frame(TEXT, HELLO)]))


@case("7.1.5", "A fragment, a close frame, another fragment.")
def _(run):
    run.client.has_closed = True
    run.send(frame(TEXT, b"fragment1", fin=False), frame(CLOSE, NORMAL), frame(CONTINUATION, b"fragment2"))
    run.expect_close([1000], by_device=False)
    run.check_delivered([b"fragment1"])
    return Outcome(OK, "closed with 1000")


@case("7.1.6", "A text of 256 KiB, a small text, a close frame and a ping, all at once.")
def _(run):
    client, big = run.client, payload(TEXT, 256 * 1024)
    client.has_closed = True
    run.send(frame(TEXT, big), frame(TEXT, HELLO), frame(CLOSE, NORMAL), frame(PING))
    run.expect_close([1000], by_device=False)
    run.check_pongs(())
    if not (big + HELLO).startswith(client.echoed):
        raise Violation("something else came back")
    run.check_delivered([big + HELLO])
    when = "after" if len(client.echoed) == len(big + HELLO) else "before"
    return Outcome(INFORMATIONAL, f"all reaches the host; closed with 1000 {when} all has come back")


add("7.3.1", "A close frame without payload.", closed(b"", 1000, None))
add("7.3.2", "A close frame with one byte.", closed(b"a", 1002))
add("7.3.3", "A close frame with a code.", closed(NORMAL, 1000))
add("7.3.4", "A close frame with a code and a reason.", closed(close_payload(1000, HELLO), 1000))
add("7.3.5", "A close frame with a reason of 123 bytes, the longest.", closed(close_payload(1000, b"*" * 123), 1000))
add("7.3.6", "A close frame with a reason of 124 bytes.", closed(close_payload(1000, b"*" * 124), 1002))
add("7.5.1", "A close frame with a reason that is not UTF-8.", closed(close_payload(1000, BROKEN), 1002, 1007))
for place, code in enumerate(VALID, 1):
    add(f"7.7.{place}", f"The valid code {code}.", closed(close_payload(code), 1000, code))
for place, code in enumerate(INVALID, 1):
    add(f"7.9.{place}", f"The invalid code {code}.", closed(close_payload(code), 1002))


def undefined(code):
    """The reaction is not defined; the case only records it."""

    def body(run):
        client = run.client
        client.has_closed = True
        run.send(frame(CLOSE, close_payload(code)))
        client.wait_closed(SOON)
        answer = "no close frame" if client.close_code is False else f"closed with {client.close_code}"
        return Outcome(INFORMATIONAL, answer)

    return body


add("7.13.1", "The code 5000, whose meaning is undefined.", undefined(5000))
add("7.13.2", "The code 65535, whose meaning is undefined.", undefined(65535))
