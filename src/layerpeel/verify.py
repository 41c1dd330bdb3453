"""Checks a certificate that layerpeel wrote, with python-flint and nothing of layerpeel: a copy runs alone, `python verify.py FILE.json`.

What has to be believed is this file, the arithmetic of balls, and for each kind the theorem in the docstring of its function. All numbers
in a certificate are exact: whole numbers, or fractions as text, "-3/8".
"""

import hashlib
import json
import sys
from functools import reduce
from pathlib import Path
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

BITS = 320
"""Working precision: five times what a double holds, so that nothing that matters cancels."""


class Refused(Exception):
    """The file proves nothing, or less than it claims; the message says which."""


def verify(certificate: Any) -> str:
    """The sentence that a certificate proves; Refused is raised where it proves less, was changed, or is none."""
    try:
        if certificate["format"] != "layerpeel certificate 1" or certificate["kind"] not in KINDS:
            raise Refused(f"this checks 'layerpeel certificate 1' of the kinds {', '.join(KINDS)}, and it is something else.")
        if digest(certificate) != certificate["sha256"]:
            raise Refused("it was changed after it was written: its digest does not fit its content.")
        with ctx.workprec(BITS):
            prove, sentence = KINDS[certificate["kind"]]
            below, above = prove(certificate)
            lower, upper = vector([certificate["claim"]["lower"], certificate["claim"]["upper"]])
            if not (below >= lower and above <= upper):
                raise Refused(f"it proves {below.str(17)} to {above.str(17)} and claims more.")
            return sentence.format(lower.str(17, radius=False), upper.str(17, radius=False))
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError) as error:
        raise Refused(f"this is no certificate, or not all of one: {type(error).__name__}: {error}.") from error


