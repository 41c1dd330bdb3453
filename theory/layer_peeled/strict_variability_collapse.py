"""At the optimum every feature is its class mean, and any share of within-class variation has its price."""

import math

import numpy as np
import sympy
from jaxtyping import Float
from scipy.optimize import minimize

from layerpeel.numerics import Bracket, energy_radius
from layerpeel.solvers import LayerPeeled, solve_samples
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted
from layerpeel.theory.layer_peeled._reference import reference

CASES = ((2, 2, 6, 2, 2.0), (3, 2, 4, 2, 1.0), (2, 2, 3, 3, 1.0))
"""(K_A, K_B, n_A, n_B, E_H) at E_W = 1: two with imbalance, one without."""
SHARES = (0.001, 0.01, 0.1, 0.3)
"""v: within-class variance over E_H."""

LEANING = 3.0
"""A tenth of the variation then points along the classifiers, in the directions that the loss sees."""

ROUNDING = 1e-12
"""Allowance for evaluating a loss of order one, sample by sample, in doubles."""


def _label(majority: int, minority: int, big: int, small: int, energy: float) -> str:
    return f"{majority}×{big} + {minority}×{small}, E_H={energy:g}"


def _counts(majority: int, minority: int, big: int, small: int) -> Float[np.ndarray, " K"]:
    return np.repeat([float(big), float(small)], [majority, minority])


def _optimal(majority: int, minority: int, big: int, small: int, energy: float) -> float:
    return optimal_value(majority, minority, big / small, energy_radius(majority + minority, energy, 1.0))


def predict_samples() -> Quantities:
    """The class-level optimum."""
    return {_label(*case): predicted(_optimal(*case)) for case in CASES}


def predict_samples_doubled() -> Quantities:
    """The class-level optimum with a thousandth more feature energy, as if freedom within classes were worth that."""
    return {_label(*case): predicted(_optimal(*case[:4], 1.001 * case[4])) for case in CASES}


def measure_samples(setting: Setting) -> Quantities:
    """The certified optimum of the program in which every sample has a feature of its own."""
    found: dict[str, Bracket] = {}
    for majority, minority, big, small, energy in CASES:
        counts = [big] * majority + [small] * minority
        found[_label(majority, minority, big, small, energy)] = solve_samples(counts, [1] * len(counts), feature_energy=energy)
    return found


def predict_price() -> Quantities:
    """f*(τ√(1 − v)) − f*(τ): the energy that goes into variation is missing in the means."""
    return {
        f"{_label(*case)}, v={share:g}": predicted(_optimal(*case[:4], (1 - share) * case[4]) - _optimal(*case))
        for case in CASES
        for share in SHARES
    }


def predict_free() -> Quantities:
    """Nothing: the classifiers do not see variation orthogonal to them."""
    return {label: Bracket.exactly(0.0) for label in predict_price()}


def predict_price_without_root() -> Quantities:
    """False: f*(τ(1 − v)) − f*(τ), as if features and classifiers both lost the share v."""
    return {
        f"{_label(*case)}, v={share:g}": predicted(_optimal(*case[:4], (1 - share) ** 2 * case[4]) - _optimal(*case))
        for case in CASES
        for share in SHARES
    }


def predict_second_order() -> Quantities:
    """A price that is quadratic in v, with the right price at v = 0.3."""
    prices = predict_price()
    found: dict[str, Bracket] = {}
    for case in CASES:
        largest = prices[f"{_label(*case)}, v={SHARES[-1]:g}"]
        if isinstance(largest, Bracket):
            found |= {f"{_label(*case)}, v={share:g}": predicted(largest.middle * (share / SHARES[-1]) ** 2) for share in SHARES}
    return found


def _loss(features: Float[np.ndarray, "N p"], classifier: Float[np.ndarray, "K p"], labels: Float[np.ndarray, " N"]) -> float:
    logits = features @ classifier.T
    return float(np.mean(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels]))


