"""The report in a browser, opened as the file that it is: what people push, what it computes, what a screen reader meets."""

import csv
import json
import math
import random
import re
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fake_rooms as fake
import numpy as np
import pytest
from matplotlib.image import imread

from layerpeel.numerics import collapse_threshold, two_group_optimum, vanishing_threshold
from layerpeel.theorems.report import Report, RoomResult, Summary, render_html
from layerpeel.theory import Verdict

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: pip install axe-playwright-python")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.slow,
    # what playwright leaves open when its loop ends is its own
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

SETTINGS = 1000
"""So many thresholds and cosines are compared with Python's."""
AGREE = 1e-9
"""Relative, of the logarithm of a threshold; absolute, of a cosine."""

Page = Any


def in_family(family: str, result: RoomResult, **changes: object) -> RoomResult:
    return result.model_copy(update={"family": family, **changes})


def explored() -> Report:
    """Rooms of three families, with all verdicts, a figure, and a bibliography's entry."""
    with_figure = fake.run(fake.WITH_FIGURE)
    cited = with_figure.source.model_copy(update={"bibtex": "@misc{nobody1900,\n  title = {Nothing}\n}"})
    rooms = [
        in_family("layer-peeled", fake.run(fake.GREEN)),
        in_family("layer-peeled", with_figure, source=cited),
        in_family("locally-elastic", fake.run(fake.REFUTED_AS_PRINTED)),
        in_family("locally-elastic", fake.run(fake.UNREFUTED_CONTROL)),
        in_family("own", fake.run(fake.BROKEN)),
        in_family("own", fake.run(fake.SKIPPED)),
    ]
    timed = [
        room.model_copy(update={"checks": [c.model_copy(update={"seconds": 1.0 * i}) for c in room.checks]}) for i, room in enumerate(rooms)
    ]
    return fake.make_report().model_copy(update={"rooms": timed, "summary": Summary.of(timed)})


