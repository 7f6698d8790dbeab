"""The raw reader: one NATS connection read in micro-batches, without a Python object per message.

What the protocol asks of a reader that is no ordinary client:

1. It connects without headers: a message from MQTT then arrives as plain MSG.
2. PING is answered, or the server closes the link however much it sends.
3. INFO, +OK and -ERR are lines between messages; an incomplete tail is kept and moved to the front.
4. Bytes that are not the protocol, a closed socket: the reader connects again and subscribes again. What was sent in
   between is lost to it; the capture stream's count says how much.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.live.ports import LOOPBACK
from trassa.live.wire_kernel import PLACES, frame

__all__ = ["RawBatch", "RawReader"]

_BUFFER_BYTES = 8 << 20
_SPARE_BYTES = 64
_MESSAGES_MAX = 200_000
_RECEIVE_BYTES = 16 << 20
_AGAIN_S = 0.2
_PATIENCE_S = 2.0
_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RawBatch:
    """Messages that arrived together; bytes are views into ``buffer``, valid until the next ``read``.

    ``subscription`` is the place of the message's subject in the reader's list of subjects. Arrays of shape (n,).
    """

    buffer: npt.NDArray[np.uint8]
    subscription: _Integers
    subject_start: _Integers
    subject_size: _Integers
    reply_start: _Integers
    reply_size: _Integers
    start: _Integers
    size: _Integers
    more: bool
    """Whether the socket had more than one batch holds: the reader is behind."""

    def __len__(self) -> int:
        return len(self.start)

    def payload(self, i: int) -> bytes:
        """The payload of one message, for the few that are read one by one."""
        return self.buffer[self.start[i] : self.start[i] + self.size[i]].tobytes()

    def subject(self, i: int) -> str:
        """The subject of one message."""
        text = self.buffer[self.subject_start[i] : self.subject_start[i] + self.subject_size[i]].tobytes()
        return text.decode("utf-8", "replace")

    def reply(self, i: int) -> str:
        """Where one message wants its answer; empty where it wants none."""
        text = self.buffer[self.reply_start[i] : self.reply_start[i] + self.reply_size[i]].tobytes()
        return text.decode("utf-8", "replace")


class RawReader:
    """A connection that reads subjects and publishes; reconnects by itself."""

    def __init__(self, port: int, user: str, password: str, subjects: Sequence[str], *, name: str = "worker") -> None:
        self._address = (LOOPBACK, port)
        self._login = {"user": user, "pass": password, "name": name}
        self._subjects = tuple(subjects)
        # one writable buffer for good: another type of array would be compiled again in the middle of a run
        self._room = bytearray(_BUFFER_BYTES + _SPARE_BYTES)
        self._buffer = np.frombuffer(self._room, dtype=np.uint8)
        self._places = np.zeros((len(PLACES), _MESSAGES_MAX), dtype=np.int64)
        self._socket: socket.socket | None = None
        self._begin = self._end = 0
        self._not_before_s = 0.0
        self.reconnects = 0
        self.last_error = ""

    def warm_up(self) -> None:
        """Compile or load what ``read`` runs, on the very buffer that it will read; before the first connection."""
        line = b"MSG a 1 1\r\nx\r\n"
        self._room[: len(line)] = line
        frame(self._buffer, len(line), self._places, np.zeros(len(PLACES), dtype=np.int64))

    @property
    def is_connected(self) -> bool:
        """Whether the link stands, as far as one knows."""
        return self._socket is not None

    def connect(self) -> None:
        """Connect and subscribe, or raise: :class:`OSError`, or :class:`InputError` where the password is refused."""
        self.close()
        link = socket.create_connection(self._address, timeout=_PATIENCE_S)
        try:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            options = {
                "verbose": False,
                "pedantic": False,
                "headers": False,
                "lang": "python",
                "version": "1",
            }  # RULE 1
            lines = [f"CONNECT {json.dumps(options | self._login)}", "PING"]
            link.sendall("".join(f"{line}\r\n" for line in lines).encode())
            self._await_pong(link)
            subscriptions = "".join(f"SUB {subject} {sid}\r\n" for sid, subject in enumerate(self._subjects, start=1))
            link.sendall(subscriptions.encode())
            link.setblocking(False)  # with a timeout, Python would wait for bytes even where none are wanted
        except BaseException:
            link.close()
            raise
        self._socket, self._begin, self._end = link, 0, 0

    def _await_pong(self, link: socket.socket) -> None:
        """Read INFO and the answer to the first PING; nothing else can come before a subscription."""
        said = b""
        while b"PONG\r\n" not in said:
            part = link.recv(4096)
            said += part
            if b"-ERR" in said:
                line = said[said.index(b"-ERR") :].split(b"\r\n")[0].decode("utf-8", "replace")
                raise InputError(f"broker: port {self._address[1]} says {line}", cure="trassa doctor")
            if not part:
                raise ConnectionError("the broker closed the link")

    def close(self) -> None:
        """Leave the broker."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None

    def read(self, wait_s: float) -> RawBatch:
        """What has arrived, waiting up to ``wait_s`` for the first byte; an empty batch while the link is down."""
        if self._socket is None and not self._again(wait_s):
            return self._batch(np.zeros(len(PLACES), dtype=np.int64), more=False)
        more = self._receive(wait_s)
        counters = np.zeros(len(PLACES), dtype=np.int64)
        counters[1] = self._begin
        frame(self._buffer, self._end, self._places, counters)
        self._begin = int(counters[1])
        self._heed(counters)
        return self._batch(counters, more=more or int(counters[0]) == _MESSAGES_MAX)

    def publish(self, subject: str, payload: bytes) -> None:
        """Send a message; nothing while the link is down: who listens is told the present state again later."""
        self._send(b"PUB %s %d\r\n%s\r\n" % (subject.encode(), len(payload), payload))

    def _send(self, line: bytes) -> None:
        link, left = self._socket, memoryview(line)
        try:
            while link is not None and left:
                if not select.select([], [link], [], _PATIENCE_S)[1]:
                    raise TimeoutError("the broker takes nothing")
                left = left[link.send(left) :]
        except OSError as error:
            self._lose(str(error))

    def _again(self, wait_s: float) -> bool:
        """Connect again where it is time to; else let the time pass."""
        left_s = self._not_before_s - time.monotonic()
        if left_s > 0.0:
            time.sleep(min(left_s, wait_s))
            return False
        try:
            self.connect()
        except (OSError, InputError) as error:
            self._lose(str(error))
            return False
        self.reconnects += 1
        return True

    def _receive(self, wait_s: float) -> bool:
        """Fill the buffer behind what is left; true where the socket has more than fits."""
        link, room = self._socket, memoryview(self._room)
        assert link is not None
        left = self._end - self._begin
        if self._begin:  # RULE 3
            room[:left] = bytes(room[self._begin : self._end])
            self._begin, self._end = 0, left
        try:
            if not select.select([link], [], [], wait_s)[0]:
                return False
            while self._end < _BUFFER_BYTES:
                got = link.recv_into(room[self._end : _BUFFER_BYTES])
                if got == 0:
                    raise ConnectionError("the broker closed the link")
                self._end += got
        except BlockingIOError:
            return False
        except OSError as error:
            self._lose(str(error))  # what is in the buffer is still read
            return False
        return True

    def _heed(self, counters: _Integers) -> None:
        if counters[2]:
            self._send(b"PONG\r\n" * int(counters[2]))  # RULE 2
        if counters[5]:
            line = self._buffer[counters[4] : counters[4] + counters[5]].tobytes()
            self.last_error = line.decode("utf-8", "replace")
        if counters[6]:
            self._lose("what the broker sends is not the NATS protocol")  # RULE 4

    def _lose(self, why: str) -> None:
        self.close()
        self.last_error = why
        self._not_before_s = time.monotonic() + _AGAIN_S

    def _batch(self, counters: _Integers, *, more: bool) -> RawBatch:
        n = int(counters[0])
        sid, *rest = (row[:n] for row in self._places)
        subject_start, subject_size, reply_start, reply_size, start, size = rest
        return RawBatch(self._buffer, sid - 1, subject_start, subject_size, reply_start, reply_size, start, size, more)
