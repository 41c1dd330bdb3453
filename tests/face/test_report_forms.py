"""The report in its other forms: LaTeX, JUnit XML, a badge; what changed between two; what is no report of ours."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import fake_rooms as fake
import pytest
from test_suite_report import ALL, BIBLIOGRAPHY, EVIL, evil_report

from layerpeel.cli import main
from layerpeel.numerics import Bracket, UnusableInput
from layerpeel.pages.latex_text import as_latex
from layerpeel.theorems.check import LARGEST_REPORT, read_report
from layerpeel.theorems.difference import difference
from layerpeel.theorems.report import (
    Bibliography,
    Report,
    RoomResult,
    Summary,
    badge,
    render_badge_json,
    render_badge_svg,
    render_bibliography,
    render_html,
    render_junit,
    render_latex,
)
from layerpeel.theorems.report.html import command
from layerpeel.theorems.report.intervals import interval_plots
from layerpeel.theory import Kind, Source, headings

# JUnit


def test_junit_counts_what_failed_and_what_was_skipped() -> None:
    suites = ET.fromstring(render_junit(ALL))
    assert (suites.get("tests"), suites.get("failures"), suites.get("skipped")) == ("14", "5", "2")
    cases = {(suite.get("name"), case.get("name")): case for suite in suites for case in suite.iter("testcase")}
    assert cases["one-is-one", "value"].find("failure") is None
    assert cases["refuted-as-printed", "value"].find("failure") is None
    failed = cases["unrefuted-control", "false variant two"].find("failure")
    assert failed is not None
    assert failed.get("message") == "confirmed, expected refuted: x is 2."
    broken = cases["broken", "value"].find("failure")
    assert broken is not None
    assert "the solver broke <down>" in (broken.get("message") or "")
    assert cases["skipped", "value"].find("skipped") is not None
    said = {entry.get("name"): entry.get("value") for entry in cases["one-is-one", "value"].iter("property")}
    assert (said["verdict"], said["evidence"], said["origin"]) == ("confirmed", "certified", "derived")
    assert all(len(list(suite)) == int(suite.get("tests") or 0) for suite in suites)


def test_nothing_in_a_report_is_live_in_xml() -> None:
    evil = evil_report()
    evil = evil.model_copy(update={"rooms": [room.model_copy(update={"name": room.name + "\ufffe\x00]]>\"'&"}) for room in evil.rooms]})
    for text in (render_junit(evil), render_badge_svg(evil)):
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
        assert tags <= {"testsuites", "testsuite", "testcase", "properties", "property", "failure", "skipped"} | {
            "svg",
            "clipPath",
            "rect",
            "g",
            "text",
        }
    assert "<script>alert(1)</script>" in (ET.fromstring(render_junit(evil))[0].get("name") or "")


# LaTeX


def arguments_closed(text: str) -> bool:
    """Braces that are not escaped come in pairs."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text.replace(r"\\", "")):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def test_the_table_has_a_row_for_each_room_with_its_citation() -> None:
    bibliography = Bibliography.of(BIBLIOGRAPHY)
    cited = fake.run(fake.GREEN).model_copy(update={"source": bibliography.reference(Source("fang2021", "Theorem [3]"))})
    report = fake.make_report().model_copy(update={"rooms": [cited, fake.run(fake.UNREFUTED_CONTROL)], "summary": Summary.of([cited])})
    text = render_latex(report)
    assert r"Room \textless{}one-is-one\textgreater{} & 1 confirmed & certified & \cite[{Theorem {[}3{]}}]{fang2021}\\" in text
    assert r"& Theorem 1\\" in text  # without an entry there is nothing to cite
    rows = text.split(r"\endfoot")[1]
    assert len(re.findall(r"(?<!\\)&", rows)) == 3 * len(report.rooms)
    assert arguments_closed(text)
    assert render_bibliography(report).startswith("@article{fang2021,")
    assert render_bibliography(report).count("@") == 1


