"""A list of a million images, counted as it is read: against what one writes in a line."""

import tempfile
from collections import Counter
from pathlib import Path

from benchmarks._pairs import Row, pair
from layerpeel.counts.reading import read_counts

LINES, CLASSES = 10**6, 1000


def counted_list() -> Row:
    """`read_counts`, which finds out what the lines are, checks them and bounds its memory, against a counter over their last words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"train/n{index % CLASSES:08d}/{index}.JPEG {index % CLASSES}\n" for index in range(LINES))

        def plainly() -> Counter[str]:
            with path.open(encoding="utf-8") as lines:
                return Counter(line.rsplit(maxsplit=1)[-1] for line in lines)

        ours, other, ratio = pair(lambda: read_counts(path), plainly, pairs=5, calls=1)
    return Row(
        name="a list of a million images",
        seconds=ours,
        against="a counter over the last words",
        against_seconds=other,
        ratio=ratio,
        target="< 2 s",
        met=ours < 2.0,
    )


ROWS = (counted_list,)
