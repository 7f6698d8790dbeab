"""The link budget as a table: a column for each need, row by row from what is sent to the most that may be lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trassa.decibels import standard_normal_quantile
from trassa.errors import InputError
from trassa.plan.amounts import figure_text
from trassa.plan.claim import Claim
from trassa.provenance import Assumption
from trassa.radio.budget import Budget, Deduction, combining_db, coupling_limits, link_budget_of
from trassa.radio.carrier import SUBCARRIERS_PER_BLOCK
from trassa.radio.link_budget import LinkBudget
from trassa.radio.profiles import profile_source
from trassa.radio.settings import RadioSettings

__all__ = ["LinkRow", "LinkTable", "deductions_of", "link_table"]

_NEEDS = {"rsrp": "RSRP", "downlink rate": "Downlink", "uplink rate": "Uplink"}
_JUST_INSIDE_DB = 1e-6
"""At its own limit a link stands on the edge of its last resource block; rounding must not push it over."""


@dataclass(frozen=True)
class LinkRow:
    """One row: ``sign`` +1 adds, −1 takes away; ``values`` by need, missing where the row does not touch one."""

    sign: int
    item: str
    unit: str
    values: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class LinkTable:
    """The budget of a service.

    The signed ``rows`` of each need sum up to its maximum coupling loss in ``limits``; those of ``planned`` take the
    smallest of them to the path loss at which the margin is zero, ``budget.largest_loss_db``.
    """

    carrier: tuple[tuple[str, str], ...]
    rows: tuple[LinkRow, ...]
    limits: Mapping[str, float]
    budget: Budget
    planned: tuple[LinkRow, ...]
    remarks: tuple[str, ...] = field(default=())

    def as_text(self) -> dict[str, Any]:
        """The table as the page prints it."""
        needs, limiting = list(self.limits), self.budget.limiting
        served_dbm = self.budget.need_rsrp_dbm + self.budget.fade_margin_db + self.budget.deducted_db
        return {
            "carrier": self.carrier,
            "needs": [_NEEDS[need] for need in needs],
            "rows": [_row_text(row, needs) for row in self.rows],
            "limits": [(_db(self.limits[need]), need == limiting) for need in needs],
            "limiting": _NEEDS[limiting],
            "start": _db(self.limits[limiting]),
            "planned": [_row_text(row, [limiting]) for row in self.planned],
            "largest": _db(self.budget.largest_loss_db),
            "served": f"{_db(served_dbm)} dBm",
            "remarks": self.remarks,
        }


def _row_text(row: LinkRow, needs: Sequence[str]) -> dict[str, Any]:
    cells = [_db(row.values[need]) if need in row.values else "" for need in needs]
    return {"sign": "+" if row.sign > 0 else "−", "item": row.item, "unit": row.unit, "cells": cells,
            "source": row.source}  # fmt: skip


def _db(value: float) -> str:
    return figure_text(value, 2) if math.isfinite(value) else "cannot be met"


def deductions_of(claims: Sequence[Claim], assumptions: Sequence[Assumption]) -> dict[str, Deduction]:
    """What the plan took from every margin, by name: the decibels that ``radio.served`` rests on, σ left out.

    ``assumptions`` speak where there is no such claim. Other claims take other things from other margins.
    """
    served = [claim for claim in claims if claim.id in ("radio.served", "radio.served.any-site-down")]
    rested_on = served[0].assumptions if served else assumptions
    return {
        a.name.removeprefix("radio."): Deduction(a.size, a.source)
        for a in rested_on
        if a.name.startswith("radio.") and a.name != "radio.shadowing_sigma" and a.unit == "dB" and a.taken_from_margin
    }


def link_table(settings: RadioSettings, deductions: Mapping[str, Deduction]) -> LinkTable | None:
    """The table of the service in the settings; None where no such carrier exists."""
    try:
        limits = coupling_limits(settings)
        link = link_budget_of(settings)
    except InputError:
        return None
    budget = Budget.of(settings, deductions)
    rows = [row for row in _rows(settings, link, limits) if row.values]
    remarks = (*_at_the_edge(settings, link, limits[budget.limiting]), *_remarks(settings))
    return LinkTable(_carrier(settings, link), tuple(rows), limits, budget, _planned(settings, budget), remarks)


def _rows(settings: RadioSettings, link: LinkBudget, limits: Mapping[str, float]) -> list[LinkRow]:
    down, up = (name in limits and math.isfinite(limits[name]) for name in ("downlink rate", "uplink rate"))
    rates = [name for name, there in (("downlink rate", down), ("uplink rate", up)) if there]
    sent = ["rsrp", *(["downlink rate"] if down else [])]
    both = ["rsrp", *rates]
    spread_db, blocks, up_snr_db = _uplink(settings, link, limits) if up else (0.0, 0, 0.0)
    down_snr_db = float(link.downlink.sinr_db_for_rate(settings.rate_down_mbps)) if down else 0.0
    combined = {"downlink rate": settings.vehicle_branches, "uplink rate": settings.site_branches}
    figures = {"downlink rate": settings.vehicle_noise_figure_db, "uplink rate": settings.site_noise_figure_db}
    snr = {"downlink rate": down_snr_db, "uplink rate": up_snr_db}

    def row(sign: int, item: str, unit: str, values: Mapping[str, float], source: str) -> LinkRow:
        return LinkRow(sign, item, unit, values, source)

    def uplink(value_db: float) -> dict[str, float]:
        return {"uplink rate": value_db} if up else {}

    asked = " and ".join(
        f"{rate:g} Mbit/s {way}"
        for rate, way in ((settings.rate_down_mbps, "down"), (settings.rate_up_mbps, "up"))
        if rate
    )
    return [
        row(+1, "EIRP of a site per resource element", "dBm", dict.fromkeys(sent, settings.eirp_per_re_dbm),
            "radio.eirp_per_re_dbm, on the axis of the antenna"),
        row(+1, "Transmit power of the vehicle", "dBm", uplink(settings.vehicle_power_dbm), "radio.vehicle_power_dbm"),
        row(-1, f"Spread over {blocks} resource block{'s' if blocks != 1 else ''}", "dB", uplink(spread_db),
            "10 lg 12N; of the numbers N a vehicle may be given the one that reaches farthest"),
        row(+1, "Gain of the vehicle's antenna", "dBi", dict.fromkeys(both, settings.vehicle_gain_dbi),
            "radio.vehicle_gain_dbi, feeder and body loss in it"),
        row(-1, "Loss into the vehicle", "dB", dict.fromkeys(both, settings.penetration_loss_db),
            "radio.penetration_loss_db"),
        row(+1, "Gain of the site's antenna", "dBi", uplink(settings.site_gain_dbi),
            "radio.site_gain_dbi; in the downlink it is in the EIRP"),
        row(-1, "Uplink frequency in free space", "dB", uplink(link.carrier.uplink_excess_db),
            f"20 lg {link.carrier.uplink_mhz:g}/{link.carrier.frequency_mhz:g}; losses are those of the downlink"),
        row(-1, "Thermal noise in a resource element", "dBm", dict.fromkeys(rates, link.carrier.noise_per_re_dbm),
            f"k·T₀·Δf, 290 K, {settings.subcarrier_khz} kHz"),
        row(-1, "Noise figure of the receiver", "dB", {name: figures[name] for name in rates},
            "radio.vehicle_noise_figure_db, radio.site_noise_figure_db"),
        row(-1, "SNR that the rate needs", "dB", {name: snr[name] for name in rates},
            f"{asked}: CQI tables of TS 38.214, overhead and efficiency of the link adaptation"),
        row(+1, "Combining of receive antennas", "dB",
            {name: combining_db(combined[name]) for name in rates}, "10 lg n; radio.vehicle_branches, site_branches"),
        row(-1, "RSRP asked for", "dBm", {"rsrp": settings.need_rsrp_dbm}, "radio.need_rsrp_dbm"),
    ]  # fmt: skip


def _uplink(settings: RadioSettings, link: LinkBudget, limits: Mapping[str, float]) -> tuple[float, int, float]:
    """Spread in dB, resource blocks and SNR in dB of the uplink at the largest loss that carries its rate."""
    loss_db = limits["uplink rate"] - combining_db(settings.site_branches)
    blocks = int(link.uplink_blocks(loss_db - _JUST_INSIDE_DB))
    spread_db = 10.0 * math.log10(SUBCARRIERS_PER_BLOCK * blocks)
    return spread_db, blocks, float(link.uplink_snr_db(loss_db, blocks))


def _planned(settings: RadioSettings, budget: Budget) -> tuple[LinkRow, ...]:
    z = standard_normal_quantile(settings.reliability)
    fade = f"{z:.3f} · {settings.sigma_db:g} dB for {100 * settings.reliability:g} % per bin; σ {settings.sigma_source}"
    rows = [LinkRow(-1, "Fade margin z·σ", "dB", {budget.limiting: budget.fade_margin_db}, fade)]
    if settings.calibration_offset_db:
        offset = {budget.limiting: settings.calibration_offset_db}
        rows.append(LinkRow(+1, "Calibration by drive tests", "dB", offset, "radio.calibration_offset_db"))
    for name, taken in budget.deductions.items():
        item = name.removesuffix("_db").replace("_", " ").capitalize()
        rows.append(LinkRow(-1, item, "dB", {budget.limiting: taken.size_db}, taken.source))
    return tuple(rows)


def _carrier(settings: RadioSettings, link: LinkBudget) -> tuple[tuple[str, str], ...]:
    carrier, named = link.carrier, f" {settings.band}" if settings.band else ""
    split = f", {100 * settings.downlink_share:g} % of the time down" if settings.duplex == "tdd" else ""
    channel_dbm = settings.eirp_per_re_dbm + 10.0 * math.log10(carrier.resource_elements)
    facts = [
        ("Carrier", f"{settings.technology.upper()}{named}, {settings.duplex.upper()}{split}"),
        ("Frequency", f"{carrier.frequency_mhz:g} MHz down, {_uplink_text(settings, carrier.uplink_mhz)}"),
        ("Channel", f"{carrier.bandwidth_mhz:g} MHz, {carrier.resource_blocks} resource blocks of 12 subcarriers, "
                    f"{carrier.subcarrier_khz} kHz apart"),
        ("EIRP of a sector", f"{figure_text(channel_dbm, 1)} dBm over the whole channel, sent evenly"),
    ]  # fmt: skip
    if settings.profile:
        facts.append(("Service", f"profile {settings.profile}; {profile_source(settings.profile)}"))
    return tuple(facts)


def _uplink_text(settings: RadioSettings, uplink_mhz: float) -> str:
    if settings.duplex == "tdd":
        return "the same up"
    unknown = not settings.uplink_mhz and not settings.band
    return "the uplink computed at the same: radio.uplink_mhz is not set" if unknown else f"{uplink_mhz:g} MHz up"


def _at_the_edge(settings: RadioSettings, link: LinkBudget, loss_db: float) -> list[str]:
    if not math.isfinite(loss_db):
        return ["A rate that is promised is more than the carrier can carry at any level."]
    near_db = loss_db - _JUST_INSIDE_DB
    down = float(link.downlink_rate_mbps(near_db - combining_db(settings.vehicle_branches)))
    up_db = near_db - combining_db(settings.site_branches)
    up, blocks = float(link.uplink_rate_mbps(up_db)), int(link.uplink_blocks(up_db))
    at = f"At the largest coupling loss, {_db(loss_db)} dB, noise alone leaves"
    given = f"in {blocks} resource block{'s' if blocks != 1 else ''}" if blocks else "in none"
    return [f"{at} {figure_text(down, 1)} Mbit/s down and {figure_text(up, 1)} Mbit/s up ({given})."]


def _remarks(settings: RadioSettings) -> list[str]:
    said = ["A site's attenuation off its axis and its back-off count as loss: they stand in the coupling loss."]
    if settings.rate_down_mbps:
        beside = f"The table is that of noise alone; the load of other cells, {100 * settings.neighbour_load:g} %, "
        promised = "is in the SINR strips" + (" and in the claim about interference." if settings.with_interference
                                              else ", and nothing is promised about it.")  # fmt: skip
        said.append(beside + promised)
    return said