def _variation(
    counts: Float[np.ndarray, " K"], scales: Float[np.ndarray, " p"], energy: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "N p"], Float[np.ndarray, " N"]]:
    """Random displacements of all samples that sum to zero in every class, with (1/K) Σ_k (1/n_k) Σ_i ‖δ_{k,i}‖² = energy, and labels.

    Their coordinates have standard deviations in the ratios of `scales`.
    """
    labels = np.repeat(np.arange(counts.size), counts.astype(int))
    shifts = scales * rng.standard_normal((labels.size, scales.size))
    shifts -= np.stack([shifts[labels == label].mean(axis=0) for label in range(counts.size)])[labels]
    within = np.sum(np.sum(shifts**2, axis=1) / counts[labels]) / counts.size
    return shifts * math.sqrt(energy / within), labels


def measure_price(setting: Setting) -> Quantities:
    """Excess of the cheapest configuration with share v.

    From above: the optimum at energy (1 − v) E_H, with random variation orthogonal to the classifiers that fills the rest, its loss taken
    sample by sample. From below: by Jensen no configuration is better than its means, and they have energy (1 − v) E_H.
    """
    found: dict[str, Bracket] = {}
    for majority, minority, big, small, energy in CASES:
        best = reference(LayerPeeled.from_imbalance(majority, minority, big / small, feature_energy=energy)).value
        counts = _counts(majority, minority, big, small)
        for share in SHARES:
            means = reference(LayerPeeled.from_imbalance(majority, minority, big / small, feature_energy=(1 - share) * energy))
            shifts, labels = _variation(counts, np.ones(counts.size), share * energy, setting.rng)
            features = np.hstack([means.features[labels], shifts])
            classifier = np.hstack([means.classifier, np.zeros((counts.size, counts.size))])
            found[f"{_label(majority, minority, big, small, energy)}, v={share:g}"] = Bracket(
                means.value.lower - best.upper - ROUNDING, _loss(features, classifier, labels) - best.lower + ROUNDING, rigorous=True
            )
    return found


def predict_above_tangent() -> Quantities:
    """The price is nowhere below λτ(1 − √(1 − v))."""
    return {label: Bracket.exactly(0.0) for label in predict_price()}


def predict_above_double() -> Quantities:
    """Nor below that plus λτ v/2 ≥ v/10, a slope twice too steep."""
    return {f"{_label(*case)}, v={share:g}": Bracket.exactly(0.1 * share) for case in CASES for share in SHARES}


def measure_above_tangent(setting: Setting) -> Quantities:
    """f*(τ√(1 − v)) − f*(τ) − λτ(1 − √(1 − v)), from two certified values and the certified multiplier."""
    found: dict[str, Bracket] = {}
    for majority, minority, big, small, energy in CASES:
        best = reference(LayerPeeled.from_imbalance(majority, minority, big / small, feature_energy=energy))
        for share in SHARES:
            means = reference(LayerPeeled.from_imbalance(majority, minority, big / small, feature_energy=(1 - share) * energy))
            span = best.problem.radius * share / (1 + math.sqrt(1 - share))
            slope = best.certified_multiplier
            line = Bracket(slope.lower * span - ROUNDING, slope.upper * span + ROUNDING, rigorous=True)
            found[f"{_label(majority, minority, big, small, energy)}, v={share:g}"] = means.value - best.value - line
    return found


def measure_any(setting: Setting) -> Quantities:
    """Excess of a configuration with share v whose variation points partly along the classifiers: across them LEANING times as far."""
    found: dict[str, Bracket] = {}
    for majority, minority, big, small, energy in CASES:
        best = reference(LayerPeeled.from_imbalance(majority, minority, big / small, feature_energy=energy))
        counts = _counts(majority, minority, big, small)
        room = np.zeros((counts.size, counts.size))
        scales = np.repeat([1.0, LEANING], counts.size)
        for share in SHARES:
            shifts, labels = _variation(counts, scales, share * energy, setting.rng)
            features = math.sqrt(1 - share) * np.hstack([best.features, room])[labels] + shifts
            value = _loss(features, np.hstack([best.classifier, room]), labels)
            found[f"{_label(majority, minority, big, small, energy)}, v={share:g}"] = Bracket(
                value - best.value.upper - ROUNDING, value - best.value.lower + ROUNDING, rigorous=True
            )
    return found


