"""Neural collapse of the LE-ODE holds when Γ → ∞ and B → −∞, or B converges and no vector is flipped; each part is needed."""

from functools import cache

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, ElasticModel, mean_flow
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._in_symbols.l_model_limits import BY_K, STATED, by_chain_rule
from layerpeel.theory.locally_elastic._l_model_limits import dominated, stopped
from layerpeel.theory.locally_elastic._measured import late_cosines as means

# Proof. With φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}, I_γ = (1/K)∫γφ2, I_β = (1/K)∫βφ2 and s_j = d̂_jᵀX̄^j = s̄ + δ_j,
#     X̄^i = X̄^i(0) + d̂_i [s̄(0)(φ1 − 1) + δ_i(0) I_γ] + I_β Σ_j d̂_j δ_j(0).
# If B → b in [−∞, ∞) then φ2/φ1 = e^{B/(K−1)} → r = e^{b/(K−1)}. If also Γ → ∞ then φ1 increases to ∞, and by l'Hôpital's rule I_γ/φ1 has
# the limit of I_γ'/φ1' = φ2/φ1, which is r. Then K/(K−1) I_β = φ2 − 1 − I_γ gives I_β/φ1 → 0, and
#     X̄^i/φ1 → d̂_i (s̄(0) + r δ_i(0)).
# So the directions tend to an ETF iff these K numbers are not zero and share a sign; for b = −∞ that is s̄(0) ≠ 0.

BALANCED = np.diag([2.0, -1.0, -1.0])
"""A start with s̄(0) = 0."""
PHASES = instances("phase {}/4", *range(4))

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
        meaning="In the model of logits class means reach equal, widest angles if pull on the own class outgrows that on others without "
        "bound, and classes repel each other without bound, or boundedly with no mean on the wrong side. Otherwise other limits appear.",
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
        over=instances("t = {:g}", *means.WATCHED),
        predict=-1.0,
        measure_all=lambda setting: means.worst_of_all(setting.rng),
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
            "Γ bounded": as_predicted(stopped(means.SKEW)),
            "s̄(0) = 0": as_predicted(dominated(1.0, -0.1, BALANCED)),
            "B → +∞": as_predicted(dominated(1.0, 0.5, means.SKEW)),
            "B bounded, signs differ": 1.0,
        },
        measure=lambda: {
            "Γ bounded": means.late(lambda t: 0.5 * np.exp(-t), lambda t: -0.5 * np.exp(-t), means.SKEW),
            "s̄(0) = 0": means.late(lambda t: 1.0, lambda t: -0.1, BALANCED),
            "B → +∞": means.late(lambda t: 1.0, lambda t: 0.5, means.SKEW),
            "B bounded, signs differ": means.late(lambda t: 1.0, lambda t: -0.1 * np.exp(-t), means.FLIPPED),
        },
        by="(K − 1) times the largest cosine, integrated to a late time",
        false={
            "no-condition": (
                "the four exceptions collapse too",
                lambda: dict.fromkeys(("Γ bounded", "s̄(0) = 0", "B → +∞", "B bounded, signs differ"), -1.0),
            ),
            "own-directions-only": (
                "with Γ bounded the means keep to their own d̂_k",
                lambda: {"Γ bounded": as_predicted(stopped(means.SKEW, shared=0.0))},
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
        measure=lambda quarter: means.largest_cosine(means.oscillating(), quarter),
        by="(K − 1) times the largest cosine, integrated with B(t) = −1 + e^{−t} + ½ sin t",
        false={"equal-signs-suffice": ("equal signs make it collapse", -1.0)},
        evidence=Evidence.EMPIRICAL.within(1e-8, "the integration is good to 1e-11, by its own estimate"),
    ),
    figures=(means.draw_collapse, means.draw_flipped),
)


@cache
def closed_oscillation() -> Float[np.ndarray, "4 3 3"]:
    """Class means in closed form for B(t) = −1 + e^{−t} + ½ sin t."""
    model = ElasticModel(blocks="L", num_classes=3, intra=1, inter="-exp(-t) + cos(t)/2")
    return mean_flow(model, means.SKEW, means.WAVES).means


def as_predicted(vectors: Float[np.ndarray, "K K"]) -> Bracket:
    """(K − 1) × the largest cosine between these vectors."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Bracket.around((len(units) - 1) * float((units @ units.T)[~np.eye(len(units), dtype=bool)].max()), means.ROUNDING)
