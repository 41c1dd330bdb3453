"""The report: its schema, and renderings that say all of it and load nothing."""

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import fake_rooms as fake
import pytest
from pydantic import ValidationError

import layerpeel.theorems.report
from layerpeel import theory
from layerpeel.numerics import Bracket, Figure, Series
from layerpeel.pages.figures import figure_svg
from layerpeel.pages.formula import formula_svg
from layerpeel.pages.typography import typeset
from layerpeel.theorems.report import Bibliography, Report, bibtex_entries, format_reference, parse_bibtex, render_html, render_markdown
from layerpeel.theorems.report.reading import sharpness
from layerpeel.theory import Kind, Origin, Verdict

ALL = fake.make_report(
    fake.GREEN, fake.REFUTED_AS_PRINTED, fake.UNREFUTED_CONTROL, fake.INCONCLUSIVE, fake.BROKEN, fake.SKIPPED, fake.WITH_FIGURE
)


def test_the_keys_are_the_contract() -> None:
    report = json.loads(ALL.to_json())
    assert set(report) == {"schema_version", "summary", "rooms", "environment", "seed", "profile"}
    assert set(report["summary"]) == {"green", "confirmed", "refuted", "inconclusive", "skipped", "controls"}
    (room,) = [room for room in report["rooms"] if room["name"] == "with-figure"]
    assert {"name", "title", "family", "kind", "origin", "source", "statement", "assumptions", "checks", "controls", "figures"} <= set(room)
    said = {"name", "claim", "kind", "verdict", "expected", "evidence", "origin", "prediction", "measurement", "seconds", "note"}
    how_sharp = {"method", "resolution", "resolution_reason", "resolving_power", "resolving_shift", "resolution_used"}
    assert said | how_sharp == set(room["checks"][0])
    assert {"label", "lower", "upper", "text", "rigorous"} == set(room["checks"][0]["prediction"][0])
    assert {"name", "claim", "check", "verdict"} <= set(room["controls"][0])


def test_json_holds_no_nan_and_comes_back_the_same() -> None:
    text = ALL.to_json()
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    assert Report.model_validate_json(text).to_json() == text
    (room,) = [room for room in json.loads(text)["rooms"] if room["name"] == "with-figure"]
    assert room["figures"][0]["series"][1]["y"] == [0.5, None]
    assert room["figures"][0]["marks"][0] == {"x": 2.0, "label": "R₀ = 2", "color": 0}


def sharp(**changes: object) -> str:
    (check,) = fake.run(fake.GREEN).checks
    return sharpness(check.model_copy(update=changes))


def test_a_report_says_what_change_each_check_would_refute() -> None:
    (check,) = fake.run(fake.GREEN).checks  # 1 held against [0.9, 1.1], which may be 0.5 wide
    assert check.resolving_power == pytest.approx(1 / 0.9 - 1, rel=1e-5)
    assert check.resolving_shift == pytest.approx(0.1, rel=1e-5)
    assert check.resolution_used == pytest.approx(0.4)
    assert check.note == ""
    assert sharp() == "Refutes a change of the prediction by 11 %."
    assert sharp(resolving_power=2e-9) == "Refutes a change of the prediction by 2.0e-09 of itself."
    assert sharp(resolving_power=2.0) == "Refutes a change of the prediction by a factor of 3."
    assert sharp(resolving_power=0.0) == "Refutes any change of the prediction."
    assert sharp(resolving_power=None) == "Refutes a shift of the prediction by 1.0e-01."
    assert sharp(resolving_power=None, resolving_shift=None) == "Refutes no change of the prediction in one direction."
    assert sharp(verdict=Verdict.REFUTED) == ""
    for text in (render_html(ALL), render_markdown(ALL)):
        assert "Refutes a change of the prediction by 11 %." in text


def test_a_verdict_that_used_most_of_its_resolution_warns() -> None:
    (check,) = fake.run(fake.make_room("tight", measure=lambda _: {"x": Bracket(0.8, 1.1)})).checks
    assert check.verdict is Verdict.CONFIRMED
    assert "a measured interval is 60 % as wide as the resolution allows" in check.note


def test_a_sentence_of_its_own_origin_says_so() -> None:
    (check,) = fake.GREEN.checks
    beside = replace(fake.GREEN, checks=(replace(check, origin=Origin.CONJECTURE),))
    assert "A conjecture." in render_markdown(fake.make_report(beside))
    assert "A conjecture." not in render_markdown(fake.make_report(fake.GREEN))


def test_an_unknown_key_is_refused() -> None:
    content = json.loads(ALL.to_json())
    content["summary"]["colour"] = "green"
    with pytest.raises(ValidationError, match="colour"):
        Report.model_validate(content)


