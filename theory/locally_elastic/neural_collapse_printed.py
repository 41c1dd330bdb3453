"""Neural collapse as printed fails: B(t) < 0 leaves some vectors flipped, and a bounded Γ leaves the start in sight."""

import math
from itertools import combinations, product

import sympy

from layerpeel.numerics import Bracket, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Verdict, claim, instances
from layerpeel.theory.locally_elastic import _vanishing_inter as inter
from layerpeel.theory.locally_elastic._l_model_limits import correlation, cosine_when_stopped, exactly, projection, share_of_starts
from layerpeel.theory.locally_elastic._measured.printed_hypotheses import BOUNDS, EXCESS, SHARED, least_rates, shares_counted
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED

FLIPPED = (inter.case_of("1", "-0.1", last=("0", "0.3", "-0.5")), inter.case_of("1", "-0.2", last=("0", "0", "0.3", "-0.8")))
"""B → b > −∞, and the last vector points against its own class strongly enough."""
STOPPED = inter.case_of("0", "-1", last=("0", "0", "1"))
"""Γ = 1 − e^{−t}: the means stop, here from the best of starts but one: X̄³ is e_3 as well."""

VECTORS = instances("K = {0.classes}: vector {1}", *((case, j) for case in FLIPPED for j in range(1, case.classes + 1)))
PAIRS = instances(
    "K = {0.classes}: vectors {1}, {2}", *((case, *pair) for case in FLIPPED for pair in combinations(range(1, case.classes + 1), 2))
)
PAIRS_WHEN_STOPPED = instances("K = {0.classes}: vectors {1}, {2}", *((STOPPED, *pair) for pair in combinations((1, 2, 3), 2)))
HYPOTHESES = instances("α = {0.intra}, β = {0.inter} e^(−t): {1}", *product((*FLIPPED, STOPPED), (EXCESS, SHARED)))

ENCLOSED = "enclosures in ball arithmetic; what is left of β beyond t = 20 moves the limit by less than 1e-8"
ROUNDING = 1e-12
"""Of a closed form in doubles."""

