"""Money and figures as people read them."""

from __future__ import annotations

import math

from trassa.money import Cost

__all__ = ["amount_text", "figure_text", "major_digits", "margin_text", "measured_text", "range_text"]

_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3, "JOD": 3}
_THIN = "\u202f"


def major_digits(currency: str) -> int:
    """Decimal digits of a currency's minor unit: 2 for most (ISO 4217)."""
    return _DIGITS.get(currency, 2)


def amount_text(amount_minor: int, currency: str) -> str:
    """``1 234 567 EUR``: whole major units, half up; what is less than ten of them keeps its digits."""
    scale = 10 ** major_digits(currency)
    if abs(amount_minor) < 10 * scale:
        return f"{amount_minor / scale:.{major_digits(currency)}f} {currency}"
    whole = math.floor(amount_minor / scale + 0.5)
    return f"{figure_text(whole)} {currency}"


def range_text(cost: Cost) -> str:
    """``low – high EUR``."""
    low = amount_text(cost.low_minor, cost.currency).removesuffix(f" {cost.currency}")
    return f"{low} – {amount_text(cost.high_minor, cost.currency)}"


def figure_text(value: float | None, digits: int = 0) -> str:
    """A number with thin blanks between thousands and a true minus; ``–`` where nothing is known."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.{digits}f}".replace(",", _THIN)
    if text.startswith("-") and not text.strip("-0." + _THIN):
        text = text[1:]
    return text.replace("-", "−")


def margin_text(value: float | None, unit: str = "dB") -> str:
    """A margin with its sign, rounded towards worse: −0.004 dB reads −0.01, never 0."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = _digits(value)
    floored = math.floor(value * 10**digits + 1e-9) / 10**digits
    return f"{'+' if floored > 0 else ''}{figure_text(floored, digits)} {unit}".rstrip()


def measured_text(value: float | None, unit: str) -> str:
    """A value with its unit, to as many digits as its size deserves."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{figure_text(value, 0 if float(value).is_integer() else _digits(value))} {unit}".rstrip()


def _digits(value: float) -> int:
    return 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
