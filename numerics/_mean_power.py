"""How many draws a mean needs: the exact power of Student's interval under normal draws."""

import math

from scipy import integrate, special, stats

from layerpeel.numerics._inputs import UnusableInput, require_positive
from layerpeel.numerics._sample_size import LARGEST_SIZE, require_power
from layerpeel.numerics._validated import validated

NORMAL_REACH = 9.0
"""A standard normal is beyond this with probability 2e-19."""


@validated
def mean_sample_size(*, difference: float, deviation: float, level: float, power: float) -> int:
    """The smallest number of normal draws whose Student interval leaves a mean that is off by `difference` on its far side.

    The power is the upper tail of the non-central t law with non-centrality √n · difference/deviation.

    Args:
        difference: distance of the false mean from the true one, > 0.
        deviation: standard deviation of one draw, > 0, in the same units.
        level: the interval misses the true mean with this probability, in (0, 1).
        power: probability of excluding the false one, on the right side; in (level, 1).

    Raises:
        UnusableInput: for numbers out of range, or when more than 10⁷ draws would be needed.

    Source: derived (the law of Student's ratio, integrated).

    Example:
        >>> mean_sample_size(difference=1.0, deviation=1.0, level=0.05, power=0.9)
        13
    """
    ratio = require_positive(difference, "difference") / require_positive(deviation, "standard deviation")
    require_power(power, level)

    def missing(n: int) -> float:
        return power - _student_power(n, math.sqrt(n) * ratio, level)

    few, many = 1, 2
    while missing(many) > 0.0:
        if many == LARGEST_SIZE:
            raise UnusableInput(f"a difference of {ratio:g} deviations needs more than {LARGEST_SIZE:,} draws: it is too small; widen it.")
        few, many = many, min(2 * many, LARGEST_SIZE)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if missing(middle) > 0.0 else (few, middle)
    return many


def _student_power(n: int, shift: float, level: float) -> float:
    """P(Z + δ√n > c S) for normal Z and (n − 1)S² of law χ²_{n−1}: E F((n − 1)(δ√n + Z)²/c²), F rising where S = 1 is met."""
    critical = float(stats.t.isf(level / 2, n - 1))

    def density(z: float) -> float:
        return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) * float(special.chdtr(n - 1, (n - 1) * ((shift + z) / critical) ** 2))

    start = max(-NORMAL_REACH, -shift)
    rise = min(max(critical - shift, start), NORMAL_REACH)
    return sum(integrate.quad(density, *part, epsabs=1e-11, limit=500)[0] for part in ((start, rise), (rise, NORMAL_REACH)))
