"""Progress: a line a minute where standard error is no terminal, a bar with failures under it where it is one."""

import math
import sys
import time

import pytest

from layerpeel.pages.progress import Count, line, progress


def test_elsewhere_a_line_comes_now_and_then_though_nothing_advances(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("layerpeel.pages.progress.EVERY", 0.05)
    lines: list[str] = []
    with progress("checking rooms", 4) as bar:
        bar(advance=1, description="lda-\nfloor", failure="lda-floor is not as expected")
        end = time.monotonic() + 60.0
        while len(lines) < 2 and time.monotonic() < end:
            time.sleep(0.05)
            lines += capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    for shown in lines:
        assert shown.startswith("checking rooms: 1 of 4, ")
        assert shown.endswith(" left; lda- floor; 1 failed, the last: lda-floor is not as expected")


def test_what_takes_less_than_a_minute_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("checking rooms", 1) as bar:
        bar(completed=1, description="lda-floor")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("terminal", [False, True])
def test_what_is_found_is_written_once_and_only_where_one_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr("layerpeel.pages.progress.QUIET", math.inf)
    with progress("looking", 3) as bar:
        bar(advance=1, news="the first")
        assert "the first" not in capsys.readouterr().err
        monkeypatch.setattr("layerpeel.pages.progress.QUIET", 0.0)
        bar(advance=1, news="the second")
        bar(advance=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [shown.err.count(line) for line in ("the first", "the second")] == [1, 1]
    assert shown.err.index("the first") < shown.err.index("the second")


@pytest.mark.parametrize("closed", [True, False])
def test_a_standard_error_that_cannot_be_written_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch, closed: bool) -> None:
    class Full:
        tried = False

        def isatty(self) -> bool:
            return False

        def write(self, _: str) -> None:
            self.tried = True
            raise OSError(28, "No space left on device")

    full = Full()
    monkeypatch.setattr("layerpeel.pages.progress.EVERY", 0.01)
    monkeypatch.setattr(sys, "stderr", None if closed else full)
    with progress("checking rooms", 1) as bar:
        end = time.monotonic() + 60.0
        while not (closed or full.tried) and time.monotonic() < end:
            time.sleep(0.01)
        bar(advance=1)
    assert closed or full.tried


def test_a_terminal_shows_the_latest_failures_under_the_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("checking [rooms]", 9) as bar:
        for number in range(7):
            bar(advance=1, description=f"room [{number}]", failure=f"room {number} is not as expected")
    shown = capsys.readouterr()
    assert shown.out == ""
    for part in ("checking [rooms]", "7/9", "a second", "room [6]", "2 failures more", "room 2 is not", "room 6 is not"):
        assert part in shown.err, part
    assert "room 1 is not" not in shown.err.rpartition("2 failures more")[2]


def test_more_steps_than_were_thought_leave_no_time_to_tell() -> None:
    count = Count(2)
    count(advance=3, description="floor 5")
    assert line("looking", count) == "looking: 3; floor 5"
