"""The mean flow against an independent integrator, at scales far beyond doubles, and the closed forms proved symbolically."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from layerpeel.numerics import ElasticModel, logit_directions, mean_flow

AGREEMENT = 1e-9
"""Relative agreement of closed forms with the integrator at rtol 1e-12, whose global error grows with the flow over [0, 5]."""
ROUNDING = 1e-12
"""Closed forms against other closed forms, of growth up to e^10."""
END = 5.0
TIMES = np.array([0.5, 2.0, END])
SIZES = (2, 3, 4, 6)
CASES = 50
"""Random cases per number of classes: 200 for each model."""


@dataclass(frozen=True)
class Rates:
    """c_0 e^{−t/c_1} + c_2 sin(c_3 t) + c_4/(1 + t) + c_5 for many cases at once, and as text for one."""

    numbers: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, cases: int) -> "Rates":
        numbers = rng.uniform(-1.5, 1.5, (6, cases))
        numbers[1], numbers[3] = rng.uniform(0.3, 3.0, cases), rng.uniform(0.3, 3.0, cases)
        return cls(numbers)

    def __call__(self, time: float) -> np.ndarray:
        c = self.numbers
        return c[0] * np.exp(-time / c[1]) + c[2] * np.sin(c[3] * time) + c[4] / (1 + time) + c[5]

    def text(self, case: int) -> str:
        c = [repr(float(number)) for number in self.numbers[:, case]]
        return f"({c[0]})*exp(-t/({c[1]})) + ({c[2]})*sin(({c[3]})*t) + ({c[4]})/(1+t) + ({c[5]})"


def drift_of(kind: str, weights: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Σ_j w_ij H_ij X^j for a batch of cases, from the definition of H."""
    if kind == "I":
        return weights @ state
    if kind == "identity":
        return np.einsum("cii,cip->cip", weights, state)
    d = np.eye(state.shape[1]) - 1 / state.shape[1]
    projections = np.einsum("ja,jb->jab", d, d) / np.sum(d**2, axis=1)[:, None, None]
    return np.einsum("cij,jab,cjb->cia", weights, projections, state)


def integrated(kind: str, alpha: Rates, beta: Rates, start: np.ndarray) -> np.ndarray:
    """All cases in one run of DOP853 on dX̄/dt = M(t) X̄; shape (times, cases, K, p)."""
    classes = start.shape[1]
    diagonal = np.eye(classes)

    def slope(time: float, state: np.ndarray) -> np.ndarray:
        intra, inter = alpha(time)[:, None, None], beta(time)[:, None, None]
        weights = (intra * diagonal + inter * (1 - diagonal)) / classes
        return drift_of(kind, weights, state.reshape(start.shape)).ravel()

    found = solve_ivp(slope, (0.0, END), start.ravel(), method="DOP853", t_eval=TIMES, rtol=1e-12, atol=1e-13)
    return found.y.T.reshape(len(TIMES), *start.shape)


@pytest.mark.parametrize("classes", SIZES)
@pytest.mark.parametrize("kind", ["I", "L", "identity"])
@pytest.mark.slow
def test_two_hundred_time_varying_cases_agree_with_an_integrator(kind: str, classes: int) -> None:
    rng = np.random.default_rng([classes, ord(kind[0])])
    alpha, beta = Rates.random(rng, CASES), Rates.random(rng, CASES)
    start = rng.standard_normal((CASES, classes, classes if kind == "L" else 2))
    reference = integrated(kind, alpha, beta, start)
    for case in range(CASES):
        model = ElasticModel(blocks=kind, num_classes=classes, num_features=start.shape[2], intra=alpha.text(case), inter=beta.text(case))
        flow = mean_flow(model, start[case], TIMES)
        assert flow.route.endswith("in closed form")
        sizes = np.linalg.norm(reference[:, case], axis=(1, 2))
        distances = np.linalg.norm(flow.means - reference[:, case], axis=(1, 2))
        assert (distances <= AGREEMENT * sizes).all()
        assert (flow.errors <= 1e-10).all()  # most are 1e-14; a mean that all but vanishes has more


def sampling_matrix(rng: np.random.Generator, classes: int) -> np.ndarray:
    """Doubly stochastic: a mean of permutations."""
    shares = rng.dirichlet(np.ones(classes + 1))
    return sum((share * np.eye(classes)[rng.permutation(classes)] for share in shares), np.zeros((classes, classes)))


