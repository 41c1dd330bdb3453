"""Route `sdp`: the 2K×2K semidefinite program of the source, as stated, solved where both energies are equal."""

import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, UnusableInput, require_memory
from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._adjusted_loss import AdjustedCrossEntropy
from layerpeel.solvers.program._problem import Form, LayerPeeled, Problem
from layerpeel.solvers.proof._certificate import certify
from layerpeel.solvers.routes._primal_dual import solve_primal_dual
from layerpeel.solvers.routes._projected import solve_projected
from layerpeel.solvers.routes._request import Candidate, Request
from layerpeel.solvers.routes._settled import settled

SOLVERS = ("clarabel", "scs", "mosek")
"""Legal names of conic solvers."""

PRECISIONS = {"clarabel": (1e-12,), "scs": (1e-9, 1e-12), "mosek": (1e-10,)}
"""What a solver is asked for, in turn, until the certificate is content: the gap of a point is first order in the error of Z, so a solver
must be told to go well beyond the tolerance. Clarabel gains nothing below 1e-12; SCS keeps improving."""

BYTES_PER_K4 = 200.0
"""Peak memory of the interior-point factorisation over K⁴, measured at K = 50 (1.2 GB)."""


POLISHED_GAP, POLISHING_STEPS = 1e-10, 1000
"""Relative gap to which a conic solver's point is polished, and proximal steps for it at most: usually one is enough, and hundreds are
taken where a group's weight is a thousandth of another's."""

FARTHEST_OFF, NEGLIGIBLE_GAP = 1e-2, 1e-6
"""Gap, relative to the value or absolute, up to which a conic solver's point is polished: Clarabel and SCS leave up to 1e-4 of losses of
order one, and 1e-8 of them where the loss is tiny."""


class SolverFailed(RuntimeError):
    """A conic solver broke down without returning a point; its message is the sentence to read."""


class Posed(NamedTuple):
    """A program as cvxpy holds it: the unknown X, its block of logits, the bias, the two energies' constraints, and the hinge's."""

    program: Any
    gram: Any
    block: Any
    bias: Any
    energies: list[Any]
    margins: list[Any]


def run(request: Request[Form]) -> Solution[Form]:
    """The optimum that a conic solver finds, polished."""
    require_solver(request.solver)
    return settled(request, "sdp", _attempts(request.problem, request.solver))


def _attempts(problem: Problem, solver: str) -> Iterator[Candidate]:
    """A conic solver's points at growing precision, each after a few proximal steps from it; for the hinge they are those of both players.

    What a conic solver promises bounds the error of Z, to which the gap of its tangent is proportional. The dual point of a proximal step
    leaves a gap of the square of that error. A point that is farther off than such errors is not repaired: it answers another question.
    """
    for precision in PRECISIONS[solver]:
        candidate = solve_sdp(problem, solver, precision)
        raw = certify(problem, *candidate)
        if raw.gap <= FARTHEST_OFF * raw.value.upper + NEGLIGIBLE_GAP:
            polish = solve_projected if problem.loss_function.smooth else solve_primal_dual
            yield polish(problem, POLISHED_GAP, candidate, POLISHING_STEPS)
        yield candidate


