"""Static pictures, from data handed in. Each claims one thing and says it in words too, as its alternative text."""

import textwrap

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from tinygpt.picture import COLOURS, INK, STYLE, Picture


def lines(series, x, y, alt, title="", baselines=None, log_x=False, log_y=False, dotted=()):
    """A curve for each of the series.

    series: {name: {x: y} or (xs, ys)}. x, y: the axes' labels, with units. baselines: {name: y}, drawn across.
    dotted: the names of series that nobody measured, such as a law.
    """
    with rc_context(STYLE):
        figure, axes = empty(x, y, title)
        draw_curves(axes, series, dotted)
        if baselines:
            figure.set_layout_engine("constrained")  # their names stand beside the axes and take their room
        for name, value in (baselines or {}).items():
            draw_baseline(axes, name, value)
        axes.set_xscale("log" if log_x else "linear")
        if not log_x and all(float(x).is_integer() for line in axes.lines for x in line.get_xdata()):
            axes.xaxis.get_major_locator().set_params(integer=True)  # there is no half layer
        if log_x and all(len(line.get_xdata()) < 15 for line in axes.lines):
            ticks = sorted({x for data in series.values() for x in (data if isinstance(data, dict) else data[0])})
            axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])  # the measured places, not powers of ten
            axes.set_xticks([], minor=True)
        axes.set_yscale("log" if log_y else "linear")
        if log_y:
            name_powers(axes)
        if len(series) > 1:
            axes.legend()
    return Picture(figure, alt)


def panels(panels, x, y, alt, title="", baselines=None, columns=3):
    """Small pictures side by side, each with its own scale and the same curves in it.

    panels: {title: {name: {x: y} or (xs, ys)}}. baselines: {name: y}, drawn across where they lie within the curves'
    range.
    """
    rows = -(-len(panels) // columns)
    with rc_context(STYLE):
        figure = Figure(figsize=(9, 2.6 * rows), layout="constrained")
        figure.suptitle(title)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (name, series) in zip(grid, panels.items(), strict=False):
            draw_curves(axes, series)
            axes.set(title=name)
            low, high = axes.get_ylim()
            for label, value in (baselines or {}).items():
                if low <= value <= high:
                    draw_baseline(axes, label, value)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        grid[-1].legend(*grid[0].get_legend_handles_labels())  # the last place is often free
        figure.supxlabel(x)
        figure.supylabel(y)
    return Picture(figure, alt)


def name_powers(axes):
    """Plain numbers on a logarithmic axis, as many as there is room for; powers of ten where it spans many."""
    span = np.divide(*axes.get_ylim()[::-1])
    if span < 3:
        axes.yaxis.set_minor_formatter("{x:g}")  # 2.2, and not 2.2 times ten to the power of 0
        axes.yaxis.set_major_formatter("{x:g}")
    elif span > 7:
        axes.yaxis.set_minor_formatter("")  # the numbers between the ticks would crowd the axis
        if span < 1000:
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:,g}")


def draw_curves(axes, series, dotted=()):
    for colour, (name, data) in zip(cycled(COLOURS), series.items(), strict=False):
        xs, ys = (list(data), list(data.values())) if isinstance(data, dict) else data
        if name in dotted:  # above the curves, or one that it follows would hide it
            axes.plot(xs, ys, label=name, color=INK, linestyle=":", linewidth=2, zorder=3)
        else:
            axes.plot(xs, ys, label=name, color=colour, linewidth=2, marker="o" if len(xs) < 15 else "")


def draw_baseline(axes, name, value):
    axes.axhline(value, color=INK, linestyle=":")
    beside = {"xytext": (4, 0), "textcoords": "offset points"}  # where no curve and no title can run through it
    told = textwrap.fill(name, 14)
    axes.annotate(told, (1, value), xycoords=("axes fraction", "data"), ha="left", va="center", color=INK, **beside)


