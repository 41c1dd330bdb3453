"""Where the numbers are made: versions, solvers, device, and whether the packages are ours."""

import importlib.util
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import suite
from suite.report import Environment

LIBRARIES = ("layerpeel", "numpy", "scipy", "sympy", "python-flint", "cvxpy", "clarabel", "scs", "mosek", "torch", "mlxtend")
"""Distributions whose versions can change a digit or a verdict."""

OUR_PACKAGES = ("theory", "solvers", "gpu_train", "numerics")
"""Packages with everyday names, which another installation may shadow."""


def versions() -> dict[str, str]:
    """Version of every library that is installed.

    Example:
        >>> "numpy" in versions()
        True
    """
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe_environment() -> Environment:
    """The environment as a report holds it."""
    return Environment(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        platform=platform.platform(),
        processors=os.cpu_count() or 1,
        packages=versions(),
    )


def package_origins() -> dict[str, dict[str, str | bool | None]]:
    """For each of our packages, which file would be imported and whether it lies beside this package."""
    beside = Path(suite.__file__).resolve().parent.parent
    origins: dict[str, dict[str, str | bool | None]] = {}
    for name in OUR_PACKAGES:
        spec = importlib.util.find_spec(name)
        path = spec.origin if spec is not None else None
        origins[name] = {"path": path, "ours": path is not None and Path(path).resolve().parent.parent == beside}
    return origins


def diagnose() -> dict[str, Any]:
    """The keys of `layerpeel doctor --json`: versions, which solvers really solve, torch, and whether the packages are ours."""
    origins = package_origins()
    record: dict[str, Any] = {
        **describe_environment().model_dump(exclude={"created"}),
        "solvers": {},
        "torch": "",
        "packages_ours": origins,
        "healthy": all(origin["ours"] for origin in origins.values()),
    }
    if record["healthy"]:
        from gpu_train import describe_device
        from solvers import solver_status

        record |= {"solvers": solver_status(), "torch": describe_device()}
    return record


def describe_diagnosis(record: dict[str, Any]) -> str:
    """The diagnosis as text."""
    lines = [f"Python {record['python']} on {record['platform']}, {record['processors']} processors", ""]
    lines += [f"{name:<14}{found}" for name, found in record["packages"].items()]
    lines += [
        "",
        *(f"solver {name:<10}{found}" for name, found in record["solvers"].items()),
        *([record["torch"]] if record["torch"] else []),
        "",
    ]
    for name, origin in record["packages_ours"].items():
        lines.append(f"{name:<14}{'ours' if origin['ours'] else 'NOT OURS'}: {origin['path'] or 'not found'}")
    if not record["healthy"]:
        lines += ["", "A package of the same name shadows ours; uninstall it, or install layerpeel into an environment of its own."]
    return "\n".join(lines)
