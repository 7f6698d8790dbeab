"""The report: one file, complete, small, the same twice, and never kinder than the plan."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic_plan import SyntheticPlan, synthetic_plan
from trassa.errors import ConfigError, InputError
from trassa.linear import Calibration, Extent, Layer
from trassa.plan.amounts import margin_text
from trassa.plan.bom import total_of
from trassa.plan.claim import Worst
from trassa.plan.proof import Proof
from trassa.plan.report import ReportInput, render_report
from trassa.plan.report.axis import KmAxis, worst_margins
from trassa.plan.report.map_picture import margin_class
from trassa.provenance import Assumption


def report_of(plan: SyntheticPlan, **changes: object) -> str:
    title = f"{plan.road.ref}: план & <proof>"
    cost = total_of(plan.bill, "RUB")
    whole = ReportInput(plan.road, plan.layers, plan.proof, plan.bill, cost, title, plan.assumptions)
    whole = replace(whole, credits=["© OpenStreetMap contributors, ODbL"])
    return render_report(replace(whole, **changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plan() -> SyntheticPlan:
    return synthetic_plan(holds="no")


@pytest.fixture(scope="module")
def page(plan: SyntheticPlan) -> str:
    return report_of(plan)


class _Outline(HTMLParser):
    """Every attribute of the page, and whether its elements close in order."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_it_is_one_well_formed_file_that_asks_for_nothing(page: str) -> None:
    outline = _Outline()
    outline.feed(page)
    assert outline.open == []
    loading = {"src", "srcset", "data", "poster", "action", "xlink:href", "background", "style"}
    assert not [a for a in outline.attributes if a[1] in loading]
    assert {a[2][0] for a in outline.attributes if a[1] == "href"} == {"#"}
    assert not {a[0] for a in outline.attributes} & {"link", "iframe", "img", "image", "object", "embed", "use"}
    for word in ("http:", "https:", "//fonts", "@import", "url(", "fetch(", "XMLHttpRequest", "import("):
        assert word not in page


def test_the_same_plan_gives_the_same_bytes(page: str) -> None:
    assert report_of(synthetic_plan(holds="no")) == page


def test_seven_hundred_kilometres_stay_below_two_megabytes() -> None:
    long = synthetic_plan(700_000.0)
    assert len(report_of(long).encode()) < 2_000_000


def test_everything_of_the_plan_is_in_it(plan: SyntheticPlan, page: str) -> None:
    outline = _Outline()
    outline.feed(page)
    words = " ".join(outline.words)
    for claim in plan.proof.claims:
        assert claim.id in words
        assert claim.promise in words
        assert claim.worst.place in words
        assert all(evidence.sha256 in words for evidence in claim.evidence)
    for layer, column in (("sites", "site"), ("sites", "name"), ("huts", "hut"), ("huts", "name"), ("spans", "span")):
        for name in plan.layers[layer][column]:
            assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words), name
    for line in plan.bill:
        assert line.item in words
    for assumption in plan.assumptions:
        assert assumption.name in words
    for row in plan.layers["unserved"].rows():
        assert str(row["reason"]) in words
        assert str(row["cure"]) in words
    for row in plan.road.findings.rows():
        assert str(row["detail"]) in words
    for source in plan.proof.inputs:
        assert source["sha256"] in words
    assert "км 278+230" in words
    assert "план & <proof>" in words
    assert "© OpenStreetMap contributors, ODbL" in words


def test_three_lengths_of_a_cable_stand_apart(plan: SyntheticPlan, page: str) -> None:
    plain = unescape(page).replace("\u202f", "")
    cable = next(plan.layers["cables"].rows())
    for name in ("route_m", "sheath_m", "fibre_m"):
        assert f'<td class="n">{cable[name]:.0f} m</td>' in plain


def test_credits_stand_where_they_are_owed_and_inputs_are_signed(plan: SyntheticPlan) -> None:
    assert "OpenStreetMap" not in report_of(plan, credits=[])
    unsigned = replace(plan.proof, inputs=({"name": "line.csv", "size_bytes": 10},))
    with pytest.raises(InputError, match=r"line\.csv has no SHA-256"):
        report_of(plan, proof=unsigned)


@pytest.mark.parametrize(
    ("holds", "banner", "absent"),
    [
        ("yes", "The plan holds", "ESTIMATE"),
        ("no", "The plan does not hold", "ESTIMATE —"),
        ("estimate", "ESTIMATE", "The plan holds"),
    ],
)
def test_the_verdict_is_on_top(holds: str, banner: str, absent: str) -> None:
    html = report_of(synthetic_plan(holds=holds))  # type: ignore[arg-type]
    assert html.index(f"<b>{banner}</b>") < html.index('id="claims"')
    assert absent not in html


def test_an_estimate_says_so_in_every_section_and_why() -> None:
    html = report_of(synthetic_plan(holds="estimate"), estimate_reasons=("No clutter either.",))
    assert "<title>ESTIMATE" in html
    assert html.count("ESTIMATE — not a proof") >= 5
    assert "No clutter either." in html
    assert "Labels are extrapolated up to" in html


