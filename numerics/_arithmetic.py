"""One formula, three arithmetics: floats, arrays, balls."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

EXPONENT_CAP = 500.0
"""Beyond this, e^x ± 1 equals e^x to double precision, while e^x itself is still far from overflow (709)."""


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """The elementary functions that the closed forms need, in one kind of number.

    `cap(x)` splits an exponent so that e^x does not overflow in floats: it returns min(x, 500); balls need no cap.
    """

    exp: Callable[[Any], Any]
    expm1: Callable[[Any], Any]
    log: Callable[[Any], Any]
    log1p: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    cap: Callable[[Any], Any]


def _cap_float(x: float) -> float:
    return min(EXPONENT_CAP, x)


def _cap_array(x: Any) -> Any:
    return np.minimum(x, EXPONENT_CAP)


def _cap_ball(x: arb) -> arb:
    return x


FLOATS = Arithmetic(exp=math.exp, expm1=math.expm1, log=math.log, log1p=math.log1p, sqrt=math.sqrt, cap=_cap_float)
"""Python floats: the fastest for one number."""

ARRAYS = Arithmetic(exp=np.exp, expm1=np.expm1, log=np.log, log1p=np.log1p, sqrt=np.sqrt, cap=_cap_array)
"""NumPy arrays: the fastest for many."""

BALLS = Arithmetic(exp=arb.exp, expm1=arb.expm1, log=arb.log, log1p=arb.log1p, sqrt=arb.sqrt, cap=_cap_ball)
"""Arb balls: every digit proved."""
