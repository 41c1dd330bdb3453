"""What the operating system refuses, and signals: a sentence on standard error, and the exit status that says whose fault it is."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerpeel.cli import main
from layerpeel.pages.stopping import _terminate

COMMAND = [sys.executable, "-m", "layerpeel"]
MAKEFILE = Path(__file__).parents[2] / "Makefile"
SOLVE = ["solve", "--groups", "5x100,5x10", "--feature-energy", "5"]

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 300}
    return subprocess.run([*COMMAND, *arguments], check=False, **(given | options))


def refused_by_the_system(found: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit status 3, and one sentence."""
    assert (found.returncode, found.stderr.count("\n")) == (3, 1), found.stderr
    assert found.stderr.startswith("layerpeel: ")
    assert all(word in found.stderr for word in words), found.stderr


@pytest.mark.parametrize("arguments", [[*SOLVE, "--json"], SOLVE, ["list"], ["--help"], ["--version"]], ids=" ".join)
def test_a_full_output_is_a_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        refused_by_the_system(run(*arguments, stdout=full), "No space left on device", "print")


def test_a_full_output_of_a_check_is_no_verdict() -> None:
    with Path("/dev/full").open("w") as full:
        refused_by_the_system(run("check", "energy-product", "--jobs", "1", stdout=full), "No space left on device")


def test_a_closed_output_is_a_sentence() -> None:
    closed = f"{sys.executable} -m layerpeel {' '.join(SOLVE)} >&-"
    refused_by_the_system(subprocess.run(["sh", "-c", closed], capture_output=True, text=True, check=False), "standard output is closed")


@pytest.mark.parametrize("arguments", [["list", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_a_sentence(arguments: list[str]) -> None:
    end, start = os.pipe()
    os.close(end)
    try:
        refused_by_the_system(run(*arguments, stdout=start), "standard output")
    finally:
        os.close(start)


def test_both_outputs_full_leave_the_status() -> None:
    with Path("/dev/full").open("w") as full:
        assert run(*SOLVE, stdout=full, stderr=full).returncode == 3


def limited() -> None:
    """Files of more than a kilobyte are refused, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def test_no_room_for_the_files_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    rates = ["--model", "I", "--classes", "2", "--intra", "1", "--inter", "0", "--time", "1"]
    out = tmp_path / "out"
    refused_by_the_system(run("simulate", *rates, "--out", str(out), preexec_fn=limited), "--out", "cannot be written", "make room")
    assert not any(out.iterdir())
    refused_by_the_system(run(*SOLVE, "--save", str(tmp_path / "solution.npz"), preexec_fn=limited), "--save", "make room")
    assert list(tmp_path.iterdir()) == [out]


WITHOUT_SHARED_MEMORY = """
import _multiprocessing, sys
class Refused(_multiprocessing.SemLock):
    def __new__(cls, *_):
        raise PermissionError(13, "Permission denied")
_multiprocessing.SemLock = Refused
from layerpeel.cli import main
sys.exit(main(["check", "energy-product", "balanced-etf", "--jobs", "2"]))
"""


def test_without_shared_memory_the_way_out_is_named() -> None:
    """/dev/shm that cannot be written shows as a semaphore that cannot be made."""
    found = subprocess.run([sys.executable, "-c", WITHOUT_SHARED_MEMORY], capture_output=True, text=True, check=False)
    refused_by_the_system(found, "processes cannot be started", "/dev/shm", "--workers 1")


# The first Python that `make` finds


@pytest.mark.parametrize(
    ("there", "chosen"), [(("3.13", "3.12", "3"), "3.12"), (("3.11", "3.13"), "3.11"), (("3.13", "3"), "3.13"), (("3.14", "3"), "3")]
)
def test_make_takes_a_python_that_the_package_knows(tmp_path: Path, there: tuple[str, ...], chosen: str) -> None:
    for version in there:
        stub = tmp_path / f"python{version}"
        stub.write_text(f"#!/bin/sh\necho {stub}\n")
        stub.chmod(0o755)
    for tool in ("make", "sh"):
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"needs {tool}")
        (tmp_path / tool).symlink_to(found)
    asked = [str(tmp_path / "make"), "-s", "--eval", "chosen: ; $(info $(PYTHON))", "chosen"]
    environment = {"PATH": str(tmp_path)}
    found = subprocess.run(asked, cwd=MAKEFILE.parent, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(tmp_path / f"python{chosen}")], found


# Signals

SLOW_IMPORT = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from layerpeel.__main__ import main
sys.exit(main())
"""
BUSY = [
    "simulate",
    "--model",
    "I",
    "--classes",
    "6",
    "--intra",
    "1/(1+t)",
    "--inter",
    "0",
    "--time",
    "10",
    "--samples",
    "60",
    "--paths",
    "10000000",
]


@pytest.mark.parametrize(("sent", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_a_signal_before_the_imports_end_is_one_word(sent: signal.Signals, status: int, word: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW_IMPORT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (status, f"layerpeel: {word}\n")


@pytest.mark.parametrize(("sent", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_a_signal_during_the_work_is_one_word(sent: signal.Signals, status: int, word: str) -> None:
    with subprocess.Popen([*COMMAND, *BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: "_multiarray_umath" in maps_of(process.pid))
        process.send_signal(sent)
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (status, f"layerpeel: {word}\n")


def test_one_termination_is_answered_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def terminated(*_: Any, **__: Any) -> int:
        _terminate(signal.SIGTERM, None)
        return 0

    def interrupted(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    for ended, status, word in ((terminated, 143, "terminated"), (interrupted, 130, "interrupted")):
        monkeypatch.setattr("layerpeel.cli.app", ended)
        assert (main(["list"]), capsys.readouterr().err) == (status, f"layerpeel: {word}\n")


def test_a_refusal_that_no_command_foresaw_names_the_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuses(*_: Any, **__: Any) -> int:
        raise PermissionError(13, "Permission denied", "/etc/a file")

    monkeypatch.setattr("layerpeel.cli.app", refuses)
    monkeypatch.setattr("layerpeel.pages.output.silence_output", lambda: None)
    assert main(["list"]) == 3
    assert "(/etc/a file: Permission denied)" in capsys.readouterr().err


def maps_of(pid: int) -> str:
    """The libraries that a process has loaded."""
    return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def wait_until(ready: Callable[[], bool]) -> None:
    for _ in range(600):
        if ready():
            return
        time.sleep(0.1)
    pytest.fail("the process never began to work")


# A home that cannot be used

UNUSABLE_HOME = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere", "XDG_CONFIG_HOME": "/proc/nowhere"}


def test_an_unusable_home_is_no_ones_concern(tmp_path: Path) -> None:
    rates = ["--model", "I", "--classes", "2", "--intra", "1", "--inter", "0", "--time", "1"]
    environment = {key: value for key, value in os.environ.items() if key != "MPLCONFIGDIR"} | UNUSABLE_HOME
    found = run("simulate", *rates, "--out", str(tmp_path / "out"), env=environment)
    assert (found.returncode, found.stderr) == (0, "")
    assert (tmp_path / "out" / "distances.svg").is_file()
