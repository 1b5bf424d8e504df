"""Pictures: what is drawn, and that it can be read by day and by night."""

import struct
import subprocess
import sys

import numpy as np
import pytest
import torch

from tinygpt import plots
from tinygpt.picture import INK


def size(png):
    return struct.unpack(">II", png[16:24])


def test_lines_draws_every_point_of_every_series():
    picture = plots.lines({"raw": {4: 11.3, 16: 3.7}, "scaled": ([4, 16], [22.0, 21.9])}, "width D", "keys", "falls")
    axes = picture.figure.axes[0]
    assert [(line.get_label(), line.get_xydata().tolist()) for line in axes.lines] == [
        ("raw", [[4, 11.3], [16, 3.7]]),
        ("scaled", [[4, 22.0], [16, 21.9]]),
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("width D", "keys")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["raw", "scaled"]
    assert len({line.get_color() for line in axes.lines}) == 2


def test_whole_places_have_whole_ticks():
    layers = plots.lines({"lens": dict(enumerate([4.7, 5.0, 2.9]))}, "layers", "nats", "falls").figure.axes[0]
    assert all(tick == int(tick) for tick in layers.get_xticks())
    rates = plots.lines({"loss": {0.5: 2.0, 1: 1.0}}, "rate", "nats", "falls").figure.axes[0]
    assert any(tick != int(tick) for tick in rates.get_xticks())


def test_a_baseline_is_drawn_across_and_named():
    axes = plots.lines(
        {"model": {0: 8.0, 1: 2.0}}, "step", "bits per byte", "falls", baselines={"xz": 1.46}
    ).figure.axes[0]
    assert list(axes.lines[1].get_ydata()) == [1.46, 1.46]
    assert [text.get_text() for text in axes.texts] == ["xz"]


def test_a_baseline_s_name_stands_beside_the_axes():
    picture = plots.lines({"a": {0: 1.0, 1: 1.0}}, "step", "nats", "flat", baselines={"the price of nothing": 1.0})
    picture.figure.draw_without_rendering()
    axes = picture.figure.axes[0]
    (name,) = axes.texts
    assert name.get_text() == "the price of\nnothing"
    drawn = name.get_window_extent()
    assert drawn.x0 >= axes.get_window_extent().x1 and drawn.x1 <= picture.figure.bbox.x1


def test_many_series_reuse_the_colours():
    axes = plots.lines({str(i): {0: i, 1: i} for i in range(8)}, "x", "y", "flat").figure.axes[0]
    assert len(axes.lines) == 8


def test_logarithmic_axes():
    axes = plots.lines({"loss": {1: 10, 100: 1}}, "flops", "loss", "falls", log_x=True, log_y=True).figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(
    ("top", "told"),
    [
        (4, ["10^{0}", "2\\times10^{0}", "3\\times10^{0}"]),
        (30, ["1", "2", "5", "10", "20"]),
        (1e5, ["10^{0}", "10^{5}"]),
    ],
)
def test_a_logarithmic_axis_has_several_numbers(top, told):
    axes = plots.lines({"a": {1: 1.0, 2: top}}, "T", "ms", "rises", log_y=True).figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels(which="both")]
    assert {name if top == 30 else rf"$\mathdefault{{{name}}}$" for name in told} <= set(labels)
    if top == 30:
        assert not any("times" in label for label in labels)


def test_a_few_places_on_a_logarithmic_axis_are_named():
    axes = plots.lines({"a": {256: 1, 1024: 4}, "b": ([512], [2])}, "T", "ms", "rises", log_x=True).figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["256", "512", "1,024"]
    assert not len(axes.get_xticks(minor=True))
    many = plots.lines({"a": {n: n for n in range(1, 40)}}, "T", "ms", "rises", log_x=True).figure.axes[0]
    assert 10 in many.get_xticks() and 7 not in many.get_xticks()


def test_panels_have_scales_of_their_own_and_baselines_where_they_fit():
    series = {"training": ([0, 1], [8.0, 7.0]), "validation": {0: 8.0, 1: 7.5}}
    high = {"training": ([0, 1], [80.0, 70.0]), "validation": {0: 80.0, 1: 75.0}}
    picture = plots.panels({"A": series, "B": high}, "step", "nats", "A falls, B too", baselines={"ln V": 7.6})
    first, second, rest = picture.figure.axes
    assert [line.get_ydata()[-1] for line in first.lines] == [7.0, 7.5, 7.6]
    assert first.get_title() == "A" and [t.get_text() for t in first.texts] == ["ln V"]
    assert len(second.lines) == 2 and not second.texts
    assert {t.get_text() for t in rest.get_legend().get_texts()} == {"training", "validation"}
    assert size(picture.png()) and picture.alt == "A falls, B too"


def test_bars_are_in_order_labelled_and_marked():
    picture = plots.bars({"uniform": 8.04, "model": 1.43}, "bits per byte", "ours is shortest", marked=["model"])
    axes = picture.figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [8.04, 1.43]
    assert axes.patches[0].get_facecolor() != axes.patches[1].get_facecolor()
    assert [text.get_text().strip() for text in axes.texts] == ["8.04", "1.43"]
    assert axes.yaxis_inverted()


