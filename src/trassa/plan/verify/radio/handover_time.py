"""How long a handover takes at worst, counted measurement by measurement."""

from __future__ import annotations

import math

from trassa.radio.settings import RadioSettings

__all__ = ["handover_s"]


def handover_s(radio: RadioSettings) -> float:
    """From the place where event A3 is met by the levels to the end of the handover, in seconds.

    The levels may meet it just after a measurement. The filter gives k/4 halvings a measurement and follows a steady
    change late, by the weight of what is old over that of what is new. The time to trigger ends at a measurement.
    """
    rules = radio.handover
    old = 1.0 - math.pow(2.0, -rules.filter_coefficient / 4.0)
    periods = 1.0 + old / (1.0 - old)
    while (periods - 1.0 - old / (1.0 - old)) * rules.measurement_period_ms < rules.time_to_trigger_ms - 1e-9:
        periods += 1.0
    return (periods * rules.measurement_period_ms + rules.preparation_ms + rules.execution_ms) / 1000.0
