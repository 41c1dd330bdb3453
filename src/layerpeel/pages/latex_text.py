"""Text that came from outside, as LaTeX: it is read as it was written, and commands nothing."""

import re
import unicodedata

from layerpeel.pages.text import one_line

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
"""The same in every encoding; brackets in braces, or a row of a table that begins with one would be an option."""

_GREEK_NAMES = (
    r"\alpha \beta \gamma \delta \varepsilon \zeta \eta \theta \iota \kappa \lambda \mu \nu \xi \pi \rho \sigma \tau \upsilon \varphi "
    r"\chi \psi \omega \Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Phi \Psi \Omega"
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", _GREEK_NAMES.split(), strict=True))

_SIGNS = {
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≪": r"\ll", "≫": r"\gg", "≈": r"\approx", "→": r"\to", "⇔": r"\iff", "⇒": r"\Rightarrow",
    "−": "-", "±": r"\pm", "×": r"\times", "·": r"\cdot", "√": r"\surd", "∞": r"\infty", "∈": r"\in", "∫": r"\int", "Σ": r"\Sigma",
    "∂": r"\partial", "‖": r"\Vert", "²": "^{2}", "³": "^{3}", "½": r"\tfrac12", "ᵀ": r"^{\top}", "★": r"\star", "°": r"^{\circ}",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "′": "'", "…": r"\ldots", "∼": r"\sim", "ℓ": r"\ell", "⊥": r"\perp", "∀": r"\forall",
    "≍": r"\asymp", "¹": "^{1}", "⁻": "^{-}",
}  # fmt: skip

_PLAIN = {"–": "--", "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''", "\u00a0": "~"}

_ACCENTS = {"\u0304": "bar", "\u0302": "hat", "\u0303": "tilde", "\u0307": "dot"}
"""Marks above a letter, as mathematics has them."""

_SUBSCRIPT = re.compile(r"(?<![^\W_])([^\W\d_][\u0300-\u036f]*)_(?:\{([^{}]*)\}|([^\W_]+))")
_SUPERSCRIPT = re.compile(r"\^(?:\{([^{}]*)\}|(−?-?\w+))")
_NUMBERED = re.compile(r"\bR([01])\b")
_LOWERED, _RAISED, _END = "\ue000", "\ue001", "\ue002"
"""Stand for the commands until all else is escaped; what comes with them loses them."""


def as_latex(text: str) -> str:
    r"""A sentence as LaTeX text that every engine reads: specials escaped, Greek letters and signs as mathematics, scripts as scripts.

    Example:
        >>> print(as_latex("K_A ≥ 2, 50 % & γ^{−r} of R0"))
        K\textsubscript{A} \ensuremath{\ge} 2, 50 \% \& \ensuremath{\gamma}\textsuperscript{\ensuremath{-}r} of R\textsubscript{0}
        >>> print(as_latex(r"\input{/etc/passwd}"))
        \textbackslash{}input\{/etc/passwd\}
    """
    plain = one_line(text)
    plain = re.sub(f"[{_LOWERED}-{_END}]", "", plain)
    plain = _SUBSCRIPT.sub(lambda found: f"{found[1]}{_LOWERED}{found[2] or found[3]}{_END}", plain)
    plain = _SUPERSCRIPT.sub(lambda found: f"{_RAISED}{found[1] or found[2]}{_END}", plain)
    plain = _NUMBERED.sub(rf"R{_LOWERED}\1{_END}", plain)
    written = "".join(map(_character, _clusters(plain)))
    return written.replace(_LOWERED, r"\textsubscript{").replace(_RAISED, r"\textsuperscript{").replace(_END, "}")


def _clusters(text: str) -> list[str]:
    """Characters, each with the marks above it."""
    clusters: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if clusters and unicodedata.combining(character):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _character(cluster: str) -> str:
    base, *marks = cluster
    if base in (_LOWERED, _RAISED, _END):
        return base
    symbol = _GREEK.get(base) or _SIGNS.get(base)
    if marks:
        accent = _ACCENTS.get(marks[0])
        inside = symbol or (base if base.isascii() and base.isalnum() else "")
        return rf"\ensuremath{{\{accent}{{{inside}}}}}" if accent and inside else _code(cluster)
    if symbol is not None:
        return rf"\ensuremath{{{symbol}}}"
    if base in _SPECIAL or base in _PLAIN:
        return _SPECIAL.get(base) or _PLAIN[base]
    decomposed = unicodedata.normalize("NFD", base)
    latin = decomposed[0].isascii() and base.isprintable() and ord(base) < 0x250
    return base if base.isascii() or latin else _code(base)


def _code(characters: str) -> str:
    """What no engine is sure to have, by number."""
    return r"\texttt{" + " ".join(f"U+{ord(each):04X}" for each in characters) + "}"