def any_model(name: str, rng: np.random.Generator) -> ElasticModel:
    """Models beyond the two closed forms, by the route they take."""
    first, second = rng.standard_normal((2, 3, 3))
    block = rng.standard_normal((2, 2))
    rates: dict[str, Any] = {"intra": "1/(1+t)", "inter": "-t/(2*(1+t))"}
    options: dict[str, dict[str, Any]] = {
        "sampled I": {"blocks": "I", "sampling": sampling_matrix(rng, 3), **rates},
        "sampled L": {"blocks": "L", "num_features": 3, "sampling": sampling_matrix(rng, 3), **rates},
        "sampled identity": {"blocks": "identity", "sampling": sampling_matrix(rng, 3), **rates},
        "equal blocks": {"blocks": np.broadcast_to(block @ block.T, (3, 3, 2, 2)), **rates},
        "any blocks": {"blocks": rng.standard_normal((3, 3, 2, 2)), **rates},
        "literal P": {"blocks": "I", "num_features": 3, "kronecker": rng.uniform(0, 1, (3, 3)), **rates},
        "literal P, L": {"blocks": "L", "num_features": 3, "kronecker": rng.uniform(0, 1, (3, 3)), **rates},
        "one matrix": {"blocks": "I", "elasticity": lambda t: math.cos(t) * first},
        "two matrices": {"blocks": "I", "elasticity": lambda t: math.cos(t) * first + math.sin(t) * second},
    }
    return ElasticModel(**{"num_classes": 3, "num_features": 2, **options[name]})


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("sampled I", "commuting drifts in closed form"),
        ("sampled L", "integrated by DOP853"),
        ("sampled identity", "identity in closed form"),
        ("equal blocks", "commuting drifts in closed form"),
        ("any blocks", "integrated by DOP853"),
        ("literal P", "commuting drifts in closed form"),
        ("literal P, L", "integrated by DOP853"),
        ("one matrix", "commuting drifts in closed form"),
        ("two matrices", "integrated by DOP853"),
    ],
)
@pytest.mark.slow
def test_other_models_agree_with_an_integrator_within_their_stated_error(name: str, route: str) -> None:
    rng = np.random.default_rng(7)
    model = any_model(name, rng)
    start = rng.standard_normal((model.num_classes, model.num_features))
    flow = mean_flow(model, start, TIMES)
    assert flow.route == route
    found = solve_ivp(lambda t, y: model.matrix(t) @ y, (0.0, END), start.ravel(), method="DOP853", t_eval=TIMES, rtol=1e-13, atol=1e-15)
    reference = found.y.T.reshape(flow.means.shape)
    distances = np.linalg.norm(flow.means - reference, axis=(1, 2)) / np.linalg.norm(reference, axis=(1, 2))
    assert (distances <= flow.errors.max(axis=1) + ROUNDING).all()
    assert (flow.errors <= 10 * ROUNDING).all()


