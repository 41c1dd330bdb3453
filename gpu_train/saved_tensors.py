"""Tensors that torch.save has stored, read without importing anything that the file names."""

# pyright: reportMissingImports=false

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from layerpeel.numerics import UnusableInput, require_memory

DEEPEST = 8
"""Dictionaries inside dictionaries; a checkpoint has three or four."""

WIDENING = 4.0
"""Bytes of memory for each byte of the file: what is read, and single precision in the place of bfloat16."""


def read_tensors(path: Path) -> dict[str, tuple[np.ndarray, float | None]]:
    """The tensors of a .pt file by name, and the machine epsilon of each that NumPy has no type for.

    Names of dictionaries inside dictionaries are joined by dots; a file that holds one tensor has the name "". Text, single numbers and
    what else is no tensor are left out; lists of whole numbers or text are arrays.

    Args:
        path: what torch.save has written.

    Raises:
        UnusableInput: for a file that tries to import anything, a damaged one, or one without tensors.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     torch.save({"model": {"weight": torch.eye(2)}}, Path(folder, "net.pt"))
        ...     {name: array.tolist() for name, (array, _) in read_tensors(Path(folder, "net.pt")).items()}
        {'model.weight': [[1.0, 0.0], [0.0, 1.0]]}
    """
    require_memory(WIDENING * path.stat().st_size, f"the tensors of {path}", "save fewer of them in one file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise anything, and nothing that it names was imported
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if named:
            raise UnusableInput(
                f"{path} tries to import {named[1]}: only tensors are read from such a file, because an import may run anything; save a "
                "dictionary of tensors with torch.save."
            ) from None
        cause = "it is no sound file of tensors" if isinstance(error, pickle.UnpicklingError) else f"{type(error).__name__}"
        raise UnusableInput(f"{path} cannot be read ({cause}): it is damaged, or nothing that torch.save wrote; save it again.") from None
    arrays: dict[str, tuple[np.ndarray, float | None]] = {}
    _collect(content, "", arrays, DEEPEST)
    if not arrays:
        raise UnusableInput(
            f"{path} holds a {type(content).__name__} without tensors: features and labels are read from a dictionary of tensors; save one."
        )
    return arrays


def _collect(content: Any, name: str, arrays: dict[str, tuple[np.ndarray, float | None]], depth: int) -> None:
    if isinstance(content, torch.Tensor):
        arrays[name] = _as_array(content)
    elif isinstance(content, Mapping) and depth:
        for key, value in content.items():
            _collect(value, f"{name}.{key}" if name else str(key), arrays, depth - 1)
    elif isinstance(content, list | tuple) and content and all(isinstance(entry, torch.Tensor) for entry in content):
        for place, entry in enumerate(content):
            arrays[f"{name or 'features'}_{place}"] = _as_array(entry)
    elif isinstance(content, list | tuple) and content and all(isinstance(entry, int | str) for entry in content):
        array = np.array(content)
        if array.dtype.kind in "biuU":
            arrays[name] = array, None


def _as_array(tensor: torch.Tensor) -> tuple[np.ndarray, float | None]:
    dense = (tensor.to_dense() if tensor.layout != torch.strided else tensor).detach()
    if dense.dtype == torch.bfloat16:
        return dense.float().numpy(), torch.finfo(torch.bfloat16).eps
    return dense.resolve_conj().resolve_neg().numpy(), None
