"""The units of a run, by their settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from layerpeel.networks.run_directory import Arrays

Units = Sequence[tuple[Mapping[str, Any], Arrays]]
"""Settings and arrays of every unit of a run."""


def by_settings(units: Units, *names: str) -> dict[tuple[Any, ...], list[Arrays]]:
    """Arrays of all trials that share these settings, in order of first appearance.

    Example:
        >>> units = [({"variant": "a"}, {}), ({"variant": "b"}, {}), ({"variant": "a"}, {})]
        >>> {key: len(trials) for key, trials in by_settings(units, "variant").items()}
        {('a',): 2, ('b',): 1}
    """
    trials: dict[tuple[Any, ...], list[Arrays]] = {}
    for settings, arrays in units:
        trials.setdefault(tuple(settings[name] for name in names), []).append(arrays)
    return trials
