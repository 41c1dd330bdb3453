"""Checks a proof that samples are, or are not, linearly separable; with nothing but Python: a copy runs alone, `python FILE.py PROOF.json`.

What has to be believed is this file and whole-number arithmetic: every double is a whole number over a power of two, so nothing is rounded.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


class Refused(Exception):
    """The file proves nothing, or less than it claims; the message says which."""


def verify(certificate: Any) -> str:
    """The sentence that a certificate proves; Refused is raised where it proves less, was changed, or is none."""
    try:
        if (certificate["format"], certificate["kind"]) != ("layerpeel certificate 1", "separability"):
            raise Refused("this checks 'layerpeel certificate 1' of the kind separability, and it is something else.")
        if digest(certificate) != certificate["sha256"]:
            raise Refused("it was changed after it was written: its digest does not fit its content.")
        claim = certificate["claim"]
        classes, samples = int(claim["classes"]), int(claim["samples"])
        if claim["separable"] is True:
            separated(certificate, classes, samples)
            return f"one linear classifier names the right class of each of {samples} samples of {classes} classes"
        contradicted(certificate, classes, samples)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise Refused(f"this is no certificate, or not all of one: {type(error).__name__}: {error}.") from error
    return f"no linear classifier names the right class of each of {samples} samples of {classes} classes"


def digest(certificate: dict[str, Any]) -> str:
    """SHA-256 of everything else in it, its keys sorted."""
    content = {name: part for name, part in certificate.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def separated(certificate: dict[str, Any], classes: int, samples: int) -> None:
    """w_k·(x − a) − b_k is larger for the own class k of every sample x than for any other; weights, a and b are given."""
    width = len(certificate["anchor"])
    points, fine = whole([*matrix(certificate["features"], samples, width), certificate["anchor"]])
    weights, coarse = whole(matrix(certificate["weights"], classes, width))
    (offsets,), scale = whole(matrix([certificate["offsets"]], 1, classes))
    *points, anchor = points
    for place, (point, own) in enumerate(zip(points, numbered(certificate["labels"], samples, classes), strict=True)):
        moved = [x - a for x, a in zip(point, anchor, strict=True)]
        scores = [scale * dot(w, moved) - fine * coarse * b for w, b in zip(weights, offsets, strict=True)]
        if any(score >= scores[own] for k, score in enumerate(scores) if k != own):
            raise Refused(f"its classifier is wrong, or undecided, on sample {place}.")


def contradicted(certificate: dict[str, Any], classes: int, samples: int) -> None:
    """Σ y (e_own − e_rival) ⊗ (x, 1) = 0 for some y > 0: demands that every classifier would have to meet cancel, so none meets them.

    Each demand is that of one sample x: its own class scores more than a rival, (w_own − w_rival)·x − (b_own − b_rival) > 0.
    """
    names = certificate["samples"]
    if not names or any(not isinstance(name, int) or not 0 <= name < samples for name in names):
        raise Refused(f"it names samples that are none of 0 to {samples - 1}.")
    points, scale = whole(matrix(certificate["features"], len(names), len(certificate["features"][0])))
    held: dict[int, tuple[list[int], int]] = {}
    sums = [[0] * (len(points[0]) + 1) for _ in range(classes)]
    given = (numbered(certificate[each], len(names), classes) for each in ("own", "rivals"))
    for name, point, own, rival, text in zip(names, points, *given, certificate["multipliers"], strict=True):
        multiplier = int(text)
        if multiplier <= 0 or own == rival or held.setdefault(name, (point, own)) != (point, own):
            raise Refused(f"a demand of sample {name} has no positive multiplier, no rival, or another point or class than before.")
        for j, x in enumerate([*point, scale]):
            sums[own][j] += multiplier * x
            sums[rival][j] -= multiplier * x
    if any(any(row) for row in sums):
        raise Refused("its demands do not cancel.")


def whole(rows: list[list[float]]) -> tuple[list[list[int]], int]:
    """Rows of doubles as whole numbers over one power of two, and that power."""
    ratios = [[float(x).as_integer_ratio() for x in row] for row in rows]
    scale = max((below for row in ratios for _, below in row), default=1)
    return [[above * (scale // below) for above, below in row] for row in ratios], scale


def matrix(rows: list[list[float]], height: int, width: int) -> list[list[float]]:
    """So many rows of numbers, so many in each."""
    if len(rows) != height or any(len(row) != width for row in rows):
        raise Refused(f"it has an array whose rows are not {height} of {width} numbers.")
    return rows


def numbered(labels: list[int], number: int, classes: int) -> list[int]:
    """So many class numbers."""
    if len(labels) != number or any(not isinstance(label, int) or not 0 <= label < classes for label in labels):
        raise Refused(f"it has labels that are not {number} of the numbers 0 to {classes - 1}.")
    return labels


def dot(left: list[int], right: list[int]) -> int:
    """Their inner product."""
    return sum(x * y for x, y in zip(left, right, strict=True))


if __name__ == "__main__":
    try:
        sys.stdout.write(verify(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))) + "\n")
    except (Refused, ValueError, OSError) as error:
        sys.exit(f"refused: {error}")
