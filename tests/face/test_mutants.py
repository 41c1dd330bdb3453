"""The faults of `make mutants`: each still has its place in the code, leaves valid Python, and names checks or tests that exist."""

import ast

import pytest

from layerpeel.theory import catalogue
from mutants import ROOT, Fault, read_faults

FAULTS = {fault.name: fault for fault in read_faults()}
CHECKS = {f"{name}/{check.name}" for name, (_, room) in catalogue().items() for check in room.checks}
MATHEMATICS = ("theory", "solvers", "numerics", "gpu_train", "src")
LEAST = 25
"""The number of faults that the suite must catch."""


def test_there_are_enough_faults_of_different_names_and_places() -> None:
    faults = read_faults()
    assert len(FAULTS) == len(faults) >= LEAST
    assert len({(fault.file, fault.old, fault.new) for fault in faults}) == len(faults)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_edits_mathematics_that_is_there_and_names_what_must_notice(name: str) -> None:
    fault = FAULTS[name]
    assert fault.file.split("/")[0] in MATHEMATICS
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(fault.mutated(text))) != ast.dump(ast.parse(text))
    assert not any(part.split()[0] in {"assert", "raise"} for part in fault.old.splitlines() if part.strip())
    assert fault.turns or fault.tests
    assert set(fault.turns) <= CHECKS
    assert set(fault.rooms) <= set(catalogue())
    for test in fault.tests:
        file, _, function = test.partition("::")
        defined = ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        assert function in {node.name for node in defined if isinstance(node, ast.FunctionDef)}


def test_a_fault_whose_place_is_gone_or_not_the_only_one_is_refused() -> None:
    fault = Fault(name="stale", says="x", file="numerics/_frames.py", old="x + 1", new="x + 2", turns=("balanced-etf/value",))
    assert fault.mutated("y = x + 1") == "y = x + 2"
    for text in ("y = x", "y = x + 1; z = x + 1"):
        with pytest.raises(ValueError, match=r"fault stale edits a place that numerics/_frames\.py holds [02] times: .*faults\.toml"):
            fault.mutated(text)