def predict_none() -> Quantities:
    """No within-class variance."""
    return {_label(*case): Bracket.exactly(0.0) for case in CASES}


def predict_some() -> Quantities:
    """A tenth of a per cent of the energy stays within the classes."""
    return {_label(*case): Bracket.exactly(1e-3) for case in CASES}


STARTS = 4
"""Random starts per case; the worst one counts."""
STOPPED = 1e-8
"""Allowance in v for where L-BFGS stops: v is of the order of the excess over λτ, and the excess within 1e-9; seen: 1e-16."""


def measure_descent(setting: Setting) -> Quantities:
    """Largest share v at the end of L-BFGS over all features and classifiers, each normalised onto its energy sphere."""
    found: dict[str, Bracket] = {}
    for majority, minority, big, small, energy in CASES:
        counts = _counts(majority, minority, big, small)
        shares = [_descend(counts, energy, setting.rng) for _ in range(STARTS)]
        found[_label(majority, minority, big, small, energy)] = Bracket(max(shares) - STOPPED, max(shares) + STOPPED)
    return found


def _descend(counts: Float[np.ndarray, " K"], energy: float, rng: np.random.Generator) -> float:
    labels = np.repeat(np.arange(counts.size), counts.astype(int))
    total, classes, dimension = labels.size, counts.size, counts.size + 2
    # In the rows h/√n_k the feature energy is the plain squared norm.
    roots = np.concatenate([np.sqrt(counts[labels]), np.ones(classes)])[:, None]
    radii = np.sqrt([classes * energy, float(classes)])

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        parts = np.split(flat.reshape(-1, dimension), [total])
        norms = [float(np.linalg.norm(part)) for part in parts]
        points = [part * (radius / norm) for part, radius, norm in zip(parts, radii, norms, strict=True)]
        features, classifier = points[0] * roots[:total], points[1]
        logits = features @ classifier.T
        residual = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)) - np.eye(classes)[labels]
        slopes = [residual @ classifier * roots[:total] / total, residual.T @ features / total]
        tangents = [
            (slope - np.sum(slope * point) / radius**2 * point) * (radius / norm)
            for slope, point, radius, norm in zip(slopes, points, radii, norms, strict=True)
        ]
        return _loss(features, classifier, labels), np.concatenate(tangents).ravel()

    start = rng.standard_normal((total + classes) * dimension)
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-12}
    )
    features = found.x.reshape(-1, dimension)[:total] * roots[:total]
    means = np.stack([features[labels == label].mean(axis=0) for label in range(classes)])[labels]
    weights = 1 / counts[labels]
    return float(weights @ np.sum((features - means) ** 2, axis=1) / (weights @ np.sum(features**2, axis=1)))


N_SAMPLES, SIZE = 3, 3


def predict_jensen() -> Quantities:
    """Energy = energy of the mean + variance, and a second derivative ½ Σ_ij p_i p_j (u_i − u_j)² ≥ 0 along every u."""
    h = sympy.symbols(f"h_1:{N_SAMPLES + 1}", real=True)
    z, u = sympy.symbols(f"z_1:{SIZE + 1}", real=True), sympy.symbols(f"u_1:{SIZE + 1}", real=True)
    mean, total = sympy.Add(*h) / N_SAMPLES, sympy.Add(*(sympy.exp(entry) for entry in z))
    pairs = [(i, j) for i in range(SIZE) for j in range(i)]
    curvature = sympy.Add(*(sympy.exp(z[i] + z[j]) * (u[i] - u[j]) ** 2 for i, j in pairs)) / total**2
    return {"energy": mean**2 + sympy.Add(*((entry - mean) ** 2 for entry in h)) / N_SAMPLES, "second derivative": curvature}


def predict_jensen_flat() -> Quantities:
    """A loss without curvature, in which variation along the classifiers would be free."""
    return {"second derivative": sympy.Integer(0)}


