"""The README: short, its commands print what stands under them, its Python runs, and its links lead somewhere."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from layerpeel.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
LONGEST = 120


def transcripts() -> list[tuple[str, str]]:
    """Commands after `$ `, and what stands under each."""
    parts = [part for language, block in BLOCKS if not language for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]


@pytest.mark.parametrize(("command", "shown"), transcripts())
def test_a_command_prints_what_stands_under_it(
    command: str, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(command)
    assert program == "layerpeel"
    assert main(arguments) == 0
    printed = re.sub(r"[ ]+\n", "\n", capsys.readouterr().out)
    assert doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE), printed


def test_it_is_a_door_with_commands_that_are_run() -> None:
    assert len(TEXT.splitlines()) <= LONGEST
    assert len(transcripts()) >= 4


def test_its_python_runs() -> None:
    (program,) = (block for language, block in BLOCKS if language == "python")
    names: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), names)  # what a reader would paste
    cosine = re.search(r"within_cosine  # ([\d.]+)", program)
    assert cosine
    assert eval("solution.groups[1].within_cosine", names) == pytest.approx(float(cosine[1]), abs=5e-5)


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md")))]
)
def test_its_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) if not link.startswith("http")]
    made = ("theorems/", "examples/", "reference/")  # by the build
    assert not [link for link in links if not link.startswith(made) and not ((ROOT / page).parent / link).exists()]
