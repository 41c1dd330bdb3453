"""A tracker as a callback of Lightning, which is imported when one is made."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from layerpeel.networks.tracker import CollapseTracker, Sink
from layerpeel.numerics import UnusableInput

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
"""Where its callbacks are, in either distribution."""


def collapse_callback(
    layers: Sequence[str],
    *,
    batches: Iterable[Any] | None = None,
    directory: Path | str | None = None,
    log: Sink | None = None,
    **options: Any,
) -> Any:
    """A Lightning callback that measures layers at the end of training epochs.

    Args:
        layers: of the LightningModule, as in its `named_modules`; its `forward` must return logits.
        batches: what is measured; the trainer's training batches unless given.
        directory: where the page is written when the training ends; none unless given.
        log: called with each row; unless given, the numbers go to the trainer's logger, if it has one, as layer/measure.
        options: of `CollapseTracker`.

    Returns:
        An object of Lightning's class `Callback`, with the tracker as `tracker` once the training has begun.

    Raises:
        UnusableInput: where Lightning cannot be imported; and as `CollapseTracker` when the training begins.
    """
    base = _callback_class()

    class CollapseCallback(base):
        """Measures at the end of epochs, in the process of rank 0."""

        tracker: CollapseTracker | None = None

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            """Find the layers, so that a wrong name is refused before the first epoch."""
            self.tracker = CollapseTracker(pl_module, layers, log=log or (lambda row: _to_logger(trainer, row)), **options)

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            """Measure, if the epoch is due."""
            if self.tracker is not None and getattr(trainer, "is_global_zero", True):
                self.tracker.after_epoch(trainer.current_epoch, trainer.train_dataloader if batches is None else batches)

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            """Write the page."""
            if directory is not None and self.tracker is not None and getattr(trainer, "is_global_zero", True):
                self.tracker.write(directory)

    return CollapseCallback()


def _callback_class() -> Any:
    for package in PACKAGES:
        try:
            return import_module(package).Callback
        except ImportError:
            continue
    raise UnusableInput(
        "this callback needs Lightning, and neither lightning nor pytorch_lightning can be imported: install one of them, or call "
        "CollapseTracker.after_epoch in a loop of your own."
    )


def _to_logger(trainer: Any, row: dict[str, Any]) -> None:
    logger = getattr(trainer, "logger", None)
    if logger is not None:
        numbers = {f"{row['layer']}/{key}": value for key, value in row.items() if key not in {"epoch", "layer"}}
        logger.log_metrics({**numbers, "epoch": row["epoch"]}, step=getattr(trainer, "global_step", None))
