"""Deep linear heads on free features: squared error, with every layer and the feature of every sample a variable of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from flint import arb, arb_mat, ctx
from scipy.optimize import minimize

from layerpeel.array_words import Float, Int
from layerpeel.numerics import PRECISION, Bracket, UnusableInput, require_whole, to_bracket, validated
from layerpeel.solvers.program._problem import UnconstrainedFeatures

OPTIONS = {"maxiter": 20000, "maxfun": 40000, "ftol": 1e-16, "gtol": 1e-12, "maxcor": 30}
"""L-BFGS runs until rounding stops it: gradients near 1e-9, values exact to rounding."""

MOST_CLASSES = 8
"""With more, a descent from every choice of classes kept takes too long."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DeepLinear:
    """A point of the model W_M ⋯ W_1 H with weight decay.

    Args:
        problem: counts and the two penalties.
        layers: W_M, …, W_1, each K×K.
        features: H, one column per sample, class by class.
        value: the objective.
    """

    problem: UnconstrainedFeatures
    layers: tuple[Float[np.ndarray, "K K"], ...]
    features: Float[np.ndarray, "K N"]
    value: float

    @property
    def logits(self) -> Float[np.ndarray, "K N"]:
        """W_M ⋯ W_1 H."""
        product = self.features
        for layer in reversed(self.layers):
            product = layer @ product
        return product

    @property
    def own_logits(self) -> Float[np.ndarray, " K"]:
        """z_k: the logit of the own class, averaged over the samples of class k."""
        labels, logits = sample_labels(self.problem), self.logits
        return np.array([logits[k, labels == k].mean() for k in range(self.problem.num_classes)])

    @property
    def stray(self) -> float:
        """Largest deviation of any logit from diag(z_k): variation within classes, or logits of other classes."""
        labels = sample_labels(self.problem)
        return float(np.abs(self.logits - np.diag(self.own_logits)[:, labels]).max())


@validated
def descend_linear(
    problem: UnconstrainedFeatures, layers: Sequence[Float[np.ndarray, "K K"]], features: Float[np.ndarray, "K N"]
) -> DeepLinear:
    """L-BFGS on all factors from a given start.

        min (1/2N) ‖W_M ⋯ W_1 H − Y‖² + (λ_W/2) Σ_i ‖W_i‖² + (λ_H/2) ‖H‖²,     Y one-hot.

    Args:
        problem: counts and penalties; squared error, no bias, norm weights "sample"; classes stand group by group.
        layers: where W_M, …, W_1 start, each K × K.
        features: where H starts, K × N, one column per sample, class by class.

    Returns:
        The point where the descent ends: a local minimum, which need not be the best.

    Raises:
        UnusableInput: for another loss, a bias, norm weights that are not those of the model, or factors that do not fit each other.
        ValueError: for features of another number of samples.

    Source: dang2023, the deep linear networks with imbalanced data.

    Example:
        >>> problem = UnconstrainedFeatures(counts=[4, 1], feature_penalty=0.1, weight_penalty=0.1, loss="squared")
        >>> head = descend_linear(problem, *fitted_start(problem, 2, kept=[True, False]))
        >>> head.own_logits.round(5).tolist()
        [0.78489, 0.0]
    """
    _require_model(problem)
    shapes = [layer.shape for layer in layers] + [features.shape]
    cuts = np.cumsum([rows * columns for rows, columns in shapes])[:-1]
    decays = [problem.weight_penalty] * len(layers) + [problem.feature_penalty]
    labels = sample_labels(problem)
    wanted = np.eye(problem.num_classes)[:, labels]

    def split(flat: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(shape) for part, shape in zip(np.split(flat, cuts), shapes, strict=True)]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        factors = split(flat)
        tails = [factors[-1]]  # products of the last one, two, … factors
        for factor in reversed(factors[:-1]):
            tails.append(factor @ tails[-1])
        residual = tails.pop() - wanted
        value = 0.5 * np.sum(residual**2) / len(labels) + 0.5 * sum(d * np.sum(x**2) for d, x in zip(decays, factors, strict=True))
        back, slopes = residual / len(labels), []
        for factor, decay in zip(factors, decays, strict=True):
            slopes.append((back @ tails.pop().T if tails else back) + decay * factor)
            back = factor.T @ back
        return float(value), np.concatenate([slope.ravel() for slope in slopes])

    start = np.concatenate([factor.ravel() for factor in (*layers, features)])
    run = minimize(objective, start, jac=True, method="L-BFGS-B", options=OPTIONS)
    *weights, last = split(run.x)
    return DeepLinear(problem=problem, layers=tuple(weights), features=last, value=float(run.fun))


