"""GNPy's answers on the 700-km reference line with our equipment library; our design and closed form beside it."""

from __future__ import annotations

import copy
import json
import logging
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drawn_light import drawn_light
from trassa.errors import InputError
from trassa.optical.wdm.equipment import read_equipment
from trassa.optical.wdm.osnr import path_osnr_db
from trassa.optical.wdm.topology import topology_of
from trassa.optical.wdm.transmission import Propagator, Transmission, check_transmission
from trassa.optical.wdm.wavelengths import Lightpath, WavelengthLine

# where GNPy must be there and is not, these tests fail; only a Python it has no release for excuses them
pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="GNPy has no release for this Python")

FIXTURE_KM = [80.0] * 8 + [60.0]


def _line(spans_km: list[float], attenuation: float, **given: Any) -> Transmission:
    return check_transmission(drawn_light(spans_km, attenuation, **given))


def _closed(line: WavelengthLine, path: Lightpath) -> np.ndarray:
    return path_osnr_db([line.amplifiers[section] for section in path.sections], line.library)


def _random_line(seed: int, **given: Any) -> WavelengthLine:
    generator = np.random.default_rng(seed)
    attenuation = float(generator.choice([0.2, 0.22, 0.25]))
    spans = generator.uniform(5.0, 27.0 / attenuation - 4.6, generator.integers(1, 10)).round(1)
    huts = str(generator.choice(["amplifier", "roadm"]))
    return drawn_light(spans.tolist(), attenuation, hut_equipment=huts, **given)


@pytest.mark.parametrize(
    ("attenuation", "gsnr_db", "osnr_db"),
    [(0.21, 20.83, 21.99), (0.22, 20.67, 21.75), (0.25, 19.84, 21.09), (0.275, 18.90, 20.03)],
)
def test_700_km_line(attenuation: float, gsnr_db: float, osnr_db: float) -> None:
    """The closed form has gains, noise figures and powers of our own rule, none of GNPy's."""
    found = _line(FIXTURE_KM, attenuation)
    assert found.checked
    assert found.gsnr_db == pytest.approx(gsnr_db, abs=0.02)
    assert found.osnr_db == pytest.approx(osnr_db, abs=0.02)
    assert found.closed_osnr_db == pytest.approx(found.osnr_db, abs=0.02)
    assert found.latency_us == pytest.approx(3427.7, abs=0.5)
    assert found.amplifiers == 10
    for result in found.paths:
        assert result.closed_osnr_db == pytest.approx(result.channels.osnr_db, abs=0.02)


@pytest.mark.parametrize("seed", range(8))
def test_our_design_is_the_one_that_gnpy_makes(seed: int) -> None:
    """Types, gains and powers over random spans of 5 to 130 km; OSNR per channel over all of them, both senses."""
    line = _random_line(seed, repair_margin_db=1.5 * (seed % 3))
    own, left_to_gnpy = (Propagator(line, topology_of(line, designed=designed)) for designed in (True, False))
    for section in line.sections:
        huts = [line.nodes[hut].name for hut in section.huts]
        names = [f"booster {huts[0]} {section.sense}", *(f"amplifier {hut} {section.sense}" for hut in huts[1:])]
        for name, amplifier in zip(names, line.amplifiers[section], strict=True):
            kind, gain_db, delta_db = left_to_gnpy.amplifier(name)
            assert kind == amplifier.type_name
            assert (gain_db, delta_db) == pytest.approx((amplifier.gain_db, amplifier.launch_dbm), abs=1e-6)
    last = len(line.nodes) - 1
    for path in (line.path(0, last), line.path(last, 0)):
        arrives = left_to_gnpy.along(path, line.library.comb)
        assert line.library.comb.frequency_thz == pytest.approx(arrives.frequency_thz, abs=1e-9)
        assert _closed(line, path) == pytest.approx(arrives.osnr_db, abs=0.05)
        assert own.along(path, line.library.comb).gsnr_db == pytest.approx(arrives.gsnr_db, abs=0.01)


def _gnpys_own_library() -> Path:
    from gnpy.tools.default_edfa_config import DEFAULT_EQPT_CONFIG

    return Path(DEFAULT_EQPT_CONFIG)


def _designed_by_gnpy(line: WavelengthLine, library: Path) -> Any:
    """The receiver of a line that GNPy designs with a library of its own, no padding of losses."""
    from gnpy.tools.default_edfa_config import DEFAULT_EXTRA_CONFIG
    from gnpy.tools.json_io import load_equipments_and_configs, network_from_json
    from gnpy.tools.worker_utils import designed_network, transmission_simulation

    logging.getLogger("gnpy").setLevel(logging.ERROR)
    configs = [library.with_name(name) for name in DEFAULT_EXTRA_CONFIG]
    equipment = load_equipments_and_configs(library, [], configs)
    network = network_from_json(copy.deepcopy(topology_of(line, designed=False)), equipment)
    ends = {"source": f"trx {line.nodes[0].name}", "destination": f"trx {line.nodes[-1].name}"}
    network, request, reference = designed_network(equipment, network, **ends, args_power=None)
    path, _, _, _ = transmission_simulation(equipment, network, request, reference)
    return path[-1]


