"""Rooms as quantities of sweeps: `check:ROOM` over seeds and profiles."""

import difflib
from dataclasses import replace
from functools import cache, partial

import numpy as np

from layerpeel.numerics import UnusableInput
from layerpeel.sweeps.quantity import Axis, Columns, Parameters, Quantity


def room_quantity(name: str) -> Quantity:
    """What `layerpeel check NAME` finds, as a quantity over seeds and profiles.

    A room draws from streams that are named after the seed, the room and the check, as always: a point is the room's run at that seed.

    Args:
        name: of a room.

    Raises:
        UnusableInput: for a room that does not exist; the nearest name is given.

    Example:
        >>> [axis.name for axis in room_quantity("energy-product").axes]
        ['seed', 'profile']
    """
    from layerpeel.theory import FAMILIES, headings

    titles = {heading.name: heading.title for heading in headings()}
    if name not in titles:
        near = difflib.get_close_matches(name, titles, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]}?" if near else f"`layerpeel list` names those of {', '.join(FAMILIES)}."
        raise UnusableInput(f"room {name!r} does not exist: check:ROOM takes the name of a theorem; {remedy}")
    return Quantity(
        name=f"check:{name}",
        says=f"Whether the room holds at a seed: {titles[name]}.",
        axes=(
            Axis(name="seed", kind=int, says="every random number of the room derives from it", default=0),
            Axis(name="profile", kind=str, says="quick, or full for more work", default="quick"),
        ),
        columns={
            "value": "1 where every verdict is the expected one, 0 where one is not; none where nothing ran",
            "confirmed": "checks that are confirmed",
            "refuted": "checks that are refuted: those of statements that fail as printed shall be",
            "inconclusive": "checks that came to no verdict",
            "skipped": "checks that need a package which is not here",
            "controls": "false variants that are refuted, as they must be",
            "controls_missed": "false variants that are not",
            "least_margin": "1 less the largest share of its resolution that a measured interval has used; none where no resolution is set",
            "resolving_power": "the largest over checks of the smallest relative change of a prediction that its measurement refutes",
        },
        compute=partial(_checked, name),
    )


def _checked(name: str, parameters: Parameters, _rng: np.random.Generator | None) -> Columns:
    from layerpeel.numerics import require_one_of, require_whole
    from layerpeel.theorems.report import Summary
    from layerpeel.theorems.run import run_room
    from layerpeel.theory import Profile, Verdict, choose

    profile = Profile(require_one_of(parameters["profile"], "profile", Profile))
    seed = require_whole(parameters["seed"], "the seed", least=0, remedy="give one, say 0")
    family, chosen = choose((name,))[name]
    room = run_room(family, replace(chosen, figures=()), profile=profile, seed=seed, level=_level())  # nobody looks at a point's figures
    summary = Summary.of([room])
    used = [check.resolution_used for check in room.checks if check.resolution_used is not None]
    powers = [check.resolving_power for check in room.checks if check.resolving_power is not None]
    missed = [control for control in room.controls if not control.as_expected and control.verdict is not Verdict.SKIPPED]
    return {
        "value": None if room.skipped else float(room.green),
        "confirmed": summary.confirmed,
        "refuted": summary.refuted,
        "inconclusive": summary.inconclusive,
        "skipped": summary.skipped,
        "controls": summary.controls,
        "controls_missed": len(missed),
        "least_margin": 1.0 - max(used) if used else None,
        "resolving_power": max(powers, default=None),
    }


@cache
def _level() -> float:
    """That of `check`, one for all points: counting the comparisons of all rooms takes longer than a small room."""
    from layerpeel.theory import SUITE_LEVEL, statistical_comparisons

    return SUITE_LEVEL / max(1, statistical_comparisons())
