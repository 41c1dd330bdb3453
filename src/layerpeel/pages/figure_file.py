"""A figure of the report as a file of its own."""

from pathlib import Path

from layerpeel.numerics import Drawing
from layerpeel.pages.figures import figure_svg
from layerpeel.pages.text import printable


def figure_file(figure: Drawing) -> str:
    """A figure with its title as an SVG document in the report's colours, which follow the viewer's light or dark scheme.

    Example:
        >>> from layerpeel.numerics import Figure, Series
        >>> line = Series(label="x = t", x=(0, 1), y=(0, 1), style="line", color=0)
        >>> figure = Figure(title="x", caption="", x_label="t", y_label="x", series=(line,))
        >>> figure_file(figure).startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        True
    """
    page = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    colors = page[: page.index("* {")]  # the page's colours stand before its first rule
    style = f"{colors}svg {{ color: var(--ink); background: var(--card); font-family: system-ui, sans-serif; }}"
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    start, body = figure_svg(figure, figure.title, titled=True).split(">", 1)
    return printable(f"{start.replace('<svg', f'<svg {namespaces}', 1)}><style>{style}</style>{body}\n")