@pytest.mark.parametrize(
    ("attenuation", "gsnr_db", "osnr_db"),
    [(0.21, 21.53, 22.93), (0.22, 20.76, 21.87), (0.25, 19.91, 21.18), (0.275, 18.90, 20.03)],
)
def test_closed_form_with_gnpys_own_library(attenuation: float, gsnr_db: float, osnr_db: float) -> None:
    """At 0.21 dB/km that library drives its low-gain amplifier beyond its flat gain; the closed form follows."""
    line = drawn_light(FIXTURE_KM, attenuation, library=read_equipment(_gnpys_own_library()))
    receiver = _designed_by_gnpy(line, _gnpys_own_library())
    assert receiver.snr_01nm.mean() == pytest.approx(gsnr_db, abs=0.02)
    assert receiver.osnr_ase_01nm.mean() == pytest.approx(osnr_db, abs=0.02)
    assert _closed(line, line.path(0, 9)) == pytest.approx(receiver.osnr_ase_01nm, abs=0.05)


def test_with_gnpys_own_library_the_closed_form_leaves_it_where_raman_comes_in_silence() -> None:
    """Beyond 25 dB GNPy takes hybrid Raman amplifiers, which no rule of ours chooses."""
    line = drawn_light([110.0] * 5, 0.22, library=read_equipment(_gnpys_own_library()))
    receiver = _designed_by_gnpy(line, _gnpys_own_library())
    assert receiver.osnr_ase_01nm.mean() > _closed(line, line.path(0, 5)).mean() + 1.0


def test_signal_falls_steadily_with_span_length() -> None:
    """With GNPy's own library 110 km is better than 100 km: it silently chooses Raman amplifiers."""
    gsnr = [_line(spans, 0.22).gsnr_db for spans in (FIXTURE_KM, [90.0] * 7 + [70.0], [100.0] * 7)]
    gsnr += [_line([110.0] * 5 + [75.0] * 2, 0.22).gsnr_db, _line([120.0] * 5 + [100.0], 0.22).gsnr_db]
    assert gsnr == sorted(gsnr, reverse=True)
    assert gsnr == pytest.approx([20.67, 20.18, 19.42, 18.87, 17.57], abs=0.2)


def test_a_span_beyond_its_limit_is_refused_before_gnpy_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trassa.optical.wdm.transmission.Propagator", lambda *_: pytest.fail("GNPy was asked"))
    with pytest.raises(InputError, match=r"H-1–H-2 \(km 80\+000–km 210\+000\) loses 40\.0 dB.* 28\.0 dB"):
        _line([80.0, 130.0], 0.3, limit_db=28.0)


def test_a_gain_that_no_amplifier_has_is_refused_naming_the_hut() -> None:
    with pytest.raises(InputError, match=r"amplifier at H-2 \(km 230\+000\) needs 4\d\.\d dB of gain.*35 dB"):
        _line([80.0, 150.0, 60.0], 0.3)


def test_a_long_fibre_stays_one_fibre() -> None:
    """GNPy would split it into spans with amplifiers that stand nowhere."""
    found = _line([160.0], 0.18)
    assert found.amplifiers == 2
    assert found.paths[0].channels.dispersion_ps_per_nm == pytest.approx(16.7 * 160.0, abs=0.1)


def test_roadms_in_every_hut_cost_signal() -> None:
    plain = _line([70.0] * 10, 0.22)
    dropped = _line([70.0] * 10, 0.22, hut_equipment="roadm")
    assert dropped.amplifiers == 20
    assert plain.amplifiers == 11
    assert dropped.gsnr_db < plain.gsnr_db - 1.0


def test_every_way_of_a_line_with_two_cables_is_the_one_gnpy_finds_after_the_cut() -> None:
    """GNPy's routing on its own network, from which the cut's elements are taken away."""
    from gnpy.tools.json_io import load_equipments_and_configs, network_from_json
    from gnpy.tools.worker_utils import designed_network
    from gnpy.topology.request import compute_constrained_path, propagate

    import trassa.optical

    line = drawn_light([70.0, 85.0, 60.0, 75.0], 0.22, hut_equipment="roadm", cables=2, repair_margin_db=3.0)
    found = check_transmission(line)
    logging.getLogger("gnpy").setLevel(logging.ERROR)
    equipment = load_equipments_and_configs(Path(trassa.optical.wdm.__file__).with_name("equipment.json"), [], [])
    equipment["Span"]["default"].EOL = 3.0
    network = network_from_json(copy.deepcopy(found.topology), equipment)
    network, request, _ = designed_network(equipment, network, source="trx H-0", destination="trx H-4", args_power=None)
    assert (
        len(found.paths) == 2 * 7 * 2
    )  # seven pairs, both senses, either cable; the longer one is their weakest mixture
    for result in found.paths:
        one = copy.deepcopy(request)
        one.source, one.destination = (f"trx H-{hut}" for hut in (result.path.source, result.path.target))
        one.nodes_list, one.loose_list = [one.destination], ["STRICT"]
        cut = network.copy()
        for section in result.path.sections:
            gone = "fibre H-{}–H-{} {}".format(*section.huts, section.sense) + (" 2" if section.cable == 0 else "")
            cut.remove_nodes_from([element for element in network if element.uid == gone])
        detour = copy.deepcopy(compute_constrained_path(cut, one))
        propagate(detour, one, equipment)
        assert result.channels.gsnr_db == pytest.approx(detour[-1].snr_01nm, abs=1e-9)
        assert result.channels.latency_us == pytest.approx(detour[-1].latency * 1000.0, rel=1e-9)
    distances = {(r.path.source, r.path.target): len(r.path.sections) for r in found.paths if 1 not in r.path.cables}
    assert distances[1, 4] == 3


