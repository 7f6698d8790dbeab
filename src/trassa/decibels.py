"""Decibel arithmetic that every trade shares. Scalars and arrays alike."""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["fade_margin_db", "ratio_from_db", "standard_normal_quantile"]


def ratio_from_db(value_db: float) -> float:
    """Power ratio of a level in decibels."""
    return math.pow(10.0, value_db / 10.0)


def standard_normal_quantile(reliability: float) -> float:
    """z such that a standard normal variable stays below z with probability ``reliability`` (0 < q < 1)."""
    return NormalDist().inv_cdf(reliability)


def fade_margin_db(sigma_db: float, reliability: float) -> float:
    """One-sided log-normal fade margin z_q·σ in dB: 8 dB at 95 % gives 13.2 dB."""
    return standard_normal_quantile(reliability) * sigma_db
