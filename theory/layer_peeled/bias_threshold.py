"""With a free bias the threshold is elementary, R0 = 1 + (e^a − 1)/K with a = τ/(K_A − 1 + K_B/K), and always above that without one."""

import math

from layerpeel.numerics import Bracket, log_threshold_minus_one, log_threshold_with_bias_minus_one
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._changed_losses import Case, Change, labelled, multiplier_at_switch, switch
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols import bias
from layerpeel.theory.layer_peeled._measured.free_bias import coincide, margin

FREE = Change(bias_penalty=1e-7)
"""A bias of order one costs this much, and moves the threshold by about as much."""
SPLITS = labelled(*(Case(*split, FREE) for split in ((3, 3, 2.5), (2, 3, 4.0), (4, 2, 2.0), (1, 4, 3.0), (3, 5, 6.0))))
BETWEEN = instances("{}×{:g} + {}×1, E_H={:g}", (3, 2.5, 3, 1.0), (5, 13.5, 5, 5.0), (2, 3.4, 4, 1.0), (1, 6.0, 3, 2.0))
"""Imbalances between the two thresholds."""
NEAR = "the energies on either side are 3e-4 apart, and the bias costs 1e-7"

ROOM = Room.of(
    Statement(
        name="bias-threshold",
        title="A free bias raises the threshold of minority collapse",
        latex=r"R_0^{b}=1+\frac{e^{a}-1}{K},\qquad a=\frac{\tau}{K_A-1+K_B/K};\qquad R_0^{b}>R_0",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "a bias that costs nothing", "τ = K √(E_H E_W)"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("hong2023", "the model with a bias; the threshold is derived"),
        meaning="In the model with two sizes of classes, a last-layer bias that costs nothing keeps rare classes apart up to a larger "
        "imbalance. It delays their collapse and does not prevent it; a bias under weight decay is not covered.",
    ),
    claim(
        "boundary",
        "b = 0, λ = n_B/N, equal margins a in a majority row and none in a minority row solve all conditions at R0 and τ as stated",
        over="",
        predict=lambda: bias.STATED_CONDITIONS,
        measure=bias.conditions,
        by="the conditions of section 3 with a bias β = b_A − b_B between the rows, at tan θ = √(K_A/K_B) and β = a/K",
        false={
            "without-inner-share": ("the radius is (K_A − 1) a", lambda: bias.WITHOUT_INNER_SHARE),
            "majority-for-all": ("the radius is (K_A − 1 + K_B/K_A) a", lambda: bias.MAJORITY_FOR_ALL),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "threshold",
        "the minority comes apart at the energy where R = 1 + (e^a − 1)/K",
        over=SPLITS,
        predict=lambda case: predicted(log_energy(case)),
        measure=lambda case: switch(case).bracket,
        by="log E_H between a semidefinite optimum whose minority is certainly apart and one where it certainly coincides",
        false={
            "one-percent-off": ("it takes one per cent more energy", lambda case: predicted(log_energy(case) + math.log(1.01))),
            "majority-alone": (
                "the minority's share of τ is K_B/K_A for K_B/K",
                lambda case: predicted(log_energy(case, of=case.majority)),
            ),
            "without-one": (
                "it comes apart where R = e^a/K",
                lambda case: predicted(log_energy(case._replace(imbalance=case.imbalance + 1 - 1 / case.classes))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, NEAR),
    ),
    claim(
        "law",
        "the law is the same as without a bias: λ = c_B where the minority comes apart",
        over=SPLITS,
        predict=1.0,
        measure=multiplier_at_switch,
        by="λ/c_B, enclosed, at the energy where the margin between two minority classes certainly goes from zero to positive",
        false={
            "law-one-percent-off": ("it comes apart where λ = 1.01 c_B", 1.01),
            "own-part": ("it comes apart where λ = (1 − 1/K) c_B", lambda case: predicted(1 - 1 / case.classes)),
        },
        evidence=Evidence.CERTIFIED.within(1e-2, "λ moves about as much as the energies on either side"),
    ),
    claim(
        "a-pure-guess",
        "where it comes apart, minority samples are predicted uniformly among all classes, the majority's included",
        over=SPLITS,
        predict=0.0,
        measure=lambda case: margin(switch(case)),
        by="the logit of a minority class less that of a majority class in its row, bias included, enclosed at both energies",
        false={
            "bias-forgotten": ("the margin is what the classifiers make, a/K", lambda case: predicted(a_of(case) / case.classes)),
            "as-often-as-they-occur": ("it is −log R", lambda case: predicted(-math.log(case.imbalance))),
        },
        evidence=Evidence.CERTIFIED.within(1e-2, "margins move about as much as the energies on either side"),
    ),
    claim(
        "above",
        "without a bias, for K_A ≥ 2, τ leaves a the less: s − aK_B/K ≥ 0, and R0 − 1 = (e^a − 1)/(K_A + K_B/ρ) ≤ (e^a − 1)/K, ρ ≤ 1",
        over="",
        predict=lambda: bias.STATED_EXCESS,
        measure=bias.excess,
        by="with P = cos φ cos θ, Q = sin φ sin θ, tan²φ = K_A/K_B, 1 − P − Q = 1 − cos(φ − θ) ≥ 0: so 1 − P ≥ Q, and the second line says "
        "that (1 − Q)/Q ≥ P/(1 − P), the logarithms W ≥ ρ's of the first; both factors of its first term are no less than the second's",
        false={"the-other-way": ("s − aK_B/K has the other sign", lambda: bias.OTHER_WAY)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "in-between",
        "between the two thresholds a free bias keeps the minority apart that coincides without one",
        over=BETWEEN,
        predict=lambda *case: {"with a bias": phase(case, bias=True), "without": phase(case, bias=False)},
        measure=lambda *case: {"with a bias": coincide(case, FREE.bias_penalty), "without": coincide(case, None)},
        by="whether two minority classifiers of the semidefinite optimum certainly coincide (1) or are apart (0)",
        false={
            "no-change": ("a bias changes nothing", lambda *case: dict.fromkeys(("with a bias", "without"), phase(case, bias=False))),
            "harms": (
                "a bias makes the minority coincide earlier",
                lambda *case: {"with a bias": phase(case, bias=False), "without": phase(case, bias=True)},
            ),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
)


def a_of(case: Case) -> float:
    """a = log(1 + K(R − 1))."""
    return math.log1p(case.classes * (case.imbalance - 1))


def log_energy(case: Case, of: int | None = None) -> float:
    """log E_H at E_W = 1 from τ = a(K_A − 1 + K_B/K), or K_B over another number of classes."""
    return 2 * math.log(a_of(case) * (case.majority - 1 + case.minority / (of or case.classes)) / case.classes)


def phase(case: tuple[int, float, int, float], *, bias: bool) -> Bracket:
    """1 where the closed form says that the minority coincides."""
    majority, ratio, minority, energy = case
    threshold = log_threshold_with_bias_minus_one if bias else log_threshold_minus_one
    return Bracket.exactly(float(math.log(ratio - 1) >= threshold(majority, minority, feature_energy=energy)))
