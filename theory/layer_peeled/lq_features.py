"""Other norms of the features: with ℓ_q in place of ℓ_2, an explicit feasible point beats neural collapse."""

import math
from itertools import product

import numpy as np
from flint import arb, ctx
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation
from scipy.special import log_softmax

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

ABOVE = ((3, 3.0, 1.0), (3, 4.0, 1.0), (3, 6.0, 1.0), (3, 3.0, 5.0))
CASES = ((3, 0.5, 1.0), (3, 1.0, 1.0), (3, 1.5, 1.0), (4, 1.0, 1.0), (10, 1.0, 1.0), *ABOVE)
"""(K, q, E_H) at p = K and E_W = 1."""
SOLVED = ((3, 2.0, 1.0), *ABOVE)
"""K = p = 3, q ≥ 2, where the optimum has a closed form; at q = 2 it is the simplex ETF."""
SHAPES = (3.0, 4.0, 6.0)
"""The q at which the geometry is looked at, K = p = 3."""
ANGLES = ("classifiers", "class means", "class means less their average", "class mean and classifier")
"""Whose cosines."""

MARGIN = 1e-3
"""By how much neural collapse must be undercut: far above rounding, and below the least difference among the cases, 2e-3 at q = 1.5."""
NEARNESS, ROUNDING = 0.012, 1e-9
"""The search over rotations proves its minimum to the first; the second covers sums of nine powers in doubles, each rounded to 1e-15."""
CELLS = 4000
"""Cells of the circle of unit vectors c ⊥ 1 in R³, each enclosed as one ball: sums of powers are known to about 1e-3."""
STARTS = 12
"""Random starts. Not every one of them ends in the same value; any that undercuts neural collapse will do."""
STOPPING = 1e-6
"""Allowance in a cosine for where L-BFGS stops: near an optimum the root of the loss's rounding, 1e-8, times a condition number."""
DUST = 1e-6
"""Entries of the features below this are set to zero before anything is evaluated: q < 1 charges for them."""


def _label(classes: int, q: float, energy: float) -> str:
    return f"K=p={classes}, q={q:g}, E_H={energy:g}"


def _power_sum(q: float, *, largest: bool) -> arb:
    """Over unit vectors c ⊥ 1 in R³: the largest Σ|c_k|^q from above, or the smallest from below.

    c = √(2/3) (cos θ, cos(θ + 2π/3), cos(θ − 2π/3)), and θ ∈ [0, π/6] stands for all of them by symmetry.
    """
    exponent, width, ends = arb(q), arb.pi() / (6 * CELLS), list[arb]()
    for cell in range(CELLS):
        cosines = [abs((width * (cell + arb(0.5, 0.5)) + arb.pi() * turn / 3).cos()) for turn in (0, 2, -2)]
        sides = [cosine.abs_upper() if largest else cosine.abs_lower() for cosine in cosines]
        ends.append(sum((side**exponent for side in sides if side > 0), arb(0)))
    pick = max if largest else min
    # Chosen by their midpoints in doubles, so the true extreme may differ from the chosen one in the last digit of a double.
    return pick(ends, key=float) * (arb(2) / 3) ** (exponent / 2) * (1 + arb(0, 1e-15))


def _least_over_rotations(q: float) -> float:
    """Lower bound of S = Σ_k ‖U m_k‖_q^q over all isometries U into R³ of three m_k, for 1 ≤ q ≤ 2, by branch and bound.

    S does not change under U → −U and U → PU, P a signed permutation. So U = exp(w) with |w_i| ≤ 2 tan(π/8): otherwise a quarter turn
    brings it nearer to the identity. A rotation by ε moves a unit vector x by at most ε, hence ‖x‖_q^q by q ε ‖(|x_i|^{q−1})_i‖ ≤
    q ε 3^{1−q/2}, and the distance of exp(w) from exp(w') is at most ‖w − w'‖.
    """
    lipschitz, turns = 3 * q * 3 ** (1 - q / 2), 2 * np.pi * np.arange(3) / 3
    frame = np.stack([np.cos(turns), np.sin(turns), np.zeros(3)])
    corners = np.array(list(product((-1.0, 1.0), repeat=3)))
    half, centres, best, proved = 2 * math.tan(math.pi / 8) + ROUNDING, np.zeros((1, 3)), math.inf, math.inf
    while len(centres):
        sums = (np.abs(Rotation.from_rotvec(centres).as_matrix() @ frame) ** q).sum(axis=(1, 2))
        best, bounds = min(best, float(sums.min())), sums - lipschitz * math.sqrt(3) * half
        done = bounds >= best - NEARNESS
        proved, half = min(proved, float(bounds[done].min(initial=math.inf))), half / 2
        centres = (centres[~done, None] + half * corners).reshape(-1, 3)
    return proved - ROUNDING


