"""Any number of groups: the classes of a group coincide iff c_g ≤ λ, and classes of different size never do, except at zero."""

import math

from layerpeel.theory import Evidence, Instances, Kind, Origin, Room, Source, Statement, claim
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._coming_apart import Groups, end, groups_label, multiplier_there, reported
from layerpeel.theory.layer_peeled._in_symbols.unequal_classes import FLIPPED, STATED, contradiction
from layerpeel.theory.layer_peeled._measured.many_groups import enclosed, multiplier_where, switch

PROGRAMS: tuple[tuple[Groups, float], ...] = (
    (((2, 60), (2, 10), (2, 5)), 1.0),
    (((3, 60), (2, 15), (2, 5)), 1.0),
    (((3, 60), (2, 15), (2, 5)), 2.0),
    (((3, 60), (2, 30), (2, 5)), 2.0),
    (((2, 20), (2, 15), (2, 10), (2, 4)), 0.3),
    (((2, 20), (2, 15), (2, 10), (2, 4)), 1.0),
    (((20, 60), (10, 20), (10, 2)), 0.5),
)
"""Groups and E_H at E_W = 1: in each, some groups are apart and some are not."""
INSTANCES: Instances = {
    f"{groups_label(groups)}, E_H={energy:g}: n_g={samples}": (groups, energy, g)
    for groups, energy in PROGRAMS
    for g, (_, samples) in enumerate(groups)
}
SWITCHES: Instances = {
    f"{groups_label(groups)}: n_g={groups[g][1]}": (groups, g)
    for groups, g in (
        (((2, 60), (2, 10), (2, 5)), 1),
        (((2, 60), (2, 10), (2, 5)), 2),
        (((3, 60), (2, 15), (2, 5)), 1),
        (((2, 20), (2, 15), (2, 10), (2, 4)), 2),
    )
}
"""Groups, and the one whose classes come apart as the energy grows."""
ENDS: Instances = {
    f"{place}: {name}": (*case, phase) for place, case in SWITCHES.items() for phase, name in ((1, "last together"), (0, "first apart"))
}
"""The two ends of each search: 1 where λ ≥ c_g and the classes still coincide, 0 where they are apart."""


def small_groups(*cases: tuple[Groups, float, int]) -> dict[str, tuple[Groups, float, int]]:
    """Cases by label: groups, E_H, and how many directions the classifiers of the two small groups span."""
    return {f"{groups_label(groups)}, E_H={energy:g}": (groups, energy, spanned) for groups, energy, spanned in cases}


UNEQUAL = small_groups(
    (((2, 100), (1, 10), (1, 8)), 1.0, 1),
    (((2, 60), (1, 10), (1, 5)), 1.0, 1),
    (((2, 30), (1, 10), (1, 9)), 1.0, 2),
    (((3, 60), (2, 15), (2, 5)), 1.0, 1),
)
"""Two small groups of different size, each coinciding within itself."""
VANISHED = small_groups((((3, 60), (1, 3), (1, 2)), 0.5, 0), (((3, 60), (2, 3), (2, 2)), 0.2, 0))
"""The same in the second phase, where small classes vanish."""
NOTICEABLE = 1e-2
"""A difference of norms, out of norms near one, that no enclosure here can blur."""