def digest(certificate: dict[str, Any]) -> str:
    """SHA-256 of everything else in it, its keys sorted."""
    content = {name: part for name, part in certificate.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def optimum(certificate: dict[str, Any]) -> tuple[arb, arb]:
    """Bounds of the least value of a program of K classes with n_k samples.

        f(H Wᵀ + 1bᵀ) + (λ_b/2)‖b‖²,  f(Z) = Σ_k (n_k/N) L(Z_k, k),  N = Σ n_k,
        subject to Σ‖w_k‖² ≤ K E_W and Σ d_k²‖h_k‖² ≤ E_H Σ d_k², or with (λ_W/2) Σ‖w_k‖² + (λ_H/2) Σ d_k²‖h_k‖² added.

    From above: the value at features, classifier and bias that are given. From below: any G with f(Z) ≥ constant + ⟨G, Z⟩ for all Z, as
    ⟨G, H Wᵀ⟩ ≥ −‖diag(1/d) G‖ τ with τ = √(K E_W · E_H Σ d_k²), and ⟨g, b⟩ + (λ_b/2)‖b‖² ≥ −‖g‖²/(2λ_b) with g = Gᵀ1. With penalties
    the minorant times s = min(1, √(λ_W λ_H)/‖diag(1/d) G‖) is outrun by them, and it is a minorant because no loss is negative.
    """
    problem = certificate["problem"]
    counts, masses = vector(problem["counts"], least=0), vector(problem["feature_weights"], least=0)
    shares = [n / total(counts) for n in counts]
    features, classifier = matrix(certificate["features"], len(counts)), matrix(certificate["classifier"], len(counts))
    logits = (arb_mat(features) * arb_mat(classifier).transpose()).tolist()
    spent = total(d * x**2 for d, h in zip(masses, features, strict=True) for x in h), total(x**2 for w in classifier for x in w)
    slope, constant = (loss := Loss(problem)).minorant(certificate, shares)
    (norm,) = vector([certificate["slope_norm"]], least=0)
    if not is_longer(norm, [[x / d.sqrt() for x in row] for row, d in zip(slope, masses, strict=True)]):
        raise Refused("its slope is longer than it says.")

    extra, drift = arb(0), arb(0)
    if problem["bias_penalty"] is not None:
        (penalty,), bias = vector([problem["bias_penalty"]], least=0), vector(certificate["bias"])
        logits = [[z + b for z, b in zip(row, bias, strict=True)] for row in logits]
        extra = penalty / 2 * total(b**2 for b in bias)
        drift = total(total(column) ** 2 for column in zip(*slope, strict=True)) / (2 * penalty)
    if "feature_energy" in problem:
        energies = vector([problem["feature_energy"], problem["weight_energy"]], least=0)
        allowed = energies[0] * total(masses), energies[1] * len(counts)
        if not (spent[0] <= allowed[0] and spent[1] <= allowed[1]):
            raise Refused("its features or its classifier spend more energy than they may.")
        below = constant - (allowed[0] * allowed[1]).sqrt() * norm - drift
    else:
        penalties = vector([problem["feature_penalty"], problem["weight_penalty"]], least=0)
        extra += (penalties[0] * spent[0] + penalties[1] * spent[1]) / 2
        multiple = ((penalties[0] * penalties[1]).sqrt() / norm).min(arb(1))
        below = multiple * constant - multiple**2 * drift
    above = extra + total(c * loss.at(row, k)[0] for k, (c, row) in enumerate(zip(shares, logits, strict=True)))
    return below.max(arb(0)), above


class Loss:
    """L(z, k): cross-entropy with smoothed labels of Δ_j z_j + ι_j − m_k [j = k], ½‖z − e_k‖², or max(0, 1 + max_{j≠k} z_j − z_k)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.name, (self.smoothing,) = problem["loss"], vector([problem["label_smoothing"]])
        self.scales, self.shifts, self.margins = (vector(problem[name]) for name in ("logit_scale", "logit_shift", "margins"))
        if self.name not in ("cross-entropy", "squared", "hinge") or not (self.smoothing >= 0 and self.smoothing <= 1):
            raise Refused("its loss is unknown, or smooths labels by less than nothing or more than all.")

    def at(self, z: list[arb], k: int) -> tuple[arb, list[arb]]:
        """L, and its gradient where there is one."""
        if self.name == "hinge":
            return reduce(arb.max, (1 + x - z[k] for j, x in enumerate(z) if j != k), arb(0)), []
        if self.name == "squared":
            slopes = [x - int(j == k) for j, x in enumerate(z)]
            return total(x**2 for x in slopes) / 2, slopes
        labels = [self.smoothing / len(z) + (1 - self.smoothing) * int(j == k) for j in range(len(z))]
        moved = [s * x + i - self.margins[k] * int(j == k) for j, (s, x, i) in enumerate(zip(self.scales, z, self.shifts, strict=True))]
        top = reduce(arb.max, moved).mid()
        powers = [(u - top).exp() for u in moved]
        whole = total(powers)
        value = top + whole.log() - total(y * u for y, u in zip(labels, moved, strict=True))
        return value, [s * (power / whole - y) for s, power, y in zip(self.scales, powers, labels, strict=True)]

    def minorant(self, certificate: dict[str, Any], shares: list[arb]) -> tuple[list[list[arb]], arb]:
        """G and the constant: the tangent at given logits, or for the hinge shares Π_kj ≥ 0 of competitors, Σ_j Π_kj ≤ 1."""
        slope, constant = [], arb(0)
        for k, (row, c) in enumerate(zip(matrix(certificate["dual"], len(shares), len(shares)), shares, strict=True)):
            if self.name == "hinge":
                value = total(row) - row[k]
                slopes = [-value if j == k else x for j, x in enumerate(row)]
                if not (all(x >= 0 for x in row) and value <= 1):
                    raise Refused("its shares of competitors are negative, or sum to more than one.")
            else:
                value, slopes = self.at(row, k)
                value -= total(x * y for x, y in zip(row, slopes, strict=True))
            constant += c * value
            slope.append([c * x for x in slopes])
        return slope, constant


def is_longer(norm: arb, rows: list[list[arb]]) -> bool:
    """norm > ‖M‖: norm² − MᵀM is positive definite, which Gauss's elimination without pivoting shows."""
    gram = (arb_mat(rows).transpose() * arb_mat(rows)).tolist()
    left = [[(norm**2 if i == j else 0) - x for j, x in enumerate(row)] for i, row in enumerate(gram)]
    for i, pivot in enumerate(left):
        if not pivot[i] > 0:
            return False
        for row in left[i + 1 :]:
            factor = row[i] / pivot[i]
            row[i + 1 :] = [x - factor * y for x, y in zip(row[i + 1 :], pivot[i + 1 :], strict=True)]
    return True


def threshold(certificate: dict[str, Any]) -> tuple[arb, arb]:
    """Bounds of R0, the ratio of counts from which K_B minority classifiers coincide beside K_A others; E_H averages over classes.

    On the boundary τ = K √(E_H E_W) and R0 are increasing functions of one ζ > 0: with r_B = e^ζ, 1/r_A² = 1/r_B² + (K/K_B)(1 − 1/r_B²),
    L_A = log((K r_A − K_B)/K_A), L_B = log((K r_B − K_A)/K_B), s = r_B K_B L_B and a = s/r_A − K_A L_A they are τ = (K_A − 1) a + s and
    R0 = 1 + (e^a − 1) e^{L_A}/(K r_A). So a point with a smaller τ bounds R0 from below, and one with a larger τ from above.
    """
    problem, ends = certificate["problem"], []
    majority, minority = vector([problem["majority"], problem["minority"]], least=0)
    energies, classes = vector([problem["feature_energy"], problem["weight_energy"]], least=0), majority + minority
    for zeta in vector(certificate["points"], least=0):
        root_b = zeta.exp()
        root_a = 1 / (1 / root_b**2 + classes / minority * (1 - 1 / root_b**2)).sqrt()
        share = (classes * root_a - minority) / majority
        between = root_b * minority * ((classes * root_b - majority) / minority).log()
        a = between / root_a - majority * share.log()
        ends.append(((majority - 1) * a + between, 1 + (a.exp() - 1) * share / (classes * root_a)))
    (low, below), (high, above) = ends
    radius = classes * (energies[0] * energies[1]).sqrt()
    if not (majority >= 1 and minority >= 2 and low <= radius <= high):
        raise Refused("its two points do not enclose the program's radius.")
    return below, above


KINDS = {
    "optimum": (optimum, "the least value of its program lies from {} to {}"),
    "threshold": (threshold, "the minority's classifiers coincide from an imbalance on that lies from {} to {}"),
}


def vector(texts: list[Any], least: int | None = None) -> list[arb]:
    """Exact numbers, whole or as texts p/q; above the least one where it is given."""
    pairs = [str(text).partition("/") for text in texts]
    numbers = [arb(fmpq(int(above), int(below or "1"))) for above, _, below in pairs]
    if least is not None and not all(x > least for x in numbers):
        raise Refused(f"one of {', '.join(map(str, texts[:4]))} is not above {least}.")
    return numbers


def matrix(rows: list[list[Any]], height: int, width: int | None = None) -> list[list[arb]]:
    """So many rows of exact numbers, all of one length: the width, where it is given."""
    if len(rows) != height or any(len(row) != (width or len(rows[0])) for row in rows):
        raise Refused(f"it has a matrix whose rows do not fit {height} classes.")
    return [vector(row) for row in rows]


def total(numbers: Any) -> arb:
    """Their sum."""
    return sum(numbers, arb(0))


if __name__ == "__main__":
    try:
        sys.stdout.write(verify(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))) + "\n")
    except (Refused, ValueError, OSError) as error:
        sys.exit(f"refused: {error}")