def test_nothing_in_a_report_is_live_in_latex() -> None:
    text = render_latex(evil_report())
    assert arguments_closed(text)
    commands = set(re.findall(r"\\([A-Za-z]+)", text))
    ours = "begin end caption label toprule midrule bottomrule endfirsthead endhead endfoot cite linewidth texttt input usepackage"
    assert commands <= {*ours.split(), "textless", "textgreater", "textasciigrave", "textbackslash", "textbar"}
    assert text.count(r"\input") == 1  # ours, in a comment
    assert "$" not in text.replace(r"\$", "")
    assert all(line.startswith("%") or "%" not in line.replace(r"\%", "") for line in text.splitlines())
    assert not re.search("[\ue000-\uf8ff\x00-\x09\x0b-\x1f]", text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"\write18{rm} $x^2$ 5% #1 a_b", r"\textbackslash{}write18\{rm\} \$x\textsuperscript{2}\$ 5\% \#1 a\textsubscript{b}"),
        (
            "X̄^k ≥ ½ λ, x²",
            r"\ensuremath{\bar{X}}\textsuperscript{k} \ensuremath{\ge} \ensuremath{\tfrac12} \ensuremath{\lambda}, x\ensuremath{^{2}}",
        ),
        ("Krämer – 漢 \ue000", r"Krämer -- \texttt{U+6F22} "),
        ("q̈", r"\texttt{U+0071 U+0308}"),
    ],
)
def test_sentences_as_latex(text: str, written: str) -> None:
    assert as_latex(text) == written


# badge


def test_the_badge_says_whether_it_is_green() -> None:
    assert badge(fake.make_report(fake.GREEN, fake.SKIPPED)) == ("1 as expected, 1 mistakes refuted", "brightgreen")
    assert badge(ALL) == ("3 of 6 not as expected", "red")
    assert badge(fake.make_report(fake.SKIPPED)) == ("nothing ran", "lightgrey")
    content = json.loads(render_badge_json(ALL))
    assert content == {"schemaVersion": 1, "label": "theorems", "message": "3 of 6 not as expected", "color": "red"}
    assert ET.fromstring(render_badge_svg(ALL)).get("aria-label") == "theorems: 3 of 6 not as expected"


# intervals


def drawn_for(kind: Kind, predicted: Bracket, measured: Bracket, false: Bracket) -> str:
    room = fake.make_room(predict=lambda: {"x": predicted}, measure=lambda _: {"x": measured}, false=lambda: {"x": false})
    result = fake.run(replace(room, checks=(replace(room.checks[0], kind=kind),)))
    return str(interval_plots(result.checks[0], result.controls)["x"])


def test_positions_are_to_scale_inside_and_powers_of_ten_outside() -> None:
    drawing = drawn_for(Kind.EQUALITY, Bracket.exactly(0.5), Bracket(-1.0, 1.0), Bracket.exactly(-100.0))
    assert 'class="p" d="M138 4v12"' in drawing  # 120 + 36/2
    assert "M4 12" in drawing  # two decades, both used: 120 − 36 − 80
    assert 'href="#ten2"' in drawing
    assert 'class="p" d="M120 4v12' in drawn_for(Kind.UPPER_BOUND, Bracket.exactly(0.0), Bracket(-1.0, 1.0), Bracket.exactly(-5.0))
    assert "h-6" in drawn_for(Kind.UPPER_BOUND, Bracket.exactly(2.0), Bracket(-1.0, 1.0), Bracket.exactly(-5.0))
    assert "h6" in drawn_for(Kind.LOWER_BOUND, Bracket.exactly(-2.0), Bracket(-1.0, 1.0), Bracket.exactly(5.0))


def test_an_exact_measurement_and_an_infinite_variant_are_drawn() -> None:
    exact = drawn_for(Kind.EQUALITY, Bracket.exactly(1.0), Bracket.exactly(1.0), Bracket.exactly(2.0))
    assert 'href="#exact1"' in exact
    assert "M120 4v12" in exact
    far = drawn_for(Kind.EQUALITY, Bracket.exactly(1.0), Bracket(1.0 - 1e-300, 1.0), Bracket.exactly(1e300))
    assert 'href="#exact18"' in far or 'href="#ten18"' in far
    assert not re.search(r"nan|inf", far.replace("<title>", ""))


# running again


def test_the_command_runs_what_the_report_holds() -> None:
    def of(*rooms: RoomResult) -> str:
        return command(fake.make_report().model_copy(update={"seed": 3}), rooms)

    result = fake.run(fake.GREEN)
    ours = [result.model_copy(update={"name": heading.name, "family": heading.family}) for heading in headings()]
    assert of(*ours) == "layerpeel check --profile quick --seed 3"
    assert of(ours[0]) == f"layerpeel check {ours[0].name} --profile quick --seed 3"
    assert (
        of(*(room for room in ours if room.family == "equi-separation"))
        == "layerpeel check --family equi-separation --profile quick --seed 3"
    )
    assert of(ours[0], ours[2]) == f"layerpeel check {ours[0].name} {ours[2].name} --profile quick --seed 3"
    assert of(result) == ""  # in a test module, say
    installed = [result.model_copy(update={"package": "a b", "name": name}) for name in ("x", "y; rm")]
    assert of(*installed) == "layerpeel check --from 'a b' --profile quick --seed 3"
    assert of(installed[1]) == "layerpeel check 'y; rm' --from 'a b' --profile quick --seed 3"