def measure_jensen(setting: Setting) -> Quantities:
    """(1/n) Σ h_i² and d²/dt² of log Σ e^{z + t u} at t = 0, by differentiation."""
    h, t = sympy.symbols(f"h_1:{N_SAMPLES + 1}", real=True), sympy.Symbol("t", real=True)
    z, u = sympy.symbols(f"z_1:{SIZE + 1}", real=True), sympy.symbols(f"u_1:{SIZE + 1}", real=True)
    loss = sympy.log(sympy.Add(*(sympy.exp(a + t * b) for a, b in zip(z, u, strict=True))))
    return {"energy": sympy.Add(*(entry**2 for entry in h)) / N_SAMPLES, "second derivative": sympy.diff(loss, t, 2).subs(t, 0)}


ROOM = Room(
    statement=Statement(
        name="strict-variability-collapse",
        title="Features of one class coincide, and variation has its price",
        latex=r"h_{k,i}=\bar h_k;\qquad \text{with a share } v \text{ of the energy within classes:}\quad "
        r"f-f^\star\geq f^\star\!\big(\tau\sqrt{1-v}\big)-f^\star(\tau)\geq\lambda\tau\big(1-\sqrt{1-v}\big)",
        assumptions=(
            "every sample has a feature of its own, p ≥ rank + 1",
            "cross-entropy loss (any convex loss for the first inequality)",
            "v E_H = (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i} − h̄_k‖², λ > 0 the multiplier of ‖Z‖_* ≤ τ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Layer-Peeled Model, h_{k,i} depends on the class only; the price is derived"),
    ),
    checks=(
        Check(
            name="sample-by-sample",
            claim="a feature for every sample gains nothing over a feature for every class",
            evidence=Evidence.CERTIFIED,
            predict=predict_samples,
            measure=measure_samples,
            resolution=1e-6,
            reason="the certified gap of the sample-level program is near 1e-9",
        ),
        Check(
            name="price",
            claim="the cheapest configuration with share v is worse by f*(τ√(1−v)) − f*(τ)",
            evidence=Evidence.CERTIFIED,
            predict=predict_price,
            measure=measure_price,
            resolution=1e-9,
            reason="two certified values, each enclosed to about 1e-11",
        ),
        Check(
            name="any-direction",
            claim="variation in any direction costs at least that",
            evidence=Evidence.CERTIFIED,
            predict=predict_price,
            measure=measure_any,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="tangent",
            claim="that price is at least λτ(1 − √(1−v)) ≥ λτ v/2, so it is never zero",
            evidence=Evidence.CERTIFIED,
            predict=predict_above_tangent,
            measure=measure_above_tangent,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="descent",
            claim="descent over all features from random starts ends without within-class variance",
            evidence=Evidence.EMPIRICAL,
            predict=predict_none,
            measure=measure_descent,
            resolution=1e-6,
            reason="fifty times the allowance for where L-BFGS stops, to either side",
        ),
        Check(
            name="jensen",
            claim="within-class variance adds to the energy, and the loss is convex in the logits",
            evidence=Evidence.PROOF,
            predict=predict_jensen,
            measure=measure_jensen,
        ),
    ),
    controls=(
        Control(
            name="freedom-helps",
            claim="features per sample are worth 0.1 % of energy",
            check="sample-by-sample",
            predict=predict_samples_doubled,
        ),
        Control(
            name="orthogonal-is-free",
            claim="within-class variation orthogonal to the classifiers costs nothing at fixed energy",
            check="price",
            predict=predict_free,
        ),
        Control(name="second-order", claim="the price is quadratic in v", check="price", predict=predict_second_order),
        Control(
            name="both-energies",
            claim="the price is f*(τ(1−v)) − f*(τ), since classifiers lose as much as features",
            check="price",
            predict=predict_price_without_root,
        ),
        Control(
            name="both-energies-in-any-direction",
            claim="variation in any direction costs at least f*(τ(1−v)) − f*(τ)",
            check="any-direction",
            predict=predict_price_without_root,
        ),
        Control(name="twice-the-slope", claim="the price is at least λτ v", check="tangent", predict=predict_above_double),
        Control(name="some-stays", claim="0.1 % of the energy stays within the classes", check="descent", predict=predict_some),
        Control(name="flat", claim="the loss has no curvature", check="jensen", predict=predict_jensen_flat),
    ),
)
