"""Exercise misleading_card of lesson 08: the answer, what it is tried on, and what people get wrong."""

import re

from tinygpt.course.judging import Exercise

LETTERS = "ABCDEF"
FINE = {
    "A": "says what it was made from, with release and citation, as the licence asks",
    "C": "names the text, the number of documents and the interval, and gives the harder figure beside the better one",
    "D": "is a warning that costs nothing and may save somebody trouble with a licence",
    "F": "says what the model can't do, so that nobody waits for answers from it",
}
MISLEADS = {
    "B": "two perplexities per token, of two tokenizers and two texts: neither can be compared",
    "E": "it reads like an expert's because it imitates them; nothing in its training checks facts",
}
MISSING = {
    1: "The number of heads stands in config.json, and no reader decides anything by it.",
    3: "That is how long you waited, and not what anybody needs in order to use it well.",
    4: "A reader can't tell anything from a seed; and the run's config.json keeps it.",
}


def misleading_card():
    return {"misleading": "BE", "missing": 2}


def use_card(answer):
    given = answer()
    if not isinstance(given, dict):
        return given
    given = dict(given)
    letters = given.get("misleading")
    if isinstance(letters, str | list | tuple | set) and all(isinstance(x, str) for x in letters):
        named = re.sub(r"\bAND\b|[^A-Z0-9]", "", "".join(letters).upper())  # "b and e", "B, E"
        given["misleading"] = "".join(sorted(set(named))) if set(named) <= set(LETTERS) else letters
    missing = given.get("missing")
    if isinstance(missing, list | tuple | set) and len(missing) == 1:
        (missing,) = missing
    if isinstance(missing, str) and missing.strip().isdigit():
        missing = int(missing)
    return given | ({"missing": missing} if "missing" in given else {})


def look_at_card(got, expected):
    if not isinstance(got, dict) or set(got) != {"misleading", "missing"}:
        return 'A dict with the keys "misleading", letters such as "AD", and "missing", a number from 1 to 4.'
    letters, missing = got["misleading"], got["missing"]
    if not isinstance(letters, str) or not set(letters) <= set(LETTERS):
        return f'"misleading" takes letters from A to F, such as "AD"; {letters!r} is something else.'
    for letter in letters:
        if letter in FINE:
            return f"{letter} is in order: it {FINE[letter]}."
    if letters != expected["misleading"]:
        found = f"{letters} does mislead ({MISLEADS[letters]}). There is another one" if letters else "There are some"
        return f"{found}: for each sentence, ask what a reader would do with it."
    if isinstance(missing, list | tuple | set | dict):
        return 'The letters are right. "missing" takes one number, that of what is missing most.'
    if missing in MISSING and not isinstance(missing, bool):
        return f"The letters are right. {MISSING[missing]}"
    return f'The letters are right. "missing" takes a number from 1 to 4; {missing!r} is none.'


MISLEADING_CARD = Exercise(
    name="misleading_card",
    reference=misleading_card,
    examples=lambda: [()],
    use=use_card,
    choice=True,
    explain=look_at_card,
    why="Perplexities per token of two tokenizers on two texts can't be compared, and nothing in the training rewards "
    "truth. So the card has to say what the model must not be used for.",
    hints=(
        "For each sentence ask: what would a reader do who believes it, and would that be right?",
        "One compares two numbers that have not been measured on the same thing (lesson 00 says which units can be "
        "compared). One takes style for truth. As for what is missing: without which line could somebody come to harm?",
    ),
)
