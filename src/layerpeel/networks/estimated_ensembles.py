"""Strengths of local elasticity estimated from the mean logits of an ensemble of networks."""

from dataclasses import dataclass

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.numerics import RateEstimate, TailIndices, UnusableInput, estimate_rates, refitted_means, relative_difference


@dataclass(frozen=True, kw_only=True, eq=False)
class EstimatedEnsemble:
    """Strengths under one model, and the class means that they imply.

    Args:
        rates: the estimate.
        crossings: "drop" when components that cross zero were left out, "keep" when nothing else was left and absolute values were
            taken, as in the sources.
        genuine: mean logits, (time, class, logit).
        simulated: the same as the mean flow makes them of the first ones.
    """

    rates: RateEstimate
    crossings: str
    genuine: np.ndarray
    simulated: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """RD_k(t) from the second time on, (time, class)."""
        return relative_difference(self.genuine[1:], self.simulated[1:])


def estimated_ensemble(arrays: Arrays, model: str, start: int) -> EstimatedEnsemble:
    """The estimate from the recorded state `start` on; components that cross zero are dropped where others are left."""
    times, trials = arrays["iterations"][start:].astype(float), arrays["logits"][:, start:]
    try:
        crossings, rates = "drop", estimate_rates(times, trials, model=model, crossings="drop")
    except UnusableInput:
        crossings, rates = "keep", estimate_rates(times, trials, model=model, crossings="keep")
    genuine = trials.mean(axis=0)
    simulated = refitted_means(genuine[0], rates.cumulative_intra, rates.cumulative_inter, model=model)
    return EstimatedEnsemble(rates=rates, crossings=crossings, genuine=genuine, simulated=simulated)


def difference_as_the_source(arrays: Arrays, model: str, start: int) -> np.ndarray:
    """RD_k(t) by the source's protocol, (time, class): the strengths of either model drive the L-model, in the norm of H_k, in sample.

    Strengths come from the mean of all networks, with absolute values where components cross zero. Source: zhang2021, equation (20).
    """
    times, means = arrays["iterations"][start:].astype(float), arrays["logits"][:, start:].mean(axis=0)
    rates = estimate_rates(times, means, model=model, crossings="keep")
    simulated = refitted_means(means[0], rates.cumulative_intra, rates.cumulative_inter, model="L")
    return relative_difference(means[1:], simulated[1:], model="L")


def tail_fields(indices: TailIndices) -> dict[str, float | None]:
    """The three numbers that go by the name of tail index, as fields of a row."""
    return {
        "tail_index": None if indices.definition is None else indices.definition.mean,
        "tail_index_error": None if indices.definition is None else indices.definition.standard_error,
        "printed_tail_index": indices.printed,
        "cumulative_tail_index": indices.cumulative,
    }
