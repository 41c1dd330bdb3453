"""Probabilities of separation at the printed rates, enclosed by time."""

from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.theory.locally_elastic._in_symbols.counterexamples import CASES
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances_by_time


@cache
def enclosed(name: str) -> dict[float, Bracket]:
    """The distance of the class means in deviations, by time: integrated from E and H in ball arithmetic."""
    case = CASES[name]
    log_distances = log_distances_by_time(case.similarity, (1.0, -1.0), case.intra, case.inter, case.times, classes=2)
    return {time: distance_in_deviations(each, time, variance=case.variance) for time, (each,) in log_distances.items()}
