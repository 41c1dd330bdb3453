"""How far closed forms of the L-model's class means are from integrated ones: the rates of an example, and the picture."""

import numpy as np

from layerpeel.numerics import ElasticModel, mean_flow
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory.locally_elastic._closed_forms import exponential_flow
from layerpeel.theory.locally_elastic._drift import integrated

INTRA, INTER = np.array([[0.0, 0.0, 1.0, 0.0, 1.0]]).T, np.array([[-0.5, 0.0, 1.0, 0.0, 0.5]]).T
"""α = 1/(1 + t) and β = −t/(2(1 + t)), whose ratio is not constant; as expressions in MODEL."""
MODEL = ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter="-t/(2*(1+t))")
START, LAST = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.3, -0.5]]), 5.0


def draw_error(_: Setting) -> Figure:
    """How far the closed form and exp(∫M) are from integrated means, over time, for the rates of the example."""
    times = np.linspace(0.1, LAST, 50)
    reference = integrated("L", INTRA, INTER, START[None], times)[:, 0]
    exponentials = np.stack([exponential_flow(INTRA, INTER, START[None], time)[0] for time in times.tolist()])
    sizes = np.linalg.norm(reference, axis=(1, 2))
    curves = {"closed form": mean_flow(MODEL, START, times).means, "exponential of the integrated drift": exponentials}
    return Figure(
        title="The L-model's drifts at different times do not commute",
        caption="Relative distance from integrated class means for K = 3, α = 1/(1+t), β = −t/(2(1+t)).",
        x_label="t",
        y_label="relative distance",
        series=tuple(
            Series.line(label, times, np.maximum(np.linalg.norm(means - reference, axis=(1, 2)) / sizes, 1e-16), color)
            for color, (label, means) in enumerate(curves.items())
        ),
        log_y=True,
    )