# what changed


def changed(**updates: object) -> Report:
    report = fake.make_report(fake.GREEN)
    (room,) = report.rooms
    return report.model_copy(update={"rooms": [room.model_copy(update={"checks": [room.checks[0].model_copy(update=updates)]})]})


def test_a_changed_verdict_is_told_and_is_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = fake.make_report(fake.GREEN), fake.make_report(fake.make_room(measure=lambda _: {"x": Bracket(1.95, 2.05)}))
    found = difference(old, new)
    assert [(each.name, each.control, each.old, each.new) for each in found.verdicts] == [
        ("value", False, "confirmed", "refuted"),
        ("two", True, "refuted", "confirmed"),
    ]
    (moved,) = found.numbers
    assert (moved.label, moved.measured, moved.old, moved.new) == ("x", True, "1 ± 1.0e-01", "2 ± 5.0e-02")
    for name, report in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(report.to_json(), encoding="utf-8")
    assert main(["report", "diff", str(tmp_path / "old"), str(tmp_path / "new" / "report.json")]) == 1
    assert capsys.readouterr().out.startswith("2 verdicts have changed.\n")
    assert main(["report", "diff", str(tmp_path / "old"), str(tmp_path / "old"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] == []


def test_what_moved_within_its_error_has_not_moved() -> None:
    old = fake.make_report(fake.GREEN)
    assert difference(old, fake.make_report(fake.make_room(measure=lambda _: {"x": Bracket(1.05, 1.2)}))).numbers == []
    slower = changed(seconds=100.0)
    (time,) = difference(changed(seconds=1.0), slower).times
    assert (time.room, time.new) == ("one-is-one", 100.0)
    assert difference(changed(seconds=1.0), changed(seconds=1.9)).times == []


def test_what_only_one_report_has_is_named() -> None:
    found = difference(fake.make_report(fake.GREEN), fake.make_report(fake.NOISY).model_copy(update={"seed": 7}))
    assert (found.changed, found.gone, found.added) == (False, ["one-is-one/value", "one-is-one/two"], ["noisy/value", "noisy/two"])
    assert found.settings == ["seed 0, then 7"]
    for words in ("Gone: one-is-one/value", "New: noisy/value", "Made otherwise: seed 0, then 7."):
        assert words in found.to_text()


def test_differences_print_nothing_live() -> None:
    evil = evil_report()
    text = difference(evil, evil.model_copy(update={"rooms": [], "profile": EVIL})).to_text()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize(
    "words", [["a.json"], ["a.json", "b.json"], ["diff", "a.json"], ["diff", "a", "b", "c"], ["diff", "a", "b", "--out", "c"]]
)
def test_a_report_command_that_is_neither_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *words]) == 2
    assert "is neither REPORT.json --out DIR nor diff OLD NEW" in capsys.readouterr().err


# what is no report of ours


def test_a_report_of_another_schema_is_refused_with_the_place(tmp_path: Path) -> None:
    content = json.loads(fake.make_report(fake.GREEN).to_json())
    place = tmp_path / "report.json"
    for change, named in (
        (("schema_version", 2), "schema_version"),
        (("rooms", [{"name": "x"}]), "rooms.0.title"),
        (("colour", "x"), "colour"),
    ):
        place.write_text(json.dumps(content | dict([change])))
        with pytest.raises(UnusableInput, match=rf"does not follow the report's schema at {named}"):
            read_report(place)


def test_a_report_without_what_came_later_is_read(tmp_path: Path) -> None:
    content = json.loads(ALL.to_json())
    for room in content["rooms"]:
        del room["source"]["bibtex"]
        for control in room["controls"]:
            del control["prediction"]
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert 'class="lie"' in render_html(read_report(tmp_path / "report.json"))


def test_a_report_of_fifty_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    with place.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(UnusableInput, match=f"more than {LARGEST_REPORT} bytes"):
        read_report(place)
