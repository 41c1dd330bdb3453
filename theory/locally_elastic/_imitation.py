"""How far class means that estimated strengths simulate are from the genuine ones, under either model."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import RateEstimate, estimate_rates, refitted_means, relative_difference

MODELS = ("I", "L")
AS_THE_SOURCE = "I less L, both under the L-model, along d_k"
L_ALONG = "L under the L-model, along d_k"
L_PLAIN = "L under the L-model, in the plain norm"
FORGOTTEN = "I less L without its 1/K, both under the L-model, along d_k"


def under_the_l_model(rates: RateEstimate, means: Float[np.ndarray, "T K K"], *, scale: float = 1.0, norm: str = "L") -> float:
    """RD averaged over classes and times: means against what the strengths, times a factor, make of their start under the L-model."""
    simulated = refitted_means(means[0], scale * rates.cumulative_intra, scale * rates.cumulative_inter, model="L")
    return float(relative_difference(means[1:], simulated[1:], model=norm).mean())


def compared(times: Float[np.ndarray, " T"], means: Float[np.ndarray, "T K K"]) -> dict[str, float]:
    """What is compared for the means of some networks, from which the strengths come too."""
    rates = {model: estimate_rates(times, means, model=model, crossings="keep") for model in MODELS}
    along = {model: under_the_l_model(rates[model], means) for model in MODELS}
    plain = {model: under_the_l_model(rates[model], means, norm="I") for model in MODELS}
    return {
        AS_THE_SOURCE: along["I"] - along["L"],
        L_ALONG: along["L"],
        L_PLAIN: plain["L"],
        FORGOTTEN: along["I"] - under_the_l_model(rates["L"], means, scale=means.shape[-1]),
        "I under the L-model, along d_k": along["I"],
        "I less L, both under the L-model, in the plain norm": plain["I"] - plain["L"],
    }


def followed(times: np.ndarray, estimated_from: np.ndarray, start: np.ndarray) -> dict[str, np.ndarray]:
    """Means that start at `start` under the strengths of other means, (times, K, K), by model; and two that know no classes.

    "common factor" lets all means grow as the norm of the other means does: the I-model with β = 0. "frozen" leaves them where they were.
    """
    simulated = {}
    for model in MODELS:
        rates = estimate_rates(times, estimated_from, model=model, crossings="keep")
        simulated[model] = refitted_means(start, rates.cumulative_intra, rates.cumulative_inter, model=model)
    norms = np.linalg.norm(estimated_from, axis=(1, 2))
    return simulated | {"common factor": (norms / norms[0])[:, None, None] * start, "frozen": np.broadcast_to(start, estimated_from.shape)}
