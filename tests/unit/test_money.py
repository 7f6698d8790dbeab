"""Money: integers, one rounding, one currency."""

from __future__ import annotations

import pytest

from trassa.errors import ConfigError
from trassa.money import Cost, minor_from_quantity


def test_a_product_is_rounded_once_half_up() -> None:
    assert minor_from_quantity(5, 0.5) == 3
    assert minor_from_quantity(1, 2.675) == 3
    assert minor_from_quantity(10, 0.05) == 1
    assert minor_from_quantity(3, 1e12) == 3_000_000_000_000


def test_sums_never_mix_currencies() -> None:
    with pytest.raises(ConfigError, match="EUR and RUB"):
        Cost(1, "EUR", 1, 1) + Cost(1, "RUB", 1, 1)


def test_the_sum_of_nothing_has_a_currency() -> None:
    assert Cost.total([], "RUB") == Cost(0, "RUB", 0, 0)


def test_an_amount_lies_in_its_range() -> None:
    with pytest.raises(ConfigError, match="outside its own range"):
        Cost(10, "EUR", 11, 12)
