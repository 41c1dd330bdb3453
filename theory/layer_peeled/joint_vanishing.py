"""All but the largest classes vanish at one and the same energy, and come back on one ray."""

import math
from collections.abc import Sequence

from layerpeel.numerics import Bracket, joint_vanishing_lengths, joint_vanishing_radius
from layerpeel.solvers import Enclosures, LayerPeeled
from layerpeel.theory import Evidence, Instances, Kind, Origin, Room, Source, Statement, claim
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._coming_apart import Groups, end, groups_label, reported
from layerpeel.theory.layer_peeled._in_symbols.joint_vanishing import SINGULAR, SIZES, gradient, structure
from layerpeel.theory.layer_peeled._measured.joint_switches import BACK, beyond, shorter, switch, with_a_norm
from layerpeel.theory.layer_peeled._reference import reference

PROGRAMS: tuple[Groups, ...] = (
    ((3, 60), (2, 3), (2, 2)),
    ((2, 60), (1, 12), (1, 6), (1, 1)),
    ((3, 20), (1, 15), (2, 10)),
    ((4, 100), (1, 2), (1, 1)),
)
"""The largest classes first: tails that are a twentieth of them, of three sizes, and nearly as large."""
PLACES: Instances = {groups_label(groups): (groups,) for groups in PROGRAMS}
ENDS: Instances = {
    f"{place}: n_g={groups[g][1]}, {name}": (groups, g, phase)
    for place, (groups,) in PLACES.items()
    for g in range(1, len(groups))
    for phase, name in enumerate(("present", "gone"))
}
BEYOND = (0.1, 0.03, 0.01, 0.003)
"""How far beyond the energy, relatively, the way back is looked at."""
RAYS: Instances = {f"{excess:g} beyond": (excess,) for excess in BEYOND}
SINGLE: Instances = {
    f"{groups_label(groups)}, E_H={energy:g}": (groups, energy)
    for groups in (((1, 60), (2, 3), (2, 2)), ((1, 20), (1, 15), (2, 10)))
    for energy in (0.02, 0.1, 0.5)
}
"""One largest class, at energies at which two would be alone."""

