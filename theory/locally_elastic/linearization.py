"""The softmax drift linearized around class means: the sign of its Jacobian, its kernel, the remainder's order, the two residues."""

import math

import numpy as np
import sympy
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory._room import (
    Check,
    Control,
    Evidence,
    Kind,
    Origin,
    Quantities,
    Quantity,
    Room,
    Setting,
    Source,
    Statement,
    Verdict,
)

SIZES = (2, 3, 4)
"""K of the symbolic identities."""

ORDERS = (2, 3, 10)
"""K of the measured order."""
REPEATS = 10
"""Random points and directions per K."""
FAR, NEAR = 2.0**-30, 2.0**-40
"""Distances between which the order is measured, in ball arithmetic."""
ORDER_ACCURACY = 1e-4
"""Largest distance of a measured order from a whole number: between these distances the next order is 1e-9 of the leading one, unless that
one happens to be small."""

NEXT_ORDER = 2e-6
"""What the next order may change in a slope: a thousand times what it did for random directions, which can all err to one side."""

ERRORS = (1e-2, 1e-4, 1e-8, 1e-16)
"""1 − p̄_k near convergence."""
CLASSES = 3

c = sympy.Symbol("c", real=True)


def _exponentials(classes: int) -> sympy.Matrix:
    """e^{z_i} as symbols, so that everything is rational."""
    return sympy.Matrix(sympy.symbols(f"x1:{classes + 1}", positive=True))


def _softmax(exponentials: sympy.Matrix) -> sympy.Matrix:
    return exponentials / (sympy.ones(1, exponentials.rows) * exponentials)[0]


def _jacobian(probabilities: sympy.Matrix) -> sympy.Matrix:
    """J = diag(p) − p pᵀ."""
    return sympy.diag(*probabilities) - probabilities * probabilities.T


def _paired(matrix: sympy.Matrix) -> sympy.Expr:
    """uᵀ M v with free symbols u, v: one expression for all entries."""
    left, right = (sympy.Matrix(sympy.symbols(f"{name}1:{size + 1}")) for name, size in zip("uv", matrix.shape, strict=True))
    return (left.T * matrix * right).applyfunc(sympy.factor)[0]


def _centred_unit(classes: int) -> sympy.Matrix:
    """e_1 − 1/K."""
    return sympy.Matrix(classes, 1, lambda i, _: int(i == 0) - sympy.Rational(1, classes))


