"""Where the numbers are made: versions, solvers, device."""

import importlib
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

DECIDING = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sympy": "sympy",
    "python-flint": "flint",
    "cvxpy": "cvxpy",
    "clarabel": "clarabel",
    "scs": "scs",
    "mosek": "mosek",
    "numba": "numba",
    "torch": "torch",
    "mlxtend": "mlxtend",
}
"""Distributions whose versions can change a digit or a verdict, and what is imported of each."""

SHOWING = {
    "rich": "rich",
    "pydantic": "pydantic",
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
    "ziamath": "ziamath",
    "jaxtyping": "jaxtyping",
    "scikit-learn": "sklearn",
    "torchmetrics": "torchmetrics",
    "pandas": "pandas",
}
"""The other distributions that layerpeel imports."""

OPTIONAL = {
    "mosek": "mosek",
    "numba": "fast",
    "torch": "train",
    "mlxtend": "data",
    "scikit-learn": "data",
    "torchmetrics": "metrics",
    "pandas": "frames",
}
"""Distributions that may be missing, and the extras that bring them."""


def versions() -> dict[str, str]:
    """Version of layerpeel, and of every library that is installed and decides.

    Example:
        >>> "numpy" in versions()
        True
    """
    return _installed(("layerpeel", *DECIDING))


def _installed(names: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe_environment() -> dict[str, Any]:
    """When and where numbers are made: UTC time, Python, platform, processors, versions."""
    return {"created": datetime.now(UTC).isoformat(timespec="seconds"), **_machine(), "packages": versions()}


def _machine() -> dict[str, Any]:
    return {"python": platform.python_version(), "platform": platform.platform(), "processors": os.cpu_count() or 1}


def broken_libraries(modules: Mapping[str, str]) -> dict[str, str]:
    """For each library that is installed and cannot be imported, or is missing and needed: why.

    Args:
        modules: what is imported of each distribution.

    Example:
        >>> broken_libraries({"numpy": "numpy", "no-such-library": "no_such_module"})
        {'no-such-library': "ModuleNotFoundError: No module named 'no_such_module'"}
    """
    installed = _installed(tuple(modules))
    broken: dict[str, str] = {}
    for name, module in modules.items():
        if name in OPTIONAL and name not in installed:
            continue
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a library built for another one may raise anything; which and why is what is asked for
            broken[name] = " ".join(f"{type(error).__name__}: {error}".split())
    return broken


def diagnose() -> dict[str, Any]:
    """The keys of `layerpeel doctor --json`: versions, imports that fail, and which solvers really solve."""
    libraries = {**DECIDING, **SHOWING}
    broken = broken_libraries(libraries)
    return {
        **_machine(),
        "packages": _installed(("layerpeel", *libraries)),
        "broken": broken,
        "missing_extras": {name: extra for name, extra in OPTIONAL.items() if name not in _installed((name,))},
        "solvers": _solvers(),
        "torch": _torch(broken),
        "healthy": not broken,
    }


def _solvers() -> dict[str, str]:
    try:
        from layerpeel.solvers import solver_status
    except Exception:  # noqa: BLE001 - a library that every route needs is broken, and is among the broken ones
        return {}
    return solver_status()


def _torch(broken: Mapping[str, str]) -> str:
    if {"torch", "numpy"} & set(broken):
        return ""
    try:
        from layerpeel.gpu_train import describe_device
    except Exception:  # noqa: BLE001 - likewise
        return ""
    return describe_device()


def describe_diagnosis(record: dict[str, Any]) -> str:
    """The diagnosis as text."""
    lines = [f"Python {record['python']} on {record['platform']}, {record['processors']} processors", ""]
    lines += [f"{name:<14}{found}" for name, found in record["packages"].items()]
    lines += [f"{name:<14}not installed, optional: pip install 'layerpeel[{extra}]'" for name, extra in record["missing_extras"].items()]
    lines += [
        "",
        *(f"solver {name:<10}{found}" for name, found in record["solvers"].items()),
        *([record["torch"]] if record["torch"] else []),
    ]
    if record["broken"]:
        lines += ["", *(f"{name:<14}CANNOT BE IMPORTED: {reason}" for name, reason in record["broken"].items())]
        lines += ["Install these again: pip install --force-reinstall " + " ".join(record["broken"])]
    return "\n".join(lines)
