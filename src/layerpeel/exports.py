"""Packages whose names are imported when they are first asked for (PEP 562), and are typed all the same."""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def on_demand(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package that imports the names under its `if TYPE_CHECKING:` when they are asked for.

    So every name is written once, where type checkers and readers find it:

        if TYPE_CHECKING:
            from layerpeel.numerics._bracket import Bracket as Bracket
        else:
            __getattr__, __dir__ = on_demand(__name__)

    Args:
        package: the name of the package, which is being imported.

    Example:
        >>> import layerpeel
        >>> "Bracket" in dir(layerpeel), layerpeel.Bracket(1.0, 2.0).width
        (True, 1.0)
    """
    module = sys.modules[package]
    origins = _typed_names(Path(str(module.__file__)).read_text(encoding="utf-8"))

    def get(name: str) -> Any:
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=module)
        origin, attribute = origins[name]
        thing = getattr(importlib.import_module(origin), attribute)
        setattr(module, name, thing)  # from now on an attribute like any other
        return thing

    return get, lambda: sorted({*vars(module), *origins} - {"TYPE_CHECKING", "on_demand"})


def _typed_names(source: str) -> dict[str, tuple[str, str]]:
    """Name → module and name there, as imported under `if TYPE_CHECKING:` at the top of a module."""
    blocks = [node for node in ast.parse(source).body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: (str(node.module), alias.name) for node in imports for alias in node.names}
