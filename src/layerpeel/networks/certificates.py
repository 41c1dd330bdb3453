"""A proof that travels: whether features are linearly separable, in exact numbers, for a checker that needs nothing but Python."""

from collections.abc import Sequence
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
from flint import fmpz, fmpz_mat

from layerpeel import verify_separability
from layerpeel.array_words import Float, Int
from layerpeel.networks.measure import last_layer
from layerpeel.numerics import Contradiction, UnusableInput, features_separable

LARGEST = 2_000_000
"""Features that are written: about 20 bytes each."""

LONGEST = 500
"""Demands that cancel whose multipliers are solved for in whole numbers; 200 take half a second, 500 ten."""


def separability_certificate(
    features: Float[np.ndarray, "n p"],
    labels: Int[np.ndarray, " n"],
    classifier: Float[np.ndarray, "K p"] | None = None,
    bias: Float[np.ndarray, " K"] | None = None,
) -> dict[str, Any]:
    """The proof that one linear classifier is right on every sample, or that none is.

    Args:
        features: one row per sample, n × p.
        labels: class numbers 0 … K−1, each with a sample.
        classifier: tried first; K × p.
        bias: its K numbers.

    Returns:
        What `layerpeel verify` reads: all samples and a classifier, scores w_k·(x − a) − b_k; or samples whose demands on any classifier
        cancel, with whole multipliers (Gordan's alternative).

    Raises:
        UnusableInput: where neither was proved, for arrays that do not fit, and for more features than a file should hold.

    Source: crammer2001, section 3 (the decision rule); mangasarian1969, chapter 2 (Gordan).

    Example:
        >>> certificate = separability_certificate(np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 0]))
        >>> verify_separability.verify(certificate)
        'no linear classifier names the right class of each of 3 samples of 2 classes'
    """
    points = np.asarray(features, dtype=float)
    separability = features_separable(points, labels, classifier, bias)
    found, held = separability.classifier, separability.contradiction
    claim = {"separable": separability.separable, "classes": int(labels.max()) + 1, "samples": len(points)}
    certificate = {"format": "layerpeel certificate 1", "kind": "separability", "claim": claim}
    if found is not None:
        if points.size > LARGEST:
            raise UnusableInput(
                f"a certificate of {points.size} features is too large: it holds every one, and at most {LARGEST}; give fewer samples."
            )
        proof: dict[str, Any] = {"features": points, "labels": labels, "weights": found.weights, "anchor": found.anchor}
        return _sealed(certificate | {name: array.tolist() for name, array in (proof | {"offsets": found.offsets}).items()})
    if held is None:
        raise UnusableInput(
            "whether these features are separable was not proved in doubles, so nothing is written: give fewer samples, or fewer classes."
        )
    chosen = points[held.samples]
    parts = {"features": chosen, "samples": held.samples, "own": held.own, "rivals": held.rivals}
    multipliers = _multipliers(chosen, held, claim["classes"])
    return _sealed(certificate | {name: array.tolist() for name, array in parts.items()} | {"multipliers": list(map(str, multipliers))})


def certificate_of_files(paths: Sequence[Path | str], *, ignore: Any = (), pool: str | None = None) -> dict[str, Any]:
    """The same of the last layer in files, as `layerpeel.measure` reads them.

    Raises:
        UnusableInput: as `separability_certificate` and `layerpeel.measure`, and for several checkpoints.
    """
    features, labels, head = last_layer(paths, ignore=ignore, pool=pool)
    return separability_certificate(features, labels, *((None, None) if head is None else (head.own_weights, head.own_bias)))


def _multipliers(points: Float[np.ndarray, "s p"], held: Contradiction, classes: int) -> list[fmpz]:
    """Positive whole numbers y with Σ y (e_own − e_rival) ⊗ (x, 1) = 0: the only ones up to a factor."""
    if len(points) > LONGEST:
        raise UnusableInput(
            f"a certificate of {len(points)} demands that cancel would be too large: their multipliers are solved for in whole numbers, at "
            f"most {LONGEST}; measure a layer of fewer features."
        )
    rows: list[list[fmpz]] = []
    lifted = [*_whole(points.T), [fmpz(1)] * len(points)]
    for k in range(classes - 1):  # the last block is minus the sum of the others
        signs = (held.own == k).astype(int) - (held.rivals == k)
        rows += [[int(sign) * x for sign, x in zip(signs, row, strict=True)] for row in lifted]
    basis, nullity = fmpz_mat(rows).nullspace()
    kernel = [basis[place, 0] for place in range(len(points))]
    if nullity != 1 or not (all(y > 0 for y in kernel) or all(y < 0 for y in kernel)):
        raise UnusableInput("the demands that cancel leave their multipliers open, so no certificate is written: leave a sample out.")
    common = kernel[0]
    for y in kernel:
        common = common.gcd(y)
    return [abs(y // common) for y in kernel]


def _whole(rows: Sequence[Sequence[float]] | Float[np.ndarray, "p s"]) -> list[list[fmpz]]:
    """Each row over a denominator of its own, which a sum of zero does not see."""
    ratios = [[float(x).as_integer_ratio() for x in row] for row in rows]
    scales = [lcm(*(below for _, below in row)) for row in ratios]
    return [[fmpz(above * (scale // below)) for above, below in row] for row, scale in zip(ratios, scales, strict=True)]


def _sealed(certificate: dict[str, Any]) -> dict[str, Any]:
    return certificate | {"sha256": verify_separability.digest(certificate)}
