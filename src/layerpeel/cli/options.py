"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object to standard output and nothing else.")]
Groups = Annotated[str | None, typer.Option(metavar="KxN,…", help="Classes x samples: 5x120,5x10 is five classes of 120 and five of 10.")]
Counts = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Samples per class: a table, JSON, a list of images, or a directory with one folder per class."),
]
Column = Annotated[
    str | None, typer.Option(metavar="NAME|NUMBER", help="Column of --counts with the samples, or with the class in a list of images.")
]
DropRow = Annotated[
    list[str] | None, typer.Option(metavar="NAME|NUMBER", help="Row of --counts that is no class, by name or line; may be repeated.")
]
KeepRow = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME|NUMBER", help="Row of --counts that is a class, though it looks like a total; may be repeated."),
]
Weights = Annotated[Path | None, typer.Option(metavar="FILE", help="One positive number per class, by which the loss weighs its samples.")]
FeatureEnergy = Annotated[float | None, typer.Option(help="E_H: bound on the mean squared norm of the features; or give --weight-decay.")]
WeightEnergy = Annotated[float | None, typer.Option(help="E_W: bound on the mean squared norm of the classifiers; 1 if not given.")]
NormWeights = Annotated[
    str | None,
    typer.Option(
        help="class: E_H is a mean over classes, as in the sources; sample: over samples, as measured in a network. class if not given."
    ),
]
Certificate = Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write a proof that `layerpeel verify` checks.")]
WeightDecay = Annotated[float | None, typer.Option(help="lambda of a network's weight decay, in place of the energies; per sample.")]
Family = Annotated[str | None, typer.Option(help="Only the rooms of this family.")]
Scheduler = Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Compute on the workers of this dask scheduler.")]
SchedulerFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Likewise, of the scheduler that wrote this file.")]
