"""Walks the calls of the packages, from their source: what can a function reach, and by which route does it ask for a solution?"""

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("layerpeel.theory", "layerpeel.solvers", "layerpeel.numerics", "layerpeel.gpu_train")


def package_of(module: str) -> str:
    """The floor that a module belongs to: layerpeel.theory, …"""
    return ".".join(module.split(".")[:2])


class Name(NamedTuple):
    """A definition at the top of a module."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


SOLVE = Name("layerpeel.solvers._solve", "solve")
HONEST_ROUTES = {"sdp", "factored"}
"""Route `symmetric` is the closed form, and `auto` may take it."""

CLOSED_FORMS = {
    "layerpeel.numerics.layer_peeled._joint_vanishing",
    "layerpeel.numerics.layer_peeled._nonnegative",
    "layerpeel.numerics.layer_peeled._changed_losses",
    "layerpeel.numerics.layer_peeled._other_norms",
    "layerpeel.numerics.layer_peeled._squared_error",
    "layerpeel.numerics.layer_peeled._threshold_rays",
    "layerpeel.numerics.layer_peeled._sample_boundary",
    "layerpeel.numerics.layer_peeled._sample_threshold_arrays",
    "layerpeel.numerics.layer_peeled._sample_thresholds",
    "layerpeel.numerics.layer_peeled._thresholds",
    "layerpeel.numerics.layer_peeled._threshold_arrays",
    "layerpeel.theory.layer_peeled._branches",
    "layerpeel.theory.layer_peeled._changed_boundaries",
    "layerpeel.theory.layer_peeled._closed_forms",
    "layerpeel.theory.layer_peeled._deep_codes",
    "layerpeel.theory.layer_peeled._vanishing_closed_forms",
    "layerpeel.theory.layer_peeled._orthogonal_means",
    "layerpeel.theory.locally_elastic._along_directions",
    "layerpeel.theory.locally_elastic._any_similarity",
    "layerpeel.theory.locally_elastic._growth_by_shares",
    "layerpeel.theory.locally_elastic._i_model_rates",
    "layerpeel.theory.locally_elastic._l_model_rates",
    "layerpeel.theory.locally_elastic._l_model_limits",
    "layerpeel.theory.layer_peeled._encoded_labels",
    "layerpeel.theory.locally_elastic._shares",
    "layerpeel.theory.layer_peeled._threshold_limits",
    "layerpeel.theory.locally_elastic._closed_forms",
    "layerpeel.numerics.layer_peeled._two_groups",
    "layerpeel.numerics.layer_peeled._two_groups_batch",
    "layerpeel.numerics.layer_peeled._two_groups_curve",
    "layerpeel.numerics.layer_peeled._two_groups_inverse",
    "layerpeel.numerics.locally_elastic._closed_flow",
    "layerpeel.solvers._phases",
    "layerpeel.solvers.relatives._batch",
    "layerpeel.solvers.routes._symmetric",
}
"""Modules whose functions are what is to be confirmed. Their constants and types may be used by anybody."""

CHOOSING = {
    Name("layerpeel.numerics.locally_elastic._flow", "mean_flow"),
    Name("layerpeel.numerics.locally_elastic._law", "elastic_law"),
    Name("layerpeel.solvers._threshold", "critical_oversampling"),
    Name("layerpeel.solvers._threshold", "excessive_oversampling"),
}
"""Functions that take a closed form where there is one, or decide phases by the law λ ≥ c_g."""

CLAIMS = {"claim", "printed"}
"""Calls that make claims; a claim's keywords are its two sides."""

SIDES = {"measure": "measure_", "measure_all": "measure_", "predict": "predict_", "false": "predict_", "instead": "predict_"}

MEASURING = {"layerpeel.solvers", "layerpeel.gpu_train"}
"""Packages that predictions leave alone."""


def measures(module: str) -> bool:
    """Whether a module is one that predictions leave alone: of those packages, or of a family's `_measured`."""
    return package_of(module) in MEASURING or "._measured." in module


