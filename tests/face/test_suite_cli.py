"""The command line: what it prints, what it refuses, and what it leaves on disk."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_rooms as fake
import numpy as np
import pytest

import layerpeel.pages.files
from layerpeel import solvers, theory
from layerpeel.cli import main
from layerpeel.counts.reading import read_counts
from layerpeel.numerics import UnusableInput
from layerpeel.pages.files import require_archive, require_directory, require_report_directory, write_whole
from layerpeel.pages.output import print_json
from layerpeel.pages.records import Result
from layerpeel.pages.stopping import SystemRefused
from layerpeel.pages.written import write_texts
from layerpeel.theorems.report import Report
from layerpeel.theory import Room

GROUPS = ["--groups", "5x100,5x10", "--feature-energy", "5"]
THRESHOLD = ["threshold", "--majority", "5", "--minority", "5", "--feature-energy", "5"]

ENERGIES = {"0": "0.0", "-1": "-1.0", "nan": "nan", "inf": "inf"}
"""Illegal energies, and how a message shows them."""

REFERENCE = "12.192447080325935263357582431682858621324561935138"
"""R0 for five and five classes, E_H = 5, E_W = 1: the closed form in θ solved by mpmath with 50 digits."""

Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs a command that must be refused: exit 2, one line on standard error, nothing printed, nothing written."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        before = snapshot(tmp_path)
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("layerpeel: ")
        assert printed.err.count("\n") == 1
        assert printed.err.endswith(".\n")
        assert "Traceback" not in printed.err
        assert snapshot(tmp_path) == before
        return printed.err

    return run


def snapshot(directory: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in directory.rglob("*")}


def printed_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What was printed, which must be one JSON object and nothing else."""
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces the catalogue by fake rooms."""

    def use(*fakes: Room) -> None:
        monkeypatch.setattr(theory, "choose", lambda *_: {room.statement.name: ("fake", room) for room in fakes})

    return use


# Usage


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        ([], ["command"]),
        (["frobnicate"], ["'frobnicate'"]),
        (["solve", "--groups", "5x100,5x10"], ["--feature-energy", "layerpeel solve --help"]),
        (["solve", *GROUPS, "--colour"], ["--colour"]),
        (["solve", "--groups", "5x1,5x2", "--feature-energy", "much"], ["--feature-energy", "'much'", "number"]),
        (["threshold", "--majority", "5.5", "--minority", "5", "--feature-energy", "5"], ["--majority", "'5.5'"]),
        (["check", "--seed", "-1"], ["--seed", "'-1'"]),
        (["check", "--jobs", "0"], ["--jobs", "'0'"]),
        (["check", "--profile", "slow"], ["'slow'", "quick"]),
        (["check", "no-such-room"], ["'no-such-room'", "balanced-etf", "choose"]),
        (["check", "--family", "no-such-family"], ["'no-such-family'", "layer-peeled"]),
        (["list", "--family", "no-such-family"], ["'no-such-family'"]),
        (["solve", *GROUPS, "--route", "scenic"], ["'scenic'", "symmetric"]),
        (["solve", *GROUPS, "--loss", "grief"], ["'grief'", "hinge"]),
        (["solve", *GROUPS, "--route", "sdp", "--solver", "abacus"], ["'abacus'", "clarabel"]),
        (["solve", *GROUPS, "--route", "symmetric", "--loss", "hinge"], ["symmetric", "hinge"]),
        (["solve", "--groups", "2x3,2x2,2x1", "--feature-energy", "5", "--route", "symmetric"], ["symmetric"]),
        (["solve", *GROUPS, "--tolerance", "-1"], ["-1"]),
        (["solve", *GROUPS, "--tolerance", "nan"], ["nan"]),
        (["solve", "--feature-energy", "5"], ["neither", "--groups 5x100,5x10"]),
        (["solve", *GROUPS, "--counts", "counts.csv"], ["both"]),
        (["remedy", "--feature-energy", "5"], ["neither"]),
        *[
            (["solve", "--groups", groups, "--feature-energy", "5"], [repr(groups)])
            for groups in ("", "5", "5x", "5x1.5", "5x-1", "5y1", "5x1;5x2")
        ],
        *[(["solve", "--groups", groups, "--feature-energy", "5"], [">= 1"]) for groups in ("5x0", "0x5,2x3")],
        (["solve", "--groups", "1x5", "--feature-energy", "5"], ["2 classes"]),
        *[(["solve", "--groups", "5x1", "--feature-energy", energy], [shown]) for energy, shown in ENERGIES.items()],
        *[(["solve", *GROUPS, "--weight-energy", energy], [shown]) for energy, shown in ENERGIES.items()],
        *[([*THRESHOLD[:-1], energy], [shown]) for energy, shown in ENERGIES.items()],
        (["threshold", "--majority", "5", "--minority", "1", "--feature-energy", "5"], ["minority", "1"]),
        (["threshold", "--majority", "0", "--minority", "5", "--feature-energy", "5"], ["majority", "0"]),
        ([*THRESHOLD, "--digits", "0"], ["0", "10000"]),
        ([*THRESHOLD, "--digits", "10001"], ["10001", "10000"]),
        (["remedy", "--groups", "5x100", "--feature-energy", "5", "--cosine", "-0.25"], ["-0.25", "target cosine", "0.5"]),
        (["remedy", "--groups", "5x3,1x2,1x1", "--feature-energy", "5", "--cosine", "1"], ["target cosine is 1.0", "0.5"]),
        (["remedy", "--groups", "5x3,1x2", "--feature-energy", "5", "--by", "luck"], ["--by luck", "weights"]),
        (["solve", *GROUPS, "--save", "solution.txt"], [".npz"]),
        (["solve", *GROUPS, "--save", "nowhere/solution.npz"], ["nowhere", "create"]),
        (["report", "missing.json", "--out", "out"], ["missing.json"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0] in {"solve", "check", "list", "threshold", "remedy", "report"} else "",
)
def test_unusable_input_is_one_sentence(refused: Refused, arguments: list[str], fragments: list[str]) -> None:
    sentence = refused(*arguments)
    assert all(fragment in sentence for fragment in fragments)


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        (b"", ["is empty"]),
        (b"\n , \n", ["is empty"]),
        (b"class,samples\n", ["is empty below its header"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00", ["not text"]),
        (b"1\n2\x003\n", ["not text"]),
        (b"class,samples\ncat,10\ndog,ten\n", ["line 3", "'ten'"]),
        (b"class,samples\ncat,10\ndog\n", ["line 3", "''"]),
        (b"samples\n10\n\n0\n", ["line 4", "'0'"]),
        (b"10\n-3\n", ["line 2", "'-3'"]),
        (b"10\n0.5\n", ["line 2", "'0.5'"]),
        (b"10\nnan\n", ["line 2", "'nan'"]),
        (b"10\n1e33\n", ["line 2", "'1e33'"]),
        (b"1,000\n2,000\n", ["2 columns", "comma"]),
        (b"class,samples\ncat,10\ndog,1,000\n", ["line 3", "3 columns", "comma"]),
        (b"cat,few\ndog,many\n", ["2 columns", "line 1", "samples"]),
        (b"10\n", ["2 classes"]),
    ],
)
def test_an_unusable_counts_file_is_one_sentence(refused: Refused, tmp_path: Path, content: bytes, fragments: list[str]) -> None:
    (tmp_path / "counts.csv").write_bytes(content)
    sentence = refused("solve", "--counts", "counts.csv", "--feature-energy", "5")
    assert all(fragment in sentence for fragment in fragments)


def test_a_counts_file_that_is_missing_or_a_directory_is_one_sentence(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    assert "missing.csv" in refused("solve", "--counts", "missing.csv", "--feature-energy", "5")
    assert "directory" in refused("solve", "--counts", "directory", "--feature-energy", "5")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without an end")
def test_a_file_without_an_end_is_one_sentence(refused: Refused, tmp_path: Path) -> None:
    for name in ("zeros.csv", "zeros.npz"):
        (tmp_path / name).symlink_to("/dev/zero")
    rates = ("--model", "I", "--intra", "1", "--inter", "0", "--time", "1")
    assert "no regular file" in refused("solve", "--counts", "zeros.csv", "--feature-energy", "5")
    assert "no regular file" in refused("report", "zeros.csv", "--out", "out")
    for name in ("zeros.csv", "zeros.npz"):
        assert "no regular file" in refused("estimate", name, "--model", "I")
        assert "no regular file" in refused("simulate", *rates, "--start", name)
    assert "no regular file" in refused("measure", "zeros.npz")


def test_a_file_that_is_far_too_large_is_one_sentence(refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.counts.reading.streams.LARGEST_COUNTS", 1000)
    (tmp_path / "counts.csv").write_text("1\n" * 501)
    assert "more than 1000 bytes" in refused("solve", "--counts", "counts.csv", "--feature-energy", "5")


@pytest.mark.parametrize(
    "content", [b"class,samples\ncat,10\ndog,3\n", b"\xef\xbb\xbfCount\r\n10\r\n3\r\n", b"10\n3", b'"counts", name\n"10", "a, b"\n\n3,c\n']
)
def test_counts_are_read_in_their_usual_shapes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    assert read_counts(path).samples == (10, 3)


def test_mosek_without_a_licence_is_refused(refused: Refused) -> None:
    status = solvers.solver_status()["mosek"]
    if status == "solves":
        pytest.skip("this machine has a MOSEK licence")
    assert "MOSEK" in refused("solve", *GROUPS, "--route", "sdp", "--solver", "mosek")


def test_a_solver_that_breaks_down_is_one_sentence_and_exit_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: Any, **__: Any) -> Any:
        raise solvers.SolverFailed("SCS returned no point.")

    monkeypatch.setattr(solvers, "solve", break_down)
    assert main(["solve", *GROUPS, "--json"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "layerpeel: SCS returned no point.\n")


def test_a_bug_is_not_mistaken_for_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: Any, **__: Any) -> Any:
        raise ValueError("a bug")

    monkeypatch.setattr(solvers, "solve", bug)
    with pytest.raises(ValueError, match="a bug"):
        main(["solve", *GROUPS])


# check and report


def test_check_prints_a_table_and_writes_the_report(capsys: pytest.CaptureFixture[str], tmp_path: Path, rooms: Callable[..., None]) -> None:
    rooms(fake.GREEN, fake.SKIPPED)
    assert main(["check", "--jobs", "1", "--out", str(tmp_path / "new" / "report")]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for words in ("one-is-one", "confirmed", "refuted", "skipped", "pip install", "1 of 2 negative controls refuted", "report.html"):
        assert words in printed.out
    assert "Every theorem that ran came out as expected; 1 of 2 did not run (" in printed.out
    assert {path.name for path in (tmp_path / "new" / "report").iterdir()} == set(layerpeel.pages.files.REPORT_FILES)


@pytest.mark.parametrize("room", [fake.UNREFUTED_CONTROL, fake.INCONCLUSIVE, fake.BROKEN, fake.REFUTED_UNEXPECTEDLY, fake.SKIPPED])
def test_check_exits_1_unless_green(capsys: pytest.CaptureFixture[str], rooms: Callable[..., None], room: Room) -> None:
    rooms(room)
    assert main(["check", "--jobs", "1"]) == 1
    assert "Every theorem came out as expected" not in capsys.readouterr().out


def test_check_json_is_report_json(capsys: pytest.CaptureFixture[str], tmp_path: Path, rooms: Callable[..., None]) -> None:
    rooms(fake.GREEN, fake.WITH_FIGURE)
    assert main(["check", "--jobs", "1", "--seed", "7", "--profile", "full", "--json", "--out", str(tmp_path)]) == 0
    printed = printed_json(capsys)
    assert printed == json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (printed["seed"], printed["profile"], printed["summary"]["green"]) == (7, "full", True)
    assert Report.model_validate(printed)


def test_a_real_room_runs_in_worker_processes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "largest-equal-angle", "energy-product", "--jobs", "2", "--json"]) == 0
    assert [room["name"] for room in printed_json(capsys)["rooms"]] == ["energy-product", "largest-equal-angle"]


def test_a_report_directory_with_foreign_files_is_never_touched(refused: Refused, tmp_path: Path, rooms: Callable[..., None]) -> None:
    rooms(fake.GREEN)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    (tmp_path / "out" / "report.json").write_text("{}")
    assert "thesis.tex" in refused("check", "--jobs", "1", "--out", "out")


def test_an_out_that_is_a_file_or_below_one_is_refused(refused: Refused, tmp_path: Path, rooms: Callable[..., None]) -> None:
    rooms(fake.GREEN)
    (tmp_path / "file").write_text("")
    assert "is a file" in refused("check", "--out", "file")
    assert "cannot be written" in refused("check", "--out", "file/below")
    assert "cannot be written" in refused("check", "--out", "n" * 300)


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a file system that even root cannot write to")
def test_an_unwritable_place_is_refused_before_any_work(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    for work in ("layerpeel.theorems.check.run_rooms", "layerpeel.solvers.solve"):
        monkeypatch.setattr(work, lambda *_, **__: pytest.fail("worked in vain"))
    assert "/proc/report" in refused("check", "largest-equal-angle", "--out", "/proc/report")
    assert "/proc/solution.npz" in refused("solve", *GROUPS, "--save", "/proc/solution.npz")


def test_an_earlier_report_is_replaced(tmp_path: Path, rooms: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    rooms(fake.GREEN)
    for name in (*layerpeel.pages.files.REPORT_FILES, ".report.partial.json"):
        (tmp_path / name).write_text("old")
    assert main(["check", "--jobs", "1", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(layerpeel.pages.files.REPORT_FILES)
    assert all(path.read_text(encoding="utf-8") != "old" for path in tmp_path.iterdir())


def test_the_library_names_its_own_arguments(tmp_path: Path) -> None:
    """What a command line calls them, the command line says."""
    taken = tmp_path / "taken"
    taken.write_text("")
    several: dict[str, Callable[[], object]] = {
        f"directory {taken} is a file": lambda: require_directory(taken),
        f"directory {tmp_path} holds files that are not a report's": lambda: require_report_directory(tmp_path),
        f"file {taken} does not end in .npz": lambda: require_archive(taken),
        f"file {taken / 'below'} cannot be written": lambda: write_texts(taken, {"below": ""}),
    }
    for said, refusal in several.items():
        with pytest.raises(UnusableInput, match=f"^{re.escape(said)}"):
            refusal()


def test_what_says_nothing_is_no_result() -> None:
    class Silent(Result):
        number: int

    with pytest.raises(TypeError, match="to_text"):
        Silent(number=1)  # pyright: ignore[reportAbstractUsage] - that is what is refused


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("old")
    with pytest.raises(SystemRefused, match=r"--out .*second\.txt cannot be written \(No space left on device\)"):
        write_whole({first: lambda path: path.write_text("new"), second: fail}, "--out")
    assert snapshot(tmp_path) == {"first.txt": b"old"}


def test_report_renders_a_report_again(capsys: pytest.CaptureFixture[str], tmp_path: Path, rooms: Callable[..., None]) -> None:
    rooms(fake.GREEN, fake.WITH_FIGURE)
    assert main(["check", "--jobs", "1", "--out", str(tmp_path / "first")]) == 0
    capsys.readouterr()
    assert main(["report", str(tmp_path / "first" / "report.json"), "--out", str(tmp_path / "second"), "--json"]) == 0
    assert printed_json(capsys)["green"] is True
    assert snapshot(tmp_path / "first") == snapshot(tmp_path / "second")


@pytest.mark.parametrize(("content", "fragment"), [("", "JSON"), ("{}", "summary"), ("[1]", "its beginning"), ("\x00", "JSON")])
def test_a_report_that_is_none_is_refused(refused: Refused, tmp_path: Path, content: str, fragment: str) -> None:
    (tmp_path / "report.json").write_text(content)
    assert fragment in refused("report", "report.json", "--out", "out")


# solve, threshold, remedy, list, doctor


def test_solve_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", *GROUPS, "--json"]) == 0
    solution = printed_json(capsys)
    assert {
        *("value", "gap", "relative_gap", "status", "route", "num_classes", "rank", "multiplier", "seconds", "groups", "between_cosine")
    } <= set(solution)
    keys = {"classes", "samples", "collapsed", "vanished", "classifier_norm", "feature_norm", "within_cosine", "names"}
    assert keys == set(solution["groups"][0])
    assert solution["relative_gap"] <= 1e-12
    assert np.shape(solution["between_cosine"]) == (2, 2)
    assert [group["collapsed"] for group in solution["groups"]] == [False, False]


def test_what_is_undefined_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "--groups", "7x1000,3x10", "--feature-energy", "5", "--json"]) == 0
    solution = printed_json(capsys)
    assert solution["groups"][1]["vanished"] is True
    assert solution["groups"][1]["within_cosine"] is None
    assert solution["between_cosine"][0][1] is None


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (
            "5x100,5x10",
            [
                "distinct",
                "No two classifiers are forced to be equal",
                "cosine 0.5175",
                "layerpeel remedy --groups 5x100,5x10 --feature-energy 5",
            ],
        ),
        ("5x1000,5x10", ["collapsed", "The 5 classes of 10 samples collapse", "1 in 5", "cosine 1.0000"]),
        ("7x1000,3x10", ["vanished", "classifiers are zero"]),
        ("10x7", ["No two classifiers are forced to be equal", "cosine -0.1111"]),
        ("2x9000,1x20,1x15", ["single", "Squeezed together, at cosines above 0.95: the classes of 20, 15 samples", "solve again"]),
    ],
)
def test_solve_says_what_it_means(capsys: pytest.CaptureFixture[str], groups: str, words: list[str]) -> None:
    assert main(["solve", "--groups", groups, "--feature-energy", "5"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in words)


@pytest.mark.parametrize("energy", ["5", "4.123456789", "1e-3"])
@pytest.mark.parametrize("spaced", [True, False])
def test_the_suggested_command_works_and_poses_the_same_problem(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, energy: str, spaced: bool
) -> None:
    counts = tmp_path / "my counts; $(true).csv"
    counts.write_text("100\n100\n10\n10\n")
    classes = ["--groups", "2 x 100, 2 x 10"] if spaced else ["--counts", str(counts)]
    assert main(["solve", *classes, "--feature-energy", energy, "--weight-energy", "0.1234567890123"]) == 0
    found = re.search(r"Next: `layerpeel (.*)` says", capsys.readouterr().out)
    assert found
    suggested = shlex.split(found[1])
    assert main([*suggested, "--json"]) == 0
    answer = capsys.readouterr().out
    assert main(["remedy", *classes, "--feature-energy", energy, "--weight-energy", "0.1234567890123", "--json"]) == 0
    assert capsys.readouterr().out == answer


def test_solve_saves_in_the_order_of_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text("class,samples\na,10\nb,500\nc,10\n")
    arguments = ["--counts", str(tmp_path / "counts.csv"), "--feature-energy", "5", "--save", str(tmp_path / "solution.npz")]
    assert main(["solve", *arguments, "--json"]) == 0
    solution = printed_json(capsys)
    with np.load(tmp_path / "solution.npz") as saved:
        assert saved["counts"].tolist() == [10, 500, 10]
        assert saved["logits"].shape == (3, 3)
        norms = np.linalg.norm(saved["classifier"], axis=1)
        assert np.allclose(saved["features"] @ saved["classifier"].T, saved["logits"])
    by_samples = {group["samples"]: group["classifier_norm"] for group in solution["groups"]}
    assert np.allclose(norms, [by_samples[10], by_samples[500], by_samples[10]], atol=1e-9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts.csv", "solution.npz"]


def test_threshold_json_encloses_the_known_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*THRESHOLD, "--digits", "30", "--json"]) == 0
    found = printed_json(capsys)
    lower, upper = found["collapse"]["lower"], found["collapse"]["upper"]
    assert set(found["collapse"]) == {"value", "lower", "upper", "log_minus_one"}
    assert lower[:26] == upper[:26]  # 25 digits and the point
    assert lower <= REFERENCE <= upper  # as strings of one length and form, digits compare as numbers
    assert found["vanishing"] is None


def test_threshold_tells_where_classifiers_vanish(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["threshold", "--majority", "7", "--minority", "3", "--feature-energy", "5"]
    assert main(arguments) == 0
    assert "From 5.70533 on" in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    assert printed_json(capsys)["vanishing"]["value"] == pytest.approx(5.705330, abs=1e-6)  # six digits are pinned


def test_a_threshold_beyond_doubles_is_null_and_still_enclosed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["threshold", "--majority", "1", "--minority", "5", "--feature-energy", "1e6"]
    assert main([*arguments, "--json"]) == 0
    found = printed_json(capsys)["collapse"]
    assert found["value"] is None
    assert found["log_minus_one"] > 709
    assert main(arguments) == 0
    assert "exp(" in capsys.readouterr().out


@pytest.mark.parametrize(("samples", "collapses", "oversampling"), [(200, True, 20 / 12.19244708032592), (20, False, 1.0)])
def test_remedy_json(capsys: pytest.CaptureFixture[str], samples: int, collapses: bool, oversampling: float) -> None:
    assert main(["remedy", "--groups", f"5x{samples},5x10", "--feature-energy", "5", "--json"]) == 0
    found = printed_json(capsys)
    (group,) = found.pop("groups")
    assert found.pop("schema_version") == 1
    assert found.pop("plan")["certified"] is True
    assert (found.pop("by"), found.pop("norm_weights"), found.pop("remedies")) == ("oversampling", "class", [])
    assert group == {"classes": 5, "samples": 10, "names": None, **found}
    assert found["imbalance"] == samples / 10
    assert found["collapses_now"] is collapses
    assert found["minimal_oversampling"] == pytest.approx(oversampling, rel=1e-12)  # two roundings


def test_the_remedy_is_sharp(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts oversampled by a little more than the minimum no longer collapse, by a little less still do."""
    assert main(["remedy", "--groups", "5x200000,5x10000", "--feature-energy", "5", "--json"]) == 0
    minimal = printed_json(capsys)["minimal_oversampling"]
    for factor, collapsed in ((1.001, False), (0.999, True)):
        assert main(["solve", "--groups", f"5x200000,5x{round(10_000 * minimal * factor)}", "--feature-energy", "5", "--json"]) == 0
        assert printed_json(capsys)["groups"][1]["collapsed"] is collapsed


