"""Who listens while a search goes on."""

from typing import Protocol


class Told(Protocol):
    """Takes what is found while a search goes on."""

    def __call__(self, what: str, *, stays: bool = False) -> None:
        """Take a sentence, which `stays` when it is part of the answer."""
        ...


def untold(what: str, *, stays: bool = False) -> None:
    """Nobody listens."""
