"""The transition of label noise in trained networks: at p = 2/3 separation fails, as printed; beyond it they learn to avoid the classes."""

from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim
from layerpeel.theory._trials import interval_over_trials
from layerpeel.theory.locally_elastic._ensembles import GIVEN_IMAGES
from layerpeel.theory.locally_elastic._measured.transition_of_labels import ABOVE, BELOW, CHANCE, CRITICAL, accuracy, draw_transition

SIDES = {
    "gain at p = .45": (BELOW, 1),
    "gain at p = 2/3": (CRITICAL, 1),
    "loss at p = 2/3": (CRITICAL, -1),
    "loss at p = .9": (ABOVE, -1),
}
"""The label-error probability, and the sign with which accuracy on clean labels less 1/K counts."""

LEAD = 0.1
"""Least distance from guessing that counts as learning, or as avoiding: half of what networks reach, twice what guessing networks may."""

INFORMED = 0.5
"""Least accuracy at p = 2/3 if labels informed there as they do at p = .45."""

ROOM = Room.of(
    Statement(
        name="label-noise-transition",
        title="The transition of label noise at p = 2/3",
        latex=r"\text{separation fails for}\quad p_{\mathrm{err}}\geq p^*_{\mathrm{err}}=\tfrac23\qquad(K=3)",
        assumptions=(
            "a label is wrong with probability p, once and for all, and then any of the two others",
            "GeoMNIST, one hidden layer of 64 units, stochastic gradient descent on one image per step",
            GIVEN_IMAGES,
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, caption of figure 3: validation loss and accuracy, the dashed line at 2/3"),
        meaning="On images of three shapes small networks beat guessing at 45 % wrong labels, guess at two thirds, and fall below "
        "guessing at 90 %. So nearly half of the labels may be wrong before all is lost, if errors are spread evenly over the other "
        "classes.",
    ),
    claim(
        "two-sides",
        f"networks beat guessing by {LEAD} or more at p = .45, and fall as far below it at p = .9",
        over=SIDES,
        predict=lambda error, _: LEAD if error != CRITICAL else None,
        measure_all=lambda setting: [interval_over_trials(sign * (accuracy(setting, error) - CHANCE)) for error, sign in SIDES.values()],
        by="accuracy on clean labels less 1/K below, 1/K less accuracy above, both between the sides, over trials",
        false={
            "learned-from-chance": Variant(
                "networks beat guessing as far where every label is equally likely, at p = 2/3", LEAD, over="gain at p = 2/3"
            ),
            "avoided-by-chance": Variant(
                "networks fall as far below guessing where every label is equally likely, at p = 2/3", LEAD, over="loss at p = 2/3"
            ),
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
    ),
    claim(
        "guessing-at-two-thirds",
        "at p = 2/3, where labels are random, separation fails: networks guess",
        over="p = 2/3",
        predict=CHANCE,
        measure_all=lambda setting: [interval_over_trials(accuracy(setting, CRITICAL))],
        by="accuracy on clean labels where labels carry no information, over trials",
        false={
            "still-informed": Variant(
                "at p = 2/3 labels inform as they do at p = .45: half of the images are recognised, or more",
                INFORMED,
                kind=Kind.LOWER_BOUND,
            )
        },
        evidence=Evidence.EMPIRICAL.within(
            0.15,
            "an interval over 24 networks is .05 wide, and ten times as many would leave a third of that; on the two sides the "
            "accuracy differs from 1/3 by .2",
            headroom=2.0,
        ),
    ),
    figures=(draw_transition,),
)