def _collapsed(classes: int, q: float, energy: float) -> float:
    """Lower bound of the loss over all neural-collapse configurations h_k = a U m_k, w_k = b U m_k, U any isometry into R^p, p = K.

    The constraint gives a ≤ (K E_H/S)^{1/q} with S = Σ_k ‖U m_k‖_q^q, and the margins are a b K/(K−1), b ≤ 1; so S is what matters.
    For K = 3, 1 ≤ q < 2 it is bounded by a search over rotations. Otherwise: the columns c_j of (U m_1, …)ᵀ are ⊥ 1, have squared
    lengths s_j ≤ K/(K−1), and Σ s_j = K. With κ the least Σ|c_k|^q over unit c ⊥ 1, S ≥ κ Σ_j s_j^{q/2}, which is least where K − 1 of
    the s_j are largest (q < 2), or where all are equal (q ≥ 2, here for K = 3 only). For q ≤ 1, κ = 2^{1−q/2}: the positive and the
    negative part of c have equal sums, each at least the length of the longer part.
    """
    with ctx.workprec(PRECISION):
        exponent, size = arb(q), arb(classes)
        if classes == 3 and q >= 1:
            total = arb(_least_over_rotations(q)) if q < 2 else size * _power_sum(q, largest=False)
        else:
            total = arb(2) ** (1 - exponent / 2) * (size - 1) * (size / (size - 1)) ** (exponent / 2)
        scale = (size * arb(energy) / total) ** (1 / exponent)
        return to_bracket(((size - 1) * (-scale * size / (size - 1)).exp()).log1p()).lower


def predict_undercut() -> Quantities:
    """The optimum lies below every neural-collapse configuration by MARGIN."""
    return {_label(*case): Bracket.exactly(_collapsed(*case) - MARGIN) for case in CASES}


def predict_undercut_euclidean() -> Quantities:
    """False for q = 2: the optimum lies below every neural-collapse configuration there too."""
    return {_label(*SOLVED[0]): Bracket.exactly(_collapsed(*SOLVED[0]) - MARGIN)}