def predict_identities() -> Quantities:
    """∇(e_k − σ) = −J; J 1 = 0, and nothing else is in the kernel; at constant logits e_k − σ + J z is e_k − 1/K."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        probabilities = _softmax(_exponentials(k))
        found[f"K={k}: gradient of e_k − σ(z)"] = _paired(-1 * _jacobian(probabilities))
        found[f"K={k}: J 1"] = sympy.Integer(0)
        found[f"K={k}: a minor of J"] = sympy.Mul(*_exponentials(k).flat()) / sympy.Add(*_exponentials(k).flat()) ** k
        found[f"K={k}: residue at equal logits c"] = _paired(_centred_unit(k))
    return found


def predict_identities_printed_sign() -> Quantities:
    """The printed equations (12) and (15): the gradient is +J."""
    return {f"K={k}: gradient of e_k − σ(z)": _paired(_jacobian(_softmax(_exponentials(k)))) for k in SIZES}


def predict_identities_drifting_residue() -> Quantities:
    """A false variant: the residue at equal logits is proportional to their size c."""
    return {"K=3: residue at equal logits c": _paired(_centred_unit(3) * c)}


def measure_identities(setting: Setting) -> Quantities:
    """By differentiation, for symbolic logits; the class is the first one."""
    found: dict[str, Quantity] = {}
    for k in SIZES:
        exponentials = _exponentials(k)
        probabilities, own = _softmax(exponentials), sympy.Matrix(k, 1, lambda i, _: int(i == 0))
        jacobian, ones = _jacobian(probabilities), sympy.ones(k, 1)
        # d/dz = x d/dx for x = e^z
        gradient = (own - probabilities).jacobian(exponentials) * sympy.diag(*exponentials)
        # with Σ p = 1, a positive minor without the last row and column: the rank is K − 1
        minor = sympy.Matrix(k - 1, k - 1, lambda i, j, jacobian=jacobian: jacobian[i, j])
        # J is that of the means at any time, not of the point c·1 of expansion
        residue = own - _softmax(ones) + jacobian * (c * ones)
        found[f"K={k}: gradient of e_k − σ(z)"] = _paired(gradient)
        found[f"K={k}: J 1"] = _paired(jacobian * ones)
        found[f"K={k}: a minor of J"] = sympy.Matrix([minor.det()]).applyfunc(sympy.factor)[0]
        found[f"K={k}: residue at equal logits c"] = _paired(residue)
    return found


def predict_order() -> Quantities:
    """Two."""
    return {f"K={k}, e_k − σ = −J": Bracket.exactly(2.0) for k in ORDERS}


def predict_order_one() -> Quantities:
    """A false variant: the remainder is of first order."""
    return {f"K={k}, e_k − σ = −J": Bracket.exactly(1.0) for k in ORDERS}


def predict_order_three() -> Quantities:
    """A false variant: the remainder is of third order."""
    return {f"K={k}, e_k − σ = −J": Bracket.exactly(3.0) for k in ORDERS}


def predict_order_printed() -> Quantities:
    """Two with the printed sign, +J."""
    return {f"K={k}, e_k − σ = +J": Bracket.exactly(2.0) for k in ORDERS}


def predict_order_zero() -> Quantities:
    """A false variant: with the printed sign a constant is left."""
    return {f"K={k}, e_k − σ = +J": Bracket.exactly(0.0) for k in ORDERS}


def measure_order(setting: Setting) -> Quantities:
    """The slope of log ‖remainder‖ against log ‖X − φ‖ between two distances, over random φ and directions."""
    found: dict[str, Quantity] = {}
    with ctx.workprec(2 * PRECISION):
        for k in ORDERS:
            for sign, label in ((-1, "−J"), (1, "+J")):
                slopes = [_slope(setting.rng, k, sign) for _ in range(REPEATS)]
                low, high = min(each.lower for each in slopes) - NEXT_ORDER, max(each.upper for each in slopes) + NEXT_ORDER
                found[f"K={k}, e_k − σ = {label}"] = Bracket(low, high, rigorous=True)
    return found


def _slope(rng: np.random.Generator, classes: int, sign: int) -> Bracket:
    centre, direction = ([arb(each) for each in rng.normal(size=classes).tolist()] for _ in range(2))
    direction = _minus_mean(direction)
    far, near = (_norm(_remainder(centre, [distance * each for each in direction], sign)) for distance in (FAR, NEAR))
    return to_bracket((far / near).log() / math.log2(FAR / NEAR) / arb(2).log())


def _minus_mean(values: list[arb]) -> list[arb]:
    middle = sum(values, arb(0)) / len(values)
    return [each - middle for each in values]


def _remainder(centre: list[arb], step: list[arb], sign: int) -> list[arb]:
    """[e_k − σ(φ + step)] − [e_k − σ(φ)] − (±J) step."""
    before, after = (_probabilities(logits) for logits in (centre, [a + b for a, b in zip(centre, step, strict=True)]))
    return [old - new - sign * push for old, new, push in zip(before, after, _pushed(before, step), strict=True)]


def _probabilities(logits: list[arb]) -> list[arb]:
    exponentials = [each.exp() for each in logits]
    total = sum(exponentials, arb(0))
    return [each / total for each in exponentials]


def _pushed(probabilities: list[arb], vector: list[arb]) -> list[arb]:
    """J v = p ∘ (v − p·v)."""
    inner = sum((a * b for a, b in zip(probabilities, vector, strict=True)), arb(0))
    return [each * (value - inner) for each, value in zip(probabilities, vector, strict=True)]


def _norm(values: list[arb]) -> arb:
    return sum((each**2 for each in values), arb(0)).sqrt()


def predict_vanishing() -> Quantities:
    """The residue at φ∞ tends to zero with 1 − p̄_k."""
    return {_label(error): Bracket.exactly(0.0) for error in ERRORS}


def predict_constant() -> Quantities:
    """A false variant: near convergence the residue is what it is near initialization, of norm √(1 − 1/K)."""
    return {_label(error): Bracket.exactly(math.sqrt(1 - 1 / CLASSES)) for error in ERRORS}


def measure_vanishing(setting: Setting) -> Quantities:
    """‖e_k − p̄_k + J φ∞‖, the rest of the probability split at random among the other classes."""
    with ctx.workprec(PRECISION):
        shares = [arb(each) for each in setting.rng.dirichlet(np.ones(CLASSES - 1)).tolist()]
        return {_label(error): to_bracket(_norm(_residue(error, shares))) for error in ERRORS}


def predict_pace() -> Quantities:
    """‖residue‖/‖e_k − p̄_k‖ = 1 + p̄_k log((K−1) p̄_k/(1 − p̄_k)): a logarithm slower than the error."""
    with ctx.workprec(PRECISION):
        own = {error: 1 - arb(error) for error in ERRORS}
        return {_label(error): to_bracket(1 + p * ((CLASSES - 1) * p / error).log()) for error, p in own.items()}


def predict_proportional() -> Quantities:
    """A false variant: the residue is e_k − p̄_k alone."""
    return {_label(error): Bracket.exactly(1.0) for error in ERRORS}


def measure_pace(setting: Setting) -> Quantities:
    """The ratio of the two norms, the rest of the probability split evenly."""
    with ctx.workprec(PRECISION):
        shares = [arb(1) / (CLASSES - 1)] * (CLASSES - 1)
        return {_label(error): to_bracket(_norm(_residue(error, shares)) / _norm(_miss(error, shares))) for error in ERRORS}


def _label(error: float) -> str:
    return f"1 − p̄_k = {error:g}"


def _split(error: float, shares: list[arb]) -> list[arb]:
    """p̄_k, with the shares scaled so that all sum to one."""
    total = sum(shares, arb(0))
    return [1 - arb(error), *(error * share / total for share in shares)]


def _miss(error: float, shares: list[arb]) -> list[arb]:
    """e_k − p̄_k."""
    return [int(i == 0) - each for i, each in enumerate(_split(error, shares))]


def _residue(error: float, shares: list[arb]) -> list[arb]:
    """e_k − p̄_k + J φ∞ with logits φ∞ = log p̄_k, any common shift of which J removes."""
    probabilities = _split(error, shares)
    pushed = _pushed(probabilities, [each.log() for each in probabilities])
    return [a + b for a, b in zip(_miss(error, shares), pushed, strict=True)]


ROOM = Room(
    statement=Statement(
        name="linearization",
        title="Why a linear drift: the softmax around class means",
        latex=r"e_k-\sigma(X)=e_k-\bar p_k-J_k(X-\varphi)+O(\|X-\varphi\|^2),\ J_k=\operatorname{diag}(\bar p_k)-\bar p_k\bar p_k^{\top};"
        r"\quad R(z)=e_k-\sigma(z)+J_kz:\ R(c,\dots,c)=e_k-\tfrac1K,\ R(\varphi)\to0\ (\bar p_k\to e_k)",
        assumptions=("softmax cross-entropy, p̄_k = σ(φ)", "logits of one class at a time: J is block diagonal"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, Justifications for Linearization, equations (11) to (18)"),
    ),
    checks=(
        Check(
            name="identities",
            claim="the gradient of e_k − σ is −J; J has exactly the constant vectors in its kernel; equal logits leave a constant residue",
            evidence=Evidence.PROOF,
            predict=predict_identities,
            measure=measure_identities,
        ),
        Check(
            name="printed-sign",
            claim="as printed in (12) and (15), with +J, the remainder is of second order",
            evidence=Evidence.CERTIFIED,
            predict=predict_order_printed,
            measure=measure_order,
            resolution=ORDER_ACCURACY,
            reason="slopes between distances 1e-9 and 1e-12",
            expected=Verdict.REFUTED,
        ),
        Check(
            name="order",
            claim="with −J the remainder is of second order",
            evidence=Evidence.CERTIFIED,
            predict=predict_order,
            measure=measure_order,
            resolution=ORDER_ACCURACY,
            reason="slopes between distances 1e-9 and 1e-12",
            origin=Origin.DERIVED,
        ),
        Check(
            name="near-convergence",
            claim="the residue at φ∞ vanishes as p̄_k tends to e_k",
            evidence=Evidence.CERTIFIED,
            predict=predict_vanishing,
            measure=measure_vanishing,
            kind=Kind.LIMIT,
            resolution=1e-13,
            reason="at 1 − p̄_k = 1e-16 the residue is about 40 times that",
        ),
        Check(
            name="pace",
            claim="it vanishes more slowly than e_k − p̄_k, by the factor 1 + p̄_k log((K−1) p̄_k/(1 − p̄_k)) when errors are even",
            evidence=Evidence.CERTIFIED,
            predict=predict_pace,
            measure=measure_pace,
            resolution=1e-12,
            reason="balls of 128 bits",
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="plus", claim="the gradient of e_k − σ is +J", check="identities", predict=predict_identities_printed_sign),
        Control(
            name="drifting-residue",
            claim="the residue at equal logits grows with them",
            check="identities",
            predict=predict_identities_drifting_residue,
        ),
        Control(name="constant-left", claim="with +J a constant is left", check="printed-sign", predict=predict_order_zero),
        Control(name="first-order", claim="the remainder is of first order", check="order", predict=predict_order_one),
        Control(name="third-order", claim="the remainder is of third order", check="order", predict=predict_order_three),
        Control(name="constant", claim="near convergence the residue stays constant", check="near-convergence", predict=predict_constant),
        Control(name="proportional", claim="the residue is e_k − p̄_k alone", check="pace", predict=predict_proportional),
    ),
)
