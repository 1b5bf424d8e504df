"""Static pictures, from data handed in. Each claims one thing and says it in words too, as its alternative text."""

import base64
import html
import io

from matplotlib import rc_context
from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito: told apart by everyone
INK = "#808080"  # readable on white and on black
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "font.size": 11,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


class Picture:
    """A figure for a notebook: an image on a transparent ground that a screen reader can tell.

    figure: the matplotlib Figure, for whoever wants to draw further. alt: what there is to see, in words.
    """

    def __init__(self, figure, alt):
        self.figure, self.alt = figure, alt

    def png(self):
        buffer = io.BytesIO()
        with rc_context(STYLE):
            self.figure.savefig(buffer, format="png", dpi=110, transparent=True, bbox_inches="tight")
        return buffer.getvalue()

    def save(self, path):
        with open(path, "wb") as file:
            file.write(self.png())

    def _repr_html_(self):
        data = base64.b64encode(self.png()).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}">'


def lines(series, x, y, alt, title="", baselines=None, log_x=False, log_y=False):
    """A curve for each of the series.

    series: {name: {x: y} or (xs, ys)}. x, y: the axes' labels, with units. baselines: {name: y}, drawn across.
    """
    with rc_context(STYLE):
        figure, axes = empty(x, y, title)
        for colour, (name, data) in zip(cycled(COLOURS), series.items(), strict=False):
            xs, ys = (list(data), list(data.values())) if isinstance(data, dict) else data
            axes.plot(xs, ys, label=name, color=colour, linewidth=2, marker="o" if len(xs) < 15 else "")
        for name, value in (baselines or {}).items():
            axes.axhline(value, color=INK, linestyle=":")
            axes.annotate(name, (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=INK)
        axes.set_xscale("log" if log_x else "linear")
        axes.set_yscale("log" if log_y else "linear")
        if len(series) > 1:
            axes.legend()
    return Picture(figure, alt)


def bars(values, x, alt, title="", marked=(), intervals=None):
    """A horizontal bar for each value, the first on top.

    values: {name: value}. marked: names in another colour. intervals: {name: (low, high)}.
    """
    intervals = intervals or {}
    with rc_context(STYLE):
        figure, axes = empty(x, "", title, height=0.6 + 0.36 * len(values))
        names = list(values)
        axes.barh(names, values.values(), color=[COLOURS[1] if name in marked else COLOURS[0] for name in names])
        for name, value in values.items():
            low, high = intervals.get(name, (value, value))
            if name in intervals:
                axes.plot([low, high], [name, name], color=INK, linewidth=3)
            axes.annotate(f" {value:.2f}", (max(value, high), name), va="center", color=INK)
        axes.invert_yaxis()
    return Picture(figure, alt)


def empty(x, y, title, height=3.4):
    figure = Figure(figsize=(7, height))  # without pyplot: no global state, no window
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def cycled(colours):
    while True:
        yield from colours
