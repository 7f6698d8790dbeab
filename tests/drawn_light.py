"""Lines drawn for tests of the backbone's light: spans in a row, nothing but fibre, connectors and repairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from trassa.optical.settings import OpticalSettings
from trassa.optical.wdm.equipment import Equipment, line_equipment
from trassa.optical.wdm.wavelengths import LineSpan, Node, WavelengthLine

__all__ = ["drawn_light"]


def drawn_light(
    spans_km: Sequence[float],
    attenuation: float,
    *,
    limit_db: float = 99.0,
    cables: int = 1,
    library: Equipment | None = None,
    **rules: object,
) -> WavelengthLine:
    """Huts ``H-0``, ``H-1`` … at the ends of these spans; a second cable is 1 % longer."""
    settings = OpticalSettings(
        **{
            "attenuation_1550_db_per_km": attenuation,
            "splice_loss_db": 0.0,
            "repair_margin_db": 0.0,
            "helix_ratio_low": 0.975,
            "hut_equipment": "amplifier",
            **rules,
        }
    )
    longer = settings.helix_ratio / settings.helix_ratio_low
    fixed_db = 2.0 * settings.connector_loss_db + settings.repair_margin_db
    at_km = [sum(spans_km[:index]) for index in range(len(spans_km) + 1)]
    nodes = tuple(Node(f"H-{i}", f"km {km:.0f}+000", 0.0, 0.0) for i, km in enumerate(at_km))
    spans = tuple(
        tuple(
            LineSpan(km * 1000.0, (), km * attenuation * longer + fixed_db, limit_db)
            for km in [(last - first) * (1.0 + 0.01 * cable) for cable in range(cables)]
        )
        for first, last in pairwise(at_km)
    )
    return WavelengthLine(nodes, spans, True, True, settings, library or line_equipment())
