"""Two-group optima for whole arrays of problems: the curve of `_two_groups_curve`, compiled or in plain NumPy."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

import layerpeel.numerics.layer_peeled._two_groups_curve as curve
from layerpeel.array_words import Bool, Float
from layerpeel.numerics._input_arrays import broadcast, require_positive_array, require_whole_array
from layerpeel.numerics._inputs import UnusableInput

LARGEST_GROUP = 1e9
"""Classes per group: K² and its products with the other quantities are still far from overflow."""

LARGEST_IMBALANCE = 1e15
"""R: roundings of log R reach 1e-14 here."""

LEAST_ROOT, LARGEST_ROOT = 1e-6, 1e4
"""Range of τ/K = √(E_H E_W): exponents reach some times its upper end, and each of their roundings is that much of the value."""

CHUNK = 8192
"""Problems per NumPy pass: the three dozen temporaries then stay in the second-level cache."""

COMPILED_FROM = 300_000
"""Problems from which the compiled route is the default: for fewer, importing the compiler takes longer than it saves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoGroupOptima:
    """Optima of an array of two-group problems, entry by entry what `TwoGroupOptimum` holds; all fields have one shape.

    Args:
        majority: K_A, the classes of the first group.
        minority: K_B, the classes of the second group.
        imbalance: R, samples per class of the first group over those of the second.
        radius: τ.
        a: singular value inside the first group; zero for a single class.
        b: singular value inside the second group; zero for a single class.
        t_a: part of the first group in the singular value between the groups.
        t_b: part of the second group.
        log_multiplier: log of the multiplier λ of ‖Z‖_* ≤ τ, for weights n_k/N of the classes.
        collapsed: whether the classes of the group with fewer samples coincide.
        vanished: whether its classifiers, and with them all logits between the groups, are exactly zero.
    """

    majority: Float[np.ndarray, "..."]
    minority: Float[np.ndarray, "..."]
    imbalance: Float[np.ndarray, "..."]
    radius: Float[np.ndarray, "..."]
    a: Float[np.ndarray, "..."]
    b: Float[np.ndarray, "..."]
    t_a: Float[np.ndarray, "..."]
    t_b: Float[np.ndarray, "..."]
    log_multiplier: Float[np.ndarray, "..."]
    collapsed: Bool[np.ndarray, "..."]
    vanished: Bool[np.ndarray, "..."]


def two_group_optima(majority: Any, minority: Any, imbalance: Any, root_energy: Any, *, compiled: bool | None = None) -> TwoGroupOptima:
    """The cross-entropy optima of ‖Z‖_* ≤ τ for arrays of problems, broadcast against each other.

    In each problem the two ends of its phase are found first, and decide which phase R is in; then one increasing equation is solved by
    Newton's method inside them. R < 1 exchanges the groups, R = 1 is balanced. The first four arguments are numbers or arrays of any shapes
    that go together.

    Args:
        majority: K_A, whole, 1 to 10⁹: classes of the first group.
        minority: K_B, whole, 1 to 10⁹: classes of the second group.
        imbalance: R, samples per class of the first group over those of the second, 1e-15 to 1e15.
        root_energy: √(E_H E_W) = τ/K, 1e-6 to 1e4.
        compiled: whether to compile the loop (numba, one core, the interpreter lock released) or to run it on arrays (NumPy); by
            default the former for large batches where numba is installed. Both agree to 1e-12.

    Raises:
        UnusableInput: for entries out of these ranges, shapes that do not broadcast, or compiled=True without numba (the extra `fast`).
        ArithmeticError: when an iteration does not settle (none is known).

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> optima = two_group_optima(5, 5, [1.0, 2.0, 20.0, 1e9], 5**0.5)
        >>> optima.collapsed.tolist(), optima.b.round(4).tolist()
        ([False, False, True, True], [2.4845, 1.8253, 0.0, 0.0])
    """
    arrays = broadcast(
        majority=require_whole_array(majority, "number of majority classes", largest=LARGEST_GROUP),
        minority=require_whole_array(minority, "number of minority classes", largest=LARGEST_GROUP),
        imbalance=require_positive_array(imbalance, "imbalance", least=1 / LARGEST_IMBALANCE, largest=LARGEST_IMBALANCE),
        root_energy=require_positive_array(root_energy, "root of the energy product", least=LEAST_ROOT, largest=LARGEST_ROOT),
    )
    first, second, ratio, root = arrays
    radius = (first + second) * root
    exchanged = ratio < 1.0
    big, small = np.where(exchanged, second, first), np.where(exchanged, first, second)
    log_ratio = np.abs(np.log(ratio))
    a, b, s, root_a, root_b, deficit, phase = _solve(big, small, log_ratio, radius, compiled)
    vanished = phase == curve.VANISHED
    inside = np.where(big > 1.0, a, 0.0), np.where(small > 1.0, b, 0.0)
    between = s * np.sqrt(small / (big + small)) / root_a, s * np.sqrt(big / (big + small)) / root_b
    return TwoGroupOptima(
        majority=first,
        minority=second,
        imbalance=ratio,
        radius=radius,
        a=np.where(exchanged, inside[1], inside[0]),
        b=np.where(exchanged, inside[0], inside[1]),
        t_a=np.where(exchanged, between[1], between[0]),
        t_b=np.where(exchanged, between[0], between[1]),
        log_multiplier=-deficit - np.log(big + small * np.exp(-log_ratio)),
        collapsed=(phase != curve.DISTINCT) & (small > 1.0),
        vanished=vanished,
    )


