"""Four classes in a simplex and on a square, on L linear factors with weight decay: the least values of the two codes."""

import math


def etf(layers: int, decay: float) -> float:
    """log(1 + 3e^{−s}) + (3L/2)μ s^{2/L} at the larger root of μ = s^{1−2/L}/(e^s + 3)."""
    s = scale(layers, decay, others=3)
    return math.log1p(3 * math.exp(-s)) + 1.5 * layers * decay * s ** (2 / layers)


def square(layers: int, decay: float) -> float:
    """2 log(1 + e^{−c}) + Lμ (2c)^{2/L} at the larger root of 2^{2/L}μ = c^{1−2/L}/(e^c + 1)."""
    c = scale(layers, 2 ** (2 / layers) * decay, others=1)
    return 2 * math.log1p(math.exp(-c)) + layers * decay * (2 * c) ** (2 / layers)


def scale(layers: int, decay: float, *, others: int) -> float:
    """The larger root of decay = s^{1−2/L}/(e^s + others), to which its logarithm's iteration converges."""
    s = 1 - math.log(decay)
    for _ in range(100):
        s = math.log(s ** (1 - 2 / layers) / decay - others)
    return s
