"""A figure that shows in a notebook, by day and by night, and tells itself to a screen reader."""

import base64
import html
import io

from matplotlib import rc_context

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

    def __repr__(self):
        return f"<Picture: {self.alt}>"

    def _repr_html_(self):
        data = base64.b64encode(self.png()).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}">'
