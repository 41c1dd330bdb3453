"""Certificates as files: written, read, and given to the checkers, which know nothing of layerpeel."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from layerpeel import verify, verify_separability
from layerpeel.numerics import UnusableInput
from layerpeel.pages.files import read_small
from layerpeel.pages.records import Result

LARGEST_FILE = 2**27
"""Bytes of a certificate that is read; one of 400 classes has 30 million."""


def writer(certificate: dict[str, Any]) -> Callable[[Path], object]:
    """What writes it into a file."""
    return lambda path: path.write_text(json.dumps(certificate, indent=1) + "\n", encoding="utf-8")


class Verified(Result):
    """What a certificate was found to prove, or why it was refused.

    Args:
        proved: whether it proves what it claims.
        sentence: what that is, or the reason.
        lower: the lower end that it claims and proves, rounded to the nearest double; None where there is none, or it was refused.
        upper: the upper one.
    """

    proved: bool
    sentence: str
    lower: float | None
    upper: float | None

    def to_text(self) -> str:
        """One line."""
        return f"proved: {self.sentence}" if self.proved else f"refused: {self.sentence}"


def verified(path: Path) -> Verified:
    """The verdict on a file, of verify.py or verify_separability.py, which need nothing else of layerpeel.

    Raises:
        UnusableInput: when there is no such file, or it is no JSON, or larger than any certificate.
    """
    try:
        certificate = json.loads(read_small(path, f"certificate {path}", largest=LARGEST_FILE))
    except OSError as error:
        raise UnusableInput(f"certificate {path} cannot be read ({error.strerror}): it must be a JSON file; check the path.") from error
    except (ValueError, RecursionError) as error:
        raise UnusableInput(
            f"certificate {path} is no JSON ({error}): it must be what --certificate of solve, threshold or measure wrote."
        ) from error
    separability = isinstance(certificate, dict) and certificate.get("kind") == "separability"
    try:
        sentence = verify_separability.verify(certificate) if separability else verify.verify(certificate)
    except (verify.Refused, verify_separability.Refused) as refusal:
        return Verified(proved=False, sentence=str(refusal), lower=None, upper=None)
    ends = (None, None) if separability else [float(Fraction(certificate["claim"][end])) for end in ("lower", "upper")]
    return Verified(proved=True, sentence=sentence, lower=ends[0], upper=ends[1])
