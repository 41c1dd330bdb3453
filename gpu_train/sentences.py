"""Rated sentences as arrays of word numbers: those of a small grammar, and those of a folder in the form of SST-2."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from layerpeel.gpu_train._images import Images
from layerpeel.numerics import UnusableInput, require_whole

SUBJECTS = (
    "the plot",
    "the cast",
    "the music",
    "the ending",
    "this film",
    "the script",
    "the hero",
    "every scene",
    "the sound",
    "its humour",
)
GOOD = ("good", "great", "warm", "clever", "moving", "fresh", "honest", "lively", "rich", "tender")
BAD = ("bad", "dull", "cold", "clumsy", "boring", "stale", "false", "lifeless", "poor", "crude")
VERBS = ("is", "was", "seems", "feels")
TURNED = ("not", "never", "hardly")
"""Words that turn what they stand before into its opposite."""
STRESSED = ("very", "so", "truly", "quite")
"""Words that change nothing."""

RATINGS = ("bad", "good")
"""Names of the two classes, in the order of their numbers."""

TRIES = 1000
"""Times as many sentences as are wanted that are drawn before it is said that the grammar has no more of them."""

MOST_WORDS = 64
"""Of a sentence from a file: the rest is cut off."""

MOST_KNOWN = 20_000
"""Words that are told apart in sentences from a file: rarer ones are one word."""

LARGEST_FILE = 2**27
"""Bytes of a file of sentences; SST-2's has 4 million."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sentences:
    """Rated sentences to train on and to test on, over one vocabulary.

    Args:
        train: pixels are the numbers of the words, (n, 1, 1, longest), 0 after the end; a label is a rating.
        test: likewise.
        words: in the order of their numbers, from 1.
    """

    train: Images
    test: Images
    words: tuple[str, ...]


def rated_sentence(rng: np.random.Generator) -> tuple[str, int]:
    """A sentence of the grammar, and whether it is good (1) or bad (0).

        sentence  =  clause | clause "but" clause | "although" clause "," clause
        clause    =  subject verb [turned] [stressed] adjective

    The last clause decides, and a turned adjective means its opposite: no word by itself says how a sentence is rated.

    Example:
        >>> rated_sentence(np.random.default_rng(1))
        ('the script is not poor but this film is bad', 0)
    """
    form = rng.integers(3)
    first, last = _clause(rng), _clause(rng)
    if form == 0:
        return last
    text = f"{first[0]} but {last[0]}" if form == 1 else f"although {first[0]} , {last[0]}"
    return text, last[1]


def _clause(rng: np.random.Generator) -> tuple[str, int]:
    good, turned, stressed = (bool(value) for value in rng.random(3) < (0.5, 0.4, 0.4))
    words = [str(rng.choice(SUBJECTS)), str(rng.choice(VERBS))]
    words += [str(rng.choice(TURNED))] if turned else []
    words += [str(rng.choice(STRESSED))] if stressed else []
    return " ".join([*words, str(rng.choice(GOOD if good else BAD))]), int(good != turned)


def grammar_sentences(train: int, test: int, rng: np.random.Generator) -> Sentences:
    """As many different sentences of either rating as are asked for; none of those to test on is trained on.

    Args:
        train: sentences of each rating to train on.
        test: sentences of each rating to test on.
        rng: writes them.

    Raises:
        UnusableInput: for numbers that are not whole, or more sentences than the grammar is found to have.

    Example:
        >>> grammar_sentences(20, 10, np.random.default_rng(0)).test.counts.tolist()
        [10, 10]
    """
    wanted = require_whole(train, "the number of sentences", remedy="correct it") + require_whole(
        test, "the number of sentences to test on", remedy="correct it"
    )
    kept: tuple[dict[str, None], dict[str, None]] = {}, {}
    for _ in range(TRIES * wanted):
        text, rating = rated_sentence(rng)
        if len(kept[rating]) < wanted:
            kept[rating].setdefault(text)
        if all(len(texts) == wanted for texts in kept):
            break
    else:
        raise UnusableInput(
            f"{wanted} different sentences of each rating were asked for: the grammar was not found to have them; ask for less."
        )
    parts = [
        [(text, rating) for rating, texts in enumerate(kept) for text in list(texts)[part]] for part in (slice(train), slice(train, None))
    ]
    return _numbered(parts, "sentences of a grammar")


