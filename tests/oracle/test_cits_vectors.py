"""Messages that others wrote, and another codec, against ours: meaning first, bits second.

The vectors come from road authorities, vehicles and their software (their SOURCES.md says which); pycrate is a codec of
its own with the modules of Release 1. Release 2 moved no bit of them, so it judges Release 2 up to what that added.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pycrate_asn1c.asnproc import compile_text
from pycrate_asn1c.generator import PycrateGenerator
from pycrate_asn1dir import ITS_CAM_2, ITS_DENM_3, ITS_IS, ITS_r1318

from pycrate_words import as_pycrate, release_1_words
from random_messages import RandomMessages
from trassa.vehicles.causes import describe
from trassa.vehicles.codec import cause_of, decode, encode
from trassa.vehicles.refusal import Refused
from trassa.vehicles.schemas import READ as READ_WITH
from trassa.vehicles.schemas import strict_type
from trassa.vehicles.wire import read_strictly

READ = ("CAM", "DENM", "IVIM")
PYCRATE = {
    (1, "CAM"): ITS_r1318.CAM_PDU_Descriptions.CAM,
    (1, "DENM"): ITS_r1318.DENM_PDU_Descriptions.DENM,
    (2, "CAM"): ITS_CAM_2.CAM_PDU_Descriptions.CAM,
    (2, "DENM"): ITS_DENM_3.DENM_PDU_Descriptions.DENM,
    (2, "IVIM"): ITS_IS.IVIM_PDU_Descriptions.IVIM,
}
# riebl/vanetza issue 201: a CAM of protocolVersion 1 from a field device
OLD_CAM = bytes.fromhex("010204b39d85c41e005a97ac450dd00a399ffffffc23b7743e00d2afc14dfe3fe9ed0733c97f5fffb0")


@pytest.fixture(scope="module")
def vectors(shared: Path) -> list[dict[str, Any]]:
    """The foreign messages, in the order of their file: line 1 is ``vectors[0]``."""
    lines = (shared / "vehicles" / "its_pdus.jsonl").read_text("utf-8").splitlines()
    found: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert len(found) == 476
    return found


@pytest.fixture(scope="module")
def read(vectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are read here."""
    found = [vector for vector in vectors if vector["type"] in READ]
    assert len(found) == 191
    return found


def _pdu(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["uper"])


def test_a_message_says_what_its_origin_says(read: list[dict[str, Any]]) -> None:
    for vector in read:
        message = decode(_pdu(vector))
        assert (message.type, message.protocol_version) == (vector["type"], vector["ver"])
        assert message.station_id == vector["station"]
        if "lat" in vector:
            assert message.position() == pytest.approx((vector["lat"], vector["lon"]), abs=1e-7)
        if "cause" in vector:
            assert message.cause() == (vector["cause"]["causeCode"], vector["cause"]["subCauseCode"])


def test_a_warning_names_its_life(read: list[dict[str, Any]]) -> None:
    for vector in [vector for vector in read if vector["type"] == "DENM"]:
        management = decode(_pdu(vector)).value["denm"]["management"]
        action = management.get("actionId") or management["actionID"]
        assert sorted(action.values()) == sorted(vector["mgmt"]["actionID"].values())
        assert management["validityDuration"] == vector["mgmt"]["validityDuration"]
        assert management["detectionTime"] == vector["mgmt"]["detectionTime"]
        assert "termination" not in management


def test_every_byte_comes_back(read: list[dict[str, Any]]) -> None:
    for vector in read:
        message = decode(_pdu(vector))
        assert encode(message.type, message.value, message.protocol_version) == _pdu(vector) == message.pdu


@pytest.mark.parametrize(
    ("line", "meant", "said", "misread"),
    [
        (1, (12, 2), "person on the road: cyclist", (24, 4)),
        (3, (3, 2), "roadworks: road marking", (1, 129)),
        (4, (3, 2), "roadworks: road marking", (1, 129)),
    ],
)
def test_the_wrong_schema_fits_every_bit_and_is_not_taken(
    vectors: list[dict[str, Any]], line: int, meant: tuple[int, int], said: str, misread: tuple[int, int]
) -> None:
    """The trap: both schemas read all bits of these three, and only one of them says what happened."""
    vector = vectors[line - 1]
    message = decode(_pdu(vector))
    assert message.cause() == meant
    assert describe(*meant, release=message.protocol_version) == said
    wrong = read_strictly(strict_type(3 - message.protocol_version, "DENM"), _pdu(vector))
    assert cause_of(wrong["denm"]["situation"]["eventType"]) == misread


