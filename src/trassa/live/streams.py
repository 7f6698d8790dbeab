"""The streams in which the broker keeps what vehicles sent, and the consumers that read what must not be lost.

Numbered rules:

1. CAMs have a stream of their own, a ring of so many bytes and so many hours: a flood of them evicts CAMs only.
2. Reports and own fixes have another, a ring of so many bytes without an age: what nobody has committed waits there
   however long store or worker are away. What was acknowledged leaves it once an hour.
3. A full ring evicts its oldest message. The sequence goes on, so what was evicted before it was committed is counted
   as lost; a stream that refuses the newest instead would lose it without a number, for the vehicle's receipt comes
   either way.
4. A book from before had one stream for all: what waited there is moved, and counted once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trassa.live.subjects import CAPTURE_STREAM, KEPT_STREAM
from trassa.plan.live_settings import LiveSettings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerConfig, StreamConfig

__all__ = ["CAPTURED", "KEPT", "KEPT_KINDS", "Fill", "fill_of", "let_go", "open_streams", "rewind"]

CAPTURED = ["cits.in.cam.>"]
KEPT_KINDS = ("denm", "toll")
"""Kinds that must not be lost. The durable pull consumer of each has its name.

A kill of the server may forget the last acknowledgements, even confirmed ones: what was acknowledged may come once
more, so its reader must bear repetition.
"""
KEPT = [f"cits.in.{kind}.>" for kind in KEPT_KINDS]
_EVERYTHING = ["cits.in.>"]
_MEGABYTE = 1 << 20
_MOVED = "moved"
_MQTT_UNDERWAY = "$MQTT_msgs"
_UNDERWAY_S = 600.0
"""How long the broker keeps what a vehicle with a lasting session has missed; no warning lives that long.

