"""The straight-line diagram as SVG: pages of A3 that print by themselves, and open in any drawing program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files

from trassa.linear import Layer
from trassa.plan.report.line_picture import line_pictures
from trassa.plan.report.sheets import LEFT, RIGHT, WIDTH
from trassa.road.model import Road

__all__ = ["line_strips"]

_PAGE_MM, _MARGIN_MM = (420.0, 297.0), 10.0
_HEAD, _CAPTION = 26.0, 14.0
_LEGEND = (
    "■ hut · | closure where reels meet · ● closure with a drop · short stroke: chamber · bars under the cable: reels, "
    "yellow as built · grey bar: bridge, dark bar: tunnel · arrow: way under the road · above the cable: what a span "
    "loses at the end of life"
)


def line_strips(road: Road, layers: Mapping[str, Layer], title: str, *, estimate: bool) -> list[str]:
    """The pages in order, each an SVG document; as many strips on a page as fit. None without a cable."""
    width = LEFT + WIDTH + RIGHT
    high = (_PAGE_MM[1] - 2.0 * _MARGIN_MM) / (_PAGE_MM[0] - 2.0 * _MARGIN_MM) * width
    pages: list[list[str]] = []
    y = high
    for sheet in line_pictures(road, layers):
        box = re.match(r'<svg viewBox="0 0 \d+ (\d+)"', sheet.picture)
        needs = _CAPTION + float(box[1] if box else 0)
        if y + needs > high:
            pages.append([])
            y = _HEAD
        words = f'<text x="0" y="{y + 9:.1f}" class="panel">{escape(sheet.caption)}</text>'
        picture = sheet.picture.replace("<svg ", f'<svg x="0" y="{y + _CAPTION:.1f}" width="{width}" ', 1)
        pages[-1] += [words, re.sub(r'(width="\d+" viewBox="0 0 \d+ (\d+)")', r'\1 height="\2"', picture, count=1)]
        y += needs + 6.0
    return [_page(body, number, len(pages), title, width, estimate) for number, body in enumerate(pages, start=1)]


def _page(body: list[str], number: int, count: int, title: str, width: float, estimate: bool) -> str:
    mm = (_PAGE_MM[0] - 2.0 * _MARGIN_MM) / width
    edge = _MARGIN_MM / mm
    box = f"{-edge:.2f} {-edge:.2f} {_PAGE_MM[0] / mm:.2f} {_PAGE_MM[1] / mm:.2f}"
    mark = '<text x="410" y="8" class="strong" fill="#a85b00" text-anchor="middle">ESTIMATE – not a proof</text>'
    head = (
        f'<text x="0" y="8" class="strong">{escape(title)}: straight-line diagram of the cables</text>'
        f'{mark if estimate else ""}<text x="{width}" y="8" class="note" text-anchor="end">{number} / {count}</text>'
        f'<text x="0" y="19" class="note" textLength="{width}" lengthAdjust="spacingAndGlyphs">{_LEGEND}</text>'
    )
    size = f'width="{_PAGE_MM[0]:g}mm" height="{_PAGE_MM[1]:g}mm"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="{box}">\n'
        f"<style>{_style()}</style>\n{head}\n" + "\n".join(body) + "\n</svg>\n"
    )


def _style() -> str:
    """The report's colours on paper: what its style sheet says of a light screen, and a typeface."""
    css = files("trassa.plan.report").joinpath("templates/style.css").read_text("utf-8")
    light = css.split("@media", 1)[0].replace("svg{display:block;width:100%;height:auto}", "")
    rules = [rule for rule in re.findall(r"[^{}]+\{[^{}]*\}", light) if _draws(rule)]
    return "svg{font-family:'PT Sans','Noto Sans',Arial,'DejaVu Sans',sans-serif}" + "".join(map(str.strip, rules))


def _draws(rule: str) -> bool:
    return any(word in rule for word in ("fill", "stroke", "font-", "--")) and not rule.strip().startswith("@")
