"""Neural collapse of the LE-ODE holds when Γ → ∞ and B → −∞, or B converges and no vector is flipped; each part is needed."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, ElasticModel, logit_directions, mean_flow
from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._in_symbols.l_model_limits import BY_K, STATED, by_chain_rule
from layerpeel.theory.locally_elastic._integrated_means import IntegratedMeans, integrated_means, l_model_blocks, two_parameter
from layerpeel.theory.locally_elastic._l_model_limits import dominated, stopped

# Proof. With φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}, I_γ = (1/K)∫γφ2, I_β = (1/K)∫βφ2 and s_j = d̂_jᵀX̄^j = s̄ + δ_j,
#     X̄^i = X̄^i(0) + d̂_i [s̄(0)(φ1 − 1) + δ_i(0) I_γ] + I_β Σ_j d̂_j δ_j(0).
# If B → b in [−∞, ∞) then φ2/φ1 = e^{B/(K−1)} → r = e^{b/(K−1)}. If also Γ → ∞ then φ1 increases to ∞, and by l'Hôpital's rule I_γ/φ1 has
# the limit of I_γ'/φ1' = φ2/φ1, which is r. Then K/(K−1) I_β = φ2 − 1 − I_γ gives I_β/φ1 → 0, and
#     X̄^i/φ1 → d̂_i (s̄(0) + r δ_i(0)).
# So the directions tend to an ETF iff these K numbers are not zero and share a sign; for b = −∞ that is s̄(0) ≠ 0.

END = 100.0
WATCHED = (12.5, 25.0, 50.0, END)
"""Times. At the last, e^{B/(K−1)} ≤ e^{−9} (or B has converged) and e^{Γ/K} ≥ e^{10} in every case."""

Times = float | np.ndarray
Rates = tuple[Callable[[Times], Times], Callable[[Times], Times]]

COLLAPSING: tuple[tuple[Rates, float], ...] = (
    ((lambda t: 1.0 + 0.5 * np.sin(t), lambda t: -0.5 + 0.5 * np.cos(t)), 3.0),
    ((lambda t: 1.0 + 0.5 * np.sin(t), lambda t: -0.5 + 0.5 * np.cos(t)), -3.0),
    ((lambda t: 0.0 * t, lambda t: -0.5 + 0.0 * t), 3.0),
    ((lambda t: 1.0 + 0.0 * t, lambda t: -2.0 * (1.0 + t) ** -0.5), 3.0),
    ((lambda t: 1.0 + 0.0 * t, lambda t: -0.1 * np.exp(-t)), 8.0),
)
"""(α, β) and the shift of s̄(0); the last has B → −0.1 and a shift that leaves no s_j with the other sign."""
SIZES = (2, 3, 5)

SKEW = np.array([[1.0, 0.0, 0.3], [0.0, 2.0, -0.1], [0.4, 0.0, 1.5]])
"""A start with s_j > 0 and unequal."""
BALANCED = np.diag([2.0, -1.0, -1.0])
"""A start with s̄(0) = 0."""
FLIPPED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.3, -0.5]])
"""The start whose last vector is flipped when B stays above −0.1."""
LATE = 80.0
"""Time at which the exceptions are looked at."""
WAVES = tuple(LATE + quarter * math.pi / 2 for quarter in range(4))
"""Four phases of one period."""
PHASES = instances("phase {}/4", *range(4))

ROUNDING = 1e-12
"""Of cosines in doubles."""
LEFT = 1e-7
"""What the slower mode still has at LATE: e^{−20} of the faster one, times the start."""

ROOM = Room.of(
    Statement(
        name="neural-collapse-corrected",
        title="Neural collapse of the LE-ODE, corrected",
        latex=r"\gamma>0,\ \Gamma\to\infty,\ B\to b\in[-\infty,\infty)\ \Rightarrow\ e^{-\Gamma/K}\bar X^k\to\sigma_k\hat d_k,\quad"
        r"\sigma_k=\bar s(0)+e^{b/(K-1)}\delta_k(0);\qquad\text{an ETF}\iff\text{the }\sigma_k\neq0\text{ share a sign}",
        assumptions=(
            "L-model, P = 11ᵀ/K, γ > 0",
            "Γ = ∫γ and B = ∫β from 0 to t; s_j = d̂_jᵀX̄^j, s̄ their mean, δ_j = s_j − s̄",
            "B has a limit: for b > −∞ equal signs are not enough when B oscillates",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "poster, Proposition (Neural Collapse of the LE-ODE), with the conditions that it lacks"),
    ),
    claim(
        "limits",
        "I_γ'/φ1' = φ2/φ1 = e^{B/(K−1)} and φ2' = I_γ' + K/(K−1) I_β' for all α, β and K: l'Hôpital's rule does the rest",
        over="",
        predict=lambda: STATED,
        measure=by_chain_rule,
        by="derivatives of φ1 and φ2 by the chain rule; I_γ' and I_β' from their definitions",
        false={"by-k": ("φ2/φ1 = e^{B/K}", lambda: BY_K)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "collapse",
        "the largest cosine tends to −1/(K−1) when Γ → ∞ and B → −∞, s̄(0) ≠ 0, or B converges and signs are equal",
        over=instances("t = {:g}", *WATCHED),
        predict=-1.0,
        measure_all=lambda setting: worst_of_all(setting.rng),
        by="(K − 1) times the largest cosine, the worst of all cases: K = 2, 3, 5, normal starts shifted along d̂_j, five pairs of rates",
        # the largest (K − 1) × −1/K is that of two classes
        false={"one-over-k": ("cosines tend to −1/K", -0.5)},
        evidence=Evidence.EMPIRICAL.within(1e-3, "e^{B/(K−1)} is e^{−9} at the last time in the slowest case"),
        kind=Kind.LIMIT,
    ),
    claim(
        "exceptions",
        "with Γ bounded, s̄(0) = 0, B → +∞ or unequal signs the limit is another one, as computed",
        over="",
        predict=lambda: {
            "Γ bounded": as_predicted(stopped(SKEW)),
            "s̄(0) = 0": as_predicted(dominated(1.0, -0.1, BALANCED)),
            "B → +∞": as_predicted(dominated(1.0, 0.5, SKEW)),
            "B bounded, signs differ": 1.0,
        },
        measure=lambda: {
            "Γ bounded": late(lambda t: 0.5 * np.exp(-t), lambda t: -0.5 * np.exp(-t), SKEW),
            "s̄(0) = 0": late(lambda t: 1.0, lambda t: -0.1, BALANCED),
            "B → +∞": late(lambda t: 1.0, lambda t: 0.5, SKEW),
            "B bounded, signs differ": late(lambda t: 1.0, lambda t: -0.1 * np.exp(-t), FLIPPED),
        },
        by="(K − 1) times the largest cosine, integrated to a late time",
        false={
            "no-condition": (
                "the four exceptions collapse too",
                lambda: dict.fromkeys(("Γ bounded", "s̄(0) = 0", "B → +∞", "B bounded, signs differ"), -1.0),
            ),
            "own-directions-only": (
                "with Γ bounded the means keep to their own d̂_k",
                lambda: {"Γ bounded": as_predicted(stopped(SKEW, shared=0.0))},
            ),
        },
        evidence=Evidence.EMPIRICAL.within(3e-6, "the slower mode has e^{−20} left at the time looked at, and 1e-7 is allowed for it"),
    ),
    claim(
        "oscillation",
        "when B < 0 oscillates, cosines do so for ever although every s_j e^{−Γ/K} stays positive",
        over=PHASES,
        # X̄^i/φ1 = d̂_i (s̄(0) + ρ δ_i(0)) + (1 − 1/K)(r − ρ) Σ_j d̂_j δ_j(0), ρ = I_γ/φ1 lagging behind r = e^{B/(K−1)}
        predict=lambda quarter: as_predicted(closed_oscillation()[quarter]),
        measure=lambda quarter: largest_cosine(oscillating(), quarter),
        by="(K − 1) times the largest cosine, integrated with B(t) = −1 + e^{−t} + ½ sin t",
        false={"equal-signs-suffice": ("equal signs make it collapse", -1.0)},
        evidence=Evidence.EMPIRICAL.within(1e-8, "the integration is good to 1e-11, by its own estimate"),
    ),
    figures=(lambda setting: draw_collapse(setting), lambda setting: draw_flipped(setting)),
)


@cache
def closed_oscillation() -> Float[np.ndarray, "4 3 3"]:
    """Class means in closed form for B(t) = −1 + e^{−t} + ½ sin t."""
    model = ElasticModel(blocks="L", num_classes=3, intra=1, inter="-exp(-t) + cos(t)/2")
    return mean_flow(model, SKEW, WAVES).means


def as_predicted(vectors: Float[np.ndarray, "K K"]) -> Bracket:
    """(K − 1) × the largest cosine between these vectors."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Bracket.around((len(units) - 1) * float((units @ units.T)[~np.eye(len(units), dtype=bool)].max()), ROUNDING)