def test_an_old_awareness_message_is_read_with_the_old_dictionary() -> None:
    message = decode(OLD_CAM)
    assert (message.station_id, message.position()) == (78880133, (52.1697576, 5.3903308))
    assert message.value["cam"]["generationDeltaTime"] == 50206
    kind, vehicle = message.value["cam"]["camParameters"]["highFrequencyContainer"]
    assert kind == "basicVehicleContainerHighFrequency"
    assert (vehicle["heading"]["headingValue"], vehicle["speed"]["speedValue"]) == (3370, 667)
    assert encode("CAM", message.value, 1) == OLD_CAM


def test_a_new_schema_refuses_the_old_awareness_message() -> None:
    with pytest.raises(Refused):
        read_strictly(strict_type(2, "CAM"), OLD_CAM)


@pytest.mark.parametrize("number", [0, 3, 4, 128, 255])
def test_another_protocol_version_is_refused_by_its_number(number: int) -> None:
    with pytest.raises(Refused, match=f"protocolVersion {number};") as refusal:
        decode(bytes([number]) + OLD_CAM[1:])
    assert refusal.value.layer == "header"


def test_what_is_not_read_is_named(vectors: list[dict[str, Any]]) -> None:
    others = [vector for vector in vectors if vector["type"] not in READ]
    assert {vector["type"] for vector in others} == {"SPATEM", "SREM", "CPM"}
    for vector in others:
        with pytest.raises(
            Refused, match=f"{vector['type']} of protocolVersion {vector['ver']} is not read"
        ) as refusal:
            decode(_pdu(vector))
        assert refusal.value.layer == "type"
    with pytest.raises(Refused, match="MAPEM of protocolVersion 2 is not read"):
        decode(b"\x02\x05" + bytes(40))


def test_another_codec_reads_the_same_values(read: list[dict[str, Any]]) -> None:
    for vector in read:
        message = decode(_pdu(vector))
        other = PYCRATE[vector["ver"], vector["type"]]
        other.from_uper(_pdu(vector))
        ours = message.value if vector["ver"] == 1 else release_1_words(message.value)
        assert as_pycrate(ours) == other.get_val(), vector["type"]


@pytest.mark.parametrize(("protocol_version", "name"), list(PYCRATE))
def test_another_codec_writes_random_values_alike(protocol_version: int, name: str) -> None:
    drawn = RandomMessages(seed=20_260_605, plain_share=0.4, additions=False)
    draw = {"CAM": drawn.cam, "DENM": drawn.denm, "IVIM": lambda _version: drawn.ivim()}[name]
    other = PYCRATE[protocol_version, name]
    sizes = []
    for _ in range(150):
        value = _without_centimetres(draw(protocol_version))
        pdu = encode(name, value, protocol_version)
        other.set_val(as_pycrate(value if protocol_version == 1 else release_1_words(value)))
        assert other.to_uper() == pdu, value
        assert decode(pdu).value == value or "validityDuration" not in value["denm"]["management"]
        sizes.append(len(pdu))
    assert max(sizes) > 200


@pytest.fixture(scope="module")
def our_modules_in_pycrate(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Our own ASN.1 modules of Release 2, compiled by pycrate."""
    names = {name for (protocol_version, _), modules in READ_WITH.items() if protocol_version == 2 for name in modules}
    folder = resources.files("trassa.vehicles") / "asn1"
    place = tmp_path_factory.mktemp("pycrate") / "trassa_release_2.py"
    with contextlib.redirect_stdout(io.StringIO()):
        compile_text([(folder / name).read_text("utf-8") for name in sorted(names)])
        PycrateGenerator(str(place))
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("module", "name"), [("Cam_2", "CAM"), ("Denm_2", "DENM"), ("Ivim", "IVIM")])
def test_another_engine_writes_our_modules_alike(our_modules_in_pycrate: ModuleType, module: str, name: str) -> None:
    """What Release 2 added has no foreign schema here; that it is written as UPER wants it, a foreign engine says."""
    drawn = RandomMessages(seed=9, plain_share=0.4)
    other = getattr(getattr(our_modules_in_pycrate, f"Trassa_{module}"), name)
    added = 0
    for _ in range(150):
        value = getattr(drawn, name.lower())()
        pdu = encode(name, value)
        other.set_val(as_pycrate(value))
        assert other.to_uper() == pdu, value
        added += any(word in str(value) for word in ("extensionContainers", "linkedDenms", "connectedDenms"))
    assert added > 20


def _without_centimetres(value: Any, name: str = "") -> Any:
    """pycrate refuses the centimetre as the unit of a sign; our schema bounds the unit only."""
    if isinstance(value, dict):
        return {key: _without_centimetres(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_centimetres(part) for part in value]
    if isinstance(value, tuple) and isinstance(value[0], str):
        return value[0], _without_centimetres(value[1])
    return 3 if name == "unit" and value == 5 else value
