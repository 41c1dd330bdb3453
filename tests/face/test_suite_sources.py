"""The index of the sources and that of questions: whatever they name exists, and nothing of the sources is left blank."""

import json
import re
import shlex
import tomllib
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from json_schemas import committed, mistakes
from refusals import refused
from typer.testing import CliRunner

from layerpeel import theory
from layerpeel.cli import app, main
from layerpeel.networks.run_directory import known_experiments
from layerpeel.theorems.report import bibtex_entries
from layerpeel.theorems.sources import SourceEntry, source_index
from layerpeel.theory import catalogue
from layerpeel.theory._room import Origin, Verdict

INDEX = source_index()
ROOT = Path(__file__).parents[2]
QUESTIONS = {
    each["ask"]: each["rooms"] for each in tomllib.loads((ROOT / "docs" / "questions.toml").read_text(encoding="utf-8"))["question"]
}
LONGEST_QUOTE = 200
"""Characters of a quote: enough to find the place, and no copy of it."""


def blanks(entry: SourceEntry) -> list[str]:
    """What an entry lacks, or says too much."""
    answered = bool(entry.rooms) or entry.command is not None
    rules = {
        "neither rooms nor a command nor a reason": answered or entry.reason is not None,
        "a reason beside rooms or a command says what they lack: part = true": entry.part == (answered and entry.reason is not None),
        "no such document": entry.document in {each.name for each in INDEX.documents},
        "no place": entry.place.strip() == entry.place != "",
        "no quote, or a long one": 0 < len(entry.quote) <= LONGEST_QUOTE,
        "the reason is no sentence": entry.reason is None or re.fullmatch(r"[A-Z].*[^.]\.", entry.reason) is not None,
        "a room twice": len(set(entry.rooms)) == len(entry.rooms),
    }
    return [rule for rule, kept in rules.items() if not kept]


def test_no_entry_is_blank() -> None:
    assert {(entry.place, entry.quote): lacking for entry in INDEX.entries if (lacking := blanks(entry))} == {}


def test_every_room_that_is_named_exists() -> None:
    named = {room for entry in INDEX.entries for room in entry.rooms} | {room for rooms in QUESTIONS.values() for room in rooms}
    assert named <= set(catalogue())


def test_every_room_from_the_sources_is_named() -> None:
    named = {room for entry in INDEX.entries for room in entry.rooms}
    assert {name for name, (_, room) in catalogue().items() if room.statement.origin is Origin.SEED} <= named


def test_every_document_is_in_the_bibliography_and_has_entries() -> None:
    assert {document.key for document in INDEX.documents} <= set(
        bibtex_entries(Path(theory.__file__).with_name("references.bib").read_text(encoding="utf-8"))
    )
    assert {entry.document for entry in INDEX.entries} == {document.name for document in INDEX.documents}


def test_quotes_are_unique() -> None:
    assert [quote for quote, times in Counter(entry.quote for entry in INDEX.entries).items() if times > 1] == []


@pytest.mark.parametrize("command", sorted({entry.command for entry in INDEX.entries if entry.command is not None}))
def test_every_command_exists(command: str) -> None:
    """Its name and its options, which are read as the command line reads them; nothing is run."""
    program, name, *arguments = shlex.split(command)
    assert program == "layerpeel"
    with typer.main.get_command(app).commands[name].make_context(name, arguments) as context:  # pyright: ignore[reportAttributeAccessIssue]
        if name == "train" and find_spec("torch") is not None:
            assert context.params["experiment"] in known_experiments()


def test_every_room_is_under_one_question_or_two() -> None:
    times = Counter(room for rooms in QUESTIONS.values() for room in rooms)
    assert set(times) == set(catalogue())
    assert max(times.values()) <= 2
    assert all(len(set(rooms)) == len(rooms) for rooms in QUESTIONS.values())


def test_what_is_wrong_in_print_is_what_a_check_refutes() -> None:
    refuting = {name for name, (_, room) in catalogue().items() if any(check.expected is Verdict.REFUTED for check in room.checks)}
    assert set(QUESTIONS["What is wrong in print?"]) == refuting


def test_one_source_is_listed_by_its_key_or_by_its_name() -> None:
    assert {entry.document for entry in source_index("zhang2021").entries} == {"zhang2021-poster", "zhang2021-slides"}
    assert {entry.document for entry in source_index("zhang2021-slides").entries} == {"zhang2021-slides"}
    assert source_index("su2024").documents == (INDEX.documents[-1],)


def test_an_unknown_source_is_refused() -> None:
    refused(lambda: source_index("fang2021"), "'fang2021'", "zhang2021, zhang2021-poster, zhang2021-slides, su2024", "choose")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--source", "fang2021"], ["'fang2021'", "su2024"]),
        (["su2024"], ["'su2024'", "add --source"]),
        (["--source", "--family", "layer-peeled"], ["--family layer-peeled", "leave one of them out"]),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert all(part in said.err for part in parts)


@pytest.mark.parametrize("arguments", [[], ["su2024"]])
def test_what_is_printed_follows_the_schema(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--source", *arguments, "--json"]) == 0
    record, schema = json.loads(capsys.readouterr().out), committed("list-source")
    assert mistakes(record, schema, schema) == []
    assert record == source_index(*arguments).to_dict()


def test_every_entry_is_in_the_table() -> None:
    """All its words, in the order of the entries, whatever lines they were broken into."""
    printed = CliRunner().invoke(app, ["list", "--source", "zhang2021-poster"]).output
    text = source_index("zhang2021-poster").to_text()
    assert printed == text + "\n"
    words = Counter(text.split())
    for entry in source_index("zhang2021-poster").entries:
        assert Counter([*entry.place.split(), *entry.quote.split(), *entry.where.split()]) <= words
    assert "local-elasticity; in part: Samples count as similar" in text
    assert max(map(len, text.splitlines())) <= 140