def test_remedy_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remedy", "--groups", "5x200,5x10", "--feature-energy", "5"]) == 0
    assert "more than 1.64036 times as often" in capsys.readouterr().out
    assert main(["remedy", "--groups", "5x20,5x10", "--feature-energy", "5"]) == 0
    assert "no oversampling is needed" in capsys.readouterr().out


def test_json_has_null_for_what_it_cannot_say(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"value": float("inf"), "cosines": ((1.0, float("nan")), [None])})
    assert printed_json(capsys) == {"value": None, "cosines": [[1.0, None], [None]]}


def test_list_names_every_room(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    found = printed_json(capsys)["rooms"]
    assert [room["name"] for room in found] == list(theory.catalogue())
    assert all(room["checks"] and room["controls"] for room in found)
    assert main(["list"]) == 0
    for room, line in zip(found, capsys.readouterr().out.splitlines()[1:], strict=True):  # read from files, and from the rooms themselves
        assert re.split("  +", line) == [room["name"], room["family"], room["origin"], room["title"]]


def test_doctor_knows_what_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = printed_json(capsys)
    assert found["healthy"] is True
    assert {"clarabel", "scs", "mosek"} <= set(found["solvers"])
    assert "torch" in found["torch"]
    assert main(["doctor"]) == 0
    assert "solver clarabel" in capsys.readouterr().out


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "layerpeel", *arguments], capture_output=True, text=True, check=False)


