"""What cause codes are called."""

from __future__ import annotations

import pytest

from trassa.vehicles.causes import cause_name, describe, sub_cause_name


@pytest.mark.parametrize(
    ("cause", "sub_cause", "english", "russian"),
    [
        (94, 2, "stationary vehicle: breakdown", "стоящая машина: поломка"),
        (27, 0, "dangerous end of queue", "опасный хвост затора"),
        (12, 2, "person on the road: cyclist", "человек на дороге: велосипедист"),
        (24, 4, "cause 24: sub cause 4", "причина 24: уточнение 4"),
        (3, 200, "roadworks: sub cause 200", "дорожные работы: уточнение 200"),
    ],
)
def test_a_cause_in_both_languages(cause: int, sub_cause: int, english: str, russian: str) -> None:
    assert describe(cause, sub_cause) == english
    assert describe(cause, sub_cause, "ru") == russian


def test_both_names_are_given_where_the_releases_differ() -> None:
    assert sub_cause_name(3, 3) == "slow moving maintenance (Release 1) / moving lane closure (Release 2)"
    assert sub_cause_name(3, 3, release=1) == "slow moving maintenance"
    assert sub_cause_name(3, 3, release=2) == "moving lane closure"
    assert cause_name(17, "ru") == "опасная погода (выпуск 1) / ветер (выпуск 2)"


def test_a_name_of_one_release_is_no_name_of_the_other() -> None:
    assert sub_cause_name(94, 6) == sub_cause_name(94, 6, release=2) == "on fire"
    assert sub_cause_name(94, 6, release=1) == "sub cause 6"
    assert cause_name(100, release=1) == "cause 100"


def test_every_cause_has_its_name() -> None:
    known = [1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 18, 19, 26, 27, 91, 92, 93, 94, 95, 96, 97, 98, 99]
    for language in ("en", "ru"):
        assert all(str(code) not in cause_name(code, language, release=1) for code in known)  # type: ignore[arg-type]