def read_sentences(folder: Path, train: int, test: int, rng: np.random.Generator) -> Sentences:
    """Rated sentences from train.tsv and dev.tsv in the form of SST-2: a line "sentence<TAB>label" at the top, and one for each sentence.

    Args:
        folder: where the two files lie.
        train: sentences of each rating to train on.
        test: sentences of each rating to test on, or as many as there are.
        rng: chooses them.

    Raises:
        UnusableInput: for a missing, unreadable or empty file, a label other than 0 and 1, or too few sentences.
    """
    parts = []
    for name, wanted, strict in (("train.tsv", train, True), ("dev.tsv", test, False)):
        rated = _read(folder / name)
        mine: list[tuple[str, int]] = []
        for rating, word in enumerate(RATINGS):
            of_rating = [text for text, label in rated if label == rating]
            if not of_rating or (strict and len(of_rating) < wanted):
                raise UnusableInput(
                    f"{folder / name} holds {len(of_rating)} sentences rated {rating} ({word}) and {wanted if strict else 1} are needed; "
                    "add some, or take a smaller profile."
                )
            mine += [(of_rating[place], rating) for place in rng.permutation(len(of_rating))[:wanted]]
        parts.append(mine)
    return _numbered(parts, folder.name)


def _read(path: Path) -> list[tuple[str, int]]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UnusableInput(
                f"{path} has {path.stat().st_size:.3g} bytes, more than {LARGEST_FILE}: it is no list of sentences; check it."
            )
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableInput(
            f"{path} cannot be read ({error}): a folder of sentences holds train.tsv and dev.tsv in the form of SST-2; name such a folder, "
            "or none for the sentences of a grammar."
        ) from error
    rated = []
    for number, row in enumerate(csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
        if len(row) != 2 or row[1].strip() not in {"0", "1"} or not row[0].strip():
            raise UnusableInput(f"line {number} of {path} is {row!r}: it must be a sentence, a tabulator, and 0 or 1; correct it.")
        rated.append((row[0], int(row[1])))
    return rated


def _numbered(parts: Sequence[Sequence[tuple[str, int]]], name: str) -> Sentences:
    """Words by number, the most frequent first; what is not among them shares the last number."""
    split = [[(text.lower().split()[:MOST_WORDS], rating) for text, rating in part] for part in parts]
    counted = Counter(word for words, _ in split[0] for word in words)
    words = tuple(word for word, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST_KNOWN])
    numbers = {word: number for number, word in enumerate(words, 1)}
    longest = max(len(text) for part in split for text, _ in part)
    made = []
    for part in split:
        pixels = np.zeros((len(part), 1, 1, longest), np.float32)
        for row, (text, _) in enumerate(part):
            pixels[row, 0, 0, : len(text)] = [numbers.get(word, len(words) + 1) for word in text]
        labels = np.array([rating for _, rating in part], np.int64)
        made.append(Images(pixels=pixels, labels=labels, num_classes=len(RATINGS), name=name))
    return Sentences(train=made[0], test=made[1], words=words)


def spelled(sentences: Sentences, rows: Iterable[int]) -> list[str]:
    """Training sentences in words again.

    Example:
        >>> [text.split()[-1] in GOOD + BAD for text in spelled(grammar_sentences(5, 5, np.random.default_rng(0)), range(3))]
        [True, True, True]
    """
    known = ("", *sentences.words, "…")
    return [" ".join(known[int(number)] for number in sentences.train.pixels[row].ravel() if number) for row in rows]
