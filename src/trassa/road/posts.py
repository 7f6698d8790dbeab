"""Kilometre posts: which of them to believe, and the labels between them.

A fit only *rejects* posts; it never moves a label. The posts kept are the row, in order of measure, that earns most:
every post kept earns 1, every step between neighbours costs ``(misfit / scale)²``, where misfit is how much farther the
label runs than the road. A step never costs more than a chainage jump does: a jump is worth its cost only where two
posts on its far side agree, or three if it is shorter than a kilometre, for neighbours may share a small error. A lone
post that fits neither neighbour costs more than it earns and falls out. The best row is found by dynamic programming,
so the order in which posts are read plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.linear import Calibration, Carriageway, KmLabel, LabelInterval
from trassa.linear.label import Script
from trassa.road.findings import Note

__all__ = ["JudgedPost", "Post", "PostRules", "calibrated", "label_sense"]

FloatArray = npt.NDArray[np.float64]

_JUMP_COST = 1.5
_SHORT_JUMP_COST = 2.5
_SHORT_JUMP_M = 1000.0
_SAME_PLACE_M = 100.0
_SAME_LABEL_KM = 0.04
_SPARSE_SHARE = 0.05
_WORTH_NAMING_M = 60.0


@dataclass(frozen=True)
class Post:
    """A kilometre post as mapped: its label, and where it projects on the reference line."""

    measure_m: float
    label_km: float
    carriageway: Carriageway
    latitude_deg: float
    longitude_deg: float
    osm_id: int = 0


@dataclass(frozen=True)
class JudgedPost:
    """A post with its verdict. ``residual_m`` is its label minus what the other kept posts predict, in metres."""

    post: Post
    accepted: bool
    knot: bool
    residual_m: float
    reason: str


@dataclass(frozen=True)
class PostRules:
    """Bounds of the calibration: stretch as metres of road per labelled metre, ``scale_m`` the misfit that costs 1."""

    stretch_min: float = 0.85
    stretch_max: float = 1.15
    scale_m: float = 150.0


@dataclass(frozen=True)
class _Group:
    """Posts that mark one cross-section; the first is the one that labels are read from."""

    members: tuple[Post, ...]

    @property
    def measure_m(self) -> float:
        return self.members[0].measure_m

    @property
    def label_m(self) -> float:
        return self.members[0].label_km * 1000.0


def label_sense(measure_m: npt.ArrayLike, label_km: npt.ArrayLike) -> int:
    """+1 where labels rise with measure, −1 where they fall, 0 where the posts do not tell (Kendall's sign sum)."""
    measure, label = np.asarray(measure_m, dtype=np.float64), np.asarray(label_km, dtype=np.float64)
    signs = np.sign(measure[:, None] - measure[None, :]) * np.sign(label[:, None] - label[None, :])
    return int(np.sign(signs.sum()))


def calibrated(
    posts: Sequence[Post],
    length_m: float,
    *,
    reference: Carriageway,
    script: Script,
    start_km: float = 0.0,
    rules: PostRules | None = None,
) -> tuple[Calibration, list[JudgedPost], list[Note]]:
    """Labels of a road of ``length_m`` from its posts, every post with its verdict, and what stood out.

    Each kept post reads exactly, save a second post at one cross-section, which only confirms. Beyond the last post
    the scale is 1 and the labels are marked extrapolated; without any post they run from ``start_km``.
    """
    rules = rules or PostRules()
    ordered = sorted(posts, key=lambda p: (p.measure_m, p.label_km, p.carriageway, p.osm_id))
    groups = _grouped(ordered, reference)
    kept = _best_row(groups, rules)
    if not kept:
        bare = Calibration.from_start(length_m, start_km, script)
        detail = f"no kilometre post: labels run from {KmLabel.from_decimal(start_km).format(script)} at the start"
        return bare, [], [Note("no_posts", detail, "warning", 0.0, length_m)]
    row = [groups[i] for i in kept]
    calibration = Calibration(tuple(_intervals(row, length_m, rules)), script)
    judged = _judged(groups, set(kept), rules, script)
    return calibration, judged, _notes(row, judged, calibration, length_m, rules, script)


def _grouped(ordered: Sequence[Post], reference: Carriageway) -> list[_Group]:
    groups: list[list[Post]] = []
    for post in ordered:
        for group in reversed(groups[-6:]):
            near = post.measure_m - group[0].measure_m <= _SAME_PLACE_M
            if near and abs(post.label_km - group[0].label_km) <= _SAME_LABEL_KM:
                group.append(post)
                break
        else:
            groups.append([post])
    for group in groups:
        group.sort(key=lambda post: (post.carriageway != reference, post.measure_m, post.osm_id))
    found = [_Group(tuple(group)) for group in groups]
    return sorted(found, key=lambda group: (group.measure_m, group.label_m))


def _best_row(groups: Sequence[_Group], rules: PostRules) -> list[int]:
    """Indices of the groups that earn most together; ties go to the row that comes first along the road."""
    measure = np.array([group.measure_m for group in groups])
    label = np.array([group.label_m for group in groups])
    worth = np.zeros(len(groups))
    before = np.full(len(groups), -1, dtype=np.intp)
    for j in range(len(groups)):
        worth[j] = 1.0
        if j:
            step, rise = measure[j] - measure[:j], label[j] - label[:j]
            scale = np.maximum(rules.scale_m, _SPARSE_SHARE * step)
            jump = np.where(np.abs(rise - step) < _SHORT_JUMP_M, _SHORT_JUMP_COST, _JUMP_COST)
            cost = np.minimum(((rise - step) / scale) ** 2, jump)
            cost = np.where((rise <= 0.0) | (step <= 0.0), jump, cost)
            gain = worth[:j] - cost
            best = int(np.argmax(gain))
            if gain[best] > 1e-9:
                worth[j] += gain[best]
                before[j] = best
    row: list[int] = []
    at = int(np.argmax(worth)) if len(groups) else -1
    while at >= 0:
        row.append(at)
        at = int(before[at])
    return row[::-1]


def _is_jump(before: _Group, after: _Group, rules: PostRules) -> bool:
    step, rise = after.measure_m - before.measure_m, after.label_m - before.label_m
    if rise <= 0.0:
        return True
    within = rules.stretch_min <= step / rise <= rules.stretch_max
    return not within and abs(rise - step) > rules.scale_m


def _intervals(row: Sequence[_Group], length_m: float, rules: PostRules) -> list[LabelInterval]:
    """Label intervals through the knots; at a jump both sides run on at scale 1 to the middle."""
    first, last = row[0], row[-1]
    found = []
    if first.measure_m > 0.0:
        found.append(_run_on(first, 0.0, first.measure_m))
    for a, b in pairwise(row):
        if _is_jump(a, b, rules):
            middle = 0.5 * (a.measure_m + b.measure_m)
            found += [_run_on(a, a.measure_m, middle), _run_on(b, middle, b.measure_m)]
        else:
            labels = a.members[0].label_km, b.members[0].label_km
            found.append(LabelInterval(a.measure_m, b.measure_m, *labels, "interpolated"))
    if last.measure_m < length_m:
        found.append(_run_on(last, last.measure_m, length_m))
    return found


def _run_on(group: _Group, start_m: float, end_m: float) -> LabelInterval:
    km, at = group.members[0].label_km, group.measure_m
    return LabelInterval(start_m, end_m, km + (start_m - at) / 1000.0, km + (end_m - at) / 1000.0, "extrapolated")


def _judged(groups: Sequence[_Group], kept: set[int], rules: PostRules, script: Script) -> list[JudgedPost]:
    judged = []
    for index, group in enumerate(groups):
        others = [groups[i] for i in sorted(kept - {index})]
        for rank, post in enumerate(group.members):
            residual = post.label_km * 1000.0 - _predicted_m(post.measure_m, others, rules)
            reason = "" if index in kept else _reason(post, residual, others, script)
            judged.append(JudgedPost(post, index in kept, index in kept and rank == 0, residual, reason))
    judged.sort(key=lambda verdict: (verdict.post.measure_m, verdict.post.carriageway, verdict.post.osm_id))
    return judged


def _predicted_m(measure_m: float, row: Sequence[_Group], rules: PostRules) -> float:
    """Label in metres that the kept posts give; beyond the last one, the median of the nearest three at scale 1."""
    if not row:
        return float("nan")
    after = next((i for i, group in enumerate(row) if group.measure_m >= measure_m), len(row))
    if 0 < after < len(row) and not _is_jump(row[after - 1], row[after], rules):
        knots = row[after - 1], row[after]
        return float(np.interp(measure_m, [k.measure_m for k in knots], [k.label_m for k in knots]))
    near = row[:3] if after == 0 else row[-3:]
    if 0 < after < len(row):
        middle = 0.5 * (row[after - 1].measure_m + row[after].measure_m)
        near = row[after - 1 : after] if measure_m < middle else row[after : after + 1]
    return float(np.median([group.label_m - group.measure_m for group in near])) + measure_m


def _reason(post: Post, residual_m: float, others: Sequence[_Group], script: Script) -> str:
    if not others:
        return "no other post agrees with it"
    stands_at = KmLabel.from_decimal(max(post.label_km - residual_m / 1000.0, 0.0)).format(script)
    return f"label {abs(residual_m):.0f} m too {'low' if residual_m < 0.0 else 'high'}: it stands near {stands_at}"


def _notes(
    row: Sequence[_Group],
    judged: Sequence[JudgedPost],
    calibration: Calibration,
    length_m: float,
    rules: PostRules,
    script: Script,
) -> list[Note]:
    notes = []
    for verdict in judged:
        if not verdict.accepted:
            post = verdict.post
            name = KmLabel.from_decimal(post.label_km).format(script)
            detail = f"post {name} (node {post.osm_id}, {post.carriageway}) rejected: {verdict.reason}"
            notes.append(Note("rejected_post", detail, "warning", post.measure_m, post.measure_m))
    notes += _weak_notes(row, judged, length_m)
    notes += [note for a, b in pairwise(row) if (note := _step_note(a, b, rules, script))]
    for extent in calibration.extents("extrapolated"):
        if extent.start_m == 0.0 or extent.end_m >= length_m:
            which = "before the first" if extent.start_m == 0.0 else "behind the last"
            detail = f"{extent.length_m:,.0f} m {which} kilometre post: labels extrapolated at scale 1"
            notes.append(Note("extrapolated", detail, "note", extent.start_m, extent.end_m))
    return notes


def _weak_notes(row: Sequence[_Group], judged: Sequence[JudgedPost], length_m: float) -> list[Note]:
    """A finding where the labels hang on too few posts to check each other, or most of the posts were rejected."""
    rejected = sum(not verdict.accepted for verdict in judged)
    if 2 * rejected > len(judged):
        detail = f"{rejected} of {len(judged)} posts contradict the rest: their labels may be miles, or of another road"
        return [Note("few_posts", detail, "warning", 0.0, length_m)]
    if len(row) == 1:
        detail = "one kilometre post only: which way the labels rise is assumed (towards azimuth 0–180°)"
        return [Note("few_posts", detail, "warning", 0.0, length_m)]
    return []


def _step_note(before: _Group, after: _Group, rules: PostRules, script: Script) -> Note | None:
    step, rise = after.measure_m - before.measure_m, after.label_m - before.label_m
    misfit = rise - step
    posts = " and ".join(KmLabel.from_decimal(g.members[0].label_km).format(script) for g in (before, after))
    between = f"between the posts {posts} the label advances {rise / 1000:.3f} km and the road {step / 1000:.3f} km"
    note = Note("stretch", f"{between} ({misfit:+,.0f} m)", "note", before.measure_m, after.measure_m)
    if _is_jump(before, after, rules):
        detail = f"{between}: chainage jump of {misfit / 1000:+.3f} km, labels run on from both sides to the middle"
        return replace(note, kind="chainage_jump", severity="warning", detail=detail)
    outside = not rules.stretch_min <= step / rise <= rules.stretch_max
    if outside and abs(misfit) > _WORTH_NAMING_M:
        return replace(note, severity="warning", detail=f"{note.detail}: stretch {step / rise:.2f}")
    return note if abs(misfit) > 2.0 * _WORTH_NAMING_M else None