def integrated(intra: Callable, inter: Callable, start: Float[np.ndarray, "K K"], times: Sequence[float]) -> IntegratedMeans:
    """The L-model's class means."""
    classes = len(start)
    return integrated_means(lambda time: two_parameter(intra(time), inter(time), classes), l_model_blocks(classes), start, times)


@cache
def oscillating() -> IntegratedMeans:
    """For the same B(t)."""
    return integrated(lambda t: 1.0, lambda t: -np.exp(-t) + 0.5 * np.cos(t), SKEW, WAVES)


def largest_cosine(means: IntegratedMeans, index: int) -> Bracket:
    """(K − 1) × the largest cosine between two class means: at least −1, and −1 for an ETF only."""
    cosines, others = means.cosines(index), means.states.shape[1] - 1
    value = others * float(cosines[~np.eye(others + 1, dtype=bool)].max())
    return Bracket.around(value, others * means.cosine_error(index) + ROUNDING)


def worst_of_all(rng: np.random.Generator) -> list[Bracket]:
    """By time."""
    by_case: list[list[Bracket]] = []
    for classes in SIZES:
        for (intra, inter), shift in COLLAPSING:
            start = np.clip(rng.standard_normal((classes, classes)), -2.0, 2.0) + shift * logit_directions(classes)
            means = integrated(intra, inter, start, WATCHED)
            by_case.append([largest_cosine(means, index) for index in range(len(WATCHED))])
    return [Bracket(max(b.lower for b in column), max(b.upper for b in column)) for column in zip(*by_case, strict=True)]