REPORT = explored()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report") / "report.html"
    place.write_text(render_html(REPORT), encoding="utf-8")
    return place


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Callable[..., Page]]:
    """Opens the report, or another file; in the end nothing may have been written to the console, by the page or by the browser."""
    said: list[str] = []
    contexts: list[Any] = []

    def open_page(where: str = "", *, path: Path = file, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(path.as_uri() + where)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    return opened()


def shown_rooms(page: Page) -> list[str]:
    return page.eval_on_selector_all("#list > details", "rooms => rooms.filter(room => !room.hidden).map(room => room.id)")


# numbers


def settings() -> list[tuple[int, int, float, float, float]]:
    """Classes on both sides, an imbalance as a share of what is interesting, and both energies, over many orders of magnitude."""
    draw = random.Random(15)
    return [
        (
            int(10 ** draw.uniform(0.0, 5.0)),
            max(2, int(10 ** draw.uniform(0.0, 5.0))),
            draw.uniform(0.0, 1.3),
            10 ** draw.uniform(-4.0, 4.0),
            10 ** draw.uniform(-4.0, 4.0),
        )
        for _ in range(SETTINGS)
    ]


def log_of(log_minus_one: float) -> float:
    """log R of log(R − 1)."""
    return log_minus_one + math.log1p(math.exp(-log_minus_one)) if log_minus_one > 0.0 else math.log1p(math.exp(log_minus_one))


def in_page(page: Page, expression: str, arguments: list[Any]) -> list[Any]:
    """Answers as JSON, in which infinity is a word."""
    text = page.evaluate(
        f"given => JSON.stringify(given.map(each => window.layerpeel.{expression}(...each)), (_, v) => v === Infinity ? 'Infinity' : v)",
        arguments,
    )
    return json.loads(text)


def test_thresholds_and_cosines_are_pythons(page: Page) -> None:
    drawn = settings()
    answers = in_page(page, "threshold", [[a, b, h, w] for a, b, _, h, w in drawn])
    asked: list[list[float]] = []
    vanishing = infinite = 0
    for (a, b, share, h, w), answer in zip(drawn, answers, strict=True):
        collapse = collapse_threshold(a, b, feature_energy=h, weight_energy=w, digits=24)
        logarithm = log_of(collapse.log_minus_one)
        assert answer["logCollapse"] == pytest.approx(logarithm, rel=AGREE)
        infinite += answer["collapse"] == "Infinity"
        assert answer["collapse"] == (
            "Infinity" if collapse.value is None else pytest.approx(collapse.value, rel=1e-9 * max(1.0, logarithm))
        )
        last = vanishing_threshold(a, b, feature_energy=h, weight_energy=w, digits=40)
        assert (answer["logVanishing"] is None) == (answer["vanishing"] is None) == (last is None)
        if last is not None:
            vanishing += 1
            assert answer["logVanishing"] == pytest.approx(log_of(last.log_minus_one), rel=AGREE)
        asked.append([a, b, math.exp(min(share * logarithm, 700.0)), h, w])
    assert min(vanishing, infinite) > SETTINGS // 20
    phases: set[str] = set()
    for (a, b, ratio, h, w), cosine in zip(asked, in_page(page, "minorityCosine", asked), strict=True):
        optimum = two_group_optimum(int(a), int(b), ratio, (a + b) * math.sqrt(h) * math.sqrt(w))
        between, within = optimum.s * a / (a + b), optimum.b
        if optimum.vanished:
            phases.add("vanished")
            assert cosine is None
        else:
            phases.add("collapsed" if optimum.collapsed else "distinct")
            assert cosine == pytest.approx((between - within) / (between + within * (b - 1)), abs=AGREE)
    assert phases == {"vanished", "collapsed", "distinct"}


def test_the_solver_finds_the_cosine_that_the_page_says(page: Page) -> None:
    from layerpeel.solvers import LayerPeeled, solve

    solution = solve(LayerPeeled(counts=[80] * 5 + [10] * 5, feature_energy=5.0), route="factored")
    (cosine,) = in_page(page, "minorityCosine", [[5, 5, 8, 5.0]])
    assert cosine == pytest.approx(solution.groups[-1].within_cosine, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("threshold(5, 5, 5)", 12.192447080325),
        ("threshold(5, 1, 5)", None),
        ("minorityCosine(5, 5, 1, 5, 1)", -1 / 9),
        ("minorityCosine(5, 1, 2, 5, 1)", None),
        ("threshold(5.5, 5, 5)", "Numbers of classes are whole and at least 1."),
        ("threshold(5, 5, 0)", "Energies are positive numbers."),
        ("minorityCosine(5, 5, .5, 5, 1)", "An imbalance is a number, and at least 1."),
    ],
)
def test_special_values_and_refusals(page: Page, call: str, answer: object) -> None:
    said = page.evaluate(f"() => {{ try {{ return window.layerpeel.{call}; }} catch (error) {{ return error.message; }} }}")
    found = said["collapse"] if isinstance(said, dict) else said
    assert found == (pytest.approx(answer, rel=1e-11) if isinstance(answer, float) else answer)


# rooms

GO = """target => {
    location.hash = "";
    for (const each of document.querySelectorAll("details")) each.open = false;
    location.hash = target;
}"""
IN_VIEW = """target => {
    const box = document.getElementById(target).getBoundingClientRect();
    return box.height > 0 && box.top < innerHeight;
}"""


def test_every_filter_shows_the_rooms_that_fit(page: Page) -> None:
    kinds = {"family": lambda room, _: room.family} | {
        name: lambda _, check, name=name: getattr(check, name).value for name in ("verdict", "evidence", "origin", "kind")
    }
    for name, of in kinds.items():
        choice = page.locator(f"select[data-filter={name}]")
        values = choice.locator("option").all_inner_texts()
        assert values[0] == "all"
        assert set(values[1:]) == {of(room, check) for room in REPORT.rooms for check in room.checks}
        for value in values[1:]:
            choice.select_option(value)
            fitting = [room.name for room in REPORT.rooms if any(of(room, check) == value for check in room.checks)]
            assert shown_rooms(page) == fitting
            assert page.locator("#shown").inner_text().startswith(f"{len(fitting)} of {len(REPORT.rooms)} rooms")
        choice.select_option("")