def solve_sdp(problem: Problem, solver: str, precision: float) -> Candidate:
    """Solve the relaxation and average its point over relabellings of equal classes.

        min Σ_k (n_k/N) L(z_k, y_k)   s.t.  X ⪰ 0 in R^{2K×2K},  z_k = X[k, K+1..2K],  tr X_HH ≤ K E_H,  tr X_WW ≤ K E_W.

    With weights d_k, z_k = X[k, K+1..2K]/d_k and tr X_HH ≤ E_H Σ d_k²; with a bias, b and (λ_b/2)‖b‖² are added; penalised, the energies
    leave the constraints and (λ/2)(tr X_HH + tr X_WW) joins the objective.

    Args:
        problem: the program; K×K matrices are formed.
        solver: "clarabel", "scs" or "mosek".
        precision: the accuracy that the solver is asked for.

    Returns:
        Block-symmetric Y = diag(d) Z, the bias, and for the hinge its averaged multipliers Π (row k: how much each other class binds).

    Raises:
        UnusableInput: for a missing or unlicensed solver, or more classes than memory allows.
        SolverFailed: when the solver returns no point.

    Source: su2024, "Convex relaxation".
    """
    require_solver(solver)
    import cvxpy as cp

    program, _, block, bias, _, margins = pose(cp, problem, trade=problem.balance if isinstance(problem, LayerPeeled) else 1.0)
    find_point(cp, program, solver, precision)
    matrix = GroupMatrix.average(np.asarray(block.value), problem.sizes)
    mean = None if bias is None else GroupMatrix.average(np.diag(np.asarray(bias.value)), problem.sizes)
    per_class = None if mean is None else np.array([mean.diagonal(g) for g in range(len(problem.sizes))])
    if problem.loss == "squared":
        return Candidate(matrix, bias=per_class)
    if per_class is not None:
        unnoticed = 1.0 / problem.logit_scale
        per_class -= unnoticed * ((per_class * unnoticed) @ np.asarray(problem.sizes)) / (unnoticed**2 @ np.asarray(problem.sizes))
    if problem.loss == "cross-entropy":
        return Candidate(problem.centred(matrix), bias=per_class)
    shares = np.asarray(margins[0].dual_value) / np.repeat(problem.weights, problem.sizes)[:, None]
    np.fill_diagonal(shares, 0.0)
    return Candidate(matrix.centred(), GroupMatrix.average(shares, problem.sizes), per_class)


def pose(cp: Any, problem: Problem, *, trade: float = 1.0) -> Posed:
    """The program of `solve_sdp`, not yet solved.

    Args:
        cp: cvxpy.
        problem: the program.
        trade: X_HH is posed in this unit and X_WW in its inverse, which leaves the block of logits; the balance √(E_H Σ d_k²/(K E_W)) makes
            both energies equal, so that the solver's errors are of one size.

    Raises:
        UnusableInput: for more classes than memory allows.
    """
    require_memory(
        BYTES_PER_K4 * problem.num_classes**4,
        f"route 'sdp' for {problem.num_classes} classes",
        "use route 'factored', or with cross-entropy and two distinct counts route 'symmetric', which needs no K x K matrix",
    )
    classes = problem.num_classes
    weights = np.repeat(problem.weights, problem.sizes)
    gram = cp.Variable((2 * classes, 2 * classes), PSD=True)
    feature_energy, weight_energy, block = _energies(cp, gram, classes)
    scales = np.repeat(problem.scales, problem.sizes)
    logits = block if problem.unweighted else cp.multiply(np.repeat(1.0 / scales[:, None], classes, axis=1), block)
    bias = None
    if problem.bias_penalty is not None:
        bias = cp.Variable(classes)
        logits = logits + np.ones((classes, 1)) @ cp.reshape(bias, (1, classes), order="C")
    if isinstance(problem.loss_function, AdjustedCrossEntropy):
        objective, margins = _adjusted_objective(cp, problem.loss_function, logits, weights), []
    else:
        objective, margins = _objective(cp, problem.loss, logits, weights)
    if isinstance(problem, LayerPeeled):
        energies: list[Any] = [
            trade * feature_energy <= problem.norm_mass * problem.feature_energy,
            (1 / trade) * weight_energy <= classes * problem.weight_energy,
        ]
    else:
        objective, energies = objective + 0.5 * problem.penalty * (feature_energy + weight_energy), []
    if bias is not None and problem.bias_penalty is not None:
        objective += 0.5 * problem.bias_penalty * cp.sum_squares(bias)
    return Posed(cp.Problem(cp.Minimize(objective), energies + margins), gram, block, bias, energies, margins)


def _energies(cp: Any, gram: Any, classes: int) -> tuple[Any, Any, Any]:
    """tr X_HH, tr X_WW and the block of logits between them."""
    return cp.trace(gram[:classes, :classes]), cp.trace(gram[classes:, classes:]), gram[:classes, classes:]


def _objective(cp: Any, loss: str, logits: Any, weights: Float[np.ndarray, " K"]) -> tuple[Any, list[Any]]:
    classes = len(weights)
    own = cp.diag(logits)
    if loss == "cross-entropy":
        return weights @ (cp.log_sum_exp(logits, axis=1) - own), []
    if loss == "squared":
        return cp.sum_squares(cp.multiply(np.sqrt(weights / 2)[:, None] * np.ones((1, classes)), logits - np.eye(classes))), []
    slack = cp.Variable(classes, nonneg=True)
    ones = np.ones((1, classes))
    violations = logits + 1 - np.eye(classes) - cp.reshape(own, (classes, 1), order="C") @ ones
    return weights @ slack, [violations <= cp.reshape(slack, (classes, 1), order="C") @ ones]


