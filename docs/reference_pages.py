"""The reference: a page for each package that people import from, with the docstrings of its public names."""

import importlib
import re
from inspect import isclass, isroutine
from pathlib import Path

from sphinx.application import Sphinx

PAGES = Path(__file__).parent / "reference"
PACKAGES = {
    "layerpeel": "What is promised: the names of `layerpeel` itself.",
    "layerpeel.numerics": "Brackets, closed forms, dynamics and statistics.",
    "layerpeel.solvers": "Programs, certificates and certified solutions.",
    "layerpeel.networks": "Measures of networks, saved or while they train.",
    "layerpeel.gpu_train": "Data and networks of the experiments; needs torch.",
    "layerpeel.theory": "What a room is made of.",
    "layerpeel.testing": "For property-based tests of your own.",
    "layerpeel.testing.strategies": "Hypothesis strategies.",
}


def write_pages(app: Sphinx) -> None:
    """Write reference/*.md."""
    PAGES.mkdir(exist_ok=True)
    for package, about in PACKAGES.items():
        directives = f".. currentmodule:: {package}\n\n{_directives(package)}"
        _write(PAGES / f"{package}.md", f"# {package}\n\n{about}\n\n```{{eval-rst}}\n{directives}\n```\n")
    _write(PAGES / "index.md", "\n".join(["# Reference", "", "```{toctree}", *PACKAGES, "```", ""]))


def _directives(package: str) -> str:
    """What autodoc is told of a package's public names: of ours, and of strategies only those that stand there."""
    module = importlib.import_module(package)
    lines = []
    for name in sorted(dir(module), key=str.lower):
        value = getattr(module, name)
        home = getattr(value, "__module__", "")
        imported = not home.startswith(package if package == "layerpeel.testing.strategies" else "layerpeel")
        if name.startswith("_") or imported or not value.__doc__:
            continue
        again = "" if home.startswith(f"{package}.") and package != "layerpeel" else "   :no-index:\n"  # a name is found once
        if isclass(value):
            lines.append(f".. autoclass:: {name}\n   :members:\n{again}")
        elif isroutine(value) or hasattr(value, "__wrapped__"):
            lines.append(f".. autofunction:: {name}\n{again}")
    return "\n".join(lines)


def as_rst(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Escape what is no markup in a docstring, which is plain text; backticks are code, and an indented paragraph is a formula."""
    example = formula = False
    texts: list[str] = []
    for before, line in zip(["", *lines], lines, strict=False):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        formula = line.startswith("    ") and (formula or (bool(texts) and not before.strip())) and not example
        if formula and not before.strip():
            texts += ["::", ""]
        texts.append(line if example or formula else _plain(line))
    lines[:] = texts


def _plain(line: str) -> str:
    bullet = "* " if line.startswith("* ") else ""
    parts = re.split(r"(``[^`]+``|`[^`]+`)", line.removeprefix(bullet))
    escaped = [f"``{part.strip('`')}``" if place % 2 else re.sub(r"([*|]|\b_|_\b)", r"\\\1", part) for place, part in enumerate(parts)]
    return bullet + "".join(escaped)


def _write(place: Path, text: str) -> None:
    if not place.exists() or place.read_text(encoding="utf-8") != text:
        place.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Pages are written before Sphinx looks for them; docstrings are escaped before napoleon reads them."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", as_rst, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
