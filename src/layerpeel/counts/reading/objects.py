"""JSON, and what Python prints of lists, dictionaries and arrays, into a table."""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from layerpeel.counts.reading.columns import Table, column_of
from layerpeel.counts.reading.images import SPLITS, require_few
from layerpeel.counts.reading.numbers import parsed
from layerpeel.numerics import UnusableInput

_BEFORE = re.compile(r"[^\[{\n]{0,100}\n?\s*")
_AFTER = re.compile(r"[\s,)]*(?:dtype=\S{1,20}|device='[^']{1,20}')?[\s,)]*")
"""What a program prints around a list or a dictionary: `cls num list:`, Counter(…), array(…), tensor(…)."""

_NUMBERS_ONLY = re.compile(r"[\s\[\]\d.,eE+_-]*")
_LIST = re.compile(r"\[[^\[\]]*\]")
_BETWEEN = re.compile(r"(?:, dtype=\S{1,20})?\)?, ?array\(")
_SECTION = re.compile(r"\[[A-Za-z][^\]\n]*\][ \t]*\n")
"""A heading in brackets above lines."""

LARGEST_PRINTED = 10**6
"""Characters of what is read as Python instead of JSON."""


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands in the file, a key twice included."""


def object_table(text: str, column: str | None, what: str) -> tuple[Table, str | None] | None:
    """The table that JSON or a printed Python value holds, and the column still to be chosen; None for a text that is neither.

    Raises:
        UnusableInput: for JSON that is broken, or holds no counts.
    """
    stripped = text.strip()
    content = _loaded(stripped)
    if content is None:
        if stripped.startswith(("{", "[")) and not _SECTION.match(stripped) and not _python(stripped):
            raise UnusableInput(f"{what} is no JSON: {_why(stripped)}; correct it, or export the counts as CSV.")
        content = _python(stripped)
    return None if content is None or not isinstance(content, list) else _table(content, column, what)


def _loaded(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            try:
                return [json.loads(line, object_pairs_hook=Pairs) for line in lines]
            except (ValueError, RecursionError):
                return None
        return None


def _why(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "it is nested too deeply"
    return "it holds no list"


def _python(text: str) -> Any:
    """What a printed list, dictionary, Counter or array holds; None for anything else."""
    begins = min((place for place in (text.find("["), text.find("{")) if place >= 0), default=-1)
    ends = max(text.rfind("]"), text.rfind("}")) + 1
    if len(text) > LARGEST_PRINTED or not 0 <= begins < ends:
        return None
    if not (_BEFORE.fullmatch(text[:begins]) and _AFTER.fullmatch(text[ends:])):
        return None
    inner = text[begins:ends]
    parts = _LIST.findall(inner)
    if len(parts) == 2 and _BETWEEN.fullmatch(inner.replace(parts[0], "", 1).replace(parts[1], "", 1)):
        names, counts = map(_literal, parts)  # what numpy.unique gives: labels, and how often each is there
        return None if names is None or counts is None or len(names) != len(counts) else list(map(list, zip(names, counts, strict=True)))
    return _literal(inner)


def _literal(text: str) -> Any:
    if text.startswith("[") and _NUMBERS_ONLY.fullmatch(text):
        return re.findall(r"[^\s\[\],]+", text)
    try:
        return _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Dict(keys=keys, values=values):
            return Pairs((str(_value(key)) if key is not None else "", _value(value)) for key, value in zip(keys, values, strict=True))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item) for item in items]
        case ast.Call(args=[only], keywords=[]):  # np.int64(500)
            return _value(only)
        case _:
            return ast.literal_eval(node)


def _table(content: list[Any], column: str | None, what: str) -> tuple[Table, str | None]:
    """The table of a list or an object; one of several sets of counts may take the column's name."""
    while isinstance(content, Pairs) and len(content) == 1 and isinstance(content[0][1], list):
        content = content[0][1]  # {"counts": …}
    require_few(len(content), what)
    if not content:
        raise UnusableInput(f"{what} is empty: it needs the number of samples of each class; add them.")
    if isinstance(content, Pairs):
        return _sets_of_counts(content, column, what) if _has_sets(content) else (_of_object(content, what), column)
    if all(isinstance(item, Pairs) for item in content):
        return _of_records([(str(place), record) for place, record in enumerate(content, start=1)], named=False), column
    rows = [item if isinstance(item, list) and not isinstance(item, Pairs) else [item] for item in content]
    return Table(None, [(place, [_cell(each, what) for each in row]) for place, row in enumerate(rows, start=1)], "entry"), column


def _has_sets(pairs: Pairs) -> bool:
    """Whether an object holds the counts of several splits."""
    return {key.lower() for key, _ in pairs} <= SPLITS and all(isinstance(value, list) for _, value in pairs)


def _sets_of_counts(pairs: Pairs, column: str | None, what: str) -> tuple[Table, str | None]:
    keys = [key for key, _ in pairs]
    if column is None:
        raise UnusableInput(
            f"{what} holds several sets of counts, {', '.join(keys)}: one must be chosen; choose with --column, say --column {keys[0]}."
        )
    return _table(pairs[column_of(column, keys, what)][1], None, what)


def _of_object(pairs: Pairs, what: str) -> Table:
    held = Pairs((key, value) for key, value in pairs if isinstance(value, list) and value)
    if 0 < len(held) < len(pairs):  # what else a description of a data set holds
        pairs = held
        if len(held) == 1:
            return _table(held[0][1], None, what)[0]
    values = [value for _, value in pairs]
    if all(isinstance(value, Pairs) for value in values):
        return _of_records(list(pairs), named=True)
    if all(isinstance(value, list) for value in values):
        if all(isinstance(item, str) and parsed(item) is None for value in values for item in value):  # the files of each class
            return Table(None, [(place, [key, str(len(value))]) for place, (key, value) in enumerate(pairs, start=1)], "entry")
        if len({len(value) for value in values}) == 1:
            rows = [(place, [_cell(each, what) for each in row]) for place, row in enumerate(zip(*values, strict=True), start=1)]
            return Table([key for key, _ in pairs], rows, "entry")
    return Table(None, [(place, [key, _cell(value, what)]) for place, (key, value) in enumerate(pairs, start=1)], "entry")


def _of_records(records: Sequence[tuple[str, Pairs]], *, named: bool) -> Table:
    fields = list(dict.fromkeys(key for _, record in records for key, _ in record))
    rows = [
        (place, ([name] if named else []) + [_text(dict(record).get(key)) for key in fields])
        for place, (name, record) in enumerate(records, start=1)
    ]
    return Table([*(["class name"] if named else []), *fields], rows, "entry")


def _cell(value: Any, what: str) -> str:
    if isinstance(value, list | dict):
        raise UnusableInput(f"{what} holds {json.dumps(value)[:60]!r} where a count is expected: each class has one number; correct it.")
    return _text(value)


def _text(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return value.strip() if isinstance(value, str) else str(value)
