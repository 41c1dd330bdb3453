"""Text into rows of cells: what parts them, which lines are no rows, and which row is the header."""

import csv
import re
from collections.abc import Sequence

from layerpeel.counts.reading.columns import LABELS, NOUNS, Table, is_running, mostly_numbers, says_counts, words_of
from layerpeel.counts.reading.images import SPLITS, require_few
from layerpeel.counts.reading.numbers import parsed
from layerpeel.numerics import UnusableInput

Line = tuple[int, str]
Row = tuple[int, list[str]]

_PRINTED = re.compile(r"(Name: .*, )?(Length: \d+, )?dtype: \w+|\[\d+ rows x \d+ columns\]")
"""The last line of what pandas prints."""

_LEFT_OUT = re.compile(r"\.\.\.?(\s+\.\.\.?)*")
"""The line by which pandas leaves out rows."""

_RULE = re.compile(r"[\s|+:=-]*-[\s|+:=-]*")
"""A line that is drawn below a header."""

_NAME_COLON = re.compile(r"(.*\S)\s*[:=]\s+([^\s,;].*)")
_NAME_ROUND = re.compile(r"(.*\S)\s*\(([^()]*)\)")
_NAME_COLON_CLOSE = re.compile(r"([^,;\t]*[^,;\t\s])\s*[:=]\s*([^,;\t]+)")
_PADDED = re.compile(r" {2,}\d+ \S.*")
"""A line of `uniq -c`: a number to the right, one blank, and the name."""

_UNKNOWN = frozenset(("", "-", "–", "?", "n/a", "na", "nan", "none", "null", "nil", "tbd"))
"""What stands where a number is not known: no header."""

_SHARE = re.compile(r"(?<!\s)\s+\(?\d+(?:[.,]\d+)?\s*%\)?\s*$")
"""A percentage behind a count."""

_BLANK = re.compile(r"\s")
_LATEX = re.compile(r"\\\\(\[[^\]]*\])?\s*(\\\w+\s*)*$|^\s*\\(?:hline|toprule|midrule|bottomrule)\s*|^\s*\\(?:begin|end)\{.*$")
"""What ends a line of a LaTeX table, and lines that hold nothing else."""

GUESSED = 1000
"""Lines by which the shape of a table is told."""


