"""Coloured pieces of text: one colour after the other, to see the borders, or by a value, to see where it is high.

HTML with inline styles only, no script and no image, so that it is the same in JupyterLab, in Colab and in a static
export. Colours are transparent, over whatever ground the theme has, and never alone: each piece has a border, its
value on hover, and the same in plain text, for whoever prints it.
"""

import html
import math

from tinygpt.config import require
from tinygpt.picture import COLOURS

OPACITY = 0.3  # of the alternating colours: text stays readable on white and on black
STRONGEST = 0.6  # of the highest value
BOX = "font-family: monospace; line-height: 1.9; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.5em 0"
PIECE = "border-left: 1px solid #808080; padding: 0.15em 0.05em"


class Coloured:
    """Text for a notebook, in colour; printed, its plain form. Made by `coloured`."""

    def __init__(self, pieces, values, alt, unit, strongest):
        self.pieces, self.values, self.alt, self.unit, self.strongest = pieces, values, alt, unit, strongest

    def __repr__(self):
        if self.values is None:
            return "|".join(self.pieces)
        return "|".join(f"{piece}({self.told(v)})" for piece, v in zip(self.pieces, self.values, strict=True))

    def told(self, value):
        return f"{value:.1f}" if isinstance(value, float) else str(value)

    def _repr_html_(self):
        spans = "".join(self.span(number) for number in range(len(self.pieces)))
        words = html.escape(self.alt, quote=True)
        caption = f'<div style="color: #808080; font-size: 0.9em">{words}</div>'
        return f'<div role="group" aria-label="{words}"><div style="{BOX}">{spans}</div>{caption}</div>'

    def span(self, number):
        if self.values is None:
            title, colour, opacity = f"piece {number + 1}", COLOURS[number % 2], OPACITY
        else:
            value, top = self.values[number], self.strongest
            share = min(max(value / top, 0), 1) if top > 0 else 0
            title, colour, opacity = f"{self.told(value)} {self.unit}".strip(), COLOURS[1], STRONGEST * share
        background = f"background-color: {transparent(colour, opacity)}"
        text = html.escape(self.pieces[number]).replace("\n", "⏎\n")
        return f'<span title="{html.escape(title)}" style="{PIECE}; {background}">{text}</span>'


def coloured(pieces, values=None, alt=None, unit="", strongest=None):
    """Pieces of text, each on its own colour.

    pieces: strings, or the bytes of tokens; bytes that are no whole character are shown as \\xf0.
    values: a number for each, such as its surprise; 0 and less are not coloured at all.
    strongest: the value that is coloured most, the highest where None; name one, so that two texts can be compared.
    alt: the picture in words, shown below it. unit: of the values, shown with them on hover.

    >>> coloured([b"lip", b" pit", b"s"]), coloured(["lip", " pit"], values=[2.0, 0.25])
    (lip| pit|s, lip(2.0)| pit(0.2))
    """
    pieces = [p.decode(errors="backslashreplace") if isinstance(p, bytes) else str(p) for p in pieces]
    values = None if values is None else [v.item() if hasattr(v, "item") else v for v in values]
    same = values is None or len(values) == len(pieces)
    require(same, f"{len(pieces)} pieces need as many values, not {0 if values is None else len(values)}")
    require(values is None or not any(map(math.isnan, values)), "a value is nan: nothing can be coloured by it")
    how = "alternating colours" if values is None else "the stronger the colour, the higher the value"
    if strongest is None:
        strongest = max((v for v in values or () if math.isfinite(v)), default=0)
    return Coloured(pieces, values, alt or f"{len(pieces)} pieces of text, {how}.", unit, strongest)


def transparent(colour, opacity):
    """A colour such as #0072b2 as CSS that lets the ground shine through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:.2f})"
