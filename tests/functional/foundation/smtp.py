"""A mail server for tests: speaks enough SMTP on 127.0.0.1, keeps what it is given, refuses on demand."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MailSink(socketserver.ThreadingTCPServer):
    """`received` holds (recipients, message). `refusals` maps a command ("RCPT", "DATA") to an answer.

    While `go_on` is cleared, it does not answer DATA; `reached` says that somebody waits for that.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.received: list[tuple[list[str], bytes]] = []
        self.refusals: dict[str, bytes] = {}
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # who writes to us was killed
            self._talk()

    def _talk(self) -> None:
        recipients: list[str] = []
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            command = line[:4].upper().decode("ascii", "replace")
            if command in self.server.refusals:
                self.wfile.write(self.server.refusals[command] + b"\r\n")
            elif command == "RCPT":
                recipients.append(line.decode().split(":", 1)[1].split(">")[0].strip(" <"))
                self.wfile.write(b"250 ok\r\n")
            elif command == "DATA":
                self.server.reached.set()
                self.server.go_on.wait(60)
                self.wfile.write(b"354 go on\r\n")
                message = self._message()
                if message is None:
                    return
                self.server.received.append((recipients, message))
                self.wfile.write(b"250 kept\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if command == "QUIT" else b"250 ok\r\n")
            if command == "QUIT":
                return

    def _message(self) -> bytes | None:
        """What is sent, or None when it breaks off."""
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return None
            lines.append(line)
        return b"".join(lines)


@contextmanager
def running_sink() -> Iterator[MailSink]:
    """A server for the length of the block."""
    with MailSink() as sink:
        thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()