def _search(classes: int, q: float, rng: np.random.Generator) -> tuple[Float[np.ndarray, "K K"], Float[np.ndarray, "K K"]]:
    """The best of several L-BFGS runs on the constraints, E_H = E_W = 1: H = s|s|^{r−1} with r = max(1, 2/q), so |H|^q is smooth."""
    power = max(1.0, 2.0 / q)

    def split(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        roots, classifier = flat.reshape(2, classes, classes)
        raw = np.sign(roots) * np.abs(roots) ** power
        total = float(np.sum(np.abs(raw) ** q))
        return raw * (classes / total) ** (1 / q), classifier * math.sqrt(classes) / np.linalg.norm(classifier), roots, total

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        features, classifier, roots, total = split(flat)
        logs = log_softmax(features @ classifier.T, axis=1)
        slope = (np.exp(logs) - np.eye(classes)) / classes
        along_features, along_classifier = slope @ classifier, slope.T @ features
        # d log|h| = r d log|s| minus the common rescaling, whose share per entry is |s|^{rq}/total.
        towards = along_features * (classes / total) ** (1 / q) * power * np.abs(roots) ** (power - 1)
        towards -= np.sum(along_features * features) * power / total * np.sign(roots) * np.abs(roots) ** (power * q - 1)
        tangent = along_classifier - np.sum(along_classifier * classifier) / classes * classifier
        length = np.linalg.norm(flat[classes**2 :])
        return -float(np.trace(logs)) / classes, np.concatenate([towards.ravel(), tangent.ravel() * math.sqrt(classes) / length])

    options = {"maxiter": 3000, "maxfun": 10000, "ftol": 1e-16, "gtol": 1e-11}
    starts = rng.standard_normal((STARTS, 2 * classes**2))
    best = min((minimize(objective, start, jac=True, method="L-BFGS-B", options=options) for start in starts), key=lambda run: run.fun)
    features, classifier, *_ = split(best.x)
    return np.where(np.abs(features) < DUST, 0.0, features), classifier


def _enclosure(classes: int, q: float, energy: float, rng: np.random.Generator) -> Bracket:
    """The optimum between a bound of all points and the best point found, scaled onto the constraints and evaluated in balls.

    From below, for P = I − 11ᵀ/K, Jensen over the K(K−1) margins gives f ≥ log(1 + (K−1) exp(−⟨P, HWᵀ⟩/(K−1))), and by Hölder
    ⟨P, HWᵀ⟩ ≤ (K E_H)^{1/q} √(K E_W) p^{max(0, 1/2 − 1/q)} max{‖c‖_{q'} : c ⊥ 1, ‖c‖ = 1}, with 1/q + 1/q' = 1 (q' = ∞ for q ≤ 1).
    """
    features, classifier = _search(classes, q, rng)
    with ctx.workprec(PRECISION):
        size, exponent = arb(classes), arb(q)
        budget = (size * arb(energy)) ** (1 / exponent)
        mass = sum((arb(abs(entry)) ** exponent for entry in features.ravel().tolist() if entry), arb(0))
        stretch = (size * arb(energy) / mass) ** (1 / exponent)
        stretch *= (size / sum((arb(entry) ** 2 for entry in classifier.ravel().tolist()), arb(0))).sqrt()
        value = arb(0)
        for k in range(classes):
            logits = [
                stretch * sum((arb(x) * arb(y) for x, y in zip(features[k].tolist(), w, strict=True)), arb(0)) for w in classifier.tolist()
            ]
            value += sum(((logits[j] - logits[k]).exp() for j in range(classes) if j != k), arb(0)).log1p() / size
        if q <= 1:
            widest, spread = ((size - 1) / size).sqrt(), arb(1)
        else:
            dual = q / (q - 1)
            widest, spread = _power_sum(dual, largest=True) ** (1 / arb(dual)), size ** max(arb(0), arb(0.5) - 1 / exponent)
        bound = ((size - 1) * (-budget * size.sqrt() * spread * widest / (size - 1)).exp()).log1p()
        return Bracket(to_bracket(bound).lower, to_bracket(value).upper, rigorous=True)


def measure_undercut(setting: Setting) -> Quantities:
    """Enclosures of the optimum; the upper ends are explicit feasible points."""
    return {_label(*case): _enclosure(*case, setting.rng) for case in (SOLVED[0], *CASES)}


def _aligned(q: float, energy: float, ratio: float) -> Bracket:
    """Loss at K = p = 3 of w_k ∝ 2 e_k − Σ_{j≠k} e_j and h_k ∝ ratio e_k − Σ_{j≠k} e_j on the constraints."""
    margin = math.sqrt(1.5) * energy ** (1 / q) * (ratio + 1) / (ratio**q + 2) ** (1 / q)
    return predicted(math.log1p(2 * math.exp(-margin)))


def predict_optimum() -> Quantities:
    """The classifiers an ETF, h_k ∝ x e_k − Σ_{j≠k} e_j with x = 2^{1/(q−1)}: at q = 2 self-duality, at q > 2 none."""
    return {_label(*case): _aligned(case[1], case[2], 2 ** (1 / (case[1] - 1))) for case in SOLVED}


def predict_self_dual_optimum() -> Quantities:
    """The same with x = 2: self-duality."""
    return {_label(*case): _aligned(case[1], case[2], 2.0) for case in SOLVED}


def measure_optimum(setting: Setting) -> Quantities:
    """Enclosures of the optimum."""
    return {_label(*case): _enclosure(*case, setting.rng) for case in SOLVED}


def _geometry(q: float, ratio: float) -> dict[str, Bracket]:
    """Cosines for h_k ∝ ratio e_k − Σ_{j≠k} e_j and w_k ∝ 2 e_k − Σ_{j≠k} e_j."""
    square = ratio**2 + 2
    cosines = -0.5, (1 - 2 * ratio) / square, -0.5, (2 * ratio + 2) / math.sqrt(6 * square)
    return {f"{what}, q={q:g}": predicted(cosine) for what, cosine in zip(ANGLES, cosines, strict=True)}


def predict_geometry() -> Quantities:
    """x = 2^{1/(q−1)}: an ETF of classifiers; class means with wider or narrower angles, an ETF only once their average is taken off."""
    return {label: value for q in SHAPES for label, value in _geometry(q, 2 ** (1 / (q - 1))).items()}


def predict_collapsed_geometry() -> Quantities:
    """False: class means form an ETF and align with the classifiers."""
    false = ("class means,", "class mean and")
    return {label: value for q in SHAPES for label, value in _geometry(q, 2.0).items() if label.startswith(false)}


def predict_bent_classifiers() -> Quantities:
    """False: the classifiers fail to form an ETF, with the cosine of the class means."""
    return {f"classifiers, q={q:g}": _geometry(q, 2 ** (1 / (q - 1)))[f"class means, q={q:g}"] for q in SHAPES}


def measure_geometry(setting: Setting) -> Quantities:
    """Smallest and largest cosine at the best point found."""
    found: dict[str, Bracket] = {}
    for q in SHAPES:
        features, classifier = _search(3, q, setting.rng)
        means = features / np.linalg.norm(features, axis=1, keepdims=True)
        centred = features - features.mean(axis=0)
        centred /= np.linalg.norm(centred, axis=1, keepdims=True)
        rows = classifier / np.linalg.norm(classifier, axis=1, keepdims=True)
        between = ~np.eye(3, dtype=bool)
        cosines = (rows @ rows.T)[between], (means @ means.T)[between], (centred @ centred.T)[between], np.sum(means * rows, axis=1)
        for what, values in zip(ANGLES, cosines, strict=True):
            found[f"{what}, q={q:g}"] = Bracket(float(values.min()) - STOPPING, float(values.max()) + STOPPING)
    return found


ROOM = Room(
    statement=Statement(
        name="lq-features",
        title="With other norms of the features, neural collapse does not emerge",
        latex=r"\tfrac1K\sum_k\tfrac1n\sum_i\|h_{k,i}\|_q^q\leq E_H,\ q\in(0,2)\cup(2,\infty),\ K\geq3,\ p\geq K"
        r"\;\Rightarrow\;(H^\star,W^\star)\neq(aUm_k,\,bUm_k)_k",
        assumptions=(
            "all classes have the same number of samples, cross-entropy loss, p = K",
            "neural collapse as the balanced theorem states it, h_k = C w_k = C' m_k, with no common shift of the class means",
            "checked at the K and q named",
        ),
        kind=Kind.UPPER_BOUND,
        origin=Origin.SEED,
        source=Source("su2024", "What happens without the ansatz?"),
    ),
    checks=(
        Check(
            name="undercut",
            claim="a feasible point is better than every neural-collapse configuration, by more than 0.001",
            evidence=Evidence.CERTIFIED,
            predict=predict_undercut,
            measure=measure_undercut,
        ),
        Check(
            name="optimum",
            claim="for K = p = 3 and q ≥ 2 the optimum is log(1 + 2e^{−m}), m = √(3/2) E_H^{1/q} (1 + x)/(2 + x^q)^{1/q}, x = 2^{1/(q−1)}",
            origin=Origin.DERIVED,
            evidence=Evidence.CERTIFIED,
            predict=predict_optimum,
            measure=measure_optimum,
            kind=Kind.EQUALITY,
            resolution=3e-4,
            reason="the circle is cut into 4000 cells, which blurs the lower bound by 2e-5; self-duality would cost 6e-3 or more",
        ),
        Check(
            name="geometry",
            claim="for K = p = 3 and q > 2 the classifiers still form an ETF; the class means only once their average is taken off",
            origin=Origin.DERIVED,
            evidence=Evidence.EMPIRICAL,
            predict=predict_geometry,
            measure=measure_geometry,
            kind=Kind.EQUALITY,
            resolution=1e-4,
            reason="fifty times the allowance for where L-BFGS stops; self-duality would move a cosine by 0.014 or more",
        ),
    ),
    controls=(
        Control(
            name="undercut-at-2",
            claim="neural collapse is beaten for q = 2 as well",
            check="undercut",
            predict=predict_undercut_euclidean,
        ),
        Control(name="self-dual", claim="the optimum is self-dual, x = 2, for every q", check="optimum", predict=predict_self_dual_optimum),
        Control(name="classifiers-fail", claim="the classifiers fail to form an ETF", check="geometry", predict=predict_bent_classifiers),
        Control(
            name="class-means-collapse",
            claim="the class means form an ETF aligned with the classifiers",
            check="geometry",
            predict=predict_collapsed_geometry,
        ),
    ),
)