def test_a_lopsided_common_mode_is_integrated_apart_from_the_differences() -> None:
    """Rows of E of one sum and columns likewise: the common mode e^2000 leaves differences of order one alone."""
    turn = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
    swap = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    model = ElasticModel(
        blocks="I", num_classes=3, num_features=1, elasticity=lambda t: 200.0 + 3 * math.cos(t) * turn + 0.3 * math.sin(t) * swap
    )
    start = np.array([[1.0], [0.5], [0.2]])
    flow = mean_flow(model, start, 10.0)
    assert flow.route == "common mode: commuting drifts in closed form; differences: integrated by DOP853"
    assert np.isinf(flow.means).all()
    assert np.allclose(flow.log_scales, 2000 + math.log(1.7 / 3), rtol=1e-12)

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        return (math.cos(t) * turn + 0.1 * math.sin(t) * swap) @ y

    apart = solve_ivp(slope, (0.0, 10.0), (start - start.mean()).ravel(), method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
    assert np.allclose([flow.differences(0, 1)[0, 0], flow.differences(1, 2)[0, 0]], -np.diff(apart), rtol=1e-10)


class TestScales:
    """The common mode overflows, differences and cosines do not."""

    def test_the_i_model(self) -> None:
        model = ElasticModel(blocks="I", num_classes=3, num_features=2, intra="500 + 1/(1+t)", inter=500)
        start = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
        flow = mean_flow(model, start, [1.0, 8.0])
        grown = np.array([2.0, 9.0]) ** (1 / 3)
        for index, growth in enumerate(grown):
            assert np.allclose(flow.differences(0, 1)[index], growth * (start[0] - start[1]), rtol=ROUNDING)
        assert np.allclose(flow.log_distances(0, 2), np.log(grown * math.sqrt(0.5)), rtol=0.0, atol=ROUNDING)
        assert np.isinf(flow.means[1]).all()
        assert np.isfinite(flow.log_scales).all()
        assert np.allclose(flow.log_scales[1], 4000 + math.log(9) / 3 + math.log(math.sqrt(0.5)), rtol=1e-12)
        assert np.allclose(flow.cosines, 1.0, rtol=0.0, atol=1e-14)
        assert np.isfinite(flow.own_parts).all()

    def test_the_i_model_collapsing_to_its_differences(self) -> None:
        """A common mode of e^{−1000} leaves the cosines of a simplex."""
        model = ElasticModel(blocks="I", num_classes=3, num_features=3, intra=2, inter=-1000)
        flow = mean_flow(model, np.eye(3) + 1.0, 1.0)
        assert np.allclose(flow.cosines[0], np.where(np.eye(3, dtype=bool), 1.0, -0.5), rtol=0.0, atol=1e-14)

    def test_the_l_model_with_a_mean_mode_of_order_one(self) -> None:
        """γ integrable and β = 300: φ2 = e^{1500}, while s̄ grows as e^{Γ/K} with Γ < 1."""
        model = ElasticModel(blocks="L", num_classes=2, intra="300 + (1+t)**-2", inter=300)
        start = np.array([[1.0, 0.2], [0.3, 0.7]])
        flow = mean_flow(model, start, [1.0, 10.0])
        direction = logit_directions(2)[0]
        along = (start[0] - start[1]) @ direction
        for index, time in enumerate((1.0, 10.0)):
            growth = math.exp(0.5 * time / (1 + time))
            expected = start[0] - start[1] + direction * along * (growth - 1)
            assert np.allclose(flow.differences(0, 1)[index], expected, rtol=ROUNDING)
        assert np.isinf(flow.means[1]).any()
        assert np.allclose(flow.cosines, 1.0, rtol=0.0, atol=1e-14)

    def test_the_l_model_of_three_classes_against_fewer_digits_elsewhere(self) -> None:
        """The class part needs I_γ = (1/K)∫γ e^{q}: with γ = e^{−t²}·e^{−…} small it stays of order one beside I_β ≈ e^{150}."""
        model = ElasticModel(blocks="L", num_classes=3, intra="30 + exp(-15*t)", inter=30)
        start = np.random.default_rng(3).standard_normal((3, 3))
        flow = mean_flow(model, start, 10.0)
        directions = logit_directions(3)
        along = np.sum(directions * start, axis=1)
        mean, deviations = along.mean(), along - along.mean()
        # q = Γ/3 + B/2 = (1 − e^{−15t})/45 + 15 t: γ e^q = e^{(1 − e^{−15t})/45} = e^{u/45}, a series in u = 1 − e^{−15t}
        nodes, weights = np.polynomial.legendre.leggauss(400)
        at = 5.0 * (nodes + 1)
        lone = 5.0 * weights @ np.exp(-np.expm1(-15 * at) / 45) / 3
        first = math.exp((1 - math.exp(-150)) / 45) - 1
        own = start + directions * (mean * first + deviations * lone)[:, None]
        assert np.allclose(flow.differences(0, 1)[0], own[0] - own[1], rtol=1e-10)
        assert np.allclose(flow.differences(2, 1)[0], own[2] - own[1], rtol=1e-10)
        assert (flow.log_scales > 140).all()

    def test_classes_of_the_identity_keep_their_own_scale(self) -> None:
        share = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        model = ElasticModel(blocks="identity", num_classes=3, num_features=1, intra=6000, inter=0, sampling=share)
        flow = mean_flow(model, [[1.0], [3.0], [1.0]], 1.0)
        assert flow.differences(0, 1)[0, 0] == pytest.approx(-2.0, rel=ROUNDING)
        assert flow.differences(2, 0)[0, 0] == math.inf
        assert flow.log_distances(2, 0)[0] == pytest.approx(2000.0)

    def test_zero_stays_zero(self) -> None:
        for kind in ("I", "L", "identity"):
            flow = mean_flow(ElasticModel(blocks=kind, num_classes=2, intra=2000, inter=0), np.zeros((2, 2)), 1.0)
            assert not flow.means.any()
            assert np.isneginf(flow.log_scales).all()
            assert np.isnan(flow.cosines).all()

    def test_means_that_coincide_have_no_logarithm(self) -> None:
        flow = mean_flow(ElasticModel(blocks="I", num_classes=2, num_features=1, intra=1, inter=0), [[1.0], [1.0]], 1.0)
        assert np.isneginf(flow.log_distances(0, 1)).all()


class TestSpecialCases:
    """Constant rates, and what the notes measured."""

    @pytest.mark.parametrize("kind", ["I", "L", "identity"])
    @pytest.mark.parametrize("classes", SIZES)
    def test_constant_rates_are_the_matrix_exponential(self, kind: str, classes: int) -> None:
        model = ElasticModel(blocks=kind, num_classes=classes, intra=0.8, inter=-0.3)
        start = np.random.default_rng(classes).standard_normal((classes, classes))
        exact = (expm(2.0 * model.matrix(0.0)) @ start.ravel()).reshape(start.shape)
        assert np.allclose(mean_flow(model, start, 2.0).means[0], exact, rtol=0.0, atol=ROUNDING)

    def test_the_exponential_of_the_integral_is_wrong_for_the_l_model(self) -> None:
        """Off by 0.074 in an entry at t = 5 for standard normal start, and right when α/β is constant."""
        start = np.random.default_rng(0).standard_normal((3, 3))
        errors = []
        for inter in ("-t/(2*(1+t))", "-2/(1+t)"):
            model = ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter=inter)
            integral = model.weight_integrals(5.0)(np.array([5.0]))[0][0]
            wrong = (expm(model.assembled(integral)) @ start.ravel()).reshape(3, 3)
            errors.append(np.abs(mean_flow(model, start, 5.0).means[0] - wrong).max())
        assert round(errors[0], 3) == 0.074
        assert errors[1] < ROUNDING

    def test_time_zero_is_the_start(self) -> None:
        start = np.random.default_rng(5).standard_normal((3, 3))
        for kind in ("I", "L", "identity"):
            flow = mean_flow(ElasticModel(blocks=kind, num_classes=3, intra="1/(1+t)", inter=1), start, [0.0, 1.0])
            assert np.allclose(flow.means[0], start, rtol=0.0, atol=4 * np.finfo(float).eps * 4)

    def test_the_flipped_counterexample_to_neural_collapse(self) -> None:
        """α = 1, β = −e^{−t}/10: cosines tend to (−1/2, 1/2, 1/2) instead of −1/2 each."""
        model = ElasticModel(blocks="L", num_classes=3, intra=1, inter="-exp(-t)/10")
        cosines = mean_flow(model, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.3, -0.5]], 200.0).cosines[0]
        assert np.allclose([cosines[0, 1], cosines[0, 2], cosines[1, 2]], [-0.5, 0.5, 0.5], rtol=0.0, atol=1e-9)

    def test_cosines_tend_to_a_simplex_when_b_falls_without_bound(self) -> None:
        model = ElasticModel(blocks="L", num_classes=4, intra=1, inter=-1)
        cosines = mean_flow(model, np.random.default_rng(2).standard_normal((4, 4)), 200.0).cosines[0]
        assert np.allclose(cosines[~np.eye(4, dtype=bool)], -1 / 3, rtol=0.0, atol=1e-9)


