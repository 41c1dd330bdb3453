"""Balanced classes end in a simplex ETF, features aligned with classifiers."""

import math
from functools import cache

import sympy

from layerpeel.numerics import Bracket
from layerpeel.solvers import Blocks, LayerPeeled, solve_blocks
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols.equal_classes import TAU, K, gap_of_etf

ENERGIES = instances("K={}, E_H={:g}, E_W={:g}", (3, 5.0, 1.0), (4, 2.0, 0.5), (6, 1.0, 3.0), (10, 5.0, 1.0))
FRAMES = ("classifiers", "class means")

ROOM = Room.of(
    Statement(
        name="balanced-etf",
        title="Balanced classes end in a simplex ETF",
        latex=r"n_1=\dots=n_K \;\Rightarrow\; h^\star_{k,i}=C\,w^\star_k=C'\,m^\star_k,\quad C=\sqrt{E_H/E_W},\; C'=\sqrt{E_H}",
        assumptions=("all classes have the same number of samples", "cross-entropy loss", "feature dimension p ≥ K − 1"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Balanced training, Theorem"),
        meaning="With equally many samples per class, the model's best last layer sets all classes at equal, widest angles and aligns "
        "features with classifiers. Hold a balanced run against that; the model leaves the lower layers free and has no bias.",
    ),
    claim(
        "optimal-for-every-K",
        "the certificate of the ETF closes exactly, for all K and τ",
        over="gap for all K and τ",
        predict=sympy.Integer(0),
        measure=lambda: gap_of_etf(TAU / (K - 1)),
        by="⟨G, Z⟩ + τ‖G‖ of the ETF on the sphere, with K and τ as symbols",
        false={"short-etf": ("the ETF with a = τ/K is optimal", lambda: gap_of_etf(TAU / K))},
        evidence=Evidence.PROOF,
        origin=Origin.DERIVED,
    ),
    claim(
        "value",
        "the optimal value is log(1 + (K−1) exp(−K√(E_W E_H)/(K−1)))",
        over=ENERGIES,
        predict=lambda k, h, w: predicted(frame_value(k, k / (k - 1) * math.sqrt(h * w))),
        measure=lambda k, h, w: blocks(k, h, w).value,
        by="from above by the program's own X, from below by the multipliers of its two energies",
        false={
            "orthogonal-value": ("the value is that of an orthogonal frame", lambda k, h, w: predicted(frame_value(k, math.sqrt(h * w)))),
            "own-class-too": (
                "the value is log(1 + K exp(−K√(E_W E_H)/(K−1)))",
                lambda k, h, w: predicted(frame_value(k + 1, k / (k - 1) * math.sqrt(h * w))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-9, "the conic solver is asked for 1e-12; the closed form is granted 1e-10"),
        origin=Origin.DERIVED,
    ),
    claim(
        "simplex-frame",
        "classifiers and class means have pairwise cosines −1/(K−1)",
        over=ENERGIES,
        predict=lambda k, h, w: dict.fromkeys(FRAMES, predicted(-1 / (k - 1))),
        measure=lambda k, h, w: dict(zip(FRAMES, (blocks(k, h, w).classifier_cosine(0), blocks(k, h, w).feature_cosine(0)), strict=True)),
        by="cosines inside the blocks X_WW and X_HH of the optimum, enclosed",
        false={
            "orthogonal-frame": ("the classifiers are orthogonal", lambda k, h, w: dict.fromkeys(FRAMES, predicted(0.0))),
            "one-class-more": ("the cosines are −1/K", lambda k, h, w: dict.fromkeys(FRAMES, predicted(-1 / k))),
        },
        evidence=Evidence.CERTIFIED.within(1e-5, "a gap of 1e-15 locates the blocks to about its root over the curvature, 1e-7"),
    ),
    claim(
        "self-duality",
        "h_k = C w_k with C = √(E_H/E_W), and ‖h_k‖ = √E_H",
        over=ENERGIES,
        predict=lambda k, h, w: duality(math.sqrt(h / w), h),
        measure=lambda k, h, w: measured_duality(blocks(k, h, w)),
        by="diagonals of the blocks X_HH, X_WW and X_HW of the optimum, enclosed",
        false={
            "ratio-without-root": ("C = E_H/E_W", lambda k, h, w: duality(h / w, h)),
            "fourth-root": ("C = (E_H/E_W)^{1/4}", lambda k, h, w: duality((h / w) ** 0.25, h)),
            "centred": ("centring leaves ‖h_k‖ = √(E_H (K−1)/K)", lambda k, h, w: duality(math.sqrt(h / w), h * (k - 1) / k)),
        },
        evidence=Evidence.CERTIFIED.within(3e-5, "as for the frame, times norms of order √5"),
    ),
)


@cache
def blocks(classes: int, feature_energy: float, weight_energy: float) -> Blocks:
    """The semidefinite program with its two energies, which knows nothing of frames."""
    return solve_blocks(LayerPeeled(counts=[10] * classes, feature_energy=feature_energy, weight_energy=weight_energy))


def frame_value(classes: int, margin: float) -> float:
    """The loss where every logit of another class is smaller by the margin."""
    return math.log1p((classes - 1) * math.exp(-margin))


def duality(constant: float, feature_energy: float) -> dict[str, Bracket]:
    """h_k = C w_k, whose length is C' = √E_H."""
    return {"cos(h, w)": predicted(1.0), "C = ‖h‖/‖w‖": predicted(constant), "C' = ‖h‖": predicted(math.sqrt(feature_energy))}


def measured_duality(blocks: Blocks) -> dict[str, Bracket]:
    """The same of the blocks."""
    feature = blocks.feature_norm(0)
    return {"cos(h, w)": blocks.alignment(0), "C = ‖h‖/‖w‖": feature / blocks.classifier_norm(0), "C' = ‖h‖": feature}
