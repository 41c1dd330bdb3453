"""What a number was made with: recorded with every attempt, and compared when a sweep goes on elsewhere."""

import platform
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from layerpeel.environment import versions


def provenance() -> dict[str, Any]:
    """Python, versions of what decides, the checkout's revision, processor and BLAS kernel.

    Example:
        >>> sorted(provenance())
        ['blas', 'packages', 'processor', 'python', 'revision']
    """
    return {
        "python": platform.python_version(),
        "packages": versions(),
        "revision": _revision(),
        "processor": _processor(),
        "blas": _blas(),
    }


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What is not the same, in words.

    Example:
        >>> differences({"python": "3.11.7", "packages": {"numpy": "2.0"}}, {"python": "3.11.7", "packages": {"numpy": "2.1"}})
        ['numpy 2.0 there, 2.1 here']
    """
    one, other = ({**each, **each["packages"]} for each in (there, here))
    names = sorted({*one, *other} - {"packages"})
    return [f"{name} {one.get(name)} there, {other.get(name)} here" for name in names if one.get(name) != other.get(name)]


def _revision() -> str:
    """The commit of a checkout, with a mark when something is changed; empty for an installed package."""
    folder = Path(__file__).resolve().parent
    with suppress(OSError, subprocess.SubprocessError):
        git = shutil.which("git")
        if git is None or not any((parent / ".git").exists() for parent in folder.parents[:4]):
            return ""
        commit, changes = (
            subprocess.run([git, *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True).stdout.strip()  # noqa: S603 - arguments of ours
            for arguments in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
        return f"{commit}{'+' if changes else ''}"
    return ""


def _processor() -> str:
    with suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


def _blas() -> str:
    """Name and version of NumPy's BLAS."""
    import numpy as np

    with suppress(Exception):  # older releases of NumPy only print it
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    return ""
