"""Every term of the course, in one sentence, with the lesson that introduces it: the table is glossary.json."""

import json
import re
from difflib import get_close_matches
from pathlib import Path

from tinygpt.config import require

# {term: {"lesson": where it is introduced, "means": one sentence, "also": other names for it}}
TERMS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def glossary(term=None):
    """Print what a term means; without one, all of them."""
    names = sorted(TERMS, key=str.lower) if term is None else [found(term)]
    for name in names:
        others = f", also {', '.join(TERMS[name]['also'])}" if "also" in TERMS[name] else ""
        print(f"{name}{others} (lesson {TERMS[name]['lesson']}): {TERMS[name]['means']}")


def found(term):
    """The name under which a term stands in the table, however it was typed."""
    names = {plain(each): name for name, entry in TERMS.items() for each in (name, *entry.get("also", ()))}
    wanted = plain(term)
    close = dict.fromkeys(names[each] for each in get_close_matches(wanted, names, n=3, cutoff=0.6))
    advice = f"did you mean {' or '.join(close)}?" if close else "glossary() lists all terms"
    require(wanted in names or wanted.removesuffix("s") in names, f"{term!r} is not in the glossary; {advice}")
    return names.get(wanted) or names[wanted.removesuffix("s")]


def plain(term):
    """Without what people write in their own way: case, spaces, hyphens."""
    return re.sub(r"[\s-]+", "", str(term)).lower()