def bars(values, x, alt, title="", marked=(), intervals=None):
    """A horizontal bar for each value, the first on top.

    values: {name: value}, shown with two decimals (three if all are below 0.1), whole numbers without. marked: names
    in another colour. intervals: {name: (low, high)}.
    """
    intervals = intervals or {}
    digits = 2 if max(map(abs, values.values()), default=1) >= 0.1 else 3
    with rc_context(STYLE):
        figure, axes = empty(x, "", title, height=0.6 + 0.36 * len(values))
        names = list(values)
        axes.barh(names, values.values(), color=[COLOURS[1] if name in marked else COLOURS[0] for name in names])
        for name, value in values.items():
            low, high = intervals.get(name, (value, value))
            if name in intervals:
                on_bar = np.clip([low, high], min(value, 0), max(value, 0))
                for ends, colour in (([low, high], INK), (on_bar, "white")):
                    axes.plot(ends, [name, name], color=colour, linewidth=3, solid_capstyle="butt")
            told = f" {value}" if isinstance(value, int) else f" {value:.{digits}f}"
            axes.annotate(told, (max(value, high), name), va="center", color=INK)
        axes.invert_yaxis()
    return Picture(figure, alt)


def dots(values, x, alt, title="", baselines=None):
    """A row of dots for each name, the first on top, and a bar at their mean where there is more than one.

    values: {name: numbers}. baselines: {name: x}, drawn from top to bottom.
    """
    with rc_context(STYLE):
        figure, axes = empty(x, "", title, height=0.9 + 0.3 * len(values))
        for row, numbers in enumerate(values.values()):
            axes.plot(numbers, [row] * len(numbers), "o", color=COLOURS[0], alpha=0.7, markersize=7)
            if len(numbers) > 1:
                axes.plot(sum(numbers) / len(numbers), row, "|", color=COLOURS[1], markersize=18, markeredgewidth=2)
        axes.set_yticks(range(len(values)), list(values))
        axes.invert_yaxis()
        axes.grid(axis="y", color=INK, alpha=0.25)
        for name, value in (baselines or {}).items():
            axes.axvline(value, color=INK, linestyle=":")
            axes.annotate(name, (value, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=INK)
    return Picture(figure, alt)


def heatmap(values, rows, columns, x, y, alt, title="", unit="", digits=None):
    """A table as colours, light for the smallest number and dark for the largest; NaN stays empty.

    values (n_rows, n_columns): a tensor or an array. rows, columns: a label for each. x, y: what the labels are.
    unit: what the colours are. digits: write each number into its field, with so many decimals.
    """
    values = np.asarray(values)
    with rc_context(STYLE):
        side = 0.5 if digits is not None else 0.3
        figure, axes = empty(x, y, title, height=1.4 + side * len(rows), width=2.6 + side * 1.3 * len(columns))
        image = axes.imshow(values, cmap="Blues", aspect="auto")
        axes.set_xticks(range(len(columns)), columns, rotation=0 if max(map(len, columns)) < 4 else 90)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0)
        figure.colorbar(image, label=unit).outline.set_visible(False)
        for place, value in np.ndenumerate(values):
            if digits is not None and value == value:  # NaN is not
                ink = "black" if image.norm(value) < 0.5 else "white"
                axes.annotate(f"{value:.{digits}f}", place[::-1], ha="center", va="center", color=ink)
    return Picture(figure, alt)


def histogram(series, x, alt, title="", bins=60, y="share of all (%)"):
    """How often each value occurs, an outline for each of the series on common bins.

    series: {name: values}, each a tensor or an array of any shape. x: the axis' label, with its unit.
    """
    flat = {name: np.asarray(values).ravel() for name, values in series.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(flat.values())), bins)
    with rc_context(STYLE):
        figure, axes = empty(x, y, title)
        for colour, (name, values) in zip(cycled(COLOURS), flat.items(), strict=False):
            shares = 100 * np.histogram(values, edges)[0] / len(values)
            axes.stairs(shares, edges, label=name, color=colour, linewidth=2)
            axes.stairs(shares, edges, color=colour, fill=True, alpha=0.25)
        if len(series) > 1:
            axes.legend()
    return Picture(figure, alt)


def empty(x, y, title, height=3.4, width=7):
    figure = Figure(figsize=(width, height))  # without pyplot: no global state, no window
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def cycled(colours):
    while True:
        yield from colours
