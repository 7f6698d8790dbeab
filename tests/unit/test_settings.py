"""trassa.toml: what is refused and in which words, and that writing and reading it are one another's inverse."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from trassa.errors import ConfigError, InputError
from trassa.plan.examples.hills import hills_settings
from trassa.plan.examples.m11 import m11_settings
from trassa.plan.settings import ProjectSettings, Settings, parse_settings, read_settings, settings_digest
from trassa.plan.toml import toml_text
from trassa.pricing import Price
from trassa.radio.prices import RadioPrices
from trassa.radio.settings import RadioSettings
from trassa.road.settings import RoadSettings

ROAD = '[road]\nref = "A 4"\n'
PRICE = 'amount_minor = 7_000_000\nlow_minor = 6_000_000\nhigh_minor = 8_000_000\nunit = "piece"\nsource = "offer 17"\n'
TRANSCEIVER = """name = "grey"
fibres = 2
band = "1310"
budget_db = 6
least_loss_db = 0
reach_m = 10_000
price = { amount_minor = 5, low_minor = 5, high_minor = 5, unit = "piece", source = "offer 18" }
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ROAD + "[radio]\nfrequncy_mhz = 700.0", "unknown key radio.frequncy_mhz. Try: frequency_mhz"),
        (ROAD + "[radoi]\nx = 1", "unknown key radoi. Try: radio"),
        ("[raod]\nref = 'A 4'", "unknown key raod. Try: road"),
        (ROAD + "[radio.prices.new_mast]\namount = 5", "unknown key radio.prices.new_mast.amount. Try: amount_minor"),
        (ROAD + "[radio.prices]\nnew_mst = 5", "unknown key radio.prices.new_mst. Try: new_mast"),
        (ROAD + "[radio]\nsigma_db = '8'", "radio.sigma_db = '8': should be a valid number"),
        (ROAD + "[radio]\nsigma_db = true", "radio.sigma_db = true: should be a valid number"),
        (ROAD + "[radio]\nany_site_down = 1", "radio.any_site_down = 1: should be a valid boolean"),
        ("[road]\nref = 4", "road.ref = 4: should be a valid string"),
        (ROAD + "[terrain]\nfiles = 'a.hgt'", "terrain.files = 'a.hgt': should be a valid array"),
        (ROAD + "[terrain]\nfiles = ['a.hgt']", "terrain: kind is required with files"),
        (ROAD + "radio = 5", "unknown key road.radio"),
        ("road = 5", "road = 5: should be a section with keys of its own"),
        ("", "road is missing. Try: add the section [road] with a ref"),
        ("[road]", "road.ref is missing. Try: add road.ref"),
        (ROAD + "[radio]\nnew_mast_spacing_m = -250", "radio.new_mast_spacing_m = -250: should be greater than 0"),
        (ROAD + "[radio]\nreliability = 1.0", "radio.reliability = 1.0: should be less than 1"),
        (ROAD + "[radio]\nsigma_db = nan", "radio.sigma_db = nan is not a finite number"),
        (ROAD + "[terrain]\nsmoothing_window_m = inf", "terrain.smoothing_window_m = inf is not a finite number"),
        (ROAD + "[radio]\nnew_mast_heights_m = [25, -inf]", "radio.new_mast_heights_m.1 = -inf is not a finite number"),
        (ROAD + "[radio]\nnew_mast_heights_m = [1000]", "mast height 1000 m lies outside 5..300 m"),
        (ROAD + "[radio]\nexempt_structures = ['hole']", "should be 'tunnel' or 'bridge'"),
        (ROAD + "osm = ['a.osm']\nschematic = 'b.csv'", "road: osm and schematic are given, a road has one source"),
        (ROAD + "[radio.prices.new_mast]\namount_minor = 5", "radio.prices.new_mast.low_minor is missing"),
        (ROAD + "[radio.prices.new_mast]\n" + PRICE.replace("7_0", "9_0"), "price 9000000 lies outside its range"),
        (ROAD + "[project]\ncurrency = 'euro'", "project.currency = 'euro'"),
        (ROAD + "[project]\ncurrency = 'RUB'", "but the shipped price of radio.prices.new_mast ("),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(text, name="a4/trassa.toml")
    assert told in str(refused.value)
    assert str(refused.value).startswith("a4/trassa.toml: ")
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 3