Without a bound, one vehicle that never comes back fills the disk. The server's own ``consumer_inactive_threshold`` is
no way out: a session whose consumer went that way hears nothing when it returns, not even what is published then.
"""
_WAIT_FOR_ACKNOWLEDGEMENT_S = 60.0
_UNACKNOWLEDGED_MAX = 100_000
"""The default of 1000 stalls a consumer whose acknowledgements stay behind open crossings."""


@dataclass(frozen=True)
class Fill:
    """How many messages both streams have ever taken, and how full the one is that must not lose any."""

    taken: int
    waiting: int
    """Reports and fixes that nobody has acknowledged."""
    full_percent: float
    """Share of their stream that these take; behind 100 the oldest are lost."""


async def open_streams(client: Client, settings: LiveSettings) -> None:
    """Make both streams and the durable consumers, or bring them in line with the settings.

    Somebody must have come in by the MQTT door before: then the broker's own MQTT streams are there.
    """
    from nats.js.errors import NotFoundError

    stream = client.jetstream()
    cams, kept = _wanted(settings)
    await _put(stream, cams)  # RULE 1: first, because two streams may not want the same subject
    await _put(stream, kept)  # RULE 2
    for durable in KEPT_KINDS:
        try:
            begun = (await stream.consumer_info(KEPT_STREAM, durable)).config.opt_start_seq
        except NotFoundError:
            begun = None
        await stream.add_consumer(KEPT_STREAM, _consumer(durable, begun))
        await _move(stream, durable)
    underway = (await stream.stream_info(_MQTT_UNDERWAY)).config
    if underway.max_age != _UNDERWAY_S:
        underway.max_age = _UNDERWAY_S
        await stream.update_stream(underway)


async def fill_of(client: Client) -> Fill:
    """How full the streams are now."""
    stream = client.jetstream()
    cams, kept = await stream.stream_info(CAPTURE_STREAM), await stream.stream_info(KEPT_STREAM)
    waiting = 0
    for durable in KEPT_KINDS:
        info = await stream.consumer_info(KEPT_STREAM, durable)
        waiting += (info.num_pending or 0) + (info.num_ack_pending or 0)
    share = min(1.0, waiting / max(1, kept.state.messages)) * kept.state.bytes / max(1, kept.config.max_bytes or 1)
    taken = cams.state.last_seq + kept.state.last_seq - _moved(kept.config)
    return Fill(taken, waiting, round(100.0 * share, 2))


async def let_go(client: Client) -> None:
    """RULE 2: remove what was acknowledged, except for the last message, by which a kill cannot lose the numbering."""
    stream = client.jetstream()
    last = (await stream.stream_info(KEPT_STREAM)).state.last_seq
    for durable in KEPT_KINDS:
        floor = (await stream.consumer_info(KEPT_STREAM, durable)).ack_floor
        if floor is not None and floor.stream_seq:
            up_to = min(floor.stream_seq + 1, last)
            await stream.purge_stream(KEPT_STREAM, seq=up_to, subject=f"cits.in.{durable}.>")


async def rewind(client: Client, durable: str) -> int:
    """Let a consumer begin again behind its last gapless acknowledgement; the last sequence it had delivered before.

    Left alone, the broker sends what nobody acknowledged again after a minute, *behind* everything newer; but the
    fixes of a vehicle mean something in their order only.
    """
    from nats.js.errors import NotFoundError

    stream = client.jetstream()
    try:
        info = await stream.consumer_info(KEPT_STREAM, durable)
    except NotFoundError:  # an earlier rewind died half way: what was dealt with comes once more
        await stream.add_consumer(KEPT_STREAM, _consumer(durable, None))
        return 0
    if info.num_ack_pending:
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        await stream.delete_consumer(KEPT_STREAM, durable)
        await stream.add_consumer(KEPT_STREAM, _consumer(durable, floor + 1))
    return int(info.delivered.stream_seq) if info.delivered else 0


def _wanted(settings: LiveSettings) -> tuple[StreamConfig, StreamConfig]:
    from nats.js.api import DiscardPolicy, StorageType, StreamConfig

    both: dict[str, Any] = {"storage": StorageType.FILE, "discard": DiscardPolicy.OLD}  # RULE 3
    cams = StreamConfig(
        name=CAPTURE_STREAM,
        subjects=CAPTURED,
        max_bytes=settings.max_stream_mb * _MEGABYTE,
        max_age=settings.raw_hours * 3600.0,
        **both,
    )
    return cams, StreamConfig(name=KEPT_STREAM, subjects=KEPT, max_bytes=settings.max_kept_mb * _MEGABYTE, **both)


async def _put(stream: JetStreamContext, wanted: StreamConfig) -> None:
    from nats.js.errors import NotFoundError

    assert wanted.name is not None
    try:
        found = (await stream.stream_info(wanted.name)).config
    except NotFoundError:
        await stream.add_stream(wanted)
    else:
        await stream.update_stream(replace(wanted, metadata=found.metadata))


async def _move(stream: JetStreamContext, durable: str) -> None:
    """RULE 4. Where this dies half way the next start does it again: what came twice within minutes comes once."""
    from nats.js.errors import NotFoundError

    try:
        info = await stream.consumer_info(CAPTURE_STREAM, durable)
    except NotFoundError:
        return
    sequence, moved = (info.ack_floor.stream_seq if info.ack_floor else 0) + 1, 0
    while True:
        try:
            old = await stream.get_msg(CAPTURE_STREAM, seq=sequence, subject=f"cits.in.{durable}.>", next=True)
        except NotFoundError:
            break
        assert old.seq is not None
        assert old.subject is not None
        once = {"Nats-Msg-Id": f"{CAPTURE_STREAM}-{old.seq}"}
        await stream.publish(old.subject, old.data or b"", stream=KEPT_STREAM, headers=once)
        sequence, moved = old.seq + 1, moved + 1
    config = (await stream.stream_info(KEPT_STREAM)).config
    await stream.update_stream(replace(config, metadata={_MOVED: str(_moved(config) + moved)}))
    await stream.delete_consumer(CAPTURE_STREAM, durable)


def _moved(config: StreamConfig) -> int:
    return int((config.metadata or {}).get(_MOVED, 0))


def _consumer(durable: str, begin: int | None) -> ConsumerConfig:
    """A durable pull consumer, from a sequence of the stream on, or from its begin."""
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

    return ConsumerConfig(
        durable_name=durable,
        filter_subject=f"cits.in.{durable}.>",
        ack_policy=AckPolicy.EXPLICIT,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE if begin else DeliverPolicy.ALL,
        opt_start_seq=begin or None,
        ack_wait=_WAIT_FOR_ACKNOWLEDGEMENT_S,
        max_ack_pending=_UNACKNOWLEDGED_MAX,
    )
