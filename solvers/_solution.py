"""What a solve returns: logits with their certificate, and the geometry that they force."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, GroupMatrix, UnusableInput, factor_logits, require_memory
from layerpeel.solvers._geometry import Decided, GroupGeometry, Phases, Status
from layerpeel.solvers.program._problem import Form, LayerPeeled
from layerpeel.solvers.proof._certificate import STEPS, Certificate, certified, certify_multiplier
from layerpeel.solvers.proof._distance import distance_within, low_rank_excess

VANISHING_NORM = 1e-2
"""A classifier shorter than this times its ordinary length may be zero, and is asked for a certificate; iterative solvers leave norms
of 1e-3 at zero."""

RANK_TOLERANCE = 1e-4
"""Route `sdp`: singular values below this times an ordinary one are solver noise (seen up to 1e-6)."""

DEAR_GROUPS, NEARBY = 150, 10.0
"""Groups from which only difference quotients with steps near the root of the gap are taken for the multiplier, and how near."""

BYTES_PER_FEATURE = 32.0
"""Two doubles, and their copies while they are scaled."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Solution(Generic[Form]):
    """An optimum of a program with its proof.

    Args:
        problem: the program that was solved.
        route: the route that solved it.
        matrix: Y = diag(d) Z, block-symmetric over the groups (the logits themselves when d = 1 and there is no bias); where its nuclear
            norm is bounded, on the sphere ‖Y‖_* = τ unless the loss is zero inside the ball.
        certificate: what the logits prove.
        status: whether the certified gap is within the tolerance.
        decide: says of a solution which groups collapsed and vanished, and its rank, when one of them is asked for.
        seconds: wall time of the solve with its certificate.
        group_bias: b of one class of each group; None without a bias.
        tangent: the logits where the certificate's minorant touches a smooth loss; None for those of the solution.
        dimension: p, if features in R^p were asked for.
    """

    problem: Form
    route: str
    matrix: GroupMatrix
    shares: GroupMatrix | None
    certificate: Certificate
    status: Status
    decide: "Callable[[Solution[Any]], Decided]"
    seconds: float
    group_bias: Float[np.ndarray, " G"] | None = None
    tangent: GroupMatrix | None = None
    dimension: int | None = None

    def __repr__(self) -> str:
        return f"Solution({self.problem!r}, route={self.route!r}, value={self.value.upper:.6g}, relative_gap={self.relative_gap:.1e})"

    @cached_property
    def _decided(self) -> Decided:
        return self.decide(self)

    @property
    def collapsed(self) -> Phases:
        """Per group, see GroupGeometry."""
        return self._decided.collapsed

    @property
    def vanished(self) -> Phases:
        """Per group, see GroupGeometry."""
        return self._decided.vanished

    @property
    def rank(self) -> int:
        """Rank of the logits without bias: the feature dimension that the optimum needs."""
        return self._decided.rank

    @property
    def value(self) -> Bracket:
        """Rigorous enclosure of the optimal value."""
        return self.certificate.value

    @property
    def gap(self) -> float:
        """Width of the enclosure: how far these logits can be from optimal."""
        return self.value.width

    @property
    def relative_gap(self) -> float:
        """Rigorous bound of the gap over the value."""
        return self.certificate.relative_gap

    @property
    def converged(self) -> bool:
        """Whether the certified gap is within the tolerance."""
        return self.status in (Status.CERTIFIED, Status.ZERO)

    @cached_property
    def low_rank_excess(self) -> float | None:
        """Certified lower bound of what the dimension p costs: best value in R^p less the optimum; None where nothing is proved."""
        problem, p = self.problem, self.dimension
        if p is None or p >= self.rank or not isinstance(problem, LayerPeeled) or not problem.unweighted or problem.loss != "cross-entropy":
            return None
        return low_rank_excess(problem, self.matrix, p, self.tangent) or None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What stands between these numbers and the question that was asked; empty when nothing does."""
        if self.dimension is None or self.dimension >= self.rank:
            return ()
        excess = self.low_rank_excess
        beyond = "whether it can be attained there is not decided" if excess is None else f"the optimum there is at least {excess:.3g} more"
        warning = (
            f"the feature dimension {self.dimension} is smaller than the rank {self.rank} of these logits: the optimal value is only a "
            f"lower bound for that dimension, and {beyond}; use dimension >= {self.rank}."
        )
        return (warning,)

    @property
    def num_classes(self) -> int:
        """K."""
        return self.problem.num_classes

    @property
    def multiplier(self) -> float:
        """Estimate of the multiplier λ of ‖Y‖_* ≤ τ, −d(value)/dτ, or the penalty λ; `certified_multiplier` encloses it."""
        return self.certificate.multiplier

    @cached_property
    def certified_multiplier(self) -> Bracket:
        """Rigorous enclosure of the multiplier."""
        steps = STEPS
        if len(self.problem.groups) >= DEAR_GROUPS:  # the best step is near the root of the gap, and each costs two evaluations
            root = min(max(math.sqrt(self.relative_gap), STEPS[-1]), STEPS[0])
            steps = tuple(step for step in STEPS if root / NEARBY <= step <= root * NEARBY)
        return certify_multiplier(self.problem, self.matrix, self.shares, self.group_bias, self.tangent, steps)

    @cached_property
    def value_by_count(self) -> tuple[float, ...]:
        """∂(value)/∂n_k for one class of each group, by the envelope theorem: (L_k − f)/N with L_k the loss of the class.

        Negative for a class that is fitted better than the average, f. With d_k = √n_k the norm moves too, and adds
        λ ((YYᵀ)^{1/2})_kk/(2 n_k), and where it is bounded so does its bound τ, which takes off λ τ/(2N). Penalties stay as they are.
        Exact at the optimum; off by the order of its gap.
        """
        losses = self.problem.loss_function.by_group(self.group_logits)
        samples = np.array([float(group.samples) for group in self.problem.groups])
        sizes = np.asarray(self.problem.sizes)
        slopes = (losses - float(losses @ (self.problem.weights * sizes))) / float(samples @ sizes)
        if self.problem.norm_weights == "sample":
            modulus, _ = self.matrix.polar_grams()
            slopes += self.multiplier * np.array([modulus.diagonal(g) for g in range(len(sizes))]) / (2 * samples)
            if isinstance(self.problem, LayerPeeled):
                slopes -= self.multiplier * self.problem.radius / (2 * float(samples @ sizes))
        return tuple(slopes.tolist())

    @property
    def value_by_feature_energy(self) -> float:
        """∂(value)/∂E_H = −λ τ/(2 E_H), by the envelope theorem (λ is −∂(value)/∂τ).

        Raises:
            UnusableInput: where the norm is penalised: there are no energies, and ∂(value)/∂λ is `matrix.nuclear_norm()`.
        """
        if not isinstance(self.problem, LayerPeeled):
            raise UnusableInput(f"{self.problem!r} has no energies: its value moves with the penalty, at the rate matrix.nuclear_norm().")
        return -self.multiplier * self.problem.radius / (2 * self.problem.feature_energy)

    @cached_property
    def distance_bound(self) -> float:
        """Rigorous bound on the Frobenius distance of these logits from the optimal ones (cross-entropy and squared error)."""
        return distance_within(self.sharpest_gap, self.problem, self.matrix, self.group_bias)

    @cached_property
    def sharpest_gap(self) -> float:
        """Rigorous upper bound of F minus the dual bound, as narrow as it comes: of two groups, which doubles certify, in balls.

        Distances from the optimum are roots of it, and see what is nothing beside the value.
        """
        if len(self.problem.groups) != 2 or self.route != "symmetric":
            return self.certificate.gap
        return min(self.certificate.gap, certified(self.problem, self.matrix, self.shares, self.group_bias, self.tangent).gap)

    @cached_property
    def group_logits(self) -> GroupMatrix:
        """The logits Z + 1bᵀ, block-symmetric."""
        return self.problem.logits(self.matrix, self.group_bias)

    @cached_property
    def _grams(self) -> tuple[GroupMatrix, GroupMatrix]:
        """Gram matrices HHᵀ and WWᵀ: ϱ (YYᵀ)^{1/2} between two factors diag(1/d), and (YᵀY)^{1/2}/ϱ, with ϱ the balance."""
        balance, rows = self.problem.balance, 1.0 / self.problem.scales
        left, right = self.matrix.polar_grams()
        return left.scaled(balance).weighted(rows, rows), right.scaled(1 / balance)

    @property
    def feature_gram(self) -> GroupMatrix:
        """HHᵀ."""
        return self._grams[0]

    @property
    def classifier_gram(self) -> GroupMatrix:
        """WWᵀ."""
        return self._grams[1]

    @cached_property
    def groups(self) -> tuple[GroupGeometry, ...]:
        """Geometry per group, in the order in which their counts first appear."""
        features, weights = self._grams
        return tuple(
            GroupGeometry(
                classes=group.classes,
                samples=group.samples,
                collapsed=self.collapsed[g],
                vanished=self.vanished[g],
                classifier_norm=math.sqrt(max(weights.diagonal(g), 0.0)),
                feature_norm=math.sqrt(max(features.diagonal(g), 0.0)),
                within_cosine=None if group.classes == 1 else self._cosine(g, g),
            )
            for g, group in enumerate(self.problem.groups)
        )

    @cached_property
    def between_cosine(self) -> tuple[tuple[float | None, ...], ...]:
        """Cosines between classifiers of different classes, group by group; None where a norm vanishes or there is one class."""
        count = range(len(self.problem.groups))
        return tuple(tuple(None if g == h and self.problem.groups[g].classes == 1 else self._cosine(g, h) for h in count) for g in count)

    def _cosine(self, g: int, h: int) -> float | None:
        if self.vanished[g] is not False or self.vanished[h] is not False:
            return None
        if g == h and self.collapsed[g]:
            return 1.0
        weights = self._grams[1]
        lengths = [math.sqrt(max(weights.diagonal(each), 0.0)) for each in (g, h)]
        return weights.entry(g, h) / lengths[0] / lengths[1] if all(lengths) else None

    @cached_property
    def logits(self) -> Float[np.ndarray, "K K"]:
        """Z + 1bᵀ with one row per class, in the order the counts were given.

        Raises:
            UnusableInput: beyond 20,000 classes.
        """
        order = self.problem.class_order
        return self.group_logits.dense()[np.ix_(order, order)]

    @cached_property
    def bias(self) -> Float[np.ndarray, " K"] | None:
        """b, one number per class in the order the counts were given; None without a bias."""
        return None if self.group_bias is None else np.repeat(self.group_bias, self.problem.sizes)[self.problem.class_order]

    @cached_property
    def _factors(self) -> tuple[Float[np.ndarray, "K p"], Float[np.ndarray, "K p"]]:
        p, classes = self.dimension, self.num_classes
        if p is not None and p < self.rank:
            raise UnusableInput(
                f"the feature dimension {p} is too small: these logits have rank {self.rank}, so no features and classifier in R^{p} make "
                f"them; use dimension >= {self.rank}."
            )
        order, balance = self.problem.class_order, self.problem.balance
        logits = self.matrix.dense()[np.ix_(order, order)]
        width = p or classes
        require_memory(BYTES_PER_FEATURE * classes * width, f"features in R^{width} for {classes} classes", "use a smaller dimension")
        features, classifier = factor_logits(logits, feature_energy=balance, weight_energy=1 / balance, dimension=p)
        return features / np.repeat(self.problem.scales, self.problem.sizes)[order][:, None], classifier

    @property
    def features(self) -> Float[np.ndarray, "K p"]:
        """Class means H, row k is h_k; where energies are bounded, Σ d_k²‖h_k‖² = E_H Σ d_k² on the sphere. Z = H Wᵀ.

        Raises:
            UnusableInput: when a smaller dimension than the rank was asked for, or one that does not fit into memory.
        """
        return self._factors[0]

    @property
    def classifier(self) -> Float[np.ndarray, "K p"]:
        """Classifier W, row k is w_k, with (1/K) Σ‖w_k‖² = E_W on the sphere."""
        return self._factors[1]

    def to_dataframe(self) -> Any:
        """One row per group, as a pandas frame.

        Raises:
            UnusableInput: when pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise UnusableInput("to_dataframe needs pandas, which is not installed: pip install 'layerpeel[frames]'.") from error
        return pd.DataFrame([vars(group) for group in self.groups])

    def plot(self, ax: Any = None) -> Any:
        """Cosines between classifiers of different groups as a heat map; returns the matplotlib axes."""
        import matplotlib.pyplot as plt

        axes = plt.subplots(figsize=(4.5, 4.0), layout="constrained")[1] if ax is None else ax
        cosines = np.array([[np.nan if value is None else value for value in row] for row in self.between_cosine])
        image = axes.imshow(cosines, vmin=-1, vmax=1, cmap="RdBu_r")
        labels = [f"{group.classes}×{group.samples:g}" for group in self.problem.groups]
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
        axes.set_yticks(range(len(labels)), labels)
        axes.set_title("cosine between classifiers")
        axes.figure.colorbar(image, ax=axes, shrink=0.8)
        return axes