def test_small_bars_have_three_decimals():
    axes = plots.bars({"with": 0.0544, "without": 0.0152}, "extra bits", "less").figure.axes[0]
    assert [text.get_text().strip() for text in axes.texts] == ["0.054", "0.015"]


def test_bars_show_intervals():
    axes = plots.bars({"model": 1.43}, "bits per byte", "ours", intervals={"model": (1.40, 1.47)}).figure.axes[0]
    whole, on_the_bar = axes.lines
    assert list(whole.get_xdata()) == [1.40, 1.47] and list(on_the_bar.get_xdata()) == [1.40, 1.43]
    assert on_the_bar.get_color() == "white"


def test_an_interval_on_both_sides_of_zero_is_white_on_its_bar_only():
    axes = plots.bars({"a": 0.1, "b": -0.1}, "x", "two", intervals={"a": (-0.1, 0.3), "b": (-0.3, 0.1)}).figure.axes[0]
    assert [list(line.get_xdata()) for line in axes.lines[1::2]] == [[0, 0.1], [-0.1, 0]]


def test_a_dotted_series_is_grey_and_lies_above_the_others():
    picture = plots.lines({"a law": {0: 1, 1: 2}, "measured": {0: 1, 1: 2}}, "x", "y", "a line", dotted=["a law"])
    law, measured = picture.figure.axes[0].lines
    assert law.get_linestyle() == ":" and law.get_zorder() > measured.get_zorder() and law.get_color() == INK


def test_a_heatmap_has_a_field_for_each_number_and_writes_it():
    picture = plots.heatmap(
        torch.tensor([[1.0, 0.0], [0.25, float("nan")]]),
        *(["a", "b"], ["small", "left"]),
        *("is heard", "listens", "a table"),
        unit="weight",
        digits=2,
    )
    axes, bar = picture.figure.axes
    assert axes.images[0].get_array().filled(-1).tolist() == [[1, 0], [0.25, -1]]
    assert [text.get_text() for text in axes.texts] == ["1.00", "0.00", "0.25"]
    assert [text.get_position() for text in axes.texts] == [(0, 0), (1, 0), (0, 1)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["small", "left"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("is heard", "listens", "weight")
    assert picture.png().startswith(b"\x89PNG")


def test_a_heatmap_without_digits_writes_none_and_its_ink_can_be_read():
    values = np.eye(3)
    plain = plots.heatmap(values, "abc", "abc", "x", "y", "an eye").figure.axes[0]
    assert not plain.texts
    inks = {
        t.get_color() for t in plots.heatmap(values, "abc", "abc", "x", "y", "an eye", digits=0).figure.axes[0].texts
    }
    assert inks == {"black", "white"}


def test_histograms_share_their_bins_and_show_shares():
    values = {"raw": np.array([[0.0, 4], [4, 4]]), "scaled": torch.tensor([0.0, 1])}
    axes = plots.histogram(values, "q·k", "wide and narrow", bins=4).figure.axes[0]
    raw, _, scaled, _ = axes.patches
    assert raw.get_data().values.tolist() == [25, 0, 0, 75] and scaled.get_data().values.tolist() == [50, 50, 0, 0]
    assert raw.get_data().edges.tolist() == [0, 1, 2, 3, 4]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["raw", "scaled"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("q·k", "share of all (%)")


def test_the_picture_tells_itself_and_is_transparent(tmp_path):
    picture = plots.bars({"<a>": 1.0}, "x", 'a "quoted" <b>')
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;"' in picture._repr_html_()
    picture.save(tmp_path / "picture.png")
    png = (tmp_path / "picture.png").read_bytes()
    assert png.startswith(b"\x89PNG") and png[25] == 6  # colour with transparency
    assert min(size(png)) > 80


@pytest.mark.parametrize("module", ["tinygpt", "tinygpt.cli", "tinygpt.commands"])
def test_nothing_else_imports_matplotlib(module):
    code = f"import sys, {module}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_narrow_logarithmic_axis_has_plain_numbers():
    picture = plots.lines({"law": {1: 2.8, 4: 2.0}}, "x", "y", "falls", log_x=True, log_y=True)
    picture.figure.canvas.draw()
    labels = picture.figure.axes[0].yaxis.get_ticklabels(which="both")
    assert "2.2" in [label.get_text() for label in labels]


def test_dots_show_every_measurement_and_its_mean():
    axes = plots.dots(
        {"start": [2.0, 2.2], "end": [1.5]}, "bits per byte", "falls", baselines={"xz": 1.46}
    ).figure.axes[0]
    assert [line.get_xydata().tolist() for line in axes.lines[:3]] == [
        [[2.0, 0.0], [2.2, 0.0]],
        [[2.1, 0.0]],
        [[1.5, 1.0]],  # one of them is its own mean
    ]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["start", "end"] and axes.yaxis_inverted()
    assert axes.get_xlabel() == "bits per byte" and [text.get_text() for text in axes.texts] == ["xz"]