def test_the_worst_way_of_a_line_is_a_long_one_after_a_cut() -> None:
    found = _line([80.0] * 5, 0.22, hut_equipment="roadm", repair_margin_db=3.0)
    assert found.weakest.path.source in (0, 5)
    near = [r for r in found.paths if len(r.path.sections) == 1]
    assert not any(r.path.detour for r in near)
    assert all(r.path.detour for r in found.paths if len(r.path.sections) == 4)
    assert min(r.channels.gsnr_db.min() for r in near) > found.weakest.channels.gsnr_db.min() + 4.0


def test_without_gnpy_the_answer_is_not_checked_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = _line([80.0], 0.22)
    assert not found.checked
    assert "GNPy is not installed" in found.reason
    assert ".".join(map(str, sys.version_info[:2])) in found.reason
    assert len(found.topology["elements"]) == 4 + 2 * 3


@pytest.mark.parametrize("huts", ["amplifier", "roadm"])
def test_gnpys_command_line_prints_the_same_signal_from_the_exported_files(tmp_path: Path, huts: str) -> None:
    """Designed amplifiers, our library with our repair margin as EOL: two files, nothing else."""
    found = _line([80.0, 70.0, 91.0, 6.0], 0.22, hut_equipment=huts, repair_margin_db=3.0, helix_ratio_low=0.97)
    for name, data in (("line", found.topology), ("equipment", found.equipment)):
        (tmp_path / f"{name}.json").write_text(json.dumps(data), "utf-8")
    command = Path(sys.executable).with_name("gnpy-transmission-example")
    words = ["-e", "equipment.json", "line.json", "trx H-0", "trx H-4"]
    done = subprocess.run([command, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = re.search(r"Final GSNR \(0\.1 nm\):\s*(?:\x1b\[[\d;]*m)?([\d.]+) dB", done.stdout)
    assert printed is not None, done.stdout
    there = next(r for r in found.paths if (r.path.source, r.path.target) == (0, 4))
    assert float(printed.group(1)) == pytest.approx(there.channels.gsnr_db.mean(), abs=0.0051)
    names = {e["type_variety"] for e in found.topology["elements"] if e["type"] == "Edfa"}
    assert names <= {"std_low_gain", "std_medium_gain", "std_high_gain"}


@pytest.mark.parametrize(
    ("library", "gsnr_db"), [("GNPy's own", 21.53), ("ours", 20.83)], ids=["GNPy's own library", "our library"]
)
def test_the_700_km_line_exported_and_read_by_gnpys_command_line(tmp_path: Path, library: str, gsnr_db: float) -> None:
    """8 × 80 + 60 km at 0.21 dB/km: the reference figures of both libraries, each from two files and a process."""
    line = drawn_light(FIXTURE_KM, 0.21)
    ours = check_transmission(line)
    topology = ours.topology if library == "ours" else topology_of(line, designed=False)
    (tmp_path / "line.json").write_text(json.dumps(topology), "utf-8")
    (tmp_path / "equipment.json").write_text(json.dumps(ours.equipment), "utf-8")
    with_ours = ["-e", "equipment.json"] if library == "ours" else []
    command = Path(sys.executable).with_name("gnpy-transmission-example")
    words = [*with_ours, "line.json", "trx H-0", "trx H-9"]
    done = subprocess.run([command, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = re.search(r"Final GSNR \(0\.1 nm\):\s*(?:\x1b\[[\d;]*m)?([\d.]+) dB", done.stdout)
    assert printed is not None, done.stdout
    assert float(printed.group(1)) == pytest.approx(gsnr_db, abs=0.2)
    assert float(printed.group(1)) == pytest.approx(gsnr_db, abs=0.02)


def test_signal_falls_with_every_ten_kilometres_of_span_and_rises_by_no_more_than_a_step_of_power() -> None:
    """Launch power goes in steps of half a decibel: where it rises by one, a longer span may arrive 0.3 dB better."""
    arriving = [float(_line([float(km)] * 6, 0.22).weakest.channels.gsnr_db.min()) for km in range(26, 106, 2)]
    assert all(later < earlier for earlier, later in zip(arriving, arriving[5:], strict=False))
    assert all(later < earlier + 0.35 for earlier, later in pairwise(arriving))
