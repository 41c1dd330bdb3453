"""What is installed: one package, whole by every way, whose inner names nobody else can take."""

import importlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import layerpeel

ROOT = Path(__file__).parents[2]
FLOORS = ("theory", "solvers", "numerics", "gpu_train")


def built(kind: str, project: Path, out: Path) -> Path:
    """The sdist or the wheel of a project."""
    pytest.importorskip("hatchling", reason="needs what builds this package; the lock has it")
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(out)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    return next(path for path in out.iterdir() if path.name.endswith({"sdist": ".tar.gz", "wheel": ".whl"}[kind]))


def inside(folder: Path, prefix: str) -> set[str]:
    """Files below a folder, as the wheel names them."""
    return {
        f"{prefix}/{path.relative_to(folder)}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.relative_to(folder).parts[0] not in FLOORS
    }


def test_the_wheel_made_from_the_sdist_holds_every_file_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    with tarfile.open(built("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.glob("layerpeel-*")
    with zipfile.ZipFile(built("wheel", project, tmp_path / "wheel")) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = inside(ROOT / "src" / "layerpeel", "layerpeel").union(*(inside(ROOT / floor, f"layerpeel/{floor}") for floor in FLOORS))
    assert found == expected
    assert {"layerpeel/numerics/_bracket.py", "layerpeel/theory/references.bib", "layerpeel/py.typed"} <= found


def test_there_is_one_bracket() -> None:
    """By the real folders and by their links a module would be imported twice, and nothing would be an instance of the other's classes."""
    assert not [name for name in sys.modules if name.split(".")[0] in FLOORS]
    assert importlib.import_module("layerpeel.numerics").Bracket is importlib.import_module("layerpeel.numerics._bracket").Bracket
    assert Path(layerpeel.__file__).parts[-3:-1] == ("src", "layerpeel") or "site-packages" in layerpeel.__file__


@pytest.mark.parametrize("name", [*FLOORS, "suite"])
def test_a_folder_of_the_users_own_with_an_everyday_name_disturbs_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    for arguments in (
        ["-c", f"import layerpeel.numerics, layerpeel.solvers, {name}"],
        ["-m", "layerpeel", "solve", "--groups", "2x9,2x1", "--feature-energy", "1"],
    ):
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
