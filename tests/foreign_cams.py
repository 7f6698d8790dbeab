"""Random CAMs of protocolVersion 2, made and read by pycrate: a schema and a codec that nobody here wrote."""

from __future__ import annotations

import random
from typing import Any

CAM: Any = __import__("pycrate_asn1dir.ITS_CAM_2", fromlist=["CAM_PDU_Descriptions"]).CAM_PDU_Descriptions.CAM


def _one(kind: Any, chance: random.Random, path_points: int) -> Any:
    """A random value of a pycrate type."""
    if kind.TYPE == "INTEGER":
        lowest, highest = kind._const_val.lb, kind._const_val.ub
        return chance.choice([lowest, highest, chance.randint(lowest, highest), chance.randint(lowest, highest)])
    if kind.TYPE == "ENUMERATED":
        return chance.choice(list(kind._root))
    if kind.TYPE == "BOOLEAN":
        return chance.random() < 0.5
    if kind.TYPE == "BIT STRING":
        size = kind._const_sz.lb
        return (chance.getrandbits(size), size)
    if kind.TYPE == "CHOICE":
        name = chance.choice(list(kind._root))
        return (name, _one(kind._cont[name], chance, path_points))
    if kind.TYPE == "SEQUENCE OF":
        most = min(kind._const_sz.ub, path_points)
        return [
            _one(kind._cont, chance, path_points) for _ in range(chance.randint(min(kind._const_sz.lb, most), most))
        ]
    if kind.TYPE == "SEQUENCE":
        names = [name for name in kind._root if name in kind._root_mand or chance.random() < 0.4]
        return {name: _one(kind._cont[name], chance, path_points) for name in names}
    if kind.TYPE in ("IA5String", "NumericString", "UTF8String"):
        return "7" * max(1, kind._const_sz.lb if kind._const_sz else 1)
    assert kind.TYPE == "OCTET STRING", kind.TYPE
    return b"\x07" * max(1, kind._const_sz.lb if kind._const_sz else 1)


def random_cam(chance: random.Random, *, special: bool = False, path_points: int = 40) -> tuple[bytes, dict[str, Any]]:
    """A CAM with random options: its bytes, and the value that went in."""
    value = _one(CAM, chance, path_points)
    value["header"] = {"protocolVersion": 2, "messageID": 2, "stationID": value["header"]["stationID"]}
    if not special:
        value["cam"]["camParameters"].pop("specialVehicleContainer", None)
    CAM.set_val(value)
    return CAM.to_uper(), value


def read_cam(pdu: bytes) -> dict[str, Any]:
    """What pycrate reads in a CAM."""
    CAM.from_uper(pdu)
    value: dict[str, Any] = CAM.get_val()
    return value
