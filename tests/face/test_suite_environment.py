"""What `doctor` says of an environment in which something is broken or missing."""

import importlib
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from layerpeel.environment import DECIDING, OPTIONAL, SHOWING, broken_libraries, diagnose
from layerpeel.numerics import UnusableInput
from layerpeel.solvers import require_solver, solver_status

Break = Callable[[str], None]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Break:
    """Makes a package one that is installed and cannot be imported, as one built for NumPy 1 is beside NumPy 2."""
    importlib.import_module("cvxpy")  # it notes once in a process which solvers it finds

    def stop(package: str) -> None:
        (tmp_path / f"{package}.py").write_text("raise ImportError('numpy.core.multiarray\\nfailed to import')\n")
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(str(tmp_path))

    return stop


def requirements(*extras: str) -> dict[str, Requirement]:
    """What pyproject.toml asks for: the dependencies, and those of some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    return {requirement.name: requirement for requirement in map(Requirement, texts)}


def test_every_library_that_the_package_needs_or_takes_is_looked_at() -> None:
    assert {*requirements()} - {"typer"} <= {*DECIDING, *SHOWING}  # without typer there is no doctor
    assert {*OPTIONAL} <= {*DECIDING, *SHOWING}
    assert all(name in requirements(extra) for name, extra in OPTIONAL.items())


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("test.txt", ("test", "fast", "train", "data", "metrics", "frames", "mosek", "dev")),
        ("check.txt", ("train", "data")),
    ],
)
def test_the_lock_holds_what_is_asked_for(lock: str, extras: tuple[str, ...]) -> None:
    """It is installed without looking for dependencies, so one that is missing would be missed at its import only."""
    lines = [line for name in (lock, "torch.txt") for line in (ROOT / "lock" / name).read_text().splitlines() if "==" in line]
    locked = dict(line.split(maxsplit=1)[0].split("==") for line in lines)
    asked = requirements(*extras)
    asked.pop("layerpeel", None)
    for name, requirement in asked.items():
        assert requirement.specifier.contains(locked[name]), f"{requirement}: run `make lock`"
    assert not {name for name in locked if name.startswith(("nvidia", "cuda", "triton"))}


def test_a_solver_that_cannot_be_imported_is_reported(breaks: Break) -> None:
    breaks("scs")
    record = diagnose()
    assert record.broken == {"scs": "ImportError: numpy.core.multiarray failed to import"}
    assert record.healthy is False
    assert record.solvers["clarabel"] == "solves"
    assert record.solvers["scs"].startswith("scs cannot be imported (ImportError: numpy.core.multiarray failed to import; pip")
    printed = record.to_text()
    assert "scs           CANNOT BE IMPORTED: ImportError" in printed
    assert printed.endswith("pip install --force-reinstall scs")
    assert "shadows" not in printed
    with pytest.raises(UnusableInput, match="scs cannot be imported"):
        require_solver("scs")


def test_without_the_modelling_library_no_solver_solves(breaks: Break) -> None:
    breaks("cvxpy")
    assert {name: reason.partition(" (")[0] for name, reason in solver_status().items() if "not installed" not in reason} == dict.fromkeys(
        ("clarabel", "scs", "mosek"), "cvxpy cannot be imported"
    )
    assert [*diagnose().broken] == ["cvxpy"]


@pytest.mark.parametrize("error", [SystemError("_core failed"), AttributeError("_ARRAY_API not found"), OSError("libcudart")])
def test_whatever_an_import_raises_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception) -> None:
    (tmp_path / "broken_on_purpose.py").write_text(f"raise {error!r}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert broken_libraries({"any": "broken_on_purpose"}) == {"any": f"{type(error).__name__}: {error}"}


def test_what_is_optional_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIONAL, "no-such-accelerator", "fast")
    monkeypatch.setitem(DECIDING, "no-such-accelerator", "no_such_accelerator")
    record = diagnose()
    assert "no-such-accelerator" not in record.broken
    assert record.missing_extras["no-such-accelerator"] == "fast"
    assert "no-such-accelerator" in record.to_text()
    monkeypatch.delitem(OPTIONAL, "no-such-accelerator")
    assert [*diagnose().broken] == ["no-such-accelerator"]


def test_what_waits_for_torch_is_not_to_be_installed_again(breaks: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchmetrics without torch is in order; torch is what is missing."""
    pytest.importorskip("torchmetrics", reason="needs the extra `metrics`")
    breaks("torchmetrics")
    monkeypatch.setitem(OPTIONAL, "no-such-torch", "train")
    monkeypatch.setitem(DECIDING, "no-such-torch", "no_such_torch")
    monkeypatch.setattr("layerpeel.environment.NEEDING", {"torchmetrics": "no-such-torch"})
    record = diagnose()
    assert [*record.broken] == ["torchmetrics"]
    assert "torchmetrics needs no-such-torch: pip install 'layerpeel[train]'" in record.to_text()
    assert "--force-reinstall" not in record.to_text()
    breaks("scs")
    assert diagnose().to_text().endswith("pip install --force-reinstall scs")