class TestSymmetries:
    """What the equation cannot tell apart."""

    @settings(max_examples=25)
    @given(kind=st.sampled_from(["I", "L", "identity"]), classes=st.integers(2, 5), seed=st.integers(0, 2**32 - 1))
    @pytest.mark.slow
    def test_linearity_relabelling_and_the_flow_property(self, kind: str, classes: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        model = ElasticModel(blocks=kind, num_classes=classes, intra="1/(1+t)", inter="sin(t)")
        first, second = rng.standard_normal((2, classes, classes))
        sums = mean_flow(model, first, 3.0).means - 2 * mean_flow(model, second, 3.0).means
        assert np.allclose(mean_flow(model, first - 2 * second, 3.0).means, sums, rtol=0.0, atol=100 * ROUNDING)
        order = rng.permutation(classes)
        relabelled = mean_flow(model, first[order][:, order], 3.0).means[0]  # the L-model's classes name features too
        assert np.allclose(relabelled, mean_flow(model, first, 3.0).means[0][order][:, order], rtol=0.0, atol=100 * ROUNDING)
        later = ElasticModel(blocks=kind, num_classes=classes, intra="1/(2+t)", inter="sin(t+1)")
        through = mean_flow(later, mean_flow(model, first, 1.0).means[0], 2.0).means[0]
        assert np.allclose(through, mean_flow(model, first, 3.0).means[0], rtol=0.0, atol=100 * ROUNDING)

    def test_rates_as_text_callables_and_samples_flow_alike(self) -> None:
        start = np.random.default_rng(1).standard_normal((3, 3))
        grid = np.linspace(0.0, 2.0, 2001)
        ways = [("1/(1+t)", "-t"), (lambda t: 1 / (1 + t), lambda t: -t), ((grid, 1 / (1 + grid)), (grid, -grid))]
        flows = [mean_flow(ElasticModel(blocks="L", num_classes=3, intra=a, inter=b), start, 2.0).means for a, b in ways]
        assert np.allclose(flows[1], flows[0], rtol=0.0, atol=ROUNDING)
        assert np.allclose(flows[2], flows[0], rtol=0.0, atol=1e-6)  # straight lines between samples a thousandth apart


class TestProofs:
    """The closed forms satisfy the equation for all α, β, starts, symbolically."""

    @pytest.mark.parametrize("classes", [2, 3, 4])
    def test_the_i_model(self, classes: int) -> None:
        t = sympy.Symbol("t")
        alpha, beta = sympy.Function("alpha")(t), sympy.Function("beta")(t)
        a, b = sympy.Function("A")(t), sympy.Function("B")(t)
        start = sympy.symbols(f"x0:{classes}")
        middle = sum(start) / classes
        form = [middle * sympy.exp((a + (classes - 1) * b) / classes) + (x - middle) * sympy.exp((a - b) / classes) for x in start]
        for i in range(classes):
            drift = sum((alpha if i == j else beta) * form[j] for j in range(classes)) / classes
            slope = sympy.diff(form[i], t).subs({sympy.diff(a, t): alpha, sympy.diff(b, t): beta})
            assert sympy.expand(slope - drift) == 0
            assert sympy.expand(form[i].subs({a: 0, b: 0}) - start[i]) == 0

    def test_the_i_model_for_any_number_of_classes(self) -> None:
        """The mean and one deviation, with K a symbol: Σ_j X̄^j = K X̌."""
        k, alpha, beta, mean, deviation = sympy.symbols("K alpha beta c y")
        drift = (alpha * (mean + deviation) + beta * (k * mean - mean - deviation)) / k
        assert sympy.expand(drift - ((alpha + (k - 1) * beta) / k * mean + (alpha - beta) / k * deviation)) == 0

    @pytest.mark.parametrize("classes", [2, 3, 4])
    @pytest.mark.slow
    def test_the_l_model(self, classes: int) -> None:
        """In the form that is computed: own parts and the common term v (I_β + I_γ/K); φ1, φ2 and the integrals enter by their slopes."""
        alpha, beta = sympy.symbols("alpha beta")
        phi1, phi2, shared, lone = sympy.symbols("phi_1 phi_2 I_beta I_gamma")
        k = sympy.Integer(classes)
        slopes = {
            phi1: (alpha - beta) / k * phi1,
            phi2: (alpha + beta / (k - 1)) / k * phi2,
            shared: beta * phi2 / k,
            lone: (alpha - beta) * phi2 / k,
        }
        directions = (sympy.eye(classes) - sympy.ones(classes, classes) / k) / sympy.sqrt(1 - 1 / k)
        start = sympy.Matrix(classes, classes, lambda i, j: sympy.Symbol(f"x{i}{j}"))
        along = [sum(directions[j, a] * start[j, a] for a in range(classes)) for j in range(classes)]
        mean = sum(along) / k
        deviations = [s - mean for s in along]
        total = sympy.Matrix(1, classes, lambda _, a: sum(directions[j, a] * deviations[j] for j in range(classes)))
        form = [
            start[i, :]
            + directions[i, :] * mean * (phi1 - 1)
            + (directions[i, :] * deviations[i] - total / k) * lone
            + total * (shared + lone / k)
            for i in range(classes)
        ]
        # I_γ is no second integral: (1/K)∫γφ2 = φ2 − 1 − K/(K−1) I_β
        assert sympy.simplify(slopes[lone] - slopes[phi2] + k / (k - 1) * slopes[shared]) == 0
        identity = {lone: phi2 - 1 - k / (k - 1) * shared}
        for i in range(classes):
            moved = sum((sympy.diff(form[i], symbol) * slope for symbol, slope in slopes.items()), sympy.zeros(1, classes))
            drift = sympy.zeros(1, classes)
            for j in range(classes):
                along_j = (form[j] * directions[j, :].T)[0, 0]
                drift += (alpha if i == j else beta) / k * along_j * directions[j, :]
            assert (moved - drift).subs(identity).applyfunc(lambda entry: sympy.simplify(sympy.expand(entry))) == sympy.zeros(1, classes)
            assert form[i].subs({phi1: 1, phi2: 1, shared: 0, lone: 0}).applyfunc(sympy.expand) == start[i, :]

    def test_the_quotient_of_the_l_model_for_any_number_of_classes(self) -> None:
        """s_j' = (1/K)[α s_j − β/(K−1) Σ_{i≠j} s_i] has modes Γ/K (mean) and (A + B/(K−1))/K (deviations), K a symbol."""
        k, alpha, beta, mean, deviation = sympy.symbols("K alpha beta s delta")
        drift = (alpha * (mean + deviation) - beta / (k - 1) * (k * mean - mean - deviation)) / k
        modes = (alpha - beta) / k * mean + (alpha + beta / (k - 1)) / k * deviation
        assert sympy.simplify(drift - modes) == 0


@pytest.mark.parametrize(
    ("start", "times", "parts"),
    [
        ([[1.0, 0.0]], 1.0, ("(1, 2)", "(2, 2)")),
        ([[1.0, math.nan], [0.0, 1.0]], 1.0, ("entry (1, 2)", "nan")),
        ([["a", "b"], ["c", "d"]], 1.0, ("no number",)),
        (np.eye(2), 0.0, ("time 0",)),
        (np.eye(2), -1.0, ("time -1",)),
        (np.eye(2), math.inf, ("time inf",)),
        (np.eye(2), [1.0, 1.0], ("time 1", "increase")),
        (np.eye(2), [2.0, 1.0], ("time 1", "increase")),
        (np.eye(2), [], ("shape (0,)",)),
        (np.eye(2), [[1.0]], ("shape (1, 1)",)),
        (np.eye(2), "soon", ("no numbers",)),
    ],
)
def test_unusable_starts_and_times_are_refused(start: Any, times: Any, parts: tuple[str, ...]) -> None:
    model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0)
    refused(lambda: mean_flow(model, start, times), *parts)


