"""Where the numbers are made: versions, solvers, device."""

import importlib
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import Field

from layerpeel.pages.records import Result

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
    "scikit-learn": "sklearn",
    "torchmetrics": "torchmetrics",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "xarray": "xarray",
    "h5netcdf": "h5netcdf",
    "h5py": "h5py",
    "pebble": "pebble",
    "distributed": "distributed",
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
    "pyarrow": "parquet",
    "xarray": "cubes",
    "h5netcdf": "cubes",
    "h5py": "cubes",
    "distributed": "cluster",
}
"""Distributions that may be missing, and the extras that bring them."""

NEEDING = {"torchmetrics": "torch"}
"""Optional distributions that cannot be imported without another optional one."""


def versions() -> dict[str, str]:
    """Version of layerpeel, and of every library that is installed and decides.

    Example:
        >>> "numpy" in versions()
        True
    """
    return _installed(("layerpeel", *DECIDING))


def _installed(names: tuple[str, ...]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


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


class Diagnosis(Result):
    """Versions, imports that fail, and which solvers really solve."""

    python: str
    platform: str
    processors: int
    packages: dict[str, str] = Field(description="Versions of what is installed.")
    broken: dict[str, str] = Field(description="Why a library cannot be imported, or that it is missing and needed.")
    missing_extras: dict[str, str] = Field(description="Optional libraries that are not installed, and the extras that bring them.")
    solvers: dict[str, str] = Field(description="Whether a conic solver solves, or why not.")
    torch: str = Field(description="The version of torch and its device; empty where torch or numpy is broken.")
    healthy: bool

    def to_text(self) -> str:
        """The diagnosis as text, and what to install."""
        lines = [f"Python {self.python} on {self.platform}, {self.processors} processors", ""]
        lines += [f"{name:<14}{version}" for name, version in self.packages.items()]
        lines += [f"{name:<14}not installed, optional: pip install 'layerpeel[{extra}]'" for name, extra in self.missing_extras.items()]
        lines += ["", *(f"solver {name:<10}{version}" for name, version in self.solvers.items()), *([self.torch] if self.torch else [])]
        if self.broken:
            lines += ["", *(f"{name:<14}CANNOT BE IMPORTED: {reason}" for name, reason in self.broken.items())]
            lines += _repairs(self)
        return "\n".join(lines)

    def figures(self) -> tuple[()]:
        """Nothing: versions and names have no size that could be drawn."""
        return ()


def diagnose() -> Diagnosis:
    """Look at everything that numbers and pages are made with.

    Example:
        >>> diagnose().packages["numpy"] == versions()["numpy"]
        True
    """
    libraries = {**DECIDING, **SHOWING}
    broken = broken_libraries(libraries)
    return Diagnosis(
        **_machine(),
        packages=_installed(("layerpeel", *libraries)),
        broken=broken,
        missing_extras={name: extra for name, extra in OPTIONAL.items() if name not in _installed((name,))},
        solvers=_solvers(),
        torch=_torch(broken),
        healthy=not broken,
    )


def _repairs(diagnosis: Diagnosis) -> list[str]:
    """What to install again, apart from libraries that only wait for another one."""
    waiting = {name: needed for name, needed in NEEDING.items() if name in diagnosis.broken and needed in diagnosis.missing_extras}
    again = [name for name in diagnosis.broken if name not in waiting]
    lines = [f"{name} needs {needed}: pip install 'layerpeel[{OPTIONAL[needed]}]'" for name, needed in waiting.items()]
    return lines + ([f"Install these again: pip install --force-reinstall {' '.join(again)}"] if again else [])


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
