"""Balanced classes end in a simplex ETF, features aligned with classifiers."""

import math
from functools import cache

import sympy

from layerpeel.numerics import Bracket
from layerpeel.solvers import Blocks, LayerPeeled, solve_blocks
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

CASES = ((3, 5.0, 1.0), (4, 2.0, 0.5), (6, 1.0, 3.0), (10, 5.0, 1.0))
"""(K, E_H, E_W)."""


def _label(classes: int, feature_energy: float, weight_energy: float) -> str:
    return f"K={classes}, E_H={feature_energy:g}, E_W={weight_energy:g}"


@cache
def _blocks(classes: int, feature_energy: float, weight_energy: float) -> Blocks:
    """The semidefinite program with its two energies, which knows nothing of frames."""
    return solve_blocks(LayerPeeled(counts=[10] * classes, feature_energy=feature_energy, weight_energy=weight_energy))


def _optimal_value(classes: int, energy_product: float, spread: float) -> Bracket:
    return predicted(math.log1p((classes - 1) * math.exp(-spread * math.sqrt(energy_product))))


def predict_value() -> Quantities:
    """log(1 + (K − 1) e^{−K √(E_W E_H)/(K − 1)})."""
    return {_label(*case): _optimal_value(case[0], case[1] * case[2], case[0] / (case[0] - 1)) for case in CASES}


def predict_value_of_orthogonal_frame() -> Quantities:
    """log(1 + (K − 1) e^{−√(E_W E_H)}): what orthogonal features would reach."""
    return {_label(*case): _optimal_value(case[0], case[1] * case[2], 1.0) for case in CASES}


def measure_value(setting: Setting) -> Quantities:
    """From above by the program's own X, from below by the multipliers of its two energies."""
    return {_label(*case): _blocks(*case).value for case in CASES}


def predict_cosines() -> Quantities:
    """−1/(K − 1) between any two classifiers, and between any two class means."""
    return {f"{_label(*case)}, {what}": predicted(-1 / (case[0] - 1)) for case in CASES for what in ("classifiers", "class means")}


def predict_orthogonal_cosines() -> Quantities:
    """Zero: an orthogonal frame instead of a simplex ETF."""
    return {label: predicted(0.0) for label in predict_cosines()}


def measure_cosines(setting: Setting) -> Quantities:
    """Cosines inside the blocks X_WW and X_HH of the optimum, enclosed."""
    found: dict[str, Bracket] = {}
    for case in CASES:
        found[f"{_label(*case)}, classifiers"] = _blocks(*case).classifier_cosine(0)
        found[f"{_label(*case)}, class means"] = _blocks(*case).feature_cosine(0)
    return found


def _duality(constant: float, case: tuple[int, float, float]) -> dict[str, Bracket]:
    return {
        f"{_label(*case)}, cos(h, w)": predicted(1.0),
        f"{_label(*case)}, C = ‖h‖/‖w‖": predicted(constant),
        f"{_label(*case)}, C' = ‖h‖": predicted(math.sqrt(case[1])),
    }


def predict_duality() -> Quantities:
    """h_k = C w_k with C = √(E_H/E_W), and ‖h_k‖ = C' = √E_H."""
    return {label: value for case in CASES for label, value in _duality(math.sqrt(case[1] / case[2]), case).items()}


def predict_duality_without_root() -> Quantities:
    """The constant C = E_H/E_W, without the square root."""
    return {label: value for case in CASES for label, value in _duality(case[1] / case[2], case).items()}


def predict_duality_of_fourth_roots() -> Quantities:
    """The constant C = (E_H/E_W)^{1/4}, the factor of either side of Z = UΣVᵀ, without the factor of the other."""
    return {label: value for case in CASES for label, value in _duality((case[1] / case[2]) ** 0.25, case).items()}


def measure_duality(setting: Setting) -> Quantities:
    """Diagonals of the blocks X_HH, X_WW and X_HW of the optimum, enclosed."""
    found: dict[str, Bracket] = {}
    for case in CASES:
        feature, classifier = _blocks(*case).feature_norm(0), _blocks(*case).classifier_norm(0)
        found |= {
            f"{_label(*case)}, cos(h, w)": _blocks(*case).alignment(0),
            f"{_label(*case)}, C = ‖h‖/‖w‖": feature / classifier,
            f"{_label(*case)}, C' = ‖h‖": feature,
        }
    return found


