"""Which schema reads which message: our own ASN.1 modules, compiled when the first message needs them.

``protocolVersion`` 1 speaks the old dictionary, 2 that of Release 2; the two fit many of each other's bits and mean
other things, so the choice is by number only.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from trassa.vehicles.refusal import Refused

__all__ = ["MESSAGE_NAMES", "PROTOCOL_VERSIONS", "READ", "specification", "strict_type"]

PROTOCOL_VERSIONS = (1, 2)

MESSAGE_NAMES = {
    1: "DENM", 2: "CAM", 3: "POIM", 4: "SPATEM", 5: "MAPEM", 6: "IVIM", 7: "EV-RSR", 8: "TISTPGTRANSACTION", 9: "SREM",
    10: "SSEM", 11: "EVCSN", 12: "SAEM", 13: "RTCMEM", 14: "CPM", 15: "IMZM", 16: "VAM", 17: "DSM", 18: "MIM",
    19: "MVM", 20: "MCM", 21: "PIM",
}  # fmt: skip
"""What a messageID stands for; most are only named here, not read."""

_OLD = ("dictionary_1.asn", "cam_1.asn", "denm_1.asn")
_RELEASE_2 = ("dictionary_2.asn", "cam_2.asn", "denm_2.asn")
_IVIM = ("dictionary_2.asn", "signs.asn", "ivim.asn")

READ: dict[tuple[int, str], tuple[str, ...]] = {
    (1, "CAM"): _OLD,
    (1, "DENM"): _OLD,
    (2, "CAM"): _RELEASE_2,
    (2, "DENM"): _RELEASE_2,
    (2, "IVIM"): _IVIM,
}
"""The messages that are read, by protocolVersion and type, and the modules that say how."""


@cache
def strict_type(protocol_version: int, name: str) -> Any:
    """The compiled type of a message, strict in reading; :class:`Refused` when this product does not read it."""
    return specification(protocol_version, name).types[name]._type


def specification(protocol_version: int, name: str) -> Any:
    """The asn1tools specification that holds a message; :class:`Refused` when this product does not read it."""
    modules = READ.get((protocol_version, name))
    if modules is None:
        known = ", ".join(known for version, known in READ if version == protocol_version)
        raise Refused("type", f"{name} of protocolVersion {protocol_version} is not read here; {known} are")
    return _compiled(modules)


@cache
def _compiled(modules: tuple[str, ...]) -> Any:
    import asn1tools

    from trassa.vehicles.wire import tighten

    folder = resources.files("trassa.vehicles") / "asn1"
    text = "\n".join((folder / module).read_text("utf-8") for module in modules)
    compiled = asn1tools.compile_string(text, "uper")
    for name in compiled.types:
        tighten(compiled.types[name]._type)
    return compiled
