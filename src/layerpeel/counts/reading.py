"""Reads which classes there are and how many samples each has, from `--groups` or from a counts file."""

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from layerpeel.numerics import UnusableInput, require_positive
from layerpeel.pages.files import read_small

if TYPE_CHECKING:
    from layerpeel.solvers import LayerPeeled, Problem, UnconstrainedFeatures

Form = TypeVar("Form", "LayerPeeled", "UnconstrainedFeatures")

COUNT_COLUMNS = ("samples", "count", "counts")
"""Headers under which a counts file may name its column of samples per class."""

LARGEST_COUNTS = 10**8
"""Bytes of a counts file: a million classes with long names."""

_GROUP = re.compile(r"\s*(\d{1,18})\s*x\s*(\d{1,18})\s*", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def read_problem(
    groups: str | None, counts: Path | None, *, feature_energy: float, weight_energy: float, loss: str = "cross-entropy"
) -> "LayerPeeled":
    """The program of the classes that the options describe; a file keeps its order of classes.

    Raises:
        UnusableInput: when neither or both of groups and counts are given, or what is given cannot be used.
    """
    from layerpeel.solvers import LayerPeeled

    return _posed(LayerPeeled, groups, counts, feature_energy=feature_energy, weight_energy=weight_energy, loss=loss)


def read_program(
    groups: str | None,
    counts: Path | None,
    *,
    feature_energy: float | None,
    weight_energy: float | None,
    penalty: float | None,
    norm_weights: str | None,
    bias_penalty: float | None,
    loss: str,
) -> "Problem":
    """Either form of the program: with energies, or with the penalty λ = √(λ_W λ_H), shared evenly by its two factors.

    Raises:
        UnusableInput: as `read_problem`, and when neither or both of energies and penalty are given.
    """
    from layerpeel.solvers import NORM_WEIGHTS, LayerPeeled, UnconstrainedFeatures

    if norm_weights is not None and norm_weights not in NORM_WEIGHTS:
        raise UnusableInput(
            f"--norm-weights {norm_weights!r} is unknown: it must be one of {', '.join(NORM_WEIGHTS)}; choose one of these, or give "
            "numbers in Python."
        )
    options = {"loss": loss, "bias_penalty": bias_penalty} | ({} if norm_weights is None else {"norm_weights": norm_weights})
    if penalty is None:
        if feature_energy is None:
            raise UnusableInput(
                "neither --feature-energy nor --penalty is given: the norms of features and classifiers must be bounded or penalised; "
                "give one, say --feature-energy 5; see `layerpeel solve --help`."
            )
        energies = {"feature_energy": feature_energy, "weight_energy": 1.0 if weight_energy is None else weight_energy}
        return _posed(LayerPeeled, groups, counts, **energies, **options)
    energy = "--feature-energy" if feature_energy is not None else "--weight-energy" if weight_energy is not None else None
    if energy is not None:
        raise UnusableInput(f"both {energy} and --penalty are given: norms are either bounded or penalised; leave one of them out.")
    penalty = require_positive(penalty, "penalty")
    return _posed(UnconstrainedFeatures, groups, counts, feature_penalty=penalty, weight_penalty=penalty, **options)


def _posed(form: "type[Form]", groups: str | None, counts: Path | None, **options: Any) -> "Form":
    """The form of the program with the classes that exactly one of groups and counts describes."""
    if (groups is None) == (counts is None):
        given = "neither --groups nor --counts is" if groups is None else "both --groups and --counts are"
        raise UnusableInput(f"{given} given: classes come from exactly one of them; give, say, --groups 5x100,5x10 or --counts FILE.")
    if counts is not None:
        return form(counts=read_counts(counts), **options)
    return form.from_groups(parse_groups(groups or ""), **options)


def parse_groups(text: str) -> list[tuple[int, int]]:
    """Groups as (classes, samples).

    Raises:
        UnusableInput: when the text is not a list of CLASSESxSAMPLES.

    Example:
        >>> parse_groups("5x100,5x10")
        [(5, 100), (5, 10)]
    """
    groups: list[tuple[int, int]] = []
    for part in text.split(","):
        match = _GROUP.fullmatch(part)
        if match is None:
            raise UnusableInput(
                f"--groups {text!r} cannot be read at {part!r}: each group is CLASSESxSAMPLES in whole numbers; "
                "write, say, 5x100,5x10 for five classes of 100 samples and five of 10."
            )
        groups.append((int(match[1]), int(match[2])))
    return groups


def read_counts(path: Path) -> list[int]:
    """Samples per class from a CSV file: one column of whole numbers, or a header with a column named samples.

    Raises:
        UnusableInput: when the file cannot be read as such; names the line.
    """
    rows = [(number, [cell.strip() for cell in row]) for number, row in _numbered_rows(path) if any(cell.strip() for cell in row)]
    if not rows:
        raise UnusableInput(f"counts file {path} is empty: it needs one row per class with its number of samples; add them.")
    first_number, first = rows[0]
    named = [index for index, cell in enumerate(first) if cell.lower() in COUNT_COLUMNS]
    if named:
        rows = rows[1:]
    elif len(first) > 1:
        raise UnusableInput(
            f"counts file {path} has {len(first)} columns, and line {first_number} names none of them {' or '.join(COUNT_COLUMNS)}: "
            "the column of counts must be known; add such a header, or keep only that column."
        )
    if not rows:
        raise UnusableInput(f"counts file {path} is empty below its header: it needs one row per class; add them.")
    for number, row in rows:
        if any(row[len(first) :]):
            raise UnusableInput(
                f"counts file {path}, line {number} has {len(row)} columns and line {first_number} has {len(first)}: a comma inside a "
                "number splits it in two; write numbers without commas, one row per class."
            )
    return [_count(path, number, row, named[0] if named else 0) for number, row in rows]


def _numbered_rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = read_small(path, f"counts file {path}", largest=LARGEST_COUNTS).decode("utf-8-sig")
    except OSError as error:
        raise UnusableInput(f"counts file {path} cannot be read ({error.strerror}): it must be a CSV file; check the path.") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnusableInput(f"counts file {path} is not text: it must be a CSV file of whole numbers; export it as CSV.")
    reader = csv.reader(text.splitlines(), skipinitialspace=True)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise UnusableInput(f"counts file {path} is not CSV at line {reader.line_num} ({error}): export it as CSV.") from error


def _count(path: Path, number: int, row: list[str], column: int) -> int:
    cell = row[column] if column < len(row) else ""
    if len(cell) > 18 or _INTEGER.fullmatch(cell) is None or int(cell) < 1:
        raise UnusableInput(
            f"counts file {path}, line {number}: {cell[:40]!r} is not a count: samples per class are whole numbers of at least 1; "
            "correct the line."
        )
    return int(cell)
