"""The faults of faults.toml, and how one is put into a copy of the project."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The project's root."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A wrong formula, sign or set, as an edit of one place in the code.

    Args:
        name: kebab-case.
        says: the false mathematics, as a sentence.
        file: path from the project's root.
        old: what stands there; occurs exactly once.
        new: what the fault makes of it.
        turns: the checks ("room/check") that must turn.
        tests: where no room watches, the tests ("path::test_name") that must fail.
    """

    name: str
    says: str
    file: str
    old: str
    new: str
    turns: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms of the checks that must turn."""
        return tuple(dict.fromkeys(check.partition("/")[0] for check in self.turns))

    def mutated(self, text: str) -> str:
        """The text of the file with the fault in it.

        Raises:
            ValueError: when the place is not there exactly once.
        """
        found = text.count(self.old)
        if found != 1:
            raise ValueError(
                f"fault {self.name} edits a place that {self.file} holds {found} times: it must be there once; follow the code's change "
                "in mutants/faults.toml."
            )
        return text.replace(self.old, self.new)


def read_faults() -> tuple[Fault, ...]:
    """All faults, in the order of the file."""
    entries = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))["fault"]
    return tuple(Fault(**{**entry, **{key: tuple(entry.get(key, ())) for key in ("turns", "tests")}}) for entry in entries)
