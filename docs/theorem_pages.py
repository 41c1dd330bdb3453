"""A page for each room, and the indexes over them, made from the catalogue and a report before the documentation is built.

`make docs` takes report/report.json, which `make check` and `make test` leave; LAYERPEEL_REPORT names another one.
"""

import os
import tomllib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from layerpeel.pages.figure_file import figure_file
from layerpeel.pages.formula import formula_svg
from layerpeel.pages.typography import typeset
from layerpeel.theorems.check import read_report
from layerpeel.theorems.report import RoomResult
from layerpeel.theorems.report.reading import how_measured, own_origin, pair_numbers, relation, sharpness
from layerpeel.theorems.sources import source_index
from layerpeel.theory import FAMILIES, catalogue

HERE = Path(__file__).parent
PAGES = HERE / "theorems"
LONGEST_OPEN_TABLE = 6
"""Tables of more rows than this are folded."""


def report_file() -> Path:
    """The report that the pages are made from."""
    return Path(os.environ.get("LAYERPEEL_REPORT", HERE.parent / "report" / "report.json"))


def write_pages(app: Sphinx) -> None:
    """Write theorems/*.md and their figures; a page that did not change keeps its date, so that it is not built again."""
    path = report_file()
    if not path.exists():
        raise ExtensionError(f"there is no {path}: run `make check`, which writes it, or name another one by LAYERPEEL_REPORT.")
    results = {room.name: room for room in read_report(path).rooms}
    rooms = {name: room for name, (_, room) in catalogue().items()}
    if missing := [name for name in rooms if name not in results]:
        raise ExtensionError(f"{path} lacks {', '.join(missing)}: run `make check` again.")
    if blank := [name for name, room in rooms.items() if not room.statement.meaning]:
        raise ExtensionError(f"{', '.join(blank)}: a room says what it means for someone who trains networks; write its `meaning`.")
    known = {
        "typeset": typeset,
        "formula": formula_svg,
        "how_measured": how_measured,
        "own_origin": own_origin,
        "pair_numbers": pair_numbers,
        "relation": relation,
        "sharpness": sharpness,
        "longest_open_table": LONGEST_OPEN_TABLE,
        "meaning": {name: room.statement.meaning for name, room in rooms.items()},
        "rooms": results,
    }
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701 - what is not markup goes through typeset
    texts = {}
    for name, result in results.items():
        room = {"room": result, "file": f"../../theory/{result.family.replace('-', '_')}/{name.replace('-', '_')}.py"}
        texts[f"{name}.md"] = templates.get_template("room.md.j2").render(**room, **known)
        for place, drawn in enumerate(result.figures):
            texts[f"{name}-{place}.svg"] = figure_file(drawn)
    families = {family: [room for room in results.values() if room.family == family] for family in FAMILIES}
    texts["index.md"] = templates.get_template("rooms.md.j2").render(families=families, **known)
    questions = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))
    texts["questions.md"] = templates.get_template("questions.md.j2").render(questions=questions["question"], **known)
    texts["verdicts.md"] = templates.get_template("verdicts.md.j2").render(by_verdict=_by_verdict(results.values()), **known)
    texts["sources.md"] = templates.get_template("sources.md.j2").render(index=source_index(), **known)
    _write(texts)


def _by_verdict(rooms) -> dict[str, list[tuple[RoomResult, object]]]:
    """What fails as printed first; then what is proved, certified, statistical, observed."""
    pairs = [(room, check) for room in rooms for check in room.checks]
    refuted = [pair for pair in pairs if pair[1].verdict == "refuted"]
    return {"Refuted as printed": refuted} | {
        f"Confirmed: {word}": [pair for pair in pairs if pair[1].verdict == "confirmed" and pair[1].evidence == evidence]
        for evidence, word in (
            ("proof", "proofs"),
            ("certified", "certified brackets"),
            ("statistical", "samples at a stated level"),
            ("empirical", "observations"),
        )
    }


def _write(texts: dict[str, str]) -> None:
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.iterdir():
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        place = PAGES / name
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Pages are written before Sphinx looks for them."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
