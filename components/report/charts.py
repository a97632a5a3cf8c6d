"""The common look of all charts, and their conversion to inline SVG.

Colours become CSS variables, so that a chart follows the page's light, dark and print styles. They are those of Okabe
and Ito, which colour-blind readers can distinguish.
"""

import re
from html import escape
from io import StringIO

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, SOFT, GRID = "#010203", "#020304", "#030405"
BLUE, ORANGE, GREEN, PINK, RED, SKY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"
LINES = (BLUE, ORANGE, GREEN, PINK, RED, SKY)
STYLES = ("-", "--", ":", "-.")

_VARIABLES = {
    INK: "ink",
    SOFT: "soft",
    GRID: "line",
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    PINK: "pink",
    RED: "red",
    SKY: "sky",
}
_COLOUR = re.compile("|".join(_VARIABLES), re.IGNORECASE)


def new_figure(width: float = 4.7, height: float = 3.4) -> Figure:
    """Creates an empty figure, sizes in inches; half as wide as the page, so that it stays readable on a phone."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def dress(ax: Axes, x: str, y: str) -> None:
    """Gives an axis its labels, with units, and the page's look."""
    ax.set_facecolor("none")
    ax.set_xlabel(x, fontsize=9.5, color=INK)
    ax.set_ylabel(y, fontsize=9.5, color=INK)
    ax.tick_params(labelsize=9, colors=SOFT, length=3)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(GRID)


def legend(figure: Figure, ax: Axes, columns: int = 5) -> None:
    """Puts the axis's legend below the chart; labels are taken literally."""
    handles, labels = ax.get_legend_handles_labels()
    columns = min(columns, len(handles))
    made = figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=columns,
        fontsize=9,
        labelcolor=INK,
        frameon=False,
        handlelength=1.8,
        columnspacing=1.2,
    )
    for text in made.get_texts():
        text.set_parse_math(False)


def to_svg(figure: Figure, name: str, alt: str) -> Markup:
    """Draws a figure as SVG for the page.

    Args:
        figure: What `new_figure` gave.
        name: Unique on the page; it prefixes the ids inside the drawing.
        alt: Text alternative of the chart.
    """
    file = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, dpi=150, metadata=nothing)
    drawing = file.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", drawing, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', drawing)
    assert box
    head = f'<svg {box[0]} role="img" aria-label="{escape(alt)}" class="plot">'
    drawing = head + drawing[drawing.index(">") + 1 :]
    used = set(re.findall(r"(?:url\(#|href=\"#)([\w-]+)", drawing))
    drawing = re.sub(r' id="([\w.-]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", drawing)
    drawing = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", drawing)
    drawing = _COLOUR.sub(lambda found: f"var(--{_VARIABLES[found[0].lower()]})", drawing)
    return Markup(re.sub(r"\n\s*", "\n", drawing))  # noqa: S704 - matplotlib has escaped what is text