ROOM = Room.of(
    Statement(
        name="group-collapse-law",
        title="Which classes coincide when there are many sizes",
        latex=r"w_k=w_l\ (k,l\in g)\iff \frac{n_g}{N}\leq\lambda;\qquad n_k\neq n_l:\ w_k=w_l\iff w_k=w_l=0",
        assumptions=(
            "any number of groups of classes of equal size; g has two classes or more",
            "cross-entropy loss",
            "λ is the multiplier of ‖Z‖_* ≤ τ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Minority Collapse, stated for two sizes; any sizes derived"),
        meaning="In the model with any number of class sizes, equally rare classes share one classifier exactly when their share of the "
        "samples falls to a common level. Classes of different sizes never coincide unless both vanish, but can point the same way.",
    ),
    claim(
        "apart-below",
        "wherever the classes of a group are apart, λ < c_g",
        over=INSTANCES,
        predict=1.0,
        measure=lambda groups, energy, g: multiplier_where(False, groups, energy, g, elsewhere=0.0),
        by="λ/c_g wherever the classes of the exact optimum are certainly apart; zero elsewhere, where nothing is claimed",
        false={"squared": ("classes are apart only where λ < c_g²", 0.5)},  # c_g ≤ 1/2
        evidence=Evidence.CERTIFIED,
        kind=Kind.UPPER_BOUND,
    ),
    claim(
        "together-above",
        "wherever the classes of a group coincide, λ ≥ c_g",
        over=INSTANCES,
        predict=1.0,
        measure=lambda groups, energy, g: multiplier_where(True, groups, energy, g, elsewhere=math.inf),
        by="λ/c_g wherever the classes of the exact optimum certainly coincide; infinite elsewhere, where nothing is claimed",
        false={
            "share-of-largest": (
                "classes coincide only where λ ≥ n_g/n_max",
                lambda groups, *_: sum(classes * samples for classes, samples in groups) / groups[0][1],
            ),
            "share-of-margin": (
                "classes coincide only where λ (K_g − 1)/K_g ≥ c_g",
                lambda groups, _, g: predicted(groups[g][0] / (groups[g][0] - 1)),
            ),
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "switch",
        "the classes of a group come apart exactly at the energy where λ = c_g",
        over=SWITCHES,
        predict=1.0,
        measure=lambda groups, g: multiplier_there(switch(groups, g), g),
        by="λ/c_g, enclosed, at the energy where the margin between two classes of the group certainly goes from zero to positive",
        false={
            "one-percent-off": ("they come apart where λ = 1.01 c_g", 1.01),
            "average": (
                "they come apart where λ = 1/K",
                lambda groups, g: predicted(sum(k * n for k, n in groups) / (sum(k for k, _ in groups) * groups[g][1])),
            ),
            "root-of-size": ("they come apart where λ = √n_g/N", lambda groups, g: 1 / math.sqrt(groups[g][1])),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "the energies on either side are 3e-4 apart, and λ moves about as much"),
    ),
    claim(
        "reported-phase",
        "the phase that `solve` reports by λ ≥ c_g is the one that the margin shows, as close to the switch as can be certified",
        over=ENDS,
        predict=lambda groups, g, phase: phase,
        measure=lambda groups, g, phase: reported(end(switch(groups, g), phase).solution.collapsed[g]),
        by="what `solve` reports of the group at the two ends, which were found by the margin",
        false={"reported-late": ("λ ≥ 1.01 c_g is what counts", 0.0)},
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
    claim(
        "contradiction",
        "w_k = w_l with c_k ≠ c_l makes −F, a gradient of a convex function, decrease along h_l − h_k, unless h_k = h_l = 0",
        over="",
        predict=lambda: STATED,
        measure=contradiction,
        by="stationarity of classifiers and features, in units where both read λ, under the hypothesis w_k = w_l; s = c_k/c_l. "
        "It leaves h_k = h_l = 0, and then F(0) = 0: w_k is the mean of all classifiers, which is zero",
        false={"flipped": ("the monotone map allows w_k = w_l with c_k > c_l", lambda: FLIPPED)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "unequal-differ",
        "of two small classes of different size the larger has the longer classifier, even where the angle is closed",
        over=UNEQUAL,
        predict=NOTICEABLE,
        measure=lambda groups, energy, _: enclosed(groups, energy).classifier_norm(1) - enclosed(groups, energy).classifier_norm(2),
        by="‖w_k‖ − ‖w_l‖ ≤ ‖w_k − w_l‖ for k in the larger and l in the smaller of the two small groups, enclosed",
        false={
            "by-the-fourth-root": (
                "the difference is at least (n_g/n_h)^{1/4} − 1",
                lambda groups, *_: (groups[1][1] / groups[2][1]) ** 0.25 - 1,
            ),
            "by-the-counts": ("the difference is at least √(n_g/n_h) − 1", lambda groups, *_: math.sqrt(groups[1][1] / groups[2][1]) - 1),
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "ray",
        "their classifiers can lie on one ray exactly, and at zero they do coincide",
        over=UNEQUAL | VANISHED,
        predict=lambda groups, _, spanned: groups[0][0] - 1.0 + spanned,
        measure=lambda groups, energy, _: enclosed(groups, energy).rank(),
        by="rank of the exact optimum, whose majority takes K_A − 1 of it for the margins inside",
        false={"never-parallel": ("classifiers of unequal classes are never parallel", lambda groups, *_: groups[0][0] + 1.0)},
        evidence=Evidence.CERTIFIED.within(0.0, "a whole number"),
        kind=Kind.OBSERVATION,
    ),
)
