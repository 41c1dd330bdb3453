"""`import layerpeel`: light, lazy, typed, and everything that is promised is there."""

import subprocess
import sys
from typing import Any, assert_type

import fake_rooms as fake
import pytest

import layerpeel

NAMES = (
    *("solve", "solve_batch", "LayerPeeled", "UnconstrainedFeatures", "Solution", "collapse_threshold", "vanishing_threshold", "remedy"),
    *("simulate", "estimate", "measure", "check", "sweep", "Bracket", "Estimate", "Proportion", "UnusableInput", "__version__"),
)


@pytest.mark.parametrize("name", NAMES)
def test_every_promised_name_is_there(name: str) -> None:
    assert name in dir(layerpeel)
    found = getattr(layerpeel, name)
    assert isinstance(found, str) if name == "__version__" else callable(found)
    assert getattr(layerpeel, name) is found


def test_nothing_else_is_promised() -> None:
    submodules = {name for name in vars(layerpeel) if f"layerpeel.{name}" in sys.modules}
    assert {name for name in dir(layerpeel) if not name.startswith(("_", "@"))} - submodules == {*NAMES} - {"__version__"}
    with pytest.raises(AttributeError, match="module 'layerpeel' has no attribute 'solv'"):
        getattr(layerpeel, "solv")  # noqa: B009 - a name that type checkers would refuse


RUN = "from layerpeel.cli import main; assert main({}) == 0"
ENERGY = ["--feature-energy", "5"]


@pytest.mark.parametrize(
    ("program", "light"),
    [
        ("import layerpeel; dir(layerpeel)", {"numpy", "scipy", "sympy", "pydantic", "typer"}),
        ("import layerpeel; layerpeel.Bracket", {"scipy", "sympy", "pydantic", "cvxpy"}),
        (RUN.format(["threshold", "--majority", "5", "--minority", "5", *ENERGY]), {"scipy", "sympy", "cvxpy"}),
        (RUN.format(["solve", "--groups", "5x120,5x10", *ENERGY]), {"scipy", "sympy", "cvxpy"}),
        (RUN.format(["list"]), {"scipy", "sympy", "cvxpy"}),
    ],
)
def test_only_what_is_used_is_imported(program: str, light: set[str]) -> None:
    ending = f"; import sys; print(sorted({light} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_type_checkers_see_the_names() -> None:
    """The types are what is checked, by `make lint`."""
    problem = layerpeel.LayerPeeled(counts=[200] * 5 + [10] * 5, feature_energy=5.0)
    assert_type(layerpeel.solve(problem), "layerpeel.Solution[layerpeel.LayerPeeled]")
    assert_type(layerpeel.__version__, str)
    assert_type(layerpeel.remedy([200] * 5 + [10] * 5, feature_energy=5).collapses_now, bool)
    assert_type(layerpeel.collapse_threshold(5, 5, feature_energy=5.0).lower, str)
    assert_type(layerpeel.Bracket(1.0, 2.0).width, float)


def test_a_room_of_ones_own_is_checked_like_any_other() -> None:
    report = layerpeel.check(fake.GREEN, fake.UNREFUTED_CONTROL, workers=2)
    assert [(room.name, room.family, room.green) for room in report.rooms] == [
        ("one-is-one", "own", True),
        ("unrefuted-control", "own", False),
    ]
    assert not report.summary.green


def test_the_face_answers_as_the_commands_do() -> None:
    report = layerpeel.check("energy-product", workers=1)
    assert report.summary.green
    assert [room["name"] for room in report.to_dict()["rooms"]] == ["energy-product"]
    assert "Every theorem came out as expected." in report.to_text()
    assert layerpeel.remedy([200] * 5 + [10] * 5, feature_energy=5).minimal_oversampling == pytest.approx(20 / 12.19244708032592, rel=1e-12)
    several: tuple[dict[str, Any], ...] = ({"profile": "slow"}, {"seed": -1}, {"workers": 0}, {"family": "none"})
    for unusable in several:
        with pytest.raises(layerpeel.UnusableInput):
            layerpeel.check("energy-product", **unusable)
    with pytest.raises(layerpeel.UnusableInput, match="a room"):
        layerpeel.check(1)  # pyright: ignore[reportArgumentType] - that is what is refused
    with pytest.raises(layerpeel.UnusableInput, match="no-such-room"):
        layerpeel.check("no-such-room")
