"""GNPy's answers on the 700-km reference line with our equipment library, and the closed form beside it."""

from __future__ import annotations

import json
import logging
import math
import sys
from pathlib import Path

import pytest

from trassa.errors import InputError
from trassa.optical.settings import OpticalSettings
from trassa.optical.transmission import LineSpan, Node, Transmission, check_transmission

# where GNPy must be there and is not, these tests fail; only a Python it has no release for excuses them
pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="GNPy has no release for this Python")


def _line(spans_km: list[float], attenuation: float, limit_db: float = 99.0, **rules: object) -> Transmission:
    settings = OpticalSettings(
        attenuation_1550_db_per_km=attenuation,
        splice_loss_db=0.0,
        repair_margin_db=0.0,
        helix_ratio_low=0.975,
        **{"hut_equipment": "amplifier", **rules},
    )
    nodes = [Node(f"H-{i}", f"km {80 * i}+000", 0.0, 0.0) for i in range(len(spans_km) + 1)]
    spans = [LineSpan(km * 1000.0, (), km * attenuation + 1.0, limit_db) for km in spans_km]
    return check_transmission(nodes, spans, settings)


@pytest.mark.parametrize(
    ("attenuation", "gsnr_db", "osnr_db"),
    [(0.21, 20.83, 21.99), (0.22, 20.67, 21.75), (0.25, 19.84, 21.09), (0.275, 18.90, 20.03)],
)
def test_700_km_line(attenuation: float, gsnr_db: float, osnr_db: float) -> None:
    found = _line([80.0] * 8 + [60.0], attenuation)
    assert found.checked
    assert found.gsnr_db == pytest.approx(gsnr_db, abs=0.2)
    assert found.osnr_db == pytest.approx(osnr_db, abs=0.2)
    assert found.latency_us == pytest.approx(3427.7, abs=0.5)
    assert found.amplifiers == 10


def test_signal_falls_steadily_with_span_length() -> None:
    """With GNPy's own library 110 km is better than 100 km: it silently chooses Raman amplifiers."""
    gsnr = [_line(spans, 0.22).gsnr_db for spans in ([80.0] * 8 + [60.0], [90.0] * 7 + [70.0], [100.0] * 7)]
    gsnr += [_line([110.0] * 5 + [75.0] * 2, 0.22).gsnr_db, _line([120.0] * 5 + [100.0], 0.22).gsnr_db]
    assert gsnr == sorted(gsnr, reverse=True)
    assert gsnr == pytest.approx([20.67, 20.18, 19.42, 18.87, 17.57], abs=0.2)


def test_a_span_beyond_its_limit_is_refused_before_gnpy_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trassa.optical.transmission._propagated", lambda *_: pytest.fail("GNPy was asked"))
    with pytest.raises(InputError, match=r"H-1–H-2 \(km 80\+000–km 160\+000\) loses 40\.0 dB.* 28\.0 dB"):
        _line([80.0, 130.0], 0.3, limit_db=28.0)


def test_closed_form_sum_agrees_with_osnr() -> None:
    """1/OSNR = Σ 10^-(58 + P_out - G - NF)/10 + transmitter + add/drop, with GNPy's own gains and noise figures."""
    from gnpy.core.elements import Edfa
    from gnpy.tools.json_io import load_equipments_and_configs, network_from_json
    from gnpy.tools.worker_utils import designed_network, transmission_simulation

    import trassa.optical

    found = _line([80.0] * 8 + [60.0], 0.22)
    logging.getLogger("gnpy").setLevel(logging.ERROR)
    library = Path(trassa.optical.__file__).with_name("equipment.json")
    equipment = load_equipments_and_configs(library, [], [])
    network = network_from_json(json.loads(json.dumps(found.topology)), equipment)
    network, request, reference = designed_network(
        equipment, network, source="trx H-0", destination="trx H-9", args_power=None
    )
    path, _, _, _ = transmission_simulation(equipment, network, request, reference)
    noise = 10 ** (-40.0 / 10) + 10 ** (-38.0 / 10)
    for element in path:
        if isinstance(element, Edfa):
            level = 57.96 + element.pch_out_dbm.mean() - element.effective_gain - element.nf.mean()
            noise += 10 ** (-level / 10)
    assert -10 * math.log10(noise) == pytest.approx(found.osnr_db, abs=0.2)


def test_roadms_in_every_hut_cost_signal() -> None:
    plain = _line([70.0] * 10, 0.22)
    dropped = _line([70.0] * 10, 0.22, hut_equipment="roadm")
    assert dropped.amplifiers == 20
    assert plain.amplifiers == 11
    assert dropped.gsnr_db < plain.gsnr_db - 1.0


def test_without_gnpy_the_answer_is_not_checked_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = _line([80.0], 0.22)
    assert not found.checked
    assert "GNPy is not installed" in found.reason
    assert ".".join(map(str, sys.version_info[:2])) in found.reason
    assert len(found.topology["elements"]) == 4 + 2 * 3


def test_gnpy_command_line_reads_the_exported_topology(tmp_path: Path) -> None:
    from gnpy.tools.json_io import load_equipments_and_configs, load_network

    import trassa.optical

    found = _line([80.0, 70.0], 0.22, hut_equipment="roadm")
    file = tmp_path / "line.json"
    file.write_text(json.dumps(found.topology), "utf-8")
    logging.getLogger("gnpy").setLevel(logging.ERROR)
    equipment = load_equipments_and_configs(Path(trassa.optical.__file__).with_name("equipment.json"), [], [])
    assert len(load_network(file, equipment)) == len(found.topology["elements"])
