"""Where the minority of two groups coincides under cross-entropy as people change it, and under a free bias, in closed form.

With u_j = Δ_j z_j + ι_j − m_k [j = k], labels smoothed by δ, and everything equal within the two groups, an optimum has a singular value a
inside the majority, b inside the minority, and one rank-one block between them of norm s at an angle θ. With S² = K_B Δ_A² + K_A Δ_B²,
ι = ι_A − ι_B, and λ = μ n_B/N, the boundary is b = 0 with μ = Δ_B (1 − δ + p_BB (1 − e^{−m_B})), p the probabilities after the change:

    √K_A S (p_BA − δ/K) = μ sin θ,     √K_B S R (p_AB − δ/K) = μ cos θ,     Δ_A R (1 − δ − p_AA + p_AA′) = μ    (a > 0),

p_AA the own and p_AA′ another class of the majority. The first is linear in v = e^{−margin of B over A}, hence v, s and t_A = s cos θ are
explicit in θ; the ratio of the other two gives a, explicit without smoothing and one scalar root with it; any of them gives R. By the
inequality of Cauchy and Schwarz the curve ends with a = 0: in Z = 0, or in R = 0. Both a and s fall in θ, and with them τ: each energy has
one R0 (docs/derivations/layer-peeled.md, section 9).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from layerpeel.numerics._inputs import UnusableInput, require_list, require_positive, require_real, require_whole
from layerpeel.numerics.layer_peeled._nuclear import energy_radius

HALVINGS = 200
"""Steps of a bisection in doubles: the ends meet after about 60, or after 130 where logarithms run over the whole range."""

LEAST_SINE = 1e-300
"""Smallest sin θ that is tried: radii beyond 10³⁰⁰ are not asked for."""

Pair = tuple[float, float]
"""A number for the majority, and one for the minority."""


class BoundaryPoint(NamedTuple):
    """A point of the boundary: τ, log R, and a."""

    radius: float
    log_imbalance: float
    majority_value: float


class ChangedBoundary:
    """The boundary b = 0 of two groups as a curve in sin θ.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        label_smoothing: δ; only where logits are left alone.
        logit_scale: Δ_A, Δ_B.
        logit_shift: ι_A, ι_B.
        margins: m_A, m_B.

    Raises:
        UnusableInput: for numbers out of range, or smoothed labels beside changed logits.

    Source: derived; docs/derivations/layer-peeled.md, section 9.

    Example:
        >>> ChangedBoundary(3, 3).at(0.5).radius > 0
        True
    """

    def __init__(
        self,
        majority: int,
        minority: int,
        *,
        label_smoothing: float = 0.0,
        logit_scale: Pair = (1.0, 1.0),
        logit_shift: Pair = (0.0, 0.0),
        margins: Pair = (0.0, 0.0),
    ) -> None:
        self.majority = require_whole(majority, "the number of majority classes", remedy="correct it")
        self.minority = require_whole(minority, "the number of minority classes", remedy="correct it")
        if self.minority < 2:
            raise UnusableInput(f"a minority of {minority} class cannot coincide: it needs at least 2 classes; use minority >= 2.")
        self.smoothing = require_real(label_smoothing, "the label smoothing", least=0.0, largest=1 - 1e-12)
        self.scale = _pair(logit_scale, "logit scales", least=1e-6, largest=1e6)
        big, small = _pair(logit_shift, "logit shifts", least=-300.0, largest=300.0)
        self.shift = big - small
        self.margins = _pair(margins, "margins", least=0.0, largest=300.0)
        if self.smoothing and (self.scale != (1.0, 1.0) or self.shift or any(self.margins)):
            raise UnusableInput("labels are smoothed and logits changed at once: there is no closed form for both; take one of them.")
        self.classes = self.majority + self.minority
        big, small = self.scale
        self.span = math.sqrt(self.minority * big**2 + self.majority * small**2)
        self.inside = 1 + (self.minority - 1) * math.exp(self.margins[1])
        self.least_sine, self.most_sine = LEAST_SINE, min(self._sine_where_nothing_is_between(), 1.0)
        if self.smoothing:
            self.most_sine = math.sqrt(self.majority / self.classes)
            self.least_sine = _bisected(lambda sine: self.between(sine)[0] - self._saturated(), LEAST_SINE, self.most_sine)

    def _sine_where_nothing_is_between(self) -> float:
        """sin θ where t_B = 0: v = e^{ι + m_B}."""
        v, lifted = math.exp(self.shift + self.margins[1]), math.expm1(self.margins[1])
        return math.sqrt(self.majority) * self.span * v / (self.scale[1] * (self.inside + lifted + v * self.majority))

    def _saturated(self) -> float:
        """t_A where smoothed labels are met in the majority: all its margins are a*."""
        return smoothed_margin(self.classes, self.smoothing) * math.sqrt(self.minority / self.classes)

    def between(self, sine: float) -> tuple[float, float, float]:
        """t_A, s and μ."""
        delta, root, (_, small) = self.smoothing, math.sqrt(self.majority) * self.span, self.scale
        lifted = math.expm1(self.margins[1])
        above = root * delta * self.inside / self.classes + small * sine * ((1 - delta) * self.inside + lifted)
        v = above / (root * (1 - delta * self.majority / self.classes) - small * sine * (1 - delta) * self.majority)
        total = self.inside + self.majority * v
        slope = small * (1 - delta + lifted / total)
        t_b = max(-math.log(v) + self.shift + self.margins[1], 0.0) * self.minority * math.sqrt(self.majority) / self.span
        return t_b * _cosine(sine) / sine, t_b / sine, slope

    def at(self, sine: float) -> BoundaryPoint:
        """The point at sin θ."""
        t_a, norm, slope = self.between(sine)
        cosine, big = _cosine(sine), self.scale[0]
        if cosine == 0.0:  # nothing is left of the majority's share of the block, as R falls to zero
            return BoundaryPoint(norm, -math.inf, 0.0)
        crossing = self.span / (self.majority * math.sqrt(self.minority)) * t_a + self.shift
        a = 0.0
        if self.majority > 1 and not self.smoothing:
            ratio = (math.sqrt(self.minority) * self.span / (big * cosine) - self.minority) / self.majority
            a = max(self.majority * (crossing - math.log(ratio)) / big, 0.0)
        elif self.majority > 1:
            a = self._smoothed_value(crossing, cosine)
        log_y, log_total = self._majority_row(a, crossing)
        share = self.smoothing / self.classes * math.exp(log_total - log_y) if self.smoothing else 0.0
        log_r = math.log(slope * cosine / (math.sqrt(self.minority) * self.span)) + log_total - log_y
        return BoundaryPoint((self.majority - 1) * a + norm, log_r - (math.log1p(-share) if share < 1.0 else -math.inf), a)

    def _majority_row(self, a: float, crossing: float) -> tuple[float, float]:
        """log y and log D_A: e^{−margin} of a majority class over a minority class, and its partition sum."""
        own = self.scale[0] * a
        log_x, log_y = self.margins[0] - own, self.margins[0] - own * (self.majority - 1) / self.majority - crossing
        top = max(0.0, log_x, log_y)
        others = (self.majority - 1) * math.exp(log_x - top) + self.minority * math.exp(log_y - top)
        return log_y, top + math.log(math.exp(-top) + others) if top else math.log1p(others)

    def _smoothed_value(self, crossing: float, cosine: float) -> float:
        """a where labels are smoothed: both slopes of the majority ask for one R."""
        k_a, k_b, classes, delta = self.majority, self.minority, self.classes, self.smoothing

        def difference(a: float) -> float:
            x, y = math.exp(-a), math.exp(-a * (k_a - 1) / k_a - crossing)
            total = 1 + (k_a - 1) * x + k_b * y
            return cosine * (k_a * x + k_b * y - delta * total) - math.sqrt(classes * k_b) * (y - delta * total / classes)

        def share(a: float) -> float:
            log_y, log_total = self._majority_row(a, crossing)
            return log_y - log_total - math.log(delta / classes)

        last = smoothed_margin(classes, delta) * k_a
        last = _bisected(share, 0.0, last) if share(last) < 0.0 else last
        return _bisected(difference, 0.0, last)

    def point_at(self, log_imbalance: float) -> tuple[BoundaryPoint, float]:
        """The point at an imbalance, and μ/n_B there, s_B: log R falls along the curve, since f + λ‖Z‖_* has one minimiser.

        Raises:
            UnusableInput: where the minority is apart at every energy.
        """
        least, most = math.log(self.least_sine), math.log(self.most_sine)
        place = _bisected(lambda place: self.at(math.exp(place)).log_imbalance - log_imbalance, least, most)
        point = self.at(math.exp(place))
        if abs(point.log_imbalance - log_imbalance) > 1e-6 * (1 + abs(log_imbalance)):
            raise UnusableInput(
                f"log R = {log_imbalance:g} is not on the boundary: the minority is apart at every energy; use a larger one."
            )
        return point, self.between(math.exp(place))[2]

    def log_imbalance(self, radius: float) -> float:
        """log R on the boundary at a radius τ; infinite where no imbalance makes the minority coincide, −∞ where every one does."""
        if self.most_sine == 1.0 and radius <= self.at(1.0).radius:
            return -math.inf
        if self.smoothing and radius >= self.at(self.least_sine).radius:
            return math.inf
        least, most = math.log(self.least_sine), math.log(self.most_sine)
        return self.at(math.exp(_bisected(lambda place: self.at(math.exp(place)).radius - radius, least, most))).log_imbalance


def _pair(given: Any, what: str, *, least: float, largest: float) -> Pair:
    """Two numbers, of the majority and of the minority."""
    values = require_list(given, f"the {what}", of="two numbers, the majority's and the minority's")
    if len(values) != 2:
        raise UnusableInput(
            f"{len(values)} numbers are given as the {what}: they must be two, the majority's and the minority's; give two."
        )
    big, small = (require_real(each, f"one of the {what}", least=least, largest=largest) for each in values)
    return big, small


def _cosine(sine: float) -> float:
    return math.sqrt((1 - sine) * (1 + sine))


def _bisected(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that is positive at `low` and negative at `high` changes its sign."""
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if function(middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def smoothed_margin(classes: int, label_smoothing: float) -> float:
    """a* = log(1 + K(1 − δ)/δ): the margin at which smoothed labels are met, and beyond which no energy is used.

    Args:
        classes: K ≥ 2.
        label_smoothing: δ, above 0 and below 1.

    Raises:
        UnusableInput: for numbers out of range.

    Source: zhou2022 (label smoothing under balanced classes); derived: p_own/p_other = (1 − δ + δ/K)/(δ/K).

    Example:
        >>> round(smoothed_margin(10, 0.1), 6)
        4.51086
    """
    classes = require_whole(classes, "the number of classes", remedy="correct it")
    smoothing = require_real(label_smoothing, "the label smoothing", least=1e-300, largest=1 - 1e-12)
    return math.log1p(classes * (1 - smoothing) / smoothing)


def log_threshold_of_changed_loss(
    majority: int,
    minority: int,
    *,
    feature_energy: float,
    weight_energy: float = 1.0,
    label_smoothing: float = 0.0,
    logit_scale: Pair = (1.0, 1.0),
    logit_shift: Pair = (0.0, 0.0),
    margins: Pair = (0.0, 0.0),
) -> float:
    """log R0 under changed labels or logits: the imbalance at which the minority classifiers begin to coincide.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H.
        weight_energy: E_W.
        label_smoothing: δ, shared with the true class.
        logit_scale: factors (Δ_A, Δ_B) on the logits of the two groups' classes.
        logit_shift: shifts (ι_A, ι_B).
        margins: margins (m_A, m_B) of the true class.

    Returns:
        log R0, which may be negative; infinite where smoothed labels keep the minority apart at every imbalance, −∞ where it coincides
        however large it is.

    Raises:
        UnusableInput: for numbers out of range, or smoothed labels beside changed logits.

    Source: derived; docs/derivations/layer-peeled.md, section 9; kini2021, cao2019, menon2021 (the losses).

    Example:
        >>> plain = log_threshold_of_changed_loss(5, 5, feature_energy=5.0)
        >>> smoothed = log_threshold_of_changed_loss(3, 3, feature_energy=1.0, label_smoothing=0.2)
        >>> round(math.exp(plain), 9), round(math.exp(smoothed), 3)
        (12.19244708, 3.482)
    """
    boundary = ChangedBoundary(
        majority, minority, label_smoothing=label_smoothing, logit_scale=logit_scale, logit_shift=logit_shift, margins=margins
    )
    energies = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    return boundary.log_imbalance(energy_radius(boundary.classes, *energies))


def log_threshold_of_logit_adjustment(
    majority: int, minority: int, strength: float = 1.0, *, feature_energy: float, weight_energy: float = 1.0
) -> float:
    """log R0 where the shifts follow the counts, ι_k = strength · log n_k: the root of log R0(ι) = log R at ι = strength · log R.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        strength: 1 for balanced softmax and for logit adjustment as published.
        feature_energy: E_H.
        weight_energy: E_W.

    Raises:
        UnusableInput: for numbers out of range.
        ArithmeticError: when no root lies below R = 10³⁰.

    Source: menon2021, ren2020 (the shifts); derived.

    Example:
        >>> round(math.exp(log_threshold_of_logit_adjustment(3, 3, feature_energy=1.0)), 3)
        2.917
    """
    strength = require_real(strength, "the strength", least=-100.0, largest=100.0)

    def excess(log_r: float) -> float:
        shift = min(max(strength * log_r, -300.0), 300.0)
        log_shifted = log_threshold_of_changed_loss(
            majority, minority, feature_energy=feature_energy, weight_energy=weight_energy, logit_shift=(shift, 0.0)
        )
        return log_shifted - log_r

    upper = 1.0
    while excess(upper) > 0.0:
        upper *= 2.0
        if upper > 70.0:
            raise ArithmeticError(f"the threshold at shifts of {strength:g} log n lies beyond R = 1e30; use smaller energies.")
    return _bisected(excess, 0.0, upper)


def smoothed_energy_limit(majority: int, minority: int, label_smoothing: float) -> float:
    """√(E_H E_W) from which on smoothed labels keep the minority apart at every imbalance.

    At R = ∞ the majority sits at its smoothed optimum, a = a* and t_A = a* √(K_B/K), and only what is left holds the minority together.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        label_smoothing: δ, above 0 and below 1.

    Raises:
        UnusableInput: for numbers out of range.

    Source: derived; docs/derivations/layer-peeled.md, section 9.

    Example:
        >>> smoothed_energy_limit(3, 3, 0.2) > smoothed_energy_limit(3, 3, 0.4)
        True
    """
    smoothed_margin(2, label_smoothing)
    boundary = ChangedBoundary(majority, minority, label_smoothing=label_smoothing)
    saturated = smoothed_margin(boundary.classes, label_smoothing)
    return ((boundary.majority - 1) * saturated + boundary.between(boundary.least_sine)[1]) / boundary.classes


def log_threshold_with_bias_minus_one(majority: int, minority: int, *, feature_energy: float, weight_energy: float = 1.0) -> float:
    """log(R0 − 1) with a free bias: R0 = (K − 1 + e^a)/K, a = τ/(K_A − 1 + K_B/K).

    A free bias is a shift of all rows that makes every class as often predicted as it occurs, n_A p_AB = n_B p_BA. On the boundary that
    fixes the angle, tan²θ = K_A/K_B, all margins of a majority class are a, those of a minority class zero.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H.
        weight_energy: E_W.

    Raises:
        UnusableInput: for numbers out of range.

    Source: derived; docs/derivations/layer-peeled.md, section 9; hong2023 (the model with a bias).

    Example:
        >>> round(1 + math.exp(log_threshold_with_bias_minus_one(3, 3, feature_energy=1.0)), 6)
        2.670529
    """
    majority = require_whole(majority, "the number of majority classes", remedy="correct it")
    minority = require_whole(minority, "the number of minority classes", remedy="correct it")
    if minority < 2:
        raise UnusableInput(f"a minority of {minority} class cannot coincide: it needs at least 2 classes; use minority >= 2.")
    classes = majority + minority
    energies = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    a = energy_radius(classes, *energies) / (majority - 1 + minority / classes)
    return a + math.log(-math.expm1(-a)) - math.log(classes)