@dataclass(frozen=True)
class Source:
    """One module: its definitions, and where every imported name comes from."""

    module: str
    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text))

    @cached_property
    def imports(self) -> dict[str, Name]:
        """Local name → what it stands for; an imported module is a Name without name."""
        found: dict[str, Name] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {alias.asname or alias.name: Name(node.module, alias.name) for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.asname or alias.name.split(".")[0]: Name(alias.name, "") for alias in node.names}
        return found

    @cached_property
    def definitions(self) -> dict[str, ast.AST]:
        """Functions, classes and assignments at the top of the module."""
        found: dict[str, ast.AST] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    found |= {part.id: node for part in ast.walk(target) if isinstance(part, ast.Name)}
        return found

    @cached_property
    def claims(self) -> dict[str, dict[str, ast.expr]]:
        """The keywords of every claim that the module makes, by the claim's name; what holds instead of a printed one is a claim too."""
        found: dict[str, dict[str, ast.expr]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLAIMS:
                keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
                instead = keywords.get("instead")
                names = [*node.args[:1], *(instead.elts[:1] if isinstance(instead, ast.Tuple) else [])]
                found |= {name.value: keywords for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)}
        return found

    @cached_property
    def sides(self) -> dict[str, ast.expr]:
        """What each claim measures and predicts, as "measure_: claim, keyword" and "predict_: claim, keyword"."""
        return {
            f"{SIDES[keyword]}: {name}, {keyword}": value
            for name, keywords in self.claims.items()
            for keyword, value in keywords.items()
            if keyword in SIDES
        }

    def proves(self, side: str) -> bool:
        """Whether a side belongs to a claim whose evidence is a proof, with or without a resolution."""
        evidence = self.claims[side.split(": ")[1].split(", ", maxsplit=1)[0]].get("evidence")
        return evidence is not None and ast.unparse(evidence).split(".within(")[0].endswith("PROOF")