def test_what_is_no_toml_names_the_line() -> None:
    with pytest.raises(InputError, match=r"a4/trassa.toml is not TOML \(.*line 2"):
        parse_settings('[road]\nref = "A 4\n', name="a4/trassa.toml")


def test_a_file_in_another_encoding_is_refused_and_a_mark_of_order_is_not(tmp_path: Path) -> None:
    path = tmp_path / "trassa.toml"
    path.write_bytes('[road]\nref = "М-11"\n'.encode("cp1251"))
    with pytest.raises(InputError, match=r"is not UTF-8 text\. Try: save it as UTF-8"):
        read_settings(path)
    path.write_text('[road]\nref = "М-11"\n', "utf-8-sig")
    assert read_settings(path).road.ref == "М-11"


def test_a_price_of_ones_own_takes_the_place_of_the_shipped_one() -> None:
    settings = parse_settings(ROAD + "[radio.prices.new_mast]\n" + PRICE + "assumed = false\n")
    given_price = settings.radio.prices.new_mast
    assert (given_price.amount_minor, given_price.assumed, given_price.source) == (7_000_000, False, "offer 17")
    assert settings.radio.prices.equipment == RadioPrices().equipment


def test_another_currency_is_accepted_with_every_price_in_it() -> None:
    lines = [ROAD, '[project]\ncurrency = "RUB"']
    for trade, prices in (("radio", RadioPrices()), ("optical", parse_settings(ROAD).optical.prices)):
        for name, price in prices:
            lines.append(f"[{trade}.prices.{name}]\n{PRICE.replace('piece', price.unit)}")
    with pytest.raises(ConfigError, match=r"shipped price of optical\.transceivers \(1 such\)"):
        parse_settings("\n".join(lines))
    lines.append(f"[[optical.transceivers]]\n{TRANSCEIVER}")
    assert parse_settings("\n".join(lines)).project.currency == "RUB"


@pytest.mark.parametrize("settings", [hills_settings(), m11_settings()], ids=["hills", "m11"])
def test_what_is_written_reads_back_equal(settings: Settings) -> None:
    again = parse_settings(toml_text(settings))
    assert again == settings
    assert settings_digest(again) == settings_digest(settings)


def test_prices_chosen_in_code_read_back_equal() -> None:
    price = Price(amount_minor=5, low_minor=4, high_minor=6, unit="piece", source='ООО "Мачта" \\ № 1', assumed=False)
    radio = RadioSettings(prices=RadioPrices(new_mast=price), new_mast_heights_m=[40.0], any_site_down=False)
    settings = Settings(road=RoadSettings(ref="М-11", osm=["Нева.osm"]), radio=radio)
    again = parse_settings(toml_text(settings))
    assert again == settings
    assert again.radio.prices.new_mast.source == 'ООО "Мачта" \\ № 1'


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
)
def test_any_text_survives_the_file(name: str, ref: str) -> None:
    settings = Settings(project=ProjectSettings(name=name), road=RoadSettings(ref=ref, osm=[ref]))
    again = parse_settings(toml_text(settings))
    assert (again.project.name, again.road.ref, again.road.osm) == (name, ref, [ref])


def test_every_field_that_is_commented_out_shows_its_value() -> None:
    """Take the marks away: the same settings, but for the fields that are not set."""
    settings = Settings(road=RoadSettings(ref="A 4"))
    bare = []
    for line in toml_text(settings).splitlines():
        plain = line.removeprefix("# ")
        if plain.startswith("[") or (" = " in plain and _is_toml(plain)):
            bare.append(plain)
    assert len(bare) > 60
    assert parse_settings("\n".join(bare)).model_dump() == settings.model_dump()


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def test_every_field_has_a_description() -> None:
    def walk(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                walk(field.annotation)
            else:
                assert field.description, f"{model.__name__}.{name} has no description"

    walk(Settings)


def test_the_digest_follows_values_not_layout() -> None:
    same = (ROAD, "# remark\n" + ROAD + "\n\n[radio]\nsigma_db = 8\n")
    assert len({settings_digest(parse_settings(text)) for text in same}) == 1
    assert settings_digest(parse_settings(ROAD)) != settings_digest(parse_settings(ROAD + "[radio]\nsigma_db = 8.5"))
