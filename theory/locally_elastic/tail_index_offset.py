"""The tail index by its definition, and three formulas that go by the same name: as printed, as released, and with the poster's sign."""

import math

import numpy as np
import sympy
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, printed_tail_index, tail_index, to_bracket
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

DECAYS: tuple[sympy.Expr, ...] = (sympy.Rational(1, 2), sympy.Integer(1), sympy.Rational(3, 2), sympy.Integer(2))
"""a of α = C(1 + t)^{−a}."""

TIMES = np.arange(1.0, 10_001.0)
"""Iterations on which the library's estimators are evaluated."""

UNIT = 3.0
"""C where it is not one."""

ROUNDING = 1e-9
"""A regression over 9000 points, or an average over 1000, of logarithms good to 1e-15."""

FAR = (2, 10, 100, 1000)
"""n of the times T = 10ⁿ: the cumulative variant approaches its limit no faster than 1/log T."""

PACE = 1e-3
"""log 2/log T at T = 10^1000 is 3e-4."""

t, u, constant, excess = sympy.symbols("t u C eta", positive=True)


def _label(exponent: sympy.Expr, what: str) -> str:
    return f"a={exponent}: {what}"


def predict_limits() -> Quantities:
    """α tˢ stays finite up to s = a and not beyond, so r = a; printed 1 + a; from the cumulative min(a, 1); ln α/ln t → −a."""
    found: dict[str, Quantity] = {}
    for a in DECAYS:
        found |= {
            _label(a, "lim α tᵃ"): constant,
            _label(a, "lim 1/(α t^(a+η))"): sympy.Integer(0),
            _label(a, "printed"): 1 + a,
            _label(a, "cumulative"): sympy.Min(a, 1),
            _label(a, "lim ln α/ln t"): -a,
        }
    return found


def predict_limits_printed() -> Quantities:
    """A false variant: the printed formula gives a."""
    return {_label(a, "printed"): a for a in DECAYS}


def predict_limits_poster() -> Quantities:
    """A false variant, the poster's −ln α ≈ C − r ln t: ln α/ln t → +r."""
    return {_label(a, "lim ln α/ln t"): a for a in DECAYS}


def measure_limits(setting: Setting) -> Quantities:
    """Limits by sympy, for every C > 0 and η > 0. An average over the last thousand iterations has the limit of what it averages."""
    found: dict[str, Quantity] = {}
    for a in DECAYS:
        alpha = constant * (1 + t) ** (-a)
        cumulative = sympy.integrate(alpha.subs(t, u), (u, 0, t))
        for what, expression in (
            ("lim α tᵃ", alpha * t**a),
            ("lim 1/(α t^(a+η))", 1 / (alpha * t ** (a + excess))),
            ("printed", 1 - sympy.log(alpha) / sympy.log(1 + t)),
            ("cumulative", 1 - sympy.log(cumulative) / sympy.log(1 + t)),
            ("lim ln α/ln t", sympy.log(alpha) / sympy.log(t)),
        ):
            found[_label(a, what)] = sympy.limit(expression, t, sympy.oo)
    return found


def predict_library() -> Quantities:
    """a by the definition, 1 + a by the printed formula, and less by log C · avg 1/log(1 + t) where C is not one."""
    lift = float(np.mean(1 / np.log1p(TIMES[-1001:])))
    found: dict[str, Quantity] = {}
    for a in DECAYS:
        for what, value in (
            ("definition", float(a)),
            ("printed", 1 + float(a)),
            (f"printed, C={UNIT:g}", 1 + float(a) - math.log(UNIT) * lift),
        ):
            found[_label(a, what)] = _near(value)
    return found


def predict_library_printed() -> Quantities:
    """The printed claim: the formula estimates r = a."""
    return {_label(a, "printed"): _near(float(a)) for a in DECAYS}


def predict_library_twice() -> Quantities:
    """A false variant: the printed formula estimates 2r, as it does for a = 1."""
    return {_label(a, "printed"): _near(2 * float(a)) for a in DECAYS if a != 1}


def predict_library_offset() -> Quantities:
    """A false variant: the definition is one more, as the printed formula."""
    return {_label(a, "definition"): _near(1 + float(a)) for a in DECAYS}