K, TAU = sympy.symbols("K tau", positive=True)


def _gap_of_etf(spread: sympy.Expr) -> sympy.Expr:
    """⟨G, Z⟩ + τ‖G‖ at Z = a (I − 11ᵀ/K), from the entries of the softmax and of Z.

    Row k of Z holds a (1 − 1/K) and K − 1 times −a/K; row k of G = (P − I)/K holds (p_own − 1)/K and K − 1 times p_other/K. G vanishes on
    1 and equals (p_own − 1 − p_other)/K across it.
    """
    own, other = spread * (1 - 1 / K), -spread / K
    total = sympy.exp(own) + (K - 1) * sympy.exp(other)
    slope_own, slope_other = (sympy.exp(own) / total - 1) / K, sympy.exp(other) / total / K
    inner_product = K * (slope_own * own + (K - 1) * slope_other * other)
    return inner_product + TAU * (slope_other - slope_own)


def predict_zero_gap() -> Quantities:
    """Zero: the ETF is optimal for every K and every τ."""
    return {"gap for all K and τ": sympy.Integer(0)}


def measure_gap(setting: Setting) -> Quantities:
    """The certificate of the ETF on the sphere, with K and τ as symbols."""
    return {"gap for all K and τ": _gap_of_etf(TAU / (K - 1))}


def predict_gap_of_short_etf() -> Quantities:
    """The gap that an ETF with a = τ/K would have: not zero, so this false optimum is told apart."""
    return {"gap for all K and τ": _gap_of_etf(TAU / K)}


ROOM = Room(
    statement=Statement(
        name="balanced-etf",
        title="Balanced classes end in a simplex ETF",
        latex=r"n_1=\dots=n_K \;\Rightarrow\; h^\star_{k,i}=C\,w^\star_k=C'\,m^\star_k,\quad C=\sqrt{E_H/E_W},\; C'=\sqrt{E_H}",
        assumptions=("all classes have the same number of samples", "cross-entropy loss", "feature dimension p ≥ K − 1"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Balanced training, Theorem"),
    ),
    checks=(
        Check(
            name="value",
            claim="the optimal value is log(1 + (K−1) exp(−K√(E_W E_H)/(K−1)))",
            evidence=Evidence.CERTIFIED,
            predict=predict_value,
            measure=measure_value,
            origin=Origin.DERIVED,
            resolution=1e-9,
            reason="the conic solver is asked for 1e-12; the closed form is granted 1e-10",
        ),
        Check(
            name="simplex-frame",
            claim="classifiers and class means have pairwise cosines −1/(K−1)",
            evidence=Evidence.CERTIFIED,
            predict=predict_cosines,
            measure=measure_cosines,
            resolution=1e-5,
            reason="a gap of 1e-15 locates the blocks to about its root over the curvature, 1e-7",
        ),
        Check(
            name="self-duality",
            claim="h_k = C w_k with C = √(E_H/E_W), and ‖h_k‖ = √E_H",
            evidence=Evidence.CERTIFIED,
            predict=predict_duality,
            measure=measure_duality,
            resolution=3e-5,
            reason="as for the frame, times norms of order √5",
        ),
        Check(
            name="optimal-for-every-K",
            claim="the certificate of the ETF closes exactly, for all K and τ",
            evidence=Evidence.PROOF,
            predict=predict_zero_gap,
            measure=measure_gap,
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(
            name="orthogonal-value",
            claim="the value is that of an orthogonal frame",
            check="value",
            predict=predict_value_of_orthogonal_frame,
        ),
        Control(name="orthogonal-frame", claim="the classifiers are orthogonal", check="simplex-frame", predict=predict_orthogonal_cosines),
        Control(name="ratio-without-root", claim="C = E_H/E_W", check="self-duality", predict=predict_duality_without_root),
        Control(name="fourth-root", claim="C = (E_H/E_W)^{1/4}", check="self-duality", predict=predict_duality_of_fourth_roots),
        Control(name="short-etf", claim="the ETF with a = τ/K is optimal", check="optimal-for-every-K", predict=predict_gap_of_short_etf),
    ),
)
