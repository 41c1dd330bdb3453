"""Rooms of installed packages: found by their entry points, checked and reported like the suite's own, refused with a sentence."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest

from layerpeel.numerics import UnusableInput
from layerpeel.theorems.check import check
from layerpeel.theorems.installed import GROUP, choose_installed, installed_rooms
from layerpeel.theorems.report import render_html, render_latex

OUTSIDE = Path(__file__).parents[2] / "examples" / "outside_rooms"

ROOM = """
from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim
ROOM = Room.of(
    Statement(name="{name}", title="<{name}>", latex="x = 1", assumptions=(), kind=Kind.EQUALITY, origin=Origin.DERIVED,
              source=Source("nobody", "nowhere")),
    claim("one", "x is 1", over="x", predict=Bracket.exactly(1.0), measure=Bracket.exactly(1.0), evidence=Evidence.PROOF,
          false={{"two": ("x is 2", Bracket.exactly(2.0))}}),
)
"""


def installed(place: Path, name: str, entry_points: dict[str, str], modules: dict[str, str]) -> None:
    """What an installer leaves: modules, and a folder that says what they offer."""
    for path, text in modules.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text, encoding="utf-8")
    described = place / f"{name.replace('-', '_')}-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in entry_points.items())]
    (described / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def install_here(name: str, entry_points: dict[str, str], modules: dict[str, str]) -> None:
        installed(tmp_path, name, entry_points, modules)
        invalidate_caches()

    yield install_here
    installed_rooms.cache_clear()
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(sys.modules[name].__file__).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.slow
def test_the_outside_package_is_checked_by_name_in_two_processes(tmp_path: Path) -> None:
    offered = tomllib.loads((OUTSIDE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(OUTSIDE / "frame_rooms", tmp_path / "frame_rooms", ignore=shutil.ignore_patterns("__pycache__"))
    installed(tmp_path, offered["name"], offered["entry-points"][GROUP], {})
    paths = os.pathsep.join(path for path in (str(tmp_path), os.environ.get("PYTHONPATH", "")) if path)
    command = [sys.executable, "-m", "layerpeel", "check", "--from", "Frame_Rooms", "--workers", "2", "--out", "report"]
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    root = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        command, cwd=tmp_path, env=environment | {"PYTHONPATH": f"{root}{os.pathsep}{paths}"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 rooms; checks: 3 confirmed; 5 of 5 negative controls refuted." in done.stdout
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert [(room["name"], room["family"], room["package"]) for room in report["rooms"]] == [
        ("welch-bound", "frames", "Frame_Rooms"),
        ("wendel-theorem", "frames", "Frame_Rooms"),
    ]
    assert "Mathematica Scandinavica 11, 109–111" in report["rooms"][1]["source"]["reference"]
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "layerpeel check wendel-theorem --from Frame_Rooms --profile quick --seed 0" in page
    assert "threshold-explorer" not in page
    assert "@article{welch1974," in (tmp_path / "report" / "report.bib").read_text(encoding="utf-8")


def test_a_package_offers_modules_and_packages_with_its_references(install: Callable[..., None]) -> None:
    install(
        "two-kinds",
        {"alone": "outside_alone", "several": "outside_several"},
        {
            "outside_alone.py": ROOM.format(name="alone-room"),
            "outside_several/__init__.py": "",
            "outside_several/b.py": ROOM.format(name="b-room"),
            "outside_several/a.py": ROOM.format(name="a-room"),
            "outside_several/_private.py": ROOM.format(name="private-room"),
            "outside_several/other.py": "ROOM = 1",
            "outside_several/references.bib": "@misc{nobody, title = {Nothing}, year = 1900}",
        },
    )
    assert list(choose_installed("two.kinds", (), None)) == ["alone-room", "a-room", "b-room"]
    report = check(package="two-kinds", family="several", workers=1)
    assert report.summary.green
    assert [room.source.bibtex for room in report.rooms] == ["@misc{nobody, title = {Nothing}, year = 1900}"] * 2
    assert r"\cite[{nowhere}]{nobody}" in render_latex(report)
    assert "&lt;a-room&gt;" in render_html(report)
    assert [room.name for room in check("b-room", package="several", workers=1).rooms] == ["b-room"]


REFUSED = {
    "no rooms": ({"x": "outside_empty"}, {"outside_empty.py": ""}, "has no ROOM in outside_empty: define one in each module"),
    "raises": (
        {"x": "outside_broken"},
        {"outside_broken.py": "1 / 0"},
        r"outside_broken raises ZeroDivisionError \(division by zero\); mend",
    ),
    "absent": ({"x": "outside_absent"}, {}, "outside_absent raises ModuleNotFoundError"),
    "twice": (
        {"x": "outside_twice"},
        {f"outside_twice/{name}.py": ROOM.format(name="same") if name != "__init__" else "" for name in ("__init__", "a", "b")},
        "has two rooms named 'same': names must differ; rename one of them",
    ),
    "bibliography": (
        {"x": "outside_cited"},
        {"outside_cited/__init__.py": ROOM.format(name="cited"), "outside_cited/references.bib": "@misc{a, title = {never"},
        r"references.bib of refused cannot be read \(.*never closed.*\): it must be BibTeX; mend it",
    ),
}


@pytest.mark.parametrize(("entry_points", "modules", "told"), REFUSED.values(), ids=REFUSED)
def test_a_package_that_cannot_be_used_is_refused(
    install: Callable[..., None], entry_points: dict[str, str], modules: dict[str, str], told: str
) -> None:
    install("refused", entry_points, modules)
    with pytest.raises(UnusableInput, match=told):
        check(package="refused", workers=1)


def test_names_that_are_not_there_are_refused(install: Callable[..., None]) -> None:
    install("small", {"little": "outside_small"}, {"outside_small.py": ROOM.format(name="little-room")})
    with pytest.raises(UnusableInput, match=r"package 'nowhere' offers no rooms: .* those that do are .*small"):
        check(package="nowhere")
    with pytest.raises(UnusableInput, match="room 'energy-product' is not of small: it must be one of little-room"):
        check("energy-product", package="small")
    with pytest.raises(UnusableInput, match="family 'layer-peeled' is not of small: it must be one of little"):
        check(family="layer-peeled", package="small")
    own = choose_installed("small", (), None)["little-room"][1]
    with pytest.raises(UnusableInput, match="are two suites: check one at a time"):
        check(own, package="small")