def test_reasons_of_the_claims_come_before_our_own() -> None:
    plan = synthetic_plan(holds="estimate")
    claims = tuple(
        replace(c, method={**c.method, "estimate_because": ["the axis is schematic"]}) for c in plan.proof.claims
    )
    html = report_of(plan, proof=replace(plan.proof, claims=claims))
    assert html.count("<li>the axis is schematic</li>") == 1
    assert "Labels are extrapolated" not in html


def test_a_cost_that_is_not_its_bill_is_refused(plan: SyntheticPlan) -> None:
    with pytest.raises(ConfigError, match="is not the sum of its bill"):
        report_of(plan, cost=total_of(plan.bill[1:], "RUB"))


def test_failing_claims_come_first(page: str) -> None:
    table = page[page.index('id="claims"') :]
    order = re.findall(r'<span class="tag (\w+)">', table[: table.index("</table>")])
    assert order == ["no", "yes", "yes"]


def test_a_road_with_nothing_on_it(plan: SyntheticPlan) -> None:
    """No terrain, no radio, no line, one carriageway, no geometry, no claims: still a page, and no crash."""
    one = plan.road.alignments["increasing"]
    blank = np.full(len(one), np.nan)
    line = replace(one, height_m=blank, latitude_deg=blank, longitude_deg=blank)
    road = replace(
        plan.road,
        axis="schematic",
        alignments={"increasing": line},
        calibration=Calibration.from_start(plan.road.length_m),
        findings=Layer.empty(plan.road.findings.schema),
    )
    proof = Proof({}, (), {}, (), "00" * 32, {})
    html = report_of(plan, road=road, layers={}, proof=proof, bill=(), cost=total_of((), "EUR"), assumptions=())
    _Outline().feed(html)
    assert "no terrain: heights unknown" in html
    assert "there is no map" in html


@given(st.lists(st.integers(0, 999), min_size=1, max_size=4), st.integers(20, 300), st.integers(0, 900))
def test_no_bad_bin_is_lost_to_the_width_of_a_picture(bad: list[int], width: int, start: int) -> None:
    """A bin below need, or one without any server, makes its column bad at any width and window."""
    from trassa.radio.layers import SCHEMAS

    edges = np.arange(0.0, 10_010.0, 10.0)
    margin = np.full(1000, 12.0)
    margin[bad] = -0.01
    margin[bad[0]] = math.nan
    text = np.full(1000, "", dtype=np.object_)
    columns = {c.name: text if c.type == "text" else margin for c in SCHEMAS["bins"].columns}
    columns |= {"start_m": edges[:-1], "end_m": edges[1:], "margin_db": margin}
    bins = Layer.from_columns(SCHEMAS["bins"], **columns)
    axis = KmAxis(Extent(start * 10.0, 10_000.0), Calibration.from_start(10_000.0), 0, width)
    worst = worst_margins(axis, bins, "margin_db")
    assert not np.isnan(worst).any()
    for index in bad:
        if index >= start:
            column = min(int(axis.x(index * 10.0 + 5.0)), width - 1)
            assert worst[column] < 0.0


@pytest.mark.parametrize(
    ("margin", "text"),
    [(-0.004, "−0.01 dB"), (0.004, "0.00 dB"), (3.4, "+3.40 dB"), (-4.6, "−4.60 dB"), (None, "–"), (math.nan, "–")],
)
def test_margins_are_rounded_towards_worse(margin: float | None, text: str) -> None:
    assert margin_text(margin) == text


def test_colours_of_margins() -> None:
    assert [margin_class(value) for value in (math.nan, -math.inf, -0.01)] == ["m0"] * 3
    assert [margin_class(value) for value in (0.0, 2.9, 3.0, 6.0, 10.0, 60.0)] == ["m1", "m1", "m2", "m3", "m4", "m4"]


def test_the_bad_stretch_is_red_on_map_and_chart(plan: SyntheticPlan, page: str) -> None:
    good = report_of(synthetic_plan(holds="yes"))
    for mark in ('class="m0"', 'class="bad"', 'class="alarm"'):
        drawn = page[page.index("<body>") :]
        assert drawn.count(mark) > good[good.index("<body>") :].count(mark)


def test_claims_and_assumptions_about_money_are_told_in_money(plan: SyntheticPlan) -> None:
    worst = Worst("", 1_069_000_000.0, 1_068_000_000.0, 1_000_000.0, "minor units")
    price = Assumption("price new_mast", 4_500_000.0, "minor units per piece", False, "planner's range")
    claim = replace(plan.proof.claims[0], id="radio.least-cost", worst=worst, assumptions=(price,))
    html = unescape(report_of(plan, proof=replace(plan.proof, claims=(claim,)))).replace("\u202f", " ")
    assert "10 690 000 RUB" in html
    assert "the whole plan" in html
    assert "45 000 RUB per piece" in html


def test_equal_limits_are_one_stretch(plan: SyntheticPlan) -> None:
    """A row that changes only the lanes leaves the drawn limit alone; rows that overlap do not stop the page."""
    rows = list(plan.road.cross_sections.rows())
    first = rows[0]
    extra = [{**first, "start_m": 5000.0, "end_m": 5500.0, "lanes": 2}]
    sections = Layer.from_rows(plan.road.cross_sections.schema, [*rows, *extra])
    drawn = report_of(plan, road=replace(plan.road, cross_sections=sections))
    assert drawn.count('class="limit') == report_of(plan).count('class="limit')
