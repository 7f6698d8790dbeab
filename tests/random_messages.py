"""Random CAMs and DENMs that are valid: every option, every alternative, bounds more often than chance would.

``RandomMessages(seed).cam()`` gives a value for :func:`trassa.vehicles.codec.encode`; ``.cam_pdu()`` gives its bytes.
The bounds are those of our own schema, so a wrong bound shows only beside another codec.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import asn1tools
from asn1tools.codecs import uper

from trassa import vehicles
from trassa.vehicles.codec import encode

__all__ = ["RandomMessages"]

_MESSAGE_IDS = {"DENM": 1, "CAM": 2, "IVIM": 6}
_RELEASE_2 = ("dictionary_2", "cam_2", "denm_2")
_LETTERS = "Mкм3-Ж路 é"


class RandomMessages:
    """A seeded stream of valid messages; the same seed gives the same messages in the same order.

    ``plain_share`` is how often an optional field is left out; ``additions`` False leaves out whatever stands behind an
    extension marker.
    """

    def __init__(self, seed: int, plain_share: float = 0.5, additions: bool = True) -> None:
        self.random = random.Random(seed)
        self.plain_share = plain_share
        self.additions = additions

    def cam(self, protocol_version: int = 2) -> dict[str, Any]:
        """The value of a CAM: vehicle or roadside unit, any containers."""
        return self._message("CAM", protocol_version)

    def denm(self, protocol_version: int = 2) -> dict[str, Any]:
        """The value of a DENM with any containers."""
        return self._message("DENM", protocol_version)

    def ivim(self) -> dict[str, Any]:
        """The value of an IVIM with any parts."""
        return self._message("IVIM", 2)

    def cam_pdu(self, protocol_version: int = 2) -> bytes:
        """The bytes of a CAM."""
        return encode("CAM", self.cam(protocol_version), protocol_version)

    def denm_pdu(self, protocol_version: int = 2) -> bytes:
        """The bytes of a DENM."""
        return encode("DENM", self.denm(protocol_version), protocol_version)

    def _message(self, name: str, protocol_version: int) -> dict[str, Any]:
        value: dict[str, Any] = self._value(_specification(protocol_version).types[name]._type)
        header = value["header"]
        header["protocolVersion"] = protocol_version
        header["messageID" if "messageID" in header else "messageId"] = _MESSAGE_IDS[name]
        return value

    def _value(self, part: Any) -> Any:
        chance = self.random
        if isinstance(part, uper.Sequence):
            return self._fields(part)
        if isinstance(part, uper.Choice):
            known = [*part.root_index_to_member.values(), *self._later(part.additions_index_to_member)]
            chosen = chance.choice([member for member in known if not isinstance(member, uper.Recursive)])
            return chosen.name, self._value(chosen)
        if isinstance(part, uper.SequenceOf):
            return [self._value(part.element_type) for _ in range(self._count(part))]
        if isinstance(part, uper.Integer):
            return self._bounded(part.minimum, part.maximum)
        if isinstance(part, uper.Enumerated):
            return chance.choice([*part.root_index_to_data.values(), *self._later(part.additions_index_to_data)])
        if isinstance(part, uper.Boolean):
            return chance.random() < 0.5
        if isinstance(part, uper.Null):
            return None
        return self._text(part)

    def _fields(self, part: Any) -> dict[str, Any]:
        value = {}
        added = part.additions or () if self.additions else ()
        groups = [group for group in added if isinstance(group, uper.per.AdditionGroup)]
        single = [field for field in added if field not in groups]
        for field in [*part.root_members, *single, *(member for group in groups for member in group.root_members)]:
            may_lack = field.optional or field.has_default()
            if not may_lack or self.random.random() >= self.plain_share:
                value[field.name] = self._value(field)
        return value

    def _later(self, additions: dict[int, Any] | None) -> Iterable[Any]:
        return additions.values() if additions and self.additions else ()

    def _text(self, part: Any) -> Any:
        chance = self.random
        if isinstance(part, uper.UTF8String):
            return "".join(chance.choices(_LETTERS, k=chance.randint(1, 20)))
        if isinstance(part, uper.OctetString):
            return chance.randbytes(self._count(part))
        count = self._count(part)
        if isinstance(part, uper.BitString):
            bits = chance.getrandbits(count) << (-count % 8)
            return bits.to_bytes((count + 7) // 8, "big"), count
        letters = "0123456789 " if isinstance(part, uper.NumericString) else "".join(map(chr, range(127)))
        return "".join(chance.choices(letters, k=count))

    def _count(self, part: Any) -> int:
        if part.number_of_bits is None:
            return self.random.randint(1, 200)
        few = min(part.maximum, part.minimum + 3)
        return self.random.randint(part.minimum, part.maximum if self.random.random() < 0.1 else few)

    def _bounded(self, low: int, high: int) -> int:
        draw = self.random.random()
        if draw < 0.1:
            return low
        return high if draw < 0.2 else self.random.randint(low, high)


@cache
def _specification(protocol_version: int) -> Any:
    folder = Path(vehicles.__file__).parent / "asn1"
    names = ["dictionary_1", "cam_1", "denm_1"] if protocol_version == 1 else [*_RELEASE_2, "signs", "ivim"]
    return asn1tools.compile_files([str(folder / f"{name}.asn") for name in names], "uper")