class Program:
    """The modules of all packages, and any others given by name."""

    def __init__(self, sources: dict[str, Source]) -> None:
        self.sources = sources

    def with_module(self, module: str, text: str) -> "Program":
        """The same program with one more module, or another text of one."""
        return Program(self.sources | {module: Source(module, text)})

    def resolve(self, module: str, name: str, attribute: str = "") -> Name | None:
        """What a name in a module stands for, through re-exports; None for what is not ours."""
        source = self.sources.get(module)
        if source is None:
            return None
        if name in source.definitions:
            return Name(module, name)
        origin = source.imports.get(name)
        if origin is None:
            return None
        if not origin.name:  # import module; module.attribute
            return self.resolve(origin.module, attribute) if attribute else None
        if f"{origin.module}.{origin.name}" in self.sources:  # from package import module; module.attribute
            return self.resolve(f"{origin.module}.{origin.name}", attribute) if attribute else None
        return self.resolve(origin.module, origin.name)

    @cache  # noqa: B019 - a program lives as long as the tests
    def uses(self, place: Name) -> frozenset[Name]:
        """Everything of ours that a definition names in its body, annotations aside."""
        return self.named_in(place.module, self.body_of(place)) - {place}

    def named_in(self, module: str, node: ast.AST) -> frozenset[Name]:
        """Everything of ours that a piece of a module names."""
        return frozenset(target for part in _body(node) if (target := self.named(module, part)))

    def body_of(self, place: Name) -> ast.AST:
        """The code of a definition, or of a side of a claim (which `sides` names)."""
        source = self.sources[place.module]
        return source.definitions[place.name] if place.name in source.definitions else source.sides[place.name]

    def reached(self, start: Name, entered: Callable[[Name], bool]) -> dict[Name, Name]:
        """Every definition that can be reached → by way of which one; what is not entered is reached and left alone."""
        found, waiting = {start: start}, [start]
        while waiting:
            place = waiting.pop()
            for target in self.uses(place):
                if target not in found:
                    found[target] = place
                    if entered(target):
                        waiting.append(target)
        return found

    def computes(self, place: Name) -> bool:
        """Whether a definition is a function, or a class with methods; types and constants compute nothing."""
        node = self.body_of(place)
        return isinstance(node, ast.FunctionDef) or (
            isinstance(node, ast.ClassDef) and any(isinstance(part, ast.FunctionDef) for part in node.body)
        )

    def route_of(self, place: Name) -> ast.expr | None:
        """The default of a function's parameter `route`; None for a function without one."""
        node = self.body_of(place)
        if not isinstance(node, ast.FunctionDef):
            return None
        return dict(zip((part.arg for part in node.args.kwonlyargs), node.args.kw_defaults, strict=True)).get("route")

    def unnamed_routes(self, place: Name) -> list[str]:
        """Calls by which a closed form may be taken, of `solve` or of what hands its route on to it; and mentions without a call."""
        body = self.body_of(place)
        called = {id(node.func): node for node in ast.walk(body) if isinstance(node, ast.Call)}
        bad: list[str] = []
        for node in _body(body):
            target = self.named(place.module, node)
            default = self.route_of(target) if target else None
            if default is None or target == place:
                continue
            call = called.get(id(node))
            if call is None:
                bad.append(f"{ast.unparse(node)} uncalled")
                continue
            route = next((keyword.value for keyword in call.keywords if keyword.arg == "route"), default)
            handed_on = isinstance(route, ast.Name) and route.id == "route" and self.route_of(place) is not None
            if not (handed_on or (isinstance(route, ast.Constant) and route.value in HONEST_ROUTES)):
                bad.append(f"{ast.unparse(node)}(route={ast.unparse(route)})")
        return bad

    def named(self, module: str, node: ast.AST) -> Name | None:
        """The definition that an expression names, directly or as an attribute of an imported module, however deep its package."""
        if isinstance(node, ast.Name):
            return self.resolve(module, node.id)
        if not isinstance(node, ast.Attribute):
            return None
        if isinstance(node.value, ast.Name):
            return self.resolve(module, node.value.id, node.attr)
        dotted = ast.unparse(node.value)
        return self.resolve(dotted, node.attr) if dotted in self.sources and dotted.split(".")[0] in self.sources[module].imports else None

    def phases_by_law(self, place: Name) -> list[str]:
        """Reads of `.collapsed` and `.vanished`, which laws decide, other than those that are to be reported as they are."""
        body = self.body_of(place)
        allowed = {
            id(part)
            for node in ast.walk(body)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reported"
            for argument in node.args
            for part in ast.walk(argument)
        }
        reads = [node for node in ast.walk(body) if isinstance(node, ast.Attribute) and node.attr in ("collapsed", "vanished")]
        return ["a phase decided by the law" for node in reads if id(node) not in allowed]

    def trespasses(self, start: Name) -> list[str]:
        """Where a measurement reaches a prediction, a closed form or an unnamed route; where a prediction reaches a measurement."""
        measuring = start.name.startswith("measure_")

        def wrong(place: Name) -> bool:
            if measuring:
                return place.name.startswith("predict_") or place in CHOOSING or (place.module in CLOSED_FORMS and self.computes(place))
            return place.name.startswith("measure_") or (measures(place.module) and self.computes(place))

        found = self.reached(start, lambda place: not wrong(place) and place != SOLVE)
        bad = [f"{start.name} reaches {place} by way of {by}" for place, by in found.items() if wrong(place)]
        if measuring:
            entered = [place for place in found if place != SOLVE]
            bad += [f"{start.name} reaches {route} in {place}" for place in entered for route in self.unnamed_routes(place)]
            rooms = [place for place in entered if package_of(place.module) not in MEASURING | {"layerpeel.numerics"}]
            bad += [f"{start.name} reaches {phase} in {place}" for place in rooms for phase in self.phases_by_law(place)]
        return sorted(bad)

    def of_both_sides(self, module: str) -> list[str]:
        """Functions of a room by which it both predicts and measures: one mistake in them would be made on both sides.

        A proof is about the closed form itself, so there it may be read.
        """
        source = self.sources[module]
        sides = [Name(module, side) for side in source.sides if not source.proves(side)]
        reach = {
            side: {place for place in self.reached(side, lambda place: place.module == module) if place.module == module} for side in sides
        }
        measured, predicted = (
            {place for side in sides if side.name.startswith(prefix) for place in reach[side]} - set(sides)
            for prefix in ("measure_", "predict_")
        )
        return sorted(f"{place} both predicts and measures" for place in measured & predicted if self.computes(place))


def _body(node: ast.AST) -> list[ast.AST]:
    """All nodes below a definition but its annotations and decorators, which call nothing when it is called."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [node]
    while waiting:
        part = waiting.pop()
        found.append(part)
        skipped = {"annotation", "returns", "decorator_list"}
        for name, value in ast.iter_fields(part):
            if name not in skipped:
                waiting += [child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)]
    return found


@cache
def program() -> Program:
    """The packages as they are installed here."""
    sources: dict[str, Source] = {}
    for package in PACKAGES:
        root = importlib.import_module(package)
        names = [package, *(info.name for info in pkgutil.walk_packages(root.__path__, f"{package}."))]
        for name in names:
            spec = importlib.util.find_spec(name)
            assert spec
            assert spec.origin
            sources[name] = Source(name, Path(spec.origin).read_text(encoding="utf-8"))
    return Program(sources)
