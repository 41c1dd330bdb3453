"""The report as JUnit XML, which continuous-integration services read: a suite for each room, a case for each check and false variant."""

import re
from xml.sax.saxutils import quoteattr

from layerpeel.pages.text import one_line
from layerpeel.theorems.report.model import CheckResult, ControlResult, RoomResult
from layerpeel.theorems.report.report import Report
from layerpeel.theory import Verdict

_NO_XML = re.compile("[\ufffe\uffff]")
"""Characters that XML does not know, beyond the controls that are written out everywhere."""


def render_junit(report: Report) -> str:
    """A check fails when its verdict is not the expected one, a false variant when it is not refuted; what did not run is skipped."""
    seconds = sum(check.seconds for room in report.rooms for check in room.checks)
    results = [result for room in report.rooms for result in room.results]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="layerpeel" {_counts(results)} time="{seconds:.3f}">']
    for room in report.rooms:
        lines += _suite(room, report.environment.created)
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _suite(room: RoomResult, created: str) -> list[str]:
    seconds = sum(check.seconds for check in room.checks)
    head = f"<testsuite name={_quoted(room.name)} {_counts(room.results)} time={_quoted(f'{seconds:.3f}')} timestamp={_quoted(created)}>"
    return [head, *(line for result in room.results for line in _case(room, result)), "</testsuite>"]


def _case(room: RoomResult, result: CheckResult | ControlResult) -> list[str]:
    checked = isinstance(result, CheckResult)
    name = result.name if checked else f"false variant {result.name}"
    seconds = result.seconds if checked else 0.0
    said = {"verdict": result.verdict.value, "expected": result.expected.value if checked else Verdict.REFUTED.value}
    if checked:
        said |= {"evidence": result.evidence.value, "origin": result.origin.value}
        if result.resolving_power is not None:
            said["resolving_power"] = f"{result.resolving_power:.3g}"
    lines = [f'<testcase classname={_quoted(f"{room.family}.{room.name}")} name={_quoted(name)} time="{seconds:.3f}">', "<properties>"]
    lines += [f"<property name={_quoted(key)} value={_quoted(value)}/>" for key, value in said.items()]
    lines.append("</properties>")
    if result.verdict is Verdict.SKIPPED:
        lines.append(f"<skipped message={_quoted(result.note)}/>")
    elif not result.as_expected:
        told = f"{said['verdict']}, expected {said['expected']}: {result.claim} {result.note}"
        lines.append(f"<failure message={_quoted(told.strip())} type={_quoted(said['verdict'])}/>")
    return [*lines, "</testcase>"]


def _counts(results: list[CheckResult | ControlResult]) -> str:
    skipped = sum(result.verdict is Verdict.SKIPPED for result in results)
    failures = sum(not result.as_expected for result in results) - skipped
    return f'tests="{len(results)}" failures="{failures}" errors="0" skipped="{skipped}"'


def _quoted(text: str) -> str:
    return quoteattr(_NO_XML.sub("\ufffd", one_line(text)))