def late(intra: Callable, inter: Callable, start: Float[np.ndarray, "3 3"]) -> Bracket:
    """(K − 1) × the largest cosine at LATE as that of the limit."""
    cosine = largest_cosine(integrated(intra, inter, start, (LATE,)), 0)
    return Bracket(cosine.lower - LEFT, cosine.upper + LEFT)


def drawn(title: str, caption: str, rates: Rates, start: Float[np.ndarray, "3 3"], end: float) -> Figure:
    """Cosines over time."""
    times = np.linspace(0.0, end, 121)
    means = integrated(*rates, start, times.tolist())
    cosines = np.stack([means.cosines(index) for index in range(len(times))])
    curves = tuple(
        Series.line(f"classes {i + 1} and {j + 1}", times, cosines[:, i, j], color) for color, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)))
    )
    return Figure(title=title, caption=caption, x_label="time", y_label="cosine between class means", series=curves)


def draw_collapse(_: Setting) -> Figure:
    """Cosines on the way to an ETF."""
    return drawn(
        "Class means tend to an ETF",
        "L-model with three classes, α = 1, β = −2(1 + t)^(−1/2): Γ → ∞, B → −∞, and all cosines tend to −1/2.",
        (lambda t: 1.0, lambda t: -2.0 * (1.0 + t) ** -0.5),
        FLIPPED,
        END,
    )


def draw_flipped(_: Setting) -> Figure:
    """The same start with bounded B."""
    return drawn(
        "The flipped counterexample",
        "The same start with β = −0.1 e^(−t): γ > 0 and B < 0 as printed, yet two cosines tend to +1/2.",
        (lambda t: 1.0, lambda t: -0.1 * np.exp(-t)),
        FLIPPED,
        40.0,
    )