def test_the_command_imports_nothing_heavy_to_help() -> None:
    """How fast it starts is measured by `make bench`: other processes may hold the processors here."""
    heavy = {"cvxpy", "sympy", "scipy", "numpy"}
    program = f"import sys; from layerpeel.cli import main; main(['--help']); print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.endswith("[]\n")


def test_the_exit_status_reaches_the_shell() -> None:
    failed = run_command("solve", "--groups", "5y1", "--feature-energy", "5")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.count("\n") == 1
    assert run_command("--version").stdout.startswith("layerpeel ")


def test_remedy_answers_for_every_minority_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["remedy", "--groups", "3x100,3x40,4x5", "--feature-energy", "1", "--json"]) == 0
    answer = printed_json(capsys)
    assert [(group["classes"], group["samples"], group["imbalance"]) for group in answer["groups"]] == [(3, 40, 2.5), (4, 5, 20.0)]
    for group in answer["groups"]:
        assert group["collapses_now"] == (group["imbalance"] > group["threshold"])
        assert group["minimal_oversampling"] == pytest.approx(max(1.0, group["imbalance"] / group["threshold"]))
    hardest = max(answer["groups"], key=lambda group: group["minimal_oversampling"])
    assert answer["minimal_oversampling"] == hardest["minimal_oversampling"] > 1