def test_filters_and_search_go_together_and_are_cleared(page: Page) -> None:
    page.select_option("select[data-filter=family]", "own")
    page.select_option("select[data-filter=verdict]", "refuted")  # one check must be both
    assert shown_rooms(page) == []
    page.select_option("select[data-filter=verdict]", "inconclusive")
    assert shown_rooms(page) == ["broken"]
    page.fill("#search", "BROKE down")
    assert shown_rooms(page) == ["broken"]
    assert page.locator("#list h3:visible").all_inner_texts() == ["Own"]
    page.fill("#search", "nothing has this")
    assert shown_rooms(page) == []
    page.click("#filters button[type=reset]")
    page.wait_for_function("document.getElementById('shown').textContent.startsWith('6 of')")
    assert len(shown_rooms(page)) == len(REPORT.rooms)


def test_rooms_are_sorted_folded_and_unfolded(page: Page) -> None:
    names = [room.name for room in REPORT.rooms]
    page.select_option("#sort", "seconds")
    assert shown_rooms(page) == names[::-1]
    page.select_option("#sort", "power")
    powers = {
        room.name: max((c.resolving_power for c in room.checks if c.resolving_power is not None), default=-1.0) for room in REPORT.rooms
    }
    found = [powers[name] for name in shown_rooms(page)]
    assert found == sorted(found, reverse=True)
    page.select_option("#sort", "")
    assert shown_rooms(page) == names
    page.fill("#search", "one-is-one")
    for button, number in (("#unfold", 1), ("#fold", 0)):
        page.click(button)
        assert page.locator("#list > details[open]").count() == number


def test_every_link_leads_to_what_it_names(page: Page) -> None:
    targets = set(page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))"))
    assert {f"#{room.name}/{check.name}" for room in REPORT.rooms for check in room.checks} <= targets
    page.fill("#search", "nothing has this")  # a link shows what a filter hid
    for target in targets:
        assert target.startswith("#")
        page.evaluate(GO, target)
        page.wait_for_function(IN_VIEW, arg=unquote(target[1:]))


def test_a_permanent_link_opens_its_room(opened: Callable[..., Page]) -> None:
    page = opened("#with-figure/value")
    assert page.locator("#list > details[open]").get_attribute("id") == "with-figure"
    assert page.locator("[id='with-figure/value']").is_visible()


def test_a_finding_leads_to_its_check_twice(page: Page) -> None:
    link = page.locator(".findings a[href='#refuted-as-printed/value']").first
    for _ in range(2):
        link.click()
        assert page.locator("[id='refuted-as-printed/value']").is_visible()
        page.click("#fold")


