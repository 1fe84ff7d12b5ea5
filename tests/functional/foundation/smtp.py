"""A mail server for tests: speaks enough SMTP on 127.0.0.1, keeps what it is given, refuses on demand."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MailSink(socketserver.ThreadingTCPServer):
    """`received` holds (recipients, message). `refusals` maps a command ("RCPT", "DATA") to an answer."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.received: list[tuple[list[str], bytes]] = []
        self.refusals: dict[str, bytes] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
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
                self.wfile.write(b"354 go on\r\n")
                self.server.received.append((recipients, self._message()))
                self.wfile.write(b"250 kept\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if command == "QUIT" else b"250 ok\r\n")
            if command == "QUIT":
                return

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
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
