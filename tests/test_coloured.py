"""Tokens coloured by a number: the text stays text, whatever it holds."""

import doctest
import re
from html.parser import HTMLParser

import pytest
import torch

from tinygpt.config import InputError
from tinygpt.course import coloured as module
from tinygpt.course.coloured import coloured, transparent


class Reader(HTMLParser):
    """What a browser would show of it: the text, and the attributes of every tag."""

    def __init__(self, html):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(html)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def spans(picture):
    return [attributes for tag, attributes in Reader(picture._repr_html_()).tags if tag == "span"]


def opacities(picture):
    return [float(re.search(r"([\d.]+)\)$", span["style"])[1]) for span in spans(picture)]


def test_docstring_examples():
    assert doctest.testmod(module).failed == 0


def test_neighbours_differ_in_colour_and_the_text_is_whole():
    picture = coloured(["lip", " pit", "s"], alt="three tokens")
    first, second, third = (span["style"] for span in spans(picture))
    assert first == third != second
    assert Reader(picture._repr_html_()).text == "lip pitsthree tokens"


def test_text_is_text_and_never_markup():
    picture = coloured(['<b onload="x">', "&amp;"], alt='a "quoted" <b>')
    read = Reader(picture._repr_html_())
    assert [tag for tag, _ in read.tags] == ["div", "div", "span", "span", "div"]
    assert read.text == '<b onload="x">&amp;a "quoted" <b>'
    assert read.tags[0][1] == {"role": "group", "aria-label": 'a "quoted" <b>'}


def test_no_script_no_style_sheet_no_image():
    assert not re.search("<(script|style|img|link)|url\\(|on[a-z]+=", coloured(["a"], values=[1.0])._repr_html_())


def test_half_a_character_is_shown_by_its_bytes():
    picture = coloured(["🙂".encode()[:2], "🙂".encode()[2:], "é".encode()])
    assert repr(picture) == "\\xf0\\x9f|\\x99\\x82|é"


def test_a_line_break_is_seen_and_breaks_the_line():
    assert "a⏎\nb" in Reader(coloured(["a\nb"])._repr_html_()).text


def test_the_highest_value_is_strongest_and_nothing_below_zero():
    assert opacities(coloured("abcd", values=[4.0, 2.0, 0.0, -1.0])) == [0.6, 0.3, 0.0, 0.0]
    assert opacities(coloured("ab", values=[0, 0])) == [0, 0]
    assert opacities(coloured("ab", values=[float("inf"), 3.0])) == [0.6, 0.6]


def test_values_may_be_tensors_and_are_told_with_their_unit():
    picture = coloured("ab", values=torch.tensor([1.25, 3.0]), unit="bits")
    assert [span["title"] for span in spans(picture)] == ["1.2 bits", "3.0 bits"]
    assert repr(picture) == "a(1.2)|b(3.0)"
    assert repr(coloured("a", values=[7])) == "a(7)"


def test_nothing_is_fine():
    assert repr(coloured([])) == "" and "0 pieces" in coloured([])._repr_html_()


@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0], "^2 pieces need as many values, not 1$"), ([1.0, float("nan")], "^a value is nan")],
)
def test_what_can_t_be_coloured_is_said_in_a_line(values, message):
    with pytest.raises(InputError, match=message):
        coloured("ab", values=values)


def test_colours_are_transparent():
    assert transparent("#0072b2", 0.3) == "rgba(0, 114, 178, 0.30)"