def _adjusted_objective(cp: Any, loss: AdjustedCrossEntropy, logits: Any, weights: Float[np.ndarray, " K"]) -> Any:
    """Σ_k c_k [logsumexp(u) − (1 − δ) u_k − (δ/K) Σ_j u_j], u_j = Δ_j z_j + ι_j − m_k [j = k]."""
    scale, shift, margin = (np.repeat(values, loss.sizes) for values in (loss.scale, loss.shift, loss.margin))
    ones = np.ones((loss.num_classes, 1))
    changed = cp.multiply(ones * scale, logits) + (ones * shift - np.diag(margin))
    labels = (1 - loss.smoothing) * cp.diag(changed) + loss.smoothing / loss.num_classes * cp.sum(changed, axis=1)
    return weights @ (cp.log_sum_exp(changed, axis=1) - labels)


def find_point(cp: Any, program: Any, solver: str, precision: float) -> None:
    """Solve a cvxpy program with a named solver, and insist on a point.

    Raises:
        SolverFailed: when there is none.
    """
    options: dict[str, Any] = {
        "clarabel": {"tol_gap_abs": precision, "tol_gap_rel": precision, "tol_feas": precision},
        "scs": {"eps_abs": precision, "eps_rel": precision, "max_iters": 50_000},
        "mosek": {"eps": precision},
    }[solver]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "inaccurate" is judged by the certificate, not by the word
        try:
            program.solve(solver=solver.upper(), **options)
        except cp.error.SolverError as error:
            raise SolverFailed(f"solver {solver} broke down ({error}); try another solver, or route='factored'.") from error
    if any(variable.value is None for variable in program.variables()):
        raise SolverFailed(f"solver {solver} returned no point (status {program.status}); try another solver, or route='factored'.")


def require_known_solver(name: str) -> None:
    """Check that a solver has a legal name.

    Raises:
        UnusableInput: with the legal names.
    """
    if name not in SOLVERS:
        raise UnusableInput(f"solver {name!r} is unknown: it must be one of {', '.join(SOLVERS)}; choose one of these.")


def require_solver(name: str) -> None:
    """Check that a solver is known, installed and licensed.

    Args:
        name: "clarabel", "scs" or "mosek".

    Raises:
        UnusableInput: for another name; for a solver that is not installed or not licensed, with what to use instead.

    Example:
        >>> require_solver("clarabel")
    """
    require_known_solver(name)
    missing = _missing(name)
    if missing:
        raise UnusableInput(f"solver {name!r} cannot be used: {missing}; use solver='clarabel' instead.")


def _missing(name: str) -> str | None:
    """Why a solver cannot solve, or None. An unlicensed MOSEK imports without complaint, so its licence is checked out."""
    if importlib.util.find_spec(name) is None:
        return f"it is not installed (pip install 'layerpeel[{name}]')" if name == "mosek" else f"it is not installed (pip install {name})"
    for module in ("cvxpy", name):
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a library built for another NumPy may raise anything
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return f"{module} cannot be imported ({reason}; pip install --force-reinstall {module})"
    if name != "mosek":
        return None
    import mosek

    try:
        with mosek.Env() as environment:
            environment.checkoutlicense(mosek.feature.pton)
    except mosek.Error as error:
        return f"MOSEK is installed but gave no licence ({' '.join(str(error).split())})"
    return None


def solver_status() -> dict[str, str]:
    """For every conic solver whether it can be used: "solves", proved by a two-class program, or why it does not.

    Example:
        >>> solver_status()["clarabel"]
        'solves'
    """
    problem = LayerPeeled(counts=[1, 1], feature_energy=1.0)
    status: dict[str, str] = {}
    for name in SOLVERS:
        try:
            solve_sdp(problem, name, 1e-6)
            status[name] = "solves"
        except (UnusableInput, SolverFailed) as error:
            status[name] = _missing(name) or str(error)
    return status
