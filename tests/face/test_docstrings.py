"""What the docstring of every exported function must say, so that nobody has to read its code to call it."""

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from layerpeel import gpu_train, numerics, solvers, theory
from layerpeel.theorems.report import Bibliography

DERIVATIONS = Path(__file__).parents[2] / "docs" / "derivations"
ORDER = ("Args", "Returns", "Raises", "Source", "Example")

WITHOUT_SOURCE = {
    "numerics": "angle_bracket antiderivative as_rate at_most broadcast brownian_increments centred_features class_means coarsened "
    "pairwise_cosines count_classes decimal_bounds double enclose_expression held_by increasing_root last_true mean_cosine nuclear_norm "
    "parse_expression points_over_trials random_stream "
    "require_array require_every_class require_instance require_labels require_list require_memory require_one_of "
    "require_positive require_positive_array require_real require_whole require_whole_array shown to_bracket validated",
    "solvers": "random_start require_solver require_told require_way solver_status",
    "gpu_train": "describe_device digits long_tail_counts mnist_sample read_cifar10 read_idx read_images resized with_counts",
    "theory": "as_bracket catalogue choose claim headings instances judge printed resolution_used resolving_power statistical_comparisons",
}
"""Checks and readings of input, plain arithmetic, and the suite's own rules: there is no theorem behind them to cite."""

NEVER_RAISE = {
    "numerics": "double shown",
    "solvers": "solver_status",
    "gpu_train": "describe_device",
    "theory": "catalogue statistical_comparisons",
}
"""They take whatever is given, or nothing at all, and what could go wrong is part of their answer."""


def exported() -> dict[str, Callable[..., Any]]:
    """The functions among the names of the four packages, without what is wrapped around them."""
    return {
        f"{package.__name__.removeprefix('layerpeel.')}.{name}": inspect.unwrap(getattr(package, name))
        for package in (numerics, solvers, gpu_train, theory)
        for name in dir(package)
        if not name.startswith("_") and inspect.isfunction(inspect.unwrap(getattr(package, name)))
    }


FUNCTIONS = exported()


def sections(function: Callable[..., Any]) -> dict[str, str]:
    """The sections of a docstring by heading, in their order; what stands before the first has the heading ""."""
    parts = re.split(rf"^({'|'.join(ORDER)}):", inspect.getdoc(function) or "", flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def excepted(exceptions: Mapping[str, str]) -> set[str]:
    """Exceptions by their full names."""
    return {f"{package}.{name}" for package, names in exceptions.items() for name in names.split()}


def derivation(file: str, section: str, title: str) -> bool:
    """Whether a derivation has this section by number, or a passage under this title."""
    text = (DERIVATIONS / file).read_text(encoding="utf-8")
    return f"\n## {section}. " in text if section else re.search(rf"^(## |\*\*){re.escape(title)}", text, re.MULTILINE) is not None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_says_what_a_caller_needs(name: str) -> None:
    function, never = FUNCTIONS[name], name in excepted(NEVER_RAISE)
    found = sections(function)
    summary = found.pop("").partition("\n\n")[0].strip()
    assert summary.endswith((".", ":")), f"{name} begins with no sentence"
    assert list(found) == [heading for heading in ORDER if heading in found], f"the sections of {name} are out of order"
    parameters = [parameter for parameter in inspect.signature(function).parameters if parameter != "self"]
    assert re.findall(r"^    \**(\w+): \S", found.get("Args", ""), flags=re.MULTILINE) == parameters
    assert ("Raises" in found) is (not never)
    assert never or re.search(r"^    [\w.]+: \S", found["Raises"], flags=re.MULTILINE), f"Raises of {name} names no error"
    assert ">>> " in found.get("Example", ""), f"{name} has no example"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_source_is_a_key_of_the_bibliography_or_a_derivation_that_can_be_found(name: str) -> None:
    source = " ".join(sections(FUNCTIONS[name]).get("Source", "").split())
    assert bool(source) is (name not in excepted(WITHOUT_SOURCE))
    keys = set(re.findall(r"\b[a-z]+(?:19|20)\d\d\b", source))
    assert keys <= set(Bibliography.read(Path(theory.__file__).with_name("references.bib")).full)
    assert keys or "derived" in source or not source
    places = re.findall(r"docs/derivations/([\w-]+\.md), (?:section (\d)|\"([^\"]+)\")", source)
    assert len(places) == source.count("docs/derivations/")
    assert all(derivation(*place) for place in places)


def test_the_exceptions_are_exported_functions() -> None:
    assert excepted(WITHOUT_SOURCE) | excepted(NEVER_RAISE) <= set(FUNCTIONS)
