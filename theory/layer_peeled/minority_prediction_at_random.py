"""Beyond R0, prediction inside the minority is a lottery."""

import math

import numpy as np

from layerpeel.numerics import Bracket, Proportion
from layerpeel.solvers import Enclosures
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = ((5, 5, 5.0, 15.0), (7, 3, 5.0, 5.0), (5, 5, 5.0, 8.0), (5, 5, 10.0, 20.0))
"""(K_A, K_B, E_H, R): the first two beyond R0, the last two below."""
COLLAPSED = CASES[:2]

NOISE = 1e-3
"""Standard deviation of the disturbance of every classifier weight, over √E_W: training that stops this far from the optimum."""
TRIALS = 60_000
"""The standard error of an accuracy near 1/K_B is then 0.002: a shift of 0.012 is seen at any level above 1e-9."""


def _label(majority: int, minority: int, energy: float, imbalance: float) -> str:
    return f"K_A={majority}, K_B={minority}, E_H={energy:g}, R={imbalance:g}"


def _optimum(majority: int, minority: int, energy: float, imbalance: float) -> Enclosures:
    return two_groups(majority, minority, imbalance, energy)


def predict_share() -> Quantities:
    """1/(1 + (K_B − 1) e^{−b}): 1/K_B exactly when b = 0."""
    return {_label(*case): predicted(1 / (1 + (case[1] - 1) * math.exp(-optimum(case[0], case[1], case[3], case[2]).b))) for case in CASES}


def predict_share_of_all() -> Quantities:
    """1/K in place of 1/K_B beyond R0."""
    return {_label(*case): predicted(1 / (case[0] + case[1])) for case in COLLAPSED}


def measure_share(setting: Setting) -> Quantities:
    """Probability of the own class among the minority classes, at the exact optimum, enclosed."""
    return {_label(*case): _optimum(*case).share_of_own(1) for case in CASES}


def predict_accuracy() -> Quantities:
    """1/K_B beyond R0, where every minority class is as likely to win as any other; one below, where a margin b is left."""
    return {_label(*case): Bracket.exactly(1 / case[1]) if case in COLLAPSED else Bracket(0.999, 1.0) for case in CASES}


def predict_accuracy_kept() -> Quantities:
    """One on both sides of R0: the own class still wins."""
    return {_label(*case): Bracket(0.999, 1.0) for case in CASES}


def measure_accuracy(setting: Setting) -> Quantities:
    """How often a minority class mean goes to its own class, among minority classes, when the optimal classifier is slightly disturbed."""
    found: dict[str, Proportion] = {}
    for case in CASES:
        solution = _optimum(*case).solution
        majority, minority = case[0], case[1]
        means, weights = solution.features[majority:], solution.classifier[majority:]
        own = setting.rng.integers(minority, size=TRIALS)
        noise = NOISE * setting.rng.standard_normal((TRIALS, *weights.shape))
        logits = means[own] @ weights.T + np.einsum("tkp,tp->tk", noise, means[own])
        found[_label(*case)] = Proportion(successes=int(np.sum(logits.argmax(axis=1) == own)), n=TRIALS)
    return found


ROOM = Room(
    statement=Statement(
        name="minority-prediction-at-random",
        title="Beyond R0, prediction among minority classes is at random",
        latex=r"R\geq R_0\;\Rightarrow\;\frac{e^{z_{kk}}}{\sum_{l\in B}e^{z_{kl}}}=\frac{1}{K_B}\qquad(k\in B)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Minority Collapse: the prediction on the minority classes becomes completely at random"),
    ),
    checks=(
        Check(
            name="share",
            claim="the own class holds 1/(1 + (K_B−1)e^{−b}) of the minority's probability: 1/K_B from R0 on, more below",
            origin=Origin.DERIVED,
            evidence=Evidence.CERTIFIED,
            predict=predict_share,
            measure=measure_share,
            resolution=1e-3,
            reason="enclosures are 1e-5 to 1e-4 wide",
        ),
        Check(
            name="accuracy",
            claim="under a small disturbance of the classifier, accuracy inside the minority is 1/K_B beyond R0 and one below",
            evidence=Evidence.STATISTICAL,
            predict=predict_accuracy,
            measure=measure_accuracy,
            kind=Kind.PROBABILITY,
            resolution=0.05,
            headroom=2.0,
            reason="the interval at the suite's level is 0.016 wide for 60,000 draws; ten times less would take a hundred times as many",
        ),
    ),
    controls=(
        Control(name="random-among-all", claim="the share is 1/K", check="share", predict=predict_share_of_all),
        Control(name="still-right", claim="the own class still wins", check="accuracy", predict=predict_accuracy_kept),
    ),
)