@validated
def fitted_start(
    problem: UnconstrainedFeatures, layers: int, *, kept: Sequence[bool]
) -> tuple[list[Float[np.ndarray, "K K"]], Float[np.ndarray, "K N"]]:
    """A start that fits the classes kept exactly, with logits 1, and has nothing of the others.

        W_M = ⋯ = W_1 = diag(kept),    H = diag(kept) Y,    Y one-hot.

    Args:
        problem: counts; classes stand group by group.
        layers: M ≥ 1.
        kept: K answers.

    Returns:
        W_M, …, W_1 (each K × K) and H (K × N).

    Raises:
        UnusableInput: for a number of answers other than K, layers that are not whole or below one, or what is no such model.

    Source: derived; docs/derivations/layer-peeled.md, section 5 (a non-zero stationary point survives beyond the collapse).

    Example:
        >>> problem = UnconstrainedFeatures(counts=[2, 1], feature_penalty=0.1, weight_penalty=0.1, loss="squared")
        >>> layers, features = fitted_start(problem, 2, kept=[True, False])
        >>> (layers[0] @ layers[1] @ features).tolist()
        [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if len(kept) != problem.num_classes:
        raise UnusableInput(f"{len(kept)} classes are kept or not, and there are {problem.num_classes}: say it of each; correct the list.")
    chosen = np.diag(np.asarray(kept, dtype=float))
    return [chosen.copy() for _ in range(_depth(layers))], chosen[:, sample_labels(problem)]


@validated
def random_start(
    problem: UnconstrainedFeatures, layers: int, *, scale: float, rng: np.random.Generator
) -> tuple[list[Float[np.ndarray, "K K"]], Float[np.ndarray, "K N"]]:
    """A start with independent normal entries.

    Args:
        problem: counts.
        layers: M ≥ 1.
        scale: standard deviation of the entries.
        rng: their source.

    Returns:
        W_M, …, W_1 (each K × K) and H (K × N).

    Raises:
        UnusableInput: for layers that are not whole or below one, or what is no such model, number or generator.

    Example:
        >>> problem = UnconstrainedFeatures(counts=[2, 1], feature_penalty=0.1, weight_penalty=0.1, loss="squared")
        >>> layers, features = random_start(problem, 2, scale=0.1, rng=np.random.default_rng(0))
        >>> len(layers), features.shape
        (2, (2, 3))
    """
    classes, samples = problem.num_classes, len(sample_labels(problem))
    weights = [scale * rng.standard_normal((classes, classes)) for _ in range(_depth(layers))]
    return weights, scale * rng.standard_normal((classes, samples))


@validated
def search_linear(problem: UnconstrainedFeatures, layers: int, *, rng: np.random.Generator) -> DeepLinear:
    """The best of descents from random starts of three sizes and from every choice of classes kept: 12 + 2^K of them.

    Args:
        problem: as for `descend_linear`, with few classes.
        layers: M.
        rng: source of the random starts.

    Raises:
        UnusableInput: as for `descend_linear`, and for more than MOST_CLASSES classes.

    Source: derived; docs/derivations/layer-peeled.md, section 5.

    Example:
        >>> problem = UnconstrainedFeatures(counts=[4, 1], feature_penalty=0.1, weight_penalty=0.1, loss="squared")
        >>> search_linear(problem, 2, rng=np.random.default_rng(0)).own_logits.round(5).tolist()
        [0.78489, 0.0]
    """
    if problem.num_classes > MOST_CLASSES:
        raise UnusableInput(f"{problem.num_classes} classes have too many choices of those kept: use {MOST_CLASSES} or fewer.")
    starts = [random_start(problem, layers, scale=scale, rng=rng) for scale in (0.3, 0.6, 1.0) for _ in range(4)]
    starts += [fitted_start(problem, layers, kept=kept) for kept in product((False, True), repeat=problem.num_classes)]
    return min((descend_linear(problem, *start) for start in starts), key=lambda head: head.value)


@validated
def enclose_one_layer(head: DeepLinear) -> tuple[Bracket, ...]:
    """For M = 1: the own logits z_k of the exact optimum, from what any point proves.

    With X = W H̄ diag(√n), H̄ the class means, and D = diag(√n), the objective at the point is at least, and at the optimum exactly,

        F(X) = (1/2N)‖X − D‖² + λ‖X‖_*,   λ = √(λ_W λ_H),   and   F(X) ≥ ⟨Q, D⟩ − (N/2)‖Q‖²   for every ‖Q‖_op ≤ λ.

    The bound is taken at Q = diag(min(λ, √n_k/N)), the point of that ball nearest to D/N. F is strongly convex with constant 1/N, so X
    differs from the optimal one by at most √(2N · gap). Everything is evaluated in balls.

    Args:
        head: a point with one layer, as `descend_linear` returns it.

    Returns:
        K rigorous brackets.

    Raises:
        UnusableInput: for more layers than one, or what is no such point.

    Source: dang2023, the model; derived; docs/derivations/layer-peeled.md, section 5.

    Example:
        >>> problem = UnconstrainedFeatures(counts=[4, 1], feature_penalty=0.1, weight_penalty=0.1, loss="squared")
        >>> head = descend_linear(problem, *fitted_start(problem, 1, kept=[True, True]))
        >>> [bracket.contains(exact) for bracket, exact in zip(enclose_one_layer(head), (0.75, 0.5))]
        [True, True]
    """
    if len(head.layers) != 1:
        raise UnusableInput(f"the point has {len(head.layers)} layers: an enclosure exists for 1; use one layer.")
    problem, labels = head.problem, sample_labels(head.problem)
    counts = [int(count) for count in np.bincount(labels)]
    with ctx.workprec(PRECISION):
        total, weights, features = arb(len(labels)), arb_mat(head.layers[0].tolist()), head.features.tolist()
        decay_w, decay_h = arb(problem.weight_penalty), arb(problem.feature_penalty)
        roots, penalty = [arb(count).sqrt() for count in counts], (decay_w * decay_h).sqrt()
        means = [
            [sum((arb(x) for x, own in zip(row, labels, strict=True) if own == k), arb(0)) / n for k, n in enumerate(counts)]
            for row in features
        ]
        scaled = arb_mat([[entry * root for entry, root in zip(row, roots, strict=True)] for row in means])
        product = (weights * scaled).tolist()
        residual = arb_mat([[entry - (roots[k] if j == k else 0) for k, entry in enumerate(row)] for j, row in enumerate(product)])
        value = square_norm(residual) / (2 * total) + (decay_w * square_norm(weights) + decay_h * square_norm(scaled)) / 2
        dual = [penalty.min(root / total) for root in roots]
        bound = sum((q * root - total * q**2 / 2 for q, root in zip(dual, roots, strict=True)), arb(0))
        distance = (2 * total * (value - bound).upper().max(arb(0))).sqrt()
        balls = [product[k][k] / root + arb(0, 1) * (distance / root).abs_upper() for k, root in enumerate(roots)]
        return tuple(to_bracket(ball) for ball in balls)


def square_norm(matrix: arb_mat) -> arb:
    """‖M‖_F² as a ball.

    Example:
        >>> square_norm(arb_mat([[3, 4]]))
        25.0000000000000
    """
    # x · x, not x²: the power of a ball around zero is not a number.
    return sum((entry * entry for row in matrix.tolist() for entry in row), arb(0))


def sample_labels(problem: UnconstrainedFeatures) -> Int[np.ndarray, " N"]:
    """The class of every sample, class by class.

    Example:
        >>> sample_labels(UnconstrainedFeatures(counts=[3, 1], feature_penalty=0.1, weight_penalty=0.1)).tolist()
        [0, 0, 0, 1]
    """
    return np.repeat(np.arange(problem.num_classes), [int(g.samples) for g in problem.groups for _ in range(g.classes)])


def _depth(layers: int) -> int:
    return require_whole(layers, "the number of layers", remedy="a head has one layer or more")


def _require_model(problem: UnconstrainedFeatures) -> None:
    if problem.loss != "squared" or problem.bias_penalty is not None or problem.norm_weights != "sample":
        raise UnusableInput(f"{problem!r} has no deep linear head here: use squared error, no bias and norm weights 'sample'.")