ROOM = Room.of(
    Statement(
        name="joint-vanishing",
        title="All smaller classes vanish together",
        latex=r"w_k=0\text{ for one }k\notin A\iff w_k=0\text{ for all }k\notin A\iff\tau\leq\tau^*,\qquad "
        r"\sum_g\frac{K_g}{\kappa_g^2-\lambda^2}=0\text{ at }\tau^*,\quad \kappa_A=\frac{c_AKe^{-m}}{D},\ \kappa_g=c_g",
        assumptions=(
            "K_A ≥ 2 classes of the largest count, any number of groups beside them",
            "cross-entropy loss",
            "a = τ/(K_A − 1), m = a(K_A − 1)/K_A, D = 1 + (K_A − 1)e^{−a} + (K − K_A)e^{−m}, λ = c_A(K_A e^{−a} + (K − K_A)e^{−m})/D",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Minority Collapse, stated for two sizes; joint vanishing derived"),
        meaning="In the model, where several classes share the largest count, all smaller classes lose their classifiers at one and the "
        "same bound on the norms, whatever their sizes. Just above it all come back in one direction, the smaller the class the shorter.",
    ),
    claim(
        "secular-equation",
        "the gradient off the head is −diag(κ)(I − vvᵀ), v_g = √(K_g/K); its singular values are 0 and the roots σ of Σ K_g/(κ_g² − σ²)",
        over="",
        predict=structure,
        measure=gradient,
        by="entry by entry from the softmax at Z = a(I − 11ᵀ/K_A) on the head and zero elsewhere, three groups; the determinant expanded",
        false={"one-class-more": ("the head counts K_A + 1 times", lambda: {SINGULAR: structure(SIZES[0] + 1)[SINGULAR]})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "energy",
        "all tail groups vanish at E_H = (τ*/K)² (compared in logarithms)",
        over=PLACES,
        predict=lambda groups: vanishing_energy(groups),
        measure=lambda groups: switch(groups).bracket,
        by="log E_H between an energy at which every tail group's norm certainly is positive, and one at which all certainly are zero",
        false={
            "one-percent-off": ("τ* is 1 % larger", lambda groups: vanishing_energy(groups) + Bracket.exactly(2 * math.log(1.01))),
            "smallest-first": (
                "the smallest group vanishes first, where it would beside the head alone",
                lambda groups: vanishing_energy((groups[0], groups[-1])),
            ),
            "average-tail": ("τ* is that of a tail of the same mean count", lambda groups: vanishing_energy(averaged(groups))),
        },
        evidence=Evidence.CERTIFIED.within(
            4e-3, "semidefinite programs certify norms, and their absence, at two energies 3e-4 apart; mistakes of .05 % would show"
        ),
    ),
    claim(
        "reported-phase",
        "what `solve` reports of every group by the law is what its norm shows, as close to τ* as it can be certified",
        over=ENDS,
        predict=lambda groups, g, phase: phase,
        measure=lambda groups, g, phase: reported(end(switch(groups), phase).solution.vanished[g]),
        by="what `solve` reports of the group at the two ends, which were found by the norms",
        false={"smallest-only": ("only the smallest group is reported as zero", lambda groups, g, phase: phase and g == len(groups) - 1)},
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
    claim(
        "one-ray",
        "beyond τ* the tail comes back on one ray: the rank is one more than the head's own K_A − 1",
        over=RAYS,
        predict=BACK[0][0],
        measure=lambda excess: beyond(excess).rank(),
        by="rank of the exact optimum, enclosed from both sides",
        false={"a-ray-each": ("every tail group comes back on a ray of its own", BACK[0][0] + len(BACK) - 2)},
        evidence=Evidence.CERTIFIED.within(0.0, "a whole number"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "lengths",
        "as τ ↓ τ* the lengths of the classifiers go as 1/(λ² − c_g²): the smaller comes back shorter",
        over=RAYS,
        predict=lambda _: last_length(),
        measure=lambda excess: shorter(beyond(excess)),
        by="‖w_k‖ of the smallest tail group over that of the largest, at the semidefinite optimum",
        false={
            "all-alike": ("they come back equally long", 1.0),
            "as-features": (
                "they go as the features, c_g/(λ² − c_g²)",
                lambda _: predicted(last_length().middle * BACK[-1][1] / BACK[1][1]),
            ),
            "by-the-counts": ("they go as the counts", BACK[-1][1] / BACK[1][1]),
        },
        evidence=Evidence.CERTIFIED.within(
            0.02, "the next term is of the order of the distance from τ*, which is 0.003 at the last instance"
        ),
        kind=Kind.LIMIT,
    ),
    claim(
        "single-largest",
        "with a single largest class none vanishes: every norm is positive, however short",
        over=SINGLE,
        predict=lambda groups, _: len(groups),
        measure=lambda groups, energy: with_a_norm(Enclosures(reference(LayerPeeled.from_groups(groups, feature_energy=energy)))),
        by="how many groups certainly have a norm, at the semidefinite optimum",
        false={"head-alone": ("the largest class is alone", 1.0)},
        evidence=Evidence.CERTIFIED.within(0.0, "a whole number"),
    ),
)


def vanishing_energy(groups: Sequence[tuple[int, float]]) -> Bracket:
    """log E_H = 2 log(τ*/K) at E_W = 1."""
    radius, classes = joint_vanishing_radius(groups), sum(size for size, _ in groups)
    return Bracket(2 * math.log(radius.lower / classes) - 1e-14, 2 * math.log(radius.upper / classes) + 1e-14)


def averaged(groups: Groups) -> Sequence[tuple[int, float]]:
    """The head and as many classes of the mean count."""
    count = sum(size for size, _ in groups[1:])
    return groups[0], (count, sum(size * samples for size, samples in groups[1:]) / count)


def last_length() -> Bracket:
    """How long the smallest group's classifiers are in units of the longest, where they come back."""
    return joint_vanishing_lengths(BACK)[-1]