def test_means_that_would_not_fit_are_refused_with_their_size() -> None:
    model = ElasticModel(blocks="I", num_classes=1000, num_features=10**4, intra=1, inter=0)
    start = np.broadcast_to(np.zeros(1), (1000, 10**4))
    refused(lambda: mean_flow(model, start, np.arange(1.0, 1001.0)), "1000 times", "GB")


@pytest.mark.parametrize("kind", ["I", "L", "identity"])
def test_singular_rates_inside_the_interval_are_refused(kind: str) -> None:
    start = np.eye(2)
    refused(lambda: mean_flow(ElasticModel(blocks=kind, num_classes=2, intra="1/(3-t)", inter=0), start, 4.0), "1/(3-t)", "near t = 3")
    refused(lambda: mean_flow(ElasticModel(blocks=kind, num_classes=2, intra=1, inter="log(t)"), start, 4.0), "log(t)", "near t = 0")
    assert np.isfinite(mean_flow(ElasticModel(blocks=kind, num_classes=2, intra="1/(3-t)", inter=0), start, 2.9).means).all()
    blocks = np.random.default_rng(0).standard_normal((2, 2, 2, 2))
    refused(lambda: mean_flow(ElasticModel(blocks=blocks, num_classes=2, intra="1/(3-t)", inter=0), start, 4.0), "near t = 3")
    poles = ElasticModel(blocks=kind, num_classes=2, elasticity=lambda t: np.eye(2) / abs(math.sqrt(2) - t))
    refused(lambda: mean_flow(poles, start, 4.0), "1.41421")
