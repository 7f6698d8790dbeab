"""Our DENMs read by pycrate, which shares no line with our schemas, and held against the road they were made from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from drawn_road import drawn_road
from trassa.clock import its_ms
from trassa.linear import Carriageway
from trassa.road.locate import Locator
from trassa.vehicles.codec import decode, encode
from trassa.vehicles.denm_event import Event
from trassa.vehicles.denm_message import denm_of, negation_of, termination_of
from trassa.vehicles.evidence import QUEUE_END, STATIONARY_VEHICLE
from trassa.vehicles.heard_denm import heard_denm
from trassa.vehicles.relevance import Relevance

NOW_MS = 1_780_000_000_123
WGS84 = Geod(ellps="WGS84")


def road(latitude_deg: float = 55.8, *, heights: bool = True) -> Any:
    rise = (lambda m: 150.0 + m / 100.0) if heights else None
    return drawn_road(30_000.0, azimuth_deg=325.0, start=(latitude_deg, 37.4), height_m=rise)


def event(
    carriageway: Carriageway = "increasing", anchor_m: float = 12_345.6, cause: int = STATIONARY_VEHICLE
) -> Event:
    extent = Relevance(road()).extent(carriageway, anchor_m)
    return Event(
        4_200_000_011, 65_535, cause, 0, carriageway, anchor_m, anchor_m, "open", NOW_MS, NOW_MS, NOW_MS, 120, "S1",
        {"standing_s": 10}, (7,), (), extent.start_m, extent.end_m, (), NOW_MS, NOW_MS,
    )  # fmt: skip


def as_release_1(pdu: bytes) -> dict[str, Any]:
    from pycrate_asn1dir.ITS_DENM_3 import DENM_PDU_Descriptions

    denm = DENM_PDU_Descriptions.DENM
    denm.from_uper(pdu)
    value: dict[str, Any] = denm.get_val()
    denm.set_val(value)
    assert denm.to_uper() == pdu
    return value


@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
@pytest.mark.parametrize("cause", [STATIONARY_VEHICLE, QUEUE_END])
def test_pycrate_reads_the_hazard_we_mean(carriageway: Carriageway, cause: int) -> None:
    made = event(carriageway, cause=cause)
    way = Relevance(road()).approach(carriageway, made.anchor_m)
    value = as_release_1(denm_of(made, way, repetition_ms=5000))
    assert value["header"] == {"protocolVersion": 2, "messageID": 1, "stationID": 4_200_000_011}
    said = value["denm"]["management"]
    assert said["actionID"] == {"originatingStationID": 4_200_000_011, "sequenceNumber": 65_535}
    assert said["detectionTime"] == said["referenceTime"] == its_ms(NOW_MS)
    assert said["validityDuration"] == 120
    assert said["transmissionInterval"] == 5000
    assert said["stationType"] == 15
    assert said["relevanceDistance"] == "lessThan5km"
    assert said["relevanceTrafficDirection"] == "upstreamTraffic"
    assert "termination" not in said
    assert value["denm"]["situation"]["eventType"] == {"causeCode": cause, "subCauseCode": 0}
    heading_deg = 325.0 if carriageway == "increasing" else 145.0
    assert value["denm"]["location"]["eventPositionHeading"]["headingValue"] / 10 == pytest.approx(heading_deg, abs=0.5)
    stationary = value["denm"].get("alacarte", {}).get("stationaryVehicle")
    assert stationary == ({"stationarySince": "lessThan1Minute"} if cause == STATIONARY_VEHICLE else None)
    assert said["eventPosition"]["altitude"]["altitudeValue"] == pytest.approx(15_000 + made.anchor_m, abs=2)


@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
@pytest.mark.parametrize(("latitude_deg", "reach_m"), [(55.8, 2000.0), (69.0, 10_000.0), (0.0, 10_000.0)])
def test_the_trace_leads_upstream_along_the_road(carriageway: Carriageway, latitude_deg: float, reach_m: float) -> None:
    drawn = road(latitude_deg)
    made = event(carriageway, 15_000.0)
    way = Relevance(drawn, reach_m=reach_m).approach(carriageway, made.anchor_m)
    value = as_release_1(denm_of(made, way, repetition_ms=5000))
    place = value["denm"]["management"]["eventPosition"]
    path = value["denm"]["location"]["traces"][0]
    assert 10 <= len(path) <= 40
    lat = (place["latitude"] + np.cumsum([0, *(p["pathPosition"]["deltaLatitude"] for p in path)])) / 1e7
    lon = (place["longitude"] + np.cumsum([0, *(p["pathPosition"]["deltaLongitude"] for p in path)])) / 1e7
    found = Locator(drawn).locate(lat, lon)
    assert (np.abs(found.offset_m) < 0.5).all()
    assert (found.carriageway == carriageway).all()
    sign = -1.0 if carriageway == "increasing" else 1.0
    assert found.measure_m[0] == pytest.approx(15_000.0, abs=0.5)
    assert found.measure_m[-1] == pytest.approx(15_000.0 + sign * reach_m, abs=0.5)
    assert (np.diff(found.measure_m) * sign > 0).all()
    rises = [p["pathPosition"]["deltaAltitude"] for p in path]
    assert sum(rises) == pytest.approx(sign * reach_m, abs=2)


def test_without_terrain_the_height_is_unavailable() -> None:
    way = Relevance(road(heights=False)).approach("increasing", 5000.0)
    value = as_release_1(denm_of(event(anchor_m=5000.0), way, repetition_ms=5000))
    assert value["denm"]["management"]["eventPosition"]["altitude"]["altitudeValue"] == 800_001
    points = value["denm"]["location"]["traces"][0]
    assert {p["pathPosition"]["deltaAltitude"] for p in points} == {12_800}


def test_a_hazard_at_the_roads_very_start_has_a_message_too() -> None:
    made = event(anchor_m=0.0)
    value = as_release_1(denm_of(made, Relevance(road()).approach("increasing", 0.0), repetition_ms=5000))
    assert value["denm"]["location"]["traces"] == [[]]
    assert value["denm"]["management"]["relevanceDistance"] == "lessThan50m"


@pytest.mark.parametrize(
    ("minutes", "since"),
    [(0, "lessThan1Minute"), (1, "lessThan2Minutes"), (14, "lessThan15Minutes"), (15, "equalOrGreater15Minutes")],
)
def test_since_when_it_stands(minutes: int, since: str) -> None:
    made = replace(event(), reference_ms=NOW_MS + minutes * 60_000)
    value = as_release_1(denm_of(made, Relevance(road()).approach("increasing", made.anchor_m), repetition_ms=5000))
    assert value["denm"]["alacarte"]["stationaryVehicle"]["stationarySince"] == since


def test_a_termination_has_management_only() -> None:
    made = replace(event(), reference_ms=NOW_MS + 9, detection_ms=NOW_MS + 9)
    value = as_release_1(termination_of(made, Relevance(road()).approach("increasing", made.anchor_m)))
    assert set(value["denm"]) == {"management"}
    said = value["denm"]["management"]
    assert said["termination"] == "isCancellation"
    assert said["referenceTime"] == its_ms(NOW_MS + 9)
    assert said["actionID"] == {"originatingStationID": 4_200_000_011, "sequenceNumber": 65_535}


def field_denms(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "vehicles" / "its_pdus.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["type"] == "DENM"]


def test_field_denms_say_who_what_and_when(shared: Path) -> None:
    rows = field_denms(shared)
    assert len(rows) == 3
    for row in rows:
        heard = heard_denm(decode(bytes.fromhex(row["uper"])))
        assert heard.cause == (row["cause"]["causeCode"], row["cause"]["subCauseCode"])
        assert heard.position_deg == pytest.approx((row["lat"], row["lon"]), abs=1e-7)
        said = row["mgmt"]
        assert (heard.station_id, heard.sequence) == tuple(said["actionID"].values())
        assert (heard.detection_its_ms, heard.validity_s) == (said["detectionTime"], said["validityDuration"])
        assert heard.protocol_version == row["ver"]


def test_field_denms_whose_times_make_no_sense_are_marked(shared: Path) -> None:
    """Of the three, the first was alive when signed; the others say a referenceTime before their detectionTime."""
    rows = field_denms(shared)
    from trassa.clock import utc_ms

    standings = []
    for row in rows:
        signed_ms = utc_ms(row["genTime"] // 1000)
        standings.append(heard_denm(decode(bytes.fromhex(row["uper"]))).standing(signed_ms))
    assert standings == ["live", "times contradict", "times contradict"]
    first = heard_denm(decode(bytes.fromhex(rows[0]["uper"])))
    assert first.standing(first.void_ms - 1) == "live"
    assert first.standing(first.void_ms) == "expired by its own clock"
    assert first.standing(first.reference_ms - 61_000) == "times contradict"


def test_our_own_message_is_heard_as_it_was_meant() -> None:
    made = event("decreasing")
    heard = heard_denm(
        decode(denm_of(made, Relevance(road()).approach("decreasing", made.anchor_m), repetition_ms=5000))
    )
    assert (heard.report_id, heard.cause, heard.termination) == (made.event_id, (94, 0), "")
    assert (heard.detection_ms, heard.reference_ms, heard.void_ms) == (NOW_MS, NOW_MS, NOW_MS + 120_000)
    assert heard.heading_deg == pytest.approx(145.0, abs=0.5)


def test_a_negation_carries_the_identity_and_version_of_the_other(shared: Path) -> None:
    for row in field_denms(shared):
        heard = heard_denm(decode(bytes.fromhex(row["uper"])))
        value = as_release_1(negation_of(heard, 42))
        said = value["denm"]["management"]
        assert value["header"]["stationID"] == 42
        assert said["actionID"] == row["mgmt"]["actionID"]
        assert said["termination"] == "isNegation"
        assert said["referenceTime"] == heard.reference_its_ms
        assert set(value["denm"]) == {"management"}


@pytest.mark.parametrize(("carriageway", "heading_deg"), [("increasing", 325.0), ("decreasing", 145.0)])
def test_without_a_heading_the_trace_tells_the_direction_of_traffic(
    carriageway: Carriageway, heading_deg: float
) -> None:
    made = event(carriageway)
    value = decode(denm_of(made, Relevance(road()).approach(carriageway, made.anchor_m), repetition_ms=5000)).value
    del value["denm"]["location"]["eventPositionHeading"]
    heard = heard_denm(decode(encode("DENM", value)))
    assert heard.heading_deg == pytest.approx(heading_deg, abs=0.5)
