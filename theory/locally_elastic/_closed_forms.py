"""What numerics says in closed form of means and of separation, on the side of predictions; measurements never come here."""

import numpy as np
from scipy.linalg import expm

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, ElasticModel, MeanDriftLaw, mean_flow, separated_probability
from layerpeel.theory.locally_elastic._cases import END, Cases
from layerpeel.theory.locally_elastic._drift import rate, rate_integral, similarity_blocks, weights


def closed_means(cases: Cases) -> Float[np.ndarray, "cases K p"]:
    """Class means at END by the closed form."""
    _, classes, features = cases.start.shape
    means = [
        mean_flow(
            ElasticModel(
                blocks=cases.kind,
                num_classes=classes,
                num_features=features,
                intra=lambda time, c=cases.intra[:, case]: rate(c, time),
                inter=lambda time, c=cases.inter[:, case]: rate(c, time),
            ),
            start,
            [END],
        ).means[0]
        for case, start in enumerate(cases.start)
    ]
    return np.stack(means)


def exponential_flow(
    intra: Float[np.ndarray, "5 cases"], inter: Float[np.ndarray, "5 cases"], start: Float[np.ndarray, "cases K K"], time: float
) -> Float[np.ndarray, "cases K K"]:
    """exp(∫M) X̄(0) of the L-model, for each case: its class means only where drifts at different times commute."""
    count, classes, _ = start.shape
    integrals = weights(rate_integral(intra, time), rate_integral(inter, time), classes)
    generators = np.einsum("cij,iajb->ciajb", integrals, similarity_blocks("L", classes, classes)).reshape(count, classes**2, classes**2)
    return (expm(generators) @ start.reshape(count, -1, 1)).reshape(start.shape)


def closed_log_distance(model: ElasticModel, start: Float[np.ndarray, "K p"], time: float, pair: tuple[int, int] = (0, -1)) -> Bracket:
    """log ‖X̄^k − X̄^l‖ at one time by the closed mean flow, with its stated error."""
    flow = mean_flow(model, start, [time])
    value, error = float(flow.log_distances(*pair)[0]), float(flow.difference_errors(*pair)[0])
    return Bracket(value - 2 * error, value + 2 * error)


def separated_by_law(
    law: MeanDriftLaw, *, samples: int, pair: tuple[int, int] = (0, -1), along: Float[np.ndarray, " p"] | None = None
) -> Bracket:
    """Probability that n samples of each class of a pair are separated along a direction, from an exact Gaussian law of numerics.

    Args:
        law: the law at one time.
        samples: n.
        pair: the two classes.
        along: the direction; that of the means' difference when left out.
    """
    apart = law.flow.differences(*pair)[0]
    direction = apart if along is None else along
    first, second = (float(np.sqrt(direction @ law.class_covariances[0, k] @ direction)) for k in pair)
    return separated_probability(float(direction @ apart), deviations=(first, second), counts=(samples, samples)).bracket()
