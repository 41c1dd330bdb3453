"""The report as a table for a paper, and the references that it cites."""

import re
from collections import Counter

from layerpeel.pages.latex_text import as_latex
from layerpeel.theorems.report.model import RoomResult
from layerpeel.theorems.report.reading import headline, summary_line
from layerpeel.theorems.report.report import Report

_KEY = re.compile(r"[^\w:./+-]", re.ASCII)
"""What a key of a bibliography may not hold."""


def render_latex(report: Report) -> str:
    r"""A table over pages, to be read by `\input`: statements, verdicts, what they rest on, citations. Needs booktabs and longtable."""
    said = f"{headline(report.summary, report.rooms)} {summary_line(report.summary, report.rooms)}"
    made = f"Profile {report.profile}, seed {report.seed}, {report.environment.created}."
    return "\n".join(
        [
            r"% \usepackage{booktabs,longtable}, and report.bib as bibliography; \input{report.tex} makes the table.",
            r"\begin{longtable}{p{0.43\linewidth}p{0.14\linewidth}p{0.13\linewidth}p{0.14\linewidth}}",
            rf"\caption{{{as_latex(said)} {as_latex(made)}}}\label{{tab:theorem-checks}}\\",
            r"\toprule",
            r"statement & verdict & evidence & source\\",
            r"\midrule",
            r"\endfirsthead",
            r"\toprule",
            r"statement & verdict & evidence & source\\",
            r"\midrule",
            r"\endhead",
            r"\bottomrule",
            r"\endfoot",
            *map(_row, report.rooms),
            r"\end{longtable}",
            "",
        ]
    )


def render_bibliography(report: Report) -> str:
    """The entries that the table cites, as they stand in the rooms' bibliographies."""
    entries = {room.source.key: room.source.bibtex for room in report.rooms if room.source.bibtex}
    return "\n\n".join(entry.strip() for _, entry in sorted(entries.items())) + "\n"


def _row(room: RoomResult) -> str:
    verdicts = Counter(f"{check.verdict}{'' if check.as_expected else ' (unexpected)'}" for check in room.checks)
    evidence = dict.fromkeys(check.evidence.value for check in room.checks)
    counted = ", ".join(f"{count} {word}" for word, count in verdicts.items())
    key = _KEY.sub("", room.source.key)
    locator = as_latex(room.source.locator)
    source = rf"\cite[{{{locator}}}]{{{key}}}" if room.source.bibtex and key else locator
    return rf"{as_latex(room.title)} & {counted} & {', '.join(evidence)} & {source}\\"