def test_an_interval_shows_prediction_and_variant(opened: Callable[..., Page]) -> None:
    page = opened("#one-is-one")
    drawing = page.locator("#one-is-one .lie")
    box, mark, variant = (drawing.locator(each).bounding_box() for each in (".m, use", ".p", ".c path"))
    assert box["x"] < mark["x"] + mark["width"] / 2 < box["x"] + box["width"]  # 1 in [0.9, 1.1]
    assert variant["x"] > mark["x"] + 20  # 2 is ten half-widths away
    assert drawing.locator(".c title").text_content() == "two: 2"
    pixels = imread(BytesIO(drawing.screenshot()))
    row = pixels[pixels.shape[0] // 2]
    background, inside = row[5], row[row.shape[0] // 2 - 20]
    assert not np.allclose(background, inside, atol=0.05)  # the interval is painted


# copies, files, hovering


def test_copies_are_what_they_say(opened: Callable[..., Page]) -> None:
    page = opened("#with-figure", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#with-figure > details.more > summary").click()
    expected = {
        "command": "layerpeel check with-figure --profile quick --seed 0",
        "LaTeX": r"x = \frac{1}{1}",
        "BibTeX": "@misc{nobody1900,\n  title = {Nothing}\n}",
    }
    for what, text in expected.items():
        page.locator(f"#with-figure button[aria-label^='copy the {what} of']").click()
        page.wait_for_function("document.querySelector('#with-figure .copied button') !== null")
        assert page.evaluate("navigator.clipboard.readText()") == text
    assert page.locator(".first [data-copy]").count() == 0  # there are rooms that no command finds


def test_a_figures_data_is_a_table(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened("#with-figure")
    with page.expect_download() as download:
        page.click("[data-csv]")
    assert download.value.suggested_filename == "with-figure-1.csv"
    download.value.save_as(tmp_path / "data.csv")
    with (tmp_path / "data.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.reader(table))
    assert rows == [
        ["series", "imbalance", "cosine", "low", "high"],
        ["closed form", "1", "0", "", ""],
        ["closed form", "10", "1", "", ""],
        ["SDP <1>", "1", "0.5", "0.4", "0.6"],
        ["SDP <1>", "2", "", "0.4", "0.6"],
    ]


def test_the_value_under_the_pointer_is_said(opened: Callable[..., Page]) -> None:
    page = opened("#with-figure")
    svg = page.locator("svg[data-axes]")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    x0, x1, low, high, y0, y1, bottom, top = map(float, svg.get_attribute("data-axes").split()[:8])
    width, height = map(float, svg.get_attribute("viewBox").split()[2:])
    across, up = math.log(1.0 / low) / math.log(high / low), (0.5 - bottom) / (top - bottom)  # the point (1, 0.5)
    page.mouse.move(box["x"] + (x0 + across * (x1 - x0)) * box["width"] / width, box["y"] + (y0 + up * (y1 - y0)) * box["height"] / height)
    assert page.locator("#hover").inner_text() == "SDP <1>: 1, 0.5"
    page.mouse.move(1, 1)
    assert page.locator("#hover").is_hidden()


# explorers

SLIDE = """([name, end]) => {
    const slider = document.querySelector(`[data-for=${name}]`);
    slider.value = slider[end];
    slider.dispatchEvent(new Event("input", {bubbles: true}));
}"""
FIELDS = dict.fromkeys(["majority", "minority", "feature-energy", "weight-energy", "imbalance"], "#threshold-answer")
FIELDS |= dict.fromkeys(["exponent", "constant", "classes"], "#separation-answer")


def test_every_slider_moves_its_field_and_the_answer(page: Page) -> None:
    for explorer in ("#threshold-explorer", "#separation-explorer"):
        page.evaluate("id => { document.querySelector(id).open = true; }", explorer)
    assert page.locator("[data-for]").count() == len(FIELDS)
    page.fill("#exponent", "1")
    for name, answer in FIELDS.items():
        slider, field = page.locator(f"[data-for={name}]"), page.locator(f"#{name}")
        before, said = field.input_value(), set()
        for end in ("min", "max"):
            page.evaluate(SLIDE, [name, end])
            number = float(slider.get_attribute(end))
            assert float(field.input_value()) == pytest.approx(10**number if slider.get_attribute("data-log") is not None else number)
            said.add(page.locator(answer).inner_text())
        assert len(said) == 2, name
        field.fill(before)
        position = float(slider.input_value())
        assert (10**position if slider.get_attribute("data-log") is not None else position) == pytest.approx(float(before), rel=0.03)


def said_about(page: Page, counts: str) -> str:
    page.fill("#counts", counts)
    return page.locator("#threshold-answer").inner_text()


def test_counts_become_groups_where_two_values_occur(page: Page) -> None:
    assert "R₀ = 12.192" in said_about(page, "200x5, 10x5")
    assert [page.input_value(f"#{name}") for name in ("majority", "minority", "imbalance")] == ["5", "5", "20"]
    assert "collapsed" in said_about(page, "200 200 200 200 200 10 10 10 10 10")
    assert page.locator("#threshold-curve").is_visible()
    assert "vanished: it has no classifier" in said_about(page, "600x7;10x3")
    assert "remedy --groups 5x200,3x50,2x10 --feature-energy 5" in said_about(page, "200x5, 50x3, 10x2")
    assert page.locator("#threshold-curve").is_hidden()
    assert "none collapses" in said_about(page, "100x10")
    assert "many is no count" in said_about(page, "many")
    assert "-5x10 is no count" in said_about(page, "-5x10")
    assert "0x5 is no count" in said_about(page, "0x5, 10x2")
    assert "nothing to collapse with" in said_about(page, "100x9, 1")
    assert "At R = 100 the minority is vanished" in said_about(page, "")  # as the fields stand


def test_a_field_that_makes_no_sense_gets_a_sentence(page: Page) -> None:
    page.fill("#majority", "five")
    assert page.locator("#threshold-answer").inner_text() == "Numbers of classes are whole and at least 1."
    page.fill("#majority", "5")
    page.fill("#feature-energy", "100000")
    assert re.search(r"R₀ = 10\^\d+", page.locator("#threshold-answer").inner_text())


def test_the_phases_of_separation(page: Page) -> None:
    page.evaluate("document.querySelector('#separation-explorer').open = true")
    for exponent, constant, start in (("0.5", "0.01", "Separated"), ("1", "1.6", "Separated"), ("1", "1.5", "Not"), ("1.5", "100", "Not")):
        page.fill("#exponent", exponent)
        page.fill("#constant", constant)
        assert page.locator("#separation-answer").inner_text().startswith(start)
    page.fill("#constant", "0")
    assert page.locator("#separation-answer").inner_text() == "r is at least 0, c positive, and K at least 2."


# how it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened: Callable[..., Page], scheme: str) -> None:
    page = opened(color_scheme=scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    results = axe.Axe().run(page, options={"resultTypes": ["violations"]})
    assert [(each["id"], each["nodes"][0]["html"]) for each in results.response["violations"]] == []


def test_colours_follow_the_system_until_they_are_chosen(opened: Callable[..., Page]) -> None:
    page = opened(color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    seen = []
    for _ in range(3):
        page.click("#scheme")
        seen.append((page.locator("#scheme").inner_text(), page.evaluate(paper) == dark))
    assert seen == [("colours: light", False), ("colours: dark", True), ("colours: as the system", True)]


def test_a_narrow_screen_needs_no_scrolling_sideways(opened: Callable[..., Page]) -> None:
    page = opened(viewport={"width": 400, "height": 800})
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_paper_shows_what_is_folded_and_nothing_to_push(page: Page) -> None:
    folded = page.locator("#one-is-one .check")
    assert folded.is_hidden()
    page.emulate_media(media="print")
    assert folded.bounding_box()["height"] > 0
    assert page.locator("button:visible, select:visible, input:visible").count() == 0


def test_without_a_script_all_is_there_to_read(opened: Callable[..., Page]) -> None:
    page = opened(java_script_enabled=False)
    page.locator("#one-is-one > summary").click()
    assert page.locator("#one-is-one .check").is_visible()
    assert page.locator("button:visible, select:visible, input:visible").count() == 0


def test_hostile_names_run_nothing(opened: Callable[..., Page], tmp_path: Path) -> None:
    from test_suite_report import evil_report

    evil = evil_report()
    place = tmp_path / "<b>&name#.html"
    place.write_text(render_html(evil), encoding="utf-8")
    page = opened(path=place)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.locator("b, img, iframe").count() == 0
    page.locator(".link").first.click()
    assert "alert" in unquote(page.url)


def test_the_page_says_when_nothing_is_as_expected(opened: Callable[..., Page]) -> None:
    page = opened()
    assert page.locator(".banner.bad").is_visible()
    assert page.locator(".first h3").first.inner_text() == "Not as expected"
    assert any(room.checks[0].verdict is Verdict.INCONCLUSIVE for room in REPORT.rooms)
