"""Framing against a plain reading of the same bytes, whatever the places at which they are cut."""

from __future__ import annotations

import random

import numpy as np
import pytest

from trassa.live.wire_kernel import COUNTERS, PLACES, frame


def framed(parts: list[bytes], most: int = 1000) -> tuple[list[tuple[int, bytes, bytes, bytes]], dict[str, int]]:
    """Messages (sid, subject, reply, payload) read as the parts arrive, and what was counted."""
    buffer = np.zeros(sum(map(len, parts)) + 64, dtype=np.uint8)
    places, counters = np.zeros((len(PLACES), most), dtype=np.int64), np.zeros(len(COUNTERS), dtype=np.int64)
    read, end = [], 0
    for part in parts:
        buffer[end : end + len(part)] = np.frombuffer(part, dtype=np.uint8)
        end += len(part)
        while True:
            frame(buffer, end, places, counters)
            for row in places[:, : counters[0]].T:
                sid, subject, subject_size, reply, reply_size, start, size = (int(v) for v in row)
                text = [
                    buffer[a : a + n].tobytes()
                    for a, n in ((subject, subject_size), (reply, reply_size), (start, size))
                ]
                read.append((sid, *text))
            if counters[0] < most:
                break
    return read, dict(zip(COUNTERS, counters.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_messages_and_lines_survive_every_cut(seed: int) -> None:
    chance = random.Random(seed)
    expected, stream, pings = [], b"", 0
    for _ in range(200):
        kind = chance.randrange(8)
        if kind == 0:
            stream += b"PING\r\n"
            pings += 1
        elif kind == 1:
            stream += chance.choice([b"+OK\r\n", b'INFO {"server_id":"MSG a 1 5"}\r\n', b"PONG\r\n"])
        else:
            # payloads that look like the protocol
            payload = chance.choice([b"", b"\r\n", b"MSG a 1 3\r\nxyz\r\n", b"PING\r\n", chance.randbytes(41)])
            subject, reply = b"cits.in.cam.fleet." + b"v" * chance.randint(1, 9), chance.choice([b"", b"_INBOX.x.1"])
            sid = chance.randint(1, 12)
            words = [b"MSG", subject, b"%d" % sid, *([reply] if reply else []), b"%d" % len(payload)]
            stream += b" ".join(words) + b"\r\n" + payload + b"\r\n"
            expected.append((sid, subject, reply, payload))
    cuts = sorted(chance.sample(range(len(stream)), 60))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    read, counted = framed(parts, most=chance.choice([1, 7, 1000]))
    assert read == expected
    assert counted["pings"] == pings
    assert counted["damaged"] == 0
    assert counted["next_byte"] == len(stream)


def test_an_error_line_is_kept() -> None:
    read, counted = framed([b"-ERR 'Stale Connection'\r\nMSG a 1 1\r\nx\r\n"])
    assert read == [(1, b"a", b"", b"x")]
    assert counted["error_size"] == len("-ERR 'Stale Connection'")


@pytest.mark.parametrize(
    "damage",
    [
        b"HMSG a 1 12 13\r\nNATS/1.0\r\n\r\nx\r\n",  # headers were not asked for
        b"MSG a 1\r\n",
        b"MSG a b 1\r\nx\r\n",
        b"MSG a 1 -1\r\nx\r\n",
        b"MSG a 1 4294967297\r\nx\r\n",
        b"MSG a 1 1 2 3\r\nx\r\n",
        b"MSG a 1 1\r\nxyz\r\n",
        b"what\r\n",
        b"\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_the_protocol_is_damage(damage: bytes) -> None:
    read, counted = framed([b"MSG a 1 1\r\nx\r\n", damage])
    assert read == [(1, b"a", b"", b"x")]
    assert counted["damaged"] == 1