def table_of(text: str, what: str) -> Table:
    """The rows of a table that people or programs wrote as text.

    Raises:
        UnusableInput: for a text without rows, or whose shape cannot be told.
    """
    require_few(text.count("\n"), what)
    lines = [(number, line.rstrip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    spoken = [each for each in lines if not _is_comment(each[1])]
    lines = spoken or lines
    printed = bool(lines) and _PRINTED.fullmatch(lines[-1][1].strip()) is not None
    if printed:
        lines = lines[:-1]
    for number, line in lines:
        if _LEFT_OUT.fullmatch(line.strip()):
            raise UnusableInput(
                f"{what}, line {number}: {line.strip()!r} stands for rows that were left out when this was printed: every class is needed; "
                "write the table with to_csv instead."
            )
    lines = _plain(lines) if lines else lines
    if not lines:
        raise _empty(what)
    shown = [line for _, line in lines[:GUESSED]]
    delimiter = _delimiter(shown)
    if delimiter == "|":
        lines = [each for each in lines if not _RULE.fullmatch(each[1])]
    if delimiter is None:
        rows, loose = _by_blanks(lines, what)
        return _table(rows, what, loose=loose, printed=printed)
    rows = _by_delimiter(lines, delimiter, what)
    return _table(rows, what, semicolons=delimiter == ";")


def _plain(lines: list[Line]) -> list[Line]:
    """Without marks of a list before every line, a unit behind it, and what LaTeX puts at its end."""
    if all(line.lstrip().startswith(("- ", "* ", "• ")) for _, line in lines):
        lines = [(number, line.lstrip()[2:]) for number, line in lines]
    if sum("&" in line and "\\\\" in line for _, line in lines) * 2 > len(lines):
        kept = [(number, _LATEX.sub("", line).strip()) for number, line in lines]
        lines = [(number, line.replace("&", "\t").replace("\\_", "_")) for number, line in kept if line]
    if all(_SHARE.search(line) for _, line in lines):
        lines = [(number, _SHARE.sub("", line)) for number, line in lines]
    parts = [part for part in re.split(r"[,;]\s+", lines[0][1]) if part.strip()] if len(lines) == 1 else []
    if len(parts) > 1 and all(_with_colon(part) for part in parts):
        lines = list(enumerate(parts, start=1))
    units = {line.rpartition(" ")[2].rstrip(".,;").lower() for _, line in lines[:GUESSED]}
    if len(lines) > 1 and len(units) == 1 and units <= NOUNS and all(" " in line.strip() for _, line in lines):
        lines = [(number, line.rpartition(" ")[0]) for number, line in lines]
    return [each for each in lines if each[1].strip()]


def _empty(what: str) -> UnusableInput:
    return UnusableInput(f"{what} is empty: it needs one row per class with its number of samples; add them.")


def _is_comment(line: str) -> bool:
    stripped = line.lstrip()
    return stripped.startswith(("#", "//")) and stripped[1:2] not in (",", ";", "\t", "|", '"')


def _delimiter(lines: Sequence[str]) -> str | None:
    """What stands in more than half of the lines; ":" where a name and a number stand on its sides, None for blanks."""

    def most(true: Sequence[bool]) -> bool:
        return 2 * sum(true) > len(true)

    if most(["\t" in line.strip() for line in lines]):
        return "\t"
    if most([_with_colon(line) is not None for line in lines]):
        return ":"
    for delimiter in ";|,":
        if not most([delimiter in line for line in lines]):
            continue
        numbers = [parsed(line.strip()) for line in lines]
        whole = len(lines) > 1 and all(number is not None for number in (numbers[1:] if says_counts(lines[0]) else numbers))
        if not (delimiter == "," and whole and not all("," in line for line in lines if not says_counts(line))):
            return delimiter
    return None


def _with_colon(line: str) -> tuple[str, str] | None:
    """The name and the number on the sides of a colon or an equals sign."""
    line = line.strip().rstrip(",;").rstrip()
    for pattern in (_NAME_COLON, _NAME_COLON_CLOSE, _NAME_ROUND):
        match = pattern.fullmatch(line)
        if match and parsed(_unquoted(match[2])) is not None:
            return _unquoted(match[1]), _unquoted(match[2])
    return None


def _unquoted(cell: str) -> str:
    cell = cell.strip()
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "'\"" else cell


def _by_delimiter(lines: Sequence[Line], delimiter: str, what: str) -> list[Row]:
    if delimiter == ":":
        return [(number, list(_with_colon(line) or (line.strip(), ""))) for number, line in lines]
    if delimiter == "|":
        lines = [(number, line.strip().strip("|")) for number, line in lines]
    reader = csv.reader((line for _, line in lines), delimiter=delimiter, skipinitialspace=True)
    rows: list[Row] = []
    begins = 0
    try:
        for row in reader:
            rows.append((lines[begins][0], [_unquoted(cell) for cell in row]))
            begins = reader.line_num
    except csv.Error as error:
        raise UnusableInput(f"{what} is not CSV at line {lines[begins][0]} ({error}): export it as CSV.") from error
    while len(rows) > 1 and len(rows[0][1]) == 1 and parsed(rows[0][1][0]) is None and len(rows[1][1]) > 1:
        rows = rows[1:]  # a title above the table
    return rows


def _by_blanks(lines: Sequence[Line], what: str) -> tuple[list[Row], bool]:
    """Rows of cells that blanks part, and whether a name may fill several cells."""
    if not any(_BLANK.search(line.strip()) for _, line in lines):
        return [(number, [line.strip()]) for number, line in lines], False
    apart = [(number, re.split(r"\s{2,}", line.strip())) for number, line in lines]
    if len({len(row) for _, row in apart}) == 1 and len(apart[0][1]) > 1:
        return apart, False
    body = [row for _, row in apart[1:]]
    if len(body) > 1 and len({len(row) for row in body}) == 1 and len(body[0]) > 1:
        number, first = apart[0]
        if len(first) == 1:  # the name of what was counted, which pandas prints above
            return apart[1:], False
        if len(first) == len(body[0]) - 1 and is_running([row[0] for row in body]):  # a frame: its index has no header
            return [(number, ["", *first]), *apart[1:]], False
    words = [(number, line.split()) for number, line in lines]
    if all(_PADDED.fullmatch(line) for _, line in lines):
        return [(number, [" ".join(row[1:]), row[0]]) for number, row in words], False
    if len({len(row) for _, row in words}) == 1:
        return _named_once(words, what), True
    return _ragged(words, what), False


def _named_once(words: list[Row], what: str) -> list[Row]:
    """As they are, where no name fills several cells; else name and number."""
    width = len(words[0][1])
    if width <= 2 or len(words) < 2:
        return words
    numeric = [column for column in range(width) if all(parsed(row[column]) is not None for _, row in words[1:])]
    texts = width - len(numeric)
    return _ragged(words, what) if texts > 1 and len(numeric) <= 2 and parsed(words[0][1][0]) is not None else words


def _ragged(words: list[Row], what: str) -> list[Row]:
    """Names of several words with one number before or behind them, and perhaps an index before them."""
    named_first = any(parsed(word) is not None for word in words[0][1])
    body = words if named_first else words[1:]
    if not body:
        return words
    first = all(parsed(row[0]) is not None for _, row in body if row) and all(len(row) > 1 for _, row in body)
    last = all(parsed(row[-1]) is not None for _, row in body) and all(len(row) > 1 for _, row in body)
    leading = is_running([row[0] for _, row in body])
    if first and last:
        if leading and all(len(row) > 2 for _, row in body):
            return [(number, [" ".join(row[1:-1]), row[-1]]) for number, row in body]
        if not is_running([row[-1] for _, row in body]):
            number, row = body[0]
            raise UnusableInput(
                f"{what}, line {number}: {' '.join(row)[:60]!r} begins and ends with a number, as all lines do: either may be the count; "
                "part the columns with commas."
            )
        last = False
    if first and not last:
        return [(number, [" ".join(row[1:]), row[0]]) for number, row in body]
    if last:
        return [(number, [" ".join(row[:-1]), row[-1]]) for number, row in body]
    bad = next((each for each in body if parsed(each[1][-1]) is None), body[0])
    raise UnusableInput(
        f"{what}, line {bad[0]}: {' '.join(bad[1])[:60]!r} does not end in a count, as other lines do: each line is a name and a whole "
        "number; correct the line."
    )


def _table(rows: list[Row], what: str, *, loose: bool = False, semicolons: bool = False, printed: bool = False) -> Table:
    """The rows with their header, without the empty columns that a trailing delimiter makes."""
    rows = [(number, cells) for number, row in rows if any(cells := [_unquoted(cell) for cell in row])]
    if not rows:
        raise _empty(what)
    filled = max(max(index + 1 for index, cell in enumerate(row) if cell) for _, row in rows)
    rows = [(number, row[:filled]) for number, row in rows]
    number, first = rows[0]
    header = None
    if not printed and _is_header(first, [row for _, row in rows[1:]], filled):
        header, rows = first, rows[1:]
        if not rows:
            raise UnusableInput(f"{what} is empty below its header: it needs one row per class; add them.")
        longer = next((each for each in rows if len(each[1]) > len(first) and any(each[1][len(first) :])), None)
    else:
        common = len(first) if filled > 1 else filled
        longer = next((each for each in rows if any(each[1][common:])), None)
    if longer is not None:
        raise UnusableInput(
            f"{what}, line {longer[0]} has {len(longer[1])} columns and line {number} has {len(first)}: a comma inside a number splits it "
            "in two; write numbers without commas, one row per class."
        )
    if header is None and len(rows) == 1 and len(first) > 1 and all(parsed(cell) is not None for cell in first if cell):
        return Table(None, [(place, [cell]) for place, cell in enumerate(first, start=1) if cell], "entry")
    if header is not None and _is_wide(header, rows):
        return Table(None, [(place, [*pair]) for place, pair in enumerate(zip(header, rows[0][1], strict=False), start=1)], "entry")
    return Table(header, rows, "line", loose=loose, semicolons=semicolons)


def _is_header(first: list[str], rest: list[list[str]], width: int) -> bool:
    """Whether the first row names the columns: it says counts, or has words where all others have numbers."""
    texts = [cell for cell in first if cell.lower() not in _UNKNOWN and parsed(cell) is None]
    if not any(parsed(cell) is not None for cell in first) and any(
        says_counts(cell) or set(words_of(cell)) <= LABELS for cell in texts if words_of(cell)
    ):
        return width > 1 or any(map(says_counts, texts))
    if first == ["", "0"]:  # of a series that has no name
        return True

    def numbers(column: int) -> bool:
        return mostly_numbers([row[column] for row in rest if column < len(row)])

    numeric = [column for column in range(width) if numbers(column)]
    if not numeric:
        return False
    heads = [first[column] if column < len(first) else "" for column in numeric]
    return all(parsed(head) is None for head in heads) and any(head.lower() not in _UNKNOWN for head in heads)


def _is_wide(header: list[str], rows: list[Row]) -> bool:
    """Whether the classes stand side by side: their names above one row of numbers."""
    if len(rows) != 1 or len(header) < 2 or len(rows[0][1]) != len(header):
        return False
    if not all(parsed(cell) is not None for cell in rows[0][1]):
        return False
    return not any(says_counts(name) or set(words_of(name)) & (SPLITS | LABELS) for name in header)
