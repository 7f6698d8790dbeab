"""Topics and subjects: every name under which something travels over the broker.

MQTT vehicles and NATS see the same tree; a ``/`` of the one is a ``.`` of the other.

==========================================================  ======================================================
``cits/in/{cam,denm,toll}/<login>/<vehicle>``               from vehicles; CAM at QoS 0, the others at QoS 1
``cits/out/denm/<14 quadkey digits, a level each>/<event>``  to vehicles, retained, QoS 1; event is
                                                            ``<originatingStationId>-<sequenceNumber>``
``trassa.frame``                                            binary live state, worker → web
``trassa.notice``                                           JSON: what changed (event, charge, count), worker → web
``trassa.ask.<question>``                                   JSON request and reply, web → worker
``drive/step``, ``drive/done``                              the stepped clock of a drive, JSON
==========================================================  ======================================================
"""

from __future__ import annotations

__all__ = [
    "ASK",
    "CAPTURE_STREAM",
    "FRAME",
    "IN_KINDS",
    "KEPT_STREAM",
    "NOTICE",
    "STEP_DONE_TOPIC",
    "STEP_TOPIC",
    "TILE_LEVEL",
    "in_topic",
    "out_topic",
    "subject_of",
    "tile_filter",
]

IN_KINDS = ("cam", "denm", "toll")
CAPTURE_STREAM = "CITS_IN"
"""Of CAMs: a ring."""
KEPT_STREAM = "CITS_KEPT"
"""Of inbound DENMs and own fixes, which must not be lost."""
TILE_LEVEL = 14
FRAME = "trassa.frame"
NOTICE = "trassa.notice"
ASK = "trassa.ask"
STEP_TOPIC = "drive/step"
STEP_DONE_TOPIC = "drive/done"


def in_topic(kind: str, login: str, vehicle: str) -> str:
    """The MQTT topic on which a vehicle sends."""
    return f"cits/in/{kind}/{login}/{vehicle}"


def out_topic(quadkey: str, originating_station_id: int, sequence_number: int) -> str:
    """The MQTT topic of one event in one tile; ``quadkey`` has 14 digits."""
    if len(quadkey) != TILE_LEVEL:
        raise ValueError(f"topic: quadkey {quadkey!r} has {len(quadkey)} digits, not {TILE_LEVEL}")
    return f"cits/out/denm/{'/'.join(quadkey)}/{originating_station_id}-{sequence_number}"


def tile_filter(quadkey: str) -> str:
    """The MQTT filter of all events in a tile of up to 14 digits and the tiles below it."""
    return f"cits/out/denm/{'/'.join(quadkey)}/#"


def subject_of(topic: str) -> str:
    """The NATS subject of an MQTT topic."""
    return topic.replace("/", ".")
