"""Local elasticity, measured directly: a step at one image moves the images of its own class farther, and a network learns to do so.

On MNIST. On GeoMNIST, whose shapes overlap in most pixels, one hidden layer reaches an excess of a tenth at most.
"""

import numpy as np

from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import intervals_over_trials, points_over_trials
from layerpeel.theory.locally_elastic._measured.probed_networks import EPOCHS, LINEAR, NETWORK, TRAINED, TRIALS, elasticity

EXCESS = 1.1
"""Least ratio of the move inside the class to the move across, after training: a tenth more. Random weights stay within a twentieth."""

GROWTH = 0.05
"""Least growth of that ratio in training. The likeness of images of one class alone, which a linear classifier shows, does not grow."""

ROOM = Room.of(
    Statement(
        name="local-elasticity",
        title="Local elasticity of trained networks",
        latex=r"\frac{\lVert f_{\theta^+}(x')-f_\theta(x')\rVert}{\lVert f_{\theta^+}(x)-f_\theta(x)\rVert}"
        r"\ \text{is larger for } x' \text{ in the class of } x",
        assumptions=(
            "two hidden layers of 100 ReLU units without batch norm; MNIST at 10×10 pixels, 100 images a class",
            "θ⁺ is one small gradient step at x from θ",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2020", "relative similarity; zhang2021, local elasticity of the two strengths α and β"),
        meaning="In small MNIST networks a gradient step at one image moves its own class at least a tenth farther than other classes "
        "after training, and not before it. So this local elasticity is learned; on shapes that overlap it was much weaker.",
    ),
    claim(
        "farther-inside",
        "after training, a step at an image moves its own class a tenth farther than the others, or more",
        over=instances(NETWORK + ", {} epochs", TRAINED),
        predict=EXCESS,
        measure_all=lambda setting: intervals_over_trials(
            {
                f"{name}, {epochs} epochs": ratios[epochs]
                for name, ratios in elasticity(setting).items()
                for epochs in EPOCHS[setting.profile]
            }
        ),
        by="move inside the class over move across, over trials, at every probe",
        false={"innate": Variant("random weights are as elastic", EXCESS, over=instances(NETWORK + ", {} epochs", 0))},
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "learned",
        "the ratio grows in training",
        over=NETWORK,
        predict=GROWTH,
        measure_all=lambda setting: intervals_over_trials(
            {name: ratios[TRAINED] - ratios[0] for name, ratios in elasticity(setting).items()}
        ),
        by="the ratio after training less before, over trials; that of a linear classifier cannot grow, whatever the images: a step at x "
        "moves its logits at x' by ⟨x, x'⟩ + 1 times one vector, so a probe that reports growth there is broken",
        false={
            "linear-classifier": Variant(
                "a linear classifier learns it too; by an identity it cannot, so this tests the probe and not networks", GROWTH, over=LINEAR
            )
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(lambda setting: draw_elasticity(setting),),
)


def draw_elasticity(setting: Setting) -> Figure:
    """The ratio against epochs."""
    series = [
        points_over_trials(name, ratios, np.array(list(ratios.values())).T, color)
        for color, (name, ratios) in enumerate(elasticity(setting).items())
    ]
    return Figure(
        title="Local elasticity, measured by single steps",
        caption="How far the logits of images of the same class move, over how far those of other classes do, after one step at one image; "
        f"MNIST at 10×10 pixels, {TRIALS} networks, bars: from the least to the largest. "
        "That of a linear classifier does not depend on its weights.",
        x_label="epoch",
        y_label="move inside the class over move across",
        series=tuple(series),
    )
