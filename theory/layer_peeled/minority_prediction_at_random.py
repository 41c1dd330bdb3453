"""Beyond R0, prediction inside the minority is a lottery."""

import math

import numpy as np

from layerpeel.numerics import Bracket, Proportion
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._reference import two_groups

LABEL = "K_A={0}, K_B={1}, E_H={3:g}, R={2:g}"
BEYOND = instances(LABEL, (5, 5, 15.0, 5.0), (7, 3, 5.0, 5.0))
CASES = BEYOND | instances(LABEL, (5, 5, 8.0, 5.0), (5, 5, 20.0, 10.0))
"""(K_A, K_B, R, E_H): two beyond R0 and two below."""
SURE = Bracket(0.999, 1.0)
"""Accuracy where the own class wins."""

NOISE = 1e-3
"""Standard deviation of the disturbance of every classifier weight, over √E_W: training that stops this far from the optimum."""
TRIALS = 60_000
"""The standard error of an accuracy near 1/K_B is then 0.002: a shift of 0.012 is seen at any level above 1e-9."""

ROOM = Room.of(
    Statement(
        name="minority-prediction-at-random",
        title="Beyond R0, prediction among minority classes is at random",
        latex=r"R\geq R_0\;\Rightarrow\;\frac{e^{z_{kk}}}{\sum_{l\in B}e^{z_{kl}}}=\frac{1}{K_B}\qquad(k\in B)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Minority Collapse: the prediction on the minority classes becomes completely at random"),
        meaning="In the model with two sizes of classes, beyond the collapse threshold a rare class is told from the other rare ones only "
        "by lot: one time in five if there are five. Below it the right one wins, so report accuracy among rare classes by itself.",
    ),
    claim(
        "share",
        "the own class holds 1/(1 + (K_B−1)e^{−b}) of the minority's probability: 1/K_B from R0 on, more below",
        over=CASES,
        predict=lambda majority, minority, imbalance, energy: own_share(minority, optimum(majority, minority, imbalance, energy).b),
        measure=lambda *case: two_groups(*case).share_of_own(1),
        by="the probability of the own class among the minority classes, at the exact optimum, enclosed",
        false={
            "random-among-all": Variant(
                "the share is 1/K", lambda majority, minority, *_: predicted(1 / (majority + minority)), over=BEYOND
            ),
            "imbalance-off": (
                "it is that of an imbalance one per cent larger",
                lambda majority, minority, imbalance, energy: own_share(minority, optimum(majority, minority, 1.01 * imbalance, energy).b),
            ),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.CERTIFIED.within(1e-3, "enclosures are 1e-5 to 1e-4 wide"),
    ),
    claim(
        "accuracy",
        "under a small disturbance of the classifier, accuracy inside the minority is 1/K_B beyond R0 and one below",
        over=CASES,
        predict=lambda *case: 1 / case[1] if optimum(*case).collapsed else SURE,
        measure_all=lambda setting: [disturbed_accuracy(*case, rng=setting.rng) for case in CASES.values()],
        by="how often a minority class mean goes to its own class, among them, when the optimal classifier is slightly disturbed",
        false={
            "still-right": ("the own class still wins", SURE),
            "one-class-more": Variant("it is 1/(K_B + 1) beyond R0", lambda majority, minority, *_: 1 / (minority + 1), over=BEYOND),
        },
        evidence=Evidence.STATISTICAL.within(
            0.05,
            "the interval at the suite's level is 0.016 wide for 60,000 draws; ten times less would take a hundred times as many",
            headroom=2.0,
        ),
        kind=Kind.PROBABILITY,
    ),
)


def own_share(minority: int, margin: float) -> Bracket:
    """1/(1 + (K_B − 1) e^{−b}): 1/K_B exactly when b = 0."""
    return predicted(1 / (1 + (minority - 1) * math.exp(-margin)))


def disturbed_accuracy(majority: int, minority: int, imbalance: float, energy: float, *, rng: np.random.Generator) -> Proportion:
    """Share of draws in which a minority class mean goes to its own class."""
    solution = two_groups(majority, minority, imbalance, energy).solution
    means, weights = solution.features[majority:], solution.classifier[majority:]
    own = rng.integers(minority, size=TRIALS)
    noise = NOISE * rng.standard_normal((TRIALS, *weights.shape))
    logits = means[own] @ weights.T + np.einsum("tkp,tp->tk", noise, means[own])
    return Proportion(successes=int(np.sum(logits.argmax(axis=1) == own)), n=TRIALS)