def _solve(
    big: np.ndarray, small: np.ndarray, log_imbalance: np.ndarray, radius: np.ndarray, compiled: bool | None
) -> Float[np.ndarray, "scalars ..."]:
    """The scalars of every optimum, one row each."""
    flat = [np.ascontiguousarray(array).ravel() for array in (big, small, log_imbalance, radius)]
    rows = np.empty((len(curve.Found._fields), radius.size))
    loop = _compiled_loop() if compiled or (compiled is None and radius.size >= COMPILED_FROM) else None
    if loop is not None:
        loop(*flat, rows)
    elif compiled:
        raise UnusableInput("compiled=True needs numba, which cannot be imported: pip install 'layerpeel[fast]', or leave compiled out.")
    else:
        with np.errstate(divide="ignore", invalid="ignore"):  # K_A = 1 has no ρ_1: what is computed there is not chosen
            for start in range(0, radius.size, CHUNK):
                chunk = slice(start, start + CHUNK)
                rows[:, chunk] = curve.optimum(*(array[chunk] for array in flat))
    if np.any(np.isnan(rows)):
        worst = int(np.argmax(np.any(np.isnan(rows), axis=0)))
        at = ", ".join(f"{array[worst]:.17g}" for array in flat)
        raise ArithmeticError(f"no root found for K_A, K_B, log R, radius = {at}; report this case.")
    return rows.reshape(len(rows), *radius.shape)


def _choose_one(condition: bool, if_true: float, if_false: float) -> float:
    return if_true if condition else if_false


@cache
def _compiled_loop() -> Callable[..., None] | None:
    """`curve.fill` compiled together with all that it calls, or None without numba.

    The functions are taken as they stand, with compiled functions for their globals. They stay attached to their file, so that a cached
    compilation is thrown away when the file changes.
    """
    try:
        import numba
    except (ImportError, OSError):  # not installed, made for another NumPy, or its compiler's library does not load
        return None
    scope = dict(vars(curve))

    def rooted(function: Callable[..., Any]) -> Callable[..., Any]:
        plain = inspect.unwrap(function)  # without the checks of annotations that tests put around it
        return FunctionType(plain.__code__, scope, plain.__name__)

    scope.update(choose=numba.njit(rooted(_choose_one)), every=bool)
    for name in ("place", "threshold_excess", "last_place", "curve_point", "newton_step", "threshold_place", "optimum"):
        scope[name] = numba.njit(rooted(scope[name]), error_model="numpy")
    signature = f"void({4 * 'float64[::1], '}float64[:, ::1])"
    try:
        return numba.njit(signature, nogil=True, cache=True)(rooted(curve.fill))
    except Exception:  # noqa: BLE001 - no place for a cache, or a damaged one: an error of the code itself comes back below
        return numba.njit(signature, nogil=True)(rooted(curve.fill))