def measure_library(setting: Setting) -> Quantities:
    """The library's estimators on rates without noise: C t^{−a} for the definition, C(1 + t)^{−a} for the printed formula."""
    found: dict[str, Quantity] = {}
    for a in DECAYS:
        power = -float(a)
        found[_label(a, "definition")] = _near(tail_index(TIMES, UNIT * TIMES**power).mean)
        found[_label(a, "printed")] = _near(printed_tail_index(TIMES, (1 + TIMES) ** power))
        found[_label(a, f"printed, C={UNIT:g}")] = _near(printed_tail_index(TIMES, UNIT * (1 + TIMES) ** power))
    return found


def _near(value: float) -> Bracket:
    return Bracket(value - ROUNDING / 2, value + ROUNDING / 2)


def predict_saturation() -> Quantities:
    """One."""
    return {f"T = 10^{n}": Bracket.exactly(1.0) for n in FAR}


def predict_no_saturation() -> Quantities:
    """A false variant: 3/2, the index of the rate."""
    return {f"T = 10^{n}": Bracket.exactly(1.5) for n in FAR}


def measure_saturation(setting: Setting) -> Quantities:
    """1 − log A(T)/log(1 + T) for α = (1 + t)^{−3/2}, in ball arithmetic."""
    found: dict[str, Quantity] = {}
    for n in FAR:
        with ctx.workprec(PRECISION + 4 * n):
            last = arb(10) ** n
            # ∫(1 + t)^{−3/2}
            cumulative = 2 - 2 / (1 + last).sqrt()
            found[f"T = 10^{n}"] = to_bracket(1 - cumulative.log() / (1 + last).log())
    return found


ROOM = Room(
    statement=Statement(
        name="tail-index-offset",
        title="The tail index and its three estimators",
        latex=r"\alpha\sim Ct^{-a}:\quad r=\sup\{s:\lim_{t\to\infty}\alpha t^s<\infty\}=a,\qquad "
        r"1-\operatorname{avg}\frac{\log\alpha}{\log(1+t)}\to1+a,\qquad 1-\frac{\log A}{\log(1+t)}\to\min(a,1),\ A=\int_0^t\alpha",
        assumptions=("α > 0 decays like a power of t", "averages over the last thousand iterations"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, LE Coefficients Estimation, after equation (19); poster, Visualizing Phase Transition"),
    ),
    checks=(
        Check(
            name="limits",
            claim="r = a; the printed formula tends to 1 + a, on the cumulative to min(a, 1); −ln α ≈ C + r ln t",
            evidence=Evidence.PROOF,
            predict=predict_limits,
            measure=measure_limits,
            origin=Origin.DERIVED,
        ),
        Check(
            name="printed",
            claim="as printed, 1 − avg log α/log(1+t) estimates r",
            evidence=Evidence.EMPIRICAL,
            predict=predict_library_printed,
            measure=measure_library,
            resolution=20 * ROUNDING,
            reason="rates without noise, and twenty times the rounding of regressions and averages",
            expected=Verdict.REFUTED,
        ),
        Check(
            name="library",
            claim="on rates without noise the definition's slope is a, and the printed formula 1 + a, less log C/log t for a factor C",
            evidence=Evidence.EMPIRICAL,
            predict=predict_library,
            measure=measure_library,
            resolution=20 * ROUNDING,
            reason="rates without noise, and twenty times the rounding of regressions and averages",
            origin=Origin.DERIVED,
        ),
        Check(
            name="saturation",
            claim="on the cumulative the formula tends to one for a = 3/2, as for every integrable rate",
            evidence=Evidence.CERTIFIED,
            predict=predict_saturation,
            measure=measure_saturation,
            kind=Kind.LIMIT,
            resolution=PACE,
            reason="log 2/log T is what is left at T",
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="twice", claim="the printed formula estimates 2r", check="printed", predict=predict_library_twice),
        Control(name="no-offset", claim="the printed formula tends to a", check="limits", predict=predict_limits_printed),
        Control(name="poster-sign", claim="−ln α ≈ C − r ln t", check="limits", predict=predict_limits_poster),
        Control(name="definition-offset", claim="the definition is 1 + a", check="library", predict=predict_library_offset),
        Control(name="no-saturation", claim="on the cumulative it tends to 3/2", check="saturation", predict=predict_no_saturation),
    ),
)