def test_an_infinite_end_becomes_null() -> None:
    number = layerpeel.theorems.report.Number(label="x", lower=-math.inf, upper=math.nan, text="all", rigorous=True)
    assert (number.lower, number.upper) == (None, None)


class Resources(HTMLParser):
    """Collects what a page refers to, and which tags it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "srcset", "data", "action"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def test_the_page_loads_nothing_and_runs_its_own_script_alone() -> None:
    page = render_html(ALL)
    found = Resources()
    found.feed(page)
    assert found.references
    assert all(reference.startswith("#") for reference in found.references)
    assert not {"link", "img", "iframe", "object"} & set(found.tags)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert [attributes for attributes, _ in scripts] == [' type="application/json"', ""]
    for element, text in (("script", scripts[-1][1]), ("style", re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0])):
        assert f"{element}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in page
    assert "unsafe" not in page
    assert not re.search(r" (style|on\w+)=", page)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert "default-src 'none'" in page


def test_ids_on_the_page_are_unique_with_several_figures() -> None:
    twice = fake.make_report(fake.WITH_FIGURE, fake.make_room("other", figures=(fake.draw, fake.draw)))
    found = Resources()
    found.feed(render_html(twice))
    assert len(found.ids) > 3
    assert len(found.ids) == len(set(found.ids))


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_renderings_tell_every_room_verdict_and_note(render: object) -> None:
    assert callable(render)
    text = str(render(ALL))
    for room in ALL.rooms:
        assert room.name in text
        for result in room.results:
            assert result.claim in text
    for word in ("confirmed", "refuted, as it must be", "inconclusive", "skipped", "the solver broke", "Not as expected"):
        assert word.replace("'", "&#39;") in text or word in text
    assert "3 of 7 negative controls refuted" in text


def test_a_green_page_says_so_and_another_does_not() -> None:
    green, red = fake.make_report(fake.GREEN), fake.make_report(fake.GREEN, fake.UNREFUTED_CONTROL)
    assert 'class="banner good"' in render_html(green)
    assert "Every theorem came out as expected." in render_markdown(green)
    assert 'class="banner bad"' in render_html(red)
    assert "Room &lt;unrefuted-control&gt;" in render_markdown(red)


def test_what_rooms_say_is_escaped() -> None:
    page = render_html(ALL)
    assert "Room &lt;one-is-one&gt;" in page
    assert "<one-is-one>" not in page
    assert "SDP &lt;1&gt;" in page
    assert "x &amp; y are numbers" in page
    assert "broke &lt;down&gt;" in page
    assert "broke <down>" not in page


def test_long_tables_are_folded() -> None:
    many = fake.make_room(
        predict=lambda: {f"R = {n}": fake.predict_one()["x"] for n in range(7)},
        measure=lambda setting: {f"R = {n}": fake.measure_one(setting)["x"] for n in range(7)},
        false=lambda: {"R = 0": fake.predict_two()["x"]},
    )
    assert "7 comparisons</summary>" in render_html(fake.make_report(many))
    assert "comparisons</summary>" not in render_html(fake.make_report(fake.GREEN))


@pytest.mark.parametrize(
    ("kind", "sign"),
    [(Kind.UPPER_BOUND, "≤ 1"), (Kind.LOWER_BOUND, "≥ 1"), (Kind.LIMIT, "→ 1"), (Kind.EQUALITY, '<td class="r">1')],
)
def test_the_relation_stands_before_the_prediction(kind: Kind, sign: str) -> None:
    room = fake.make_room()
    report = fake.make_report(replace(room, checks=(replace(room.checks[0], kind=kind),)))
    assert sign in render_html(report)
    assert report.rooms[0].checks[0].kind is kind


def test_subscripts_are_lowered_and_everything_else_is_escaped() -> None:
    assert typeset("E_H=5, K_{AB}, R0 → 1") == "E<sub>H</sub>=5, K<sub>AB</sub>, R<sub>0</sub> → 1"
    assert typeset("<b> & snake_case, 2^{1/4}") == "&lt;b&gt; &amp; snake_case, 2<sup>1/4</sup>"
    assert "<sub>A</sub>" in render_html(fake.make_report(fake.make_room("K_A")))


def test_a_formula_is_drawn_in_the_texts_colour() -> None:
    svg = formula_svg(r"\frac{K}{K-1} < 1")
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert r"\frac{K}{K-1} &lt; 1" in svg
    assert " id=" not in svg


def test_a_formula_that_cannot_be_parsed_is_shown_as_code() -> None:
    assert formula_svg(r"\frac{a<b") == r"<code>\frac{a&lt;b</code>"
    assert r"<code>\frac{a&lt;b</code>" in render_html(fake.make_report(fake.make_room(latex=r"\frac{a<b")))


def test_a_figure_takes_the_pages_colours_and_is_reproducible() -> None:
    (figure,) = fake.run(fake.WITH_FIGURE).figures
    svg = figure_svg(figure, "a")
    assert svg == figure_svg(figure, "a")
    assert "var(--series-0)" in svg
    assert "var(--series-1)" in svg
    assert not re.search(r"#[0-9a-f]{6}\b", svg)
    for words in ("R₀ = 2", "R₁ = 2.1", "SDP &lt;1&gt;", "closed form", "imbalance", "cosine"):
        assert words in svg


@pytest.mark.parametrize(("last", "ticks"), [(20.0, [0, 5, 10, 15, 20]), (8.0, [0, 1, 2, 3, 4, 5, 6, 7, 8])])
def test_layers_are_counted_in_whole_numbers(last: float, ticks: list[int]) -> None:
    curve = Series(label="D", x=(0.0, last), y=(1.0, 2.0), style="line", color=0)
    drawn = Figure(title="t", caption="", x_label="layer", y_label="y", series=(curve,))
    written = re.findall(r">([\d.]+)</text>", figure_svg(drawn, "a"))
    assert written[: len(ticks)] == [str(tick) for tick in ticks]


def test_markdown_tables_stay_tables() -> None:
    text = render_markdown(fake.make_report(fake.make_room("a|b")))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) in {4, 5} for row in rows)


BIBLIOGRAPHY = r"""
% a comment
@comment{ignored, title = {No}}
@article{fang2021,
  author  = {Fang, Cong and He, Hangfeng and Long, Qi and Su, Weijie J.},
  title   = {Exploring {Deep} Neural Networks},
  journal = "Proceedings",
  volume  = 118, number = {43}, pages = {1--9},
  year    = 2021,
}
@misc{hong2023, author={Hong, W. and Ling, S.}, title={Neural Collapse}, year={2023}, eprint={2309.09725}}
"""


EVIL = "<script>alert(1)</script> [here](javascript:alert(1)) `code` *bold* ![image](x) \x1b[31mred\x9b31m \u202eleft\n# heading $x$ a|b"


def evil_report() -> Report:
    """A report in which every text that may be any text is an attack."""

    def spoilt(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: spoilt(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [spoilt(item, key) for item in value]
        fixed = {"kind", "verdict", "expected", "evidence", "origin", "style"}
        return EVIL if isinstance(value, str) and key not in fixed else value

    return Report.model_validate(spoilt(json.loads(fake.make_report(fake.GREEN, fake.WITH_FIGURE, fake.INCONCLUSIVE).to_json())))


def test_nothing_in_a_report_is_live_in_markdown() -> None:
    text = render_markdown(evil_report())
    assert set(re.findall(r"<[^>]*>", text)) == {f'<a id="{quote(EVIL, safe="")}">', "</a>"}
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    assert not re.search(r"(?<!\\)`|(?<!\\)!\[[^\]]*\]\(|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\n# heading" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_no_control_character_reaches_a_page_or_the_terminal() -> None:
    found = evil_report()
    page, terminal = render_html(found), found.to_text()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)
    assert page.count("<script") == 2  # ours, and the data of a figure
    assert set(re.findall(r"\x1b\[[0-9;]*m", terminal)) <= {"\x1b[31m", "\x1b[32m", "\x1b[0m"}
    assert terminal.count("\x1b") == 2  # the colour of the headline, on and off
    assert "\x9b" not in terminal


def test_references_are_read_and_written_out() -> None:
    entries = parse_bibtex(BIBLIOGRAPHY)
    assert set(entries) == {"fang2021", "hong2023"}
    assert format_reference(entries["fang2021"]) == (
        "Cong Fang, Hangfeng He, Qi Long and Weijie J. Su (2021). Exploring Deep Neural Networks. Proceedings 118(43), 1–9."
    )
    assert parse_bibtex(bibtex_entries(BIBLIOGRAPHY)["fang2021"]) == {"fang2021": entries["fang2021"]}
    assert format_reference(entries["hong2023"]) == "W. Hong and S. Ling (2023). Neural Collapse. arXiv:2309.09725."


def test_a_brace_that_is_never_closed_is_an_error() -> None:
    with pytest.raises(ValueError, match="never closed"):
        parse_bibtex("@misc{a, title = {never")


def test_every_source_is_in_the_bibliography() -> None:
    references = Bibliography.read(Path(theory.__file__).with_name("references.bib")).full
    cited = {room.statement.source.key for _, room in theory.catalogue().values()}
    assert cited
    assert cited <= set(references)
    assert all(len(reference) > 40 and "{" not in reference for reference in references.values())


def test_without_a_bibliography_there_are_no_references(tmp_path: Path) -> None:
    assert Bibliography.read(tmp_path / "references.bib") == Bibliography({}, {})
