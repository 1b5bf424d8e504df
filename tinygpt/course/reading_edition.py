"""The reading edition: every lesson as a page, worked and to be solved, for a browser alone.

Pages open from disk, with nothing beside them and no network: styles, pictures and explorers lie in them, formulas
become MathML. Jupyter's own nbconvert makes the HTML; what is added here is the frame around it and the links.
"""

import html
import re
from pathlib import Path
from string import Template

import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_markdown_cell, new_notebook
from pygments.formatters import HtmlFormatter

from tinygpt.atomic import write_atomically
from tinygpt.config import require
from tinygpt.course.notebooks import badges

EDITIONS = {"notebooks": "to be solved", "solutions": "worked"}
OPEN = """<p class="note">The exercises are open. What stands below the other cells is what they print in the
<a href="../solutions/{}.html">worked lesson</a>, which also shows the guesses and answers of its authors.</p>"""
FRAME = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
STYLES = ("xcode", "github-dark")  # of code, by pygments: on light and on dark pages
NOTEBOOK_LINK = re.compile(r'(href="[^":]*)\.ipynb(?=["#])')  # with a colon it leads to another site
SPEAKS_OF_ANSWERS = re.compile(r"^(check|progress)\(", re.MULTILINE)


def write_pages(sources, folder):
    """Write the pages of lessons, given by their sources, and an index of them; returns the index's path."""
    folder = Path(folder)
    require(not folder.is_file(), f"{folder} is a file; name a folder for the pages")
    for i, path in enumerate(sources):
        for edition in EDITIONS:
            page = page_of(path, edition, before=sources[:i][-1:], after=sources[i + 1 :][:1])
            write_atomically(folder / edition / f"{path.stem}.html", page.encode())
    write_atomically(folder / "index.html", framed("TinyGPT", html_of(index_of(sources))).encode())
    return folder / "index.html"


def page_of(path, edition, before, after):
    """A lesson's page: the way to its neighbours and to its other edition, above and below its cells."""
    worked = nbformat.read(path, as_version=4)
    given = with_outputs(nbformat.read(path.parents[1] / "notebooks" / path.name, as_version=4), worked)
    (other,) = EDITIONS.keys() - {edition}
    way = [
        *(f'<a rel="prev" href="{one.stem}.html">← {one.stem.replace("_", " ")}</a>' for one in before),
        '<a href="../index.html">all lessons</a>',
        f'<a href="../{other}/{path.stem}.html">this lesson {EDITIONS[other]}</a>',
        *(f'<a rel="next" href="{one.stem}.html">{one.stem.replace("_", " ")} →</a>' for one in after),
    ]
    above, below = (f'<nav aria-label="lessons, {place}">{" ".join(way)}</nav>' for place in ("above", "below"))
    note, lesson = (OPEN.format(path.stem), given) if edition == "notebooks" else ("", worked)
    return framed(title_of(worked), above + note + html_of(without_badges(lesson, path.name)) + below)


def title_of(lesson):
    return lesson.cells[0].source.splitlines()[0].removeprefix("# ")


def index_of(sources):
    """A notebook of the lessons' openings: claim, what for, how long; and the way to both editions of each."""
    cells = [new_markdown_cell("# TinyGPT, to read")]
    for path in sources:
        opening = nbformat.read(path, as_version=4).cells[0].source
        ways = " · ".join(f"[{said}]({edition}/{path.name})" for edition, said in EDITIONS.items())
        cells.append(new_markdown_cell(f"#{opening}\n\n{ways}"))
    return new_notebook(cells=cells)


def with_outputs(lesson, worked):
    """A student's lesson with the outputs of those cells that are the same in the worked one and judge no answers."""
    same = {cell.id: cell for cell in worked.cells if cell.cell_type == "code"}
    for cell in lesson.cells:
        source = same.get(cell.id)
        if source and source.source == cell.source and not SPEAKS_OF_ANSWERS.search(cell.source):
            cell.outputs = source.outputs
    return lesson


def without_badges(lesson, name):
    """A lesson without the badges, whose pictures are on the net."""
    for cell in lesson.cells if badges(name) else ():
        cell.source = cell.source.replace(badges(name), "")
    return lesson


def html_of(notebook):
    """A notebook's cells as HTML, where links to notebooks lead to their pages."""
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    exporter.register_filter("markdown2html", lambda text: MarkdownWithMath(renderer=Renderer()).render(text))
    return NOTEBOOK_LINK.sub(r"\1.html", exporter.from_notebook_node(notebook)[0])


class Renderer(IPythonRenderer):
    """Markdown as in Jupyter, with formulas that a browser shows by itself: MathML."""

    def __init__(self):
        super().__init__(escape=False, anchor_link_text="#")

    def inline_math(self, body, display="inline"):
        from latex2mathml.converter import convert

        return convert(body, display=display)

    def block_math(self, body):
        return self.inline_math(body, "block")

    def latex_environment(self, name, body):
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")


def framed(title, body):
    """A whole page around a body."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in STYLES)
    return FRAME.substitute(title=html.escape(title), light=light, dark=dark, body=body)
