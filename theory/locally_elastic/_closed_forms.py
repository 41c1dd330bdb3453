"""The closed form of the mean flow on the fixed cases; numerics only."""

import numpy as np
from jaxtyping import Float

from numerics import ElasticModel, mean_flow
from theory.locally_elastic._cases import END, Cases
from theory.locally_elastic._drift import rate


def closed_means(cases: Cases) -> Float[np.ndarray, "cases K p"]:
    """Class means at END by the closed form."""
    _, classes, features = cases.start.shape
    found = [
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
    return np.stack(found)