ROOM = Room.of(
    Statement(
        name="neural-collapse-printed",
        title="Neural collapse of the LE-ODE, as printed",
        latex=r"\gamma>0,\ B(t)<0\ (t\geq T)\ \Rightarrow\ \cos\angle(\bar X^k,\bar X^l)\to-\tfrac{1}{K-1}",
        assumptions=(
            "L-model, P = 11ᵀ/K",
            "B = ∫β; the printed form asks nothing of its limit, of Γ = ∫γ, or of the start",
            "an ETF has all cosines −1/(K−1), as in neural collapse",
            "for lines instead of vectors the flipped limit is an ETF too, the limit with bounded Γ is not",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "poster, Proposition (Neural Collapse of the LE-ODE); slides, Corollary"),
        meaning="The printed claim that class means end at equal, widest angles once classes repel each other is false: one mean may end "
        "flipped, or all may stop on the way. Trust it only where repulsion and the excess of self-pull add up without bound.",
    ),
    claim(
        "hypotheses",
        "the counterexamples satisfy what is printed: γ > 0, and B(t) < 0 from t = 1 on",
        over=HYPOTHESES,
        predict=0.0,
        measure=lambda case, part: least_rates(case)[part],
        by="the least values of γ e^t = a e^t − b over t ≥ 0 and of −B over t ≥ 1",
        # as if β ended at once
        false={"b-at-its-limit": ("B(t) ≤ B(∞) from t = 1 on", lambda case, part: -float(case.inter) if part == SHARED else None)},
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
    ),
    claim(
        "as-printed",
        "for α = 1 and β = b e^{−t} the directions tend to an ETF",
        over=PAIRS,
        predict=lambda case, j, i: exactly(-sympy.Rational(1, case.classes - 1)),
        measure=inter.limit_cosine,
        by="enclosed cosines of the limits of X̄^j e^{−at/K}",
        false={
            "not-flipped-but-first": (
                "the first vector is flipped",
                lambda case, j, _: exactly(sympy.Rational(1 if j == 1 else -1, 2)) if case.classes == 3 else None,
            )
        },
        evidence=Evidence.CERTIFIED.within(1e-6, ENCLOSED),
        expected=Verdict.REFUTED,
    ),
    claim(
        "flipped",
        "they tend to an ETF with the last vector flipped: cosines −½, ½, ½ for three classes",
        over=PAIRS,
        predict=lambda case, _, i: exactly(sympy.Rational(1 if i == case.classes else -1, case.classes - 1)),
        measure=inter.limit_cosine,
        by="enclosed cosines of the limits of X̄^j e^{−at/K}",
        false={
            "first-flipped": (
                "the first vector is the flipped one",
                lambda case, j, _: exactly(sympy.Rational(1 if j == 1 else -1, 2)) if case.classes == 3 else None,
            )
        },
        evidence=Evidence.CERTIFIED.within(1e-6, ENCLOSED),
        origin=Origin.DERIVED,
    ),
    claim(
        "signs",
        "because s_j e^{−Γ/K} → s̄(0) + e^{B(∞)/(K−1)} δ_j(0), which is negative for the last class only",
        over=VECTORS,
        predict=lambda case, j: projection(case, j, share=sympy.exp(sympy.Rational(case.inter) / (case.classes - 1))),
        measure=lambda case, j: to_bracket(inter.limit_projections(case)[j - 1]),
        by="enclosures of s_j e^{−at/K} = e^{−B(∞)/K} times that, by Taylor steps and the bound of what is left of β",
        false={
            "without-decay": ("deviations δ_j do not shrink against s̄", lambda case, j: projection(case, j, share=sympy.Integer(1))),
            "decay-by-k": (
                "they shrink by e^{B(∞)/K}",
                lambda case, j: projection(case, j, share=sympy.exp(sympy.Rational(case.inter) / case.classes)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, ENCLOSED),
        origin=Origin.DERIVED,
    ),
    claim(
        "as-printed-bounded-gap",
        "for α = 0 and β = −e^{−t} the directions tend to an ETF, from X̄^k(0) = e_k",
        over=PAIRS_WHEN_STOPPED,
        predict=-0.5,
        measure=inter.stopped_cosine,
        by="enclosed cosines at the limit",
        false={"stopped-at-once": ("the means stop where they begin", 0.0)},
        evidence=Evidence.CERTIFIED.within(1e-6, ENCLOSED),
        expected=Verdict.REFUTED,
    ),
    claim(
        "stopped",
        "there the means stop on the way: X̄^k tends to e^{1/3} e_k − (e^{1/3} − 1)/3",
        over=PAIRS_WHEN_STOPPED,
        # the right angles of the start have opened by eleven degrees only
        predict=lambda *_: cosine_when_stopped(sympy.Rational(1, 3)),
        measure=inter.stopped_cosine,
        by="enclosed cosines at the limit",
        false={
            "collapsed-when-stopped": ("bounded Γ is enough", -0.5),
            "stopped-by-half": ("X̄^k tends to e^{1/2} e_k − (e^{1/2} − 1)/3", lambda *_: cosine_when_stopped(sympy.Rational(1, 2))),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, ENCLOSED),
        origin=Origin.DERIVED,
    ),
    claim(
        "how-often",
        "with three classes and B(∞) > −∞ the share ¼ + (3/2π) arcsin ρ of normal starts collapses",
        over=BOUNDS,
        predict=lambda bound: Bracket.around(share_of_starts(math.exp(bound)), ROUNDING),
        measure_all=lambda setting: shares_counted(setting),
        by="the share of standard normal starts whose limit has three obtuse angles; the limit is linear in the start",
        false={
            "always": ("every start collapses", 1.0),
            "independent-signs": ("a quarter collapses, whatever B(∞)", lambda bound: 0.25 if bound == -2.0 else None),
            "arcsine-forgotten": (
                "the share ¼ + (3/2π) ρ collapses",
                lambda bound: 0.25 + 1.5 / math.pi * correlation(math.exp(bound)) if bound == -2.0 else None,
            ),
        },
        evidence=Evidence.STATISTICAL.within(SHARP, SIZED.replace("paths", "starts"), headroom=2.0),
        kind=Kind.PROBABILITY,
        origin=Origin.DERIVED,
    ),
)
