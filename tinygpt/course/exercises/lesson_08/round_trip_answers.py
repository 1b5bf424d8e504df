"""Answers to exercise round_trip of lesson 08: the right one, and the wrong ones that people give."""

import torch

from tinygpt.course.judging import Mistake

TOLERANCE = 1e-4


def round_trip(ours, theirs, texts):
    for text in texts:
        ids = ours.encode(text)
        if theirs.encode(text) != ids:
            return False
        difference = (ours.logits(ids) - theirs.logits(ids)).abs().max()
        if not difference <= 1e-4:  # also where it is nan
            return False
    return True


def comparing(same_numbers, same_ids=lambda a, b: a == b, every=all, own_ids=False):
    """A round_trip that compares in its own way. own_ids: their scores are those of their ids, not of ours."""

    def answer(ours, theirs, texts):
        def passes(text):
            ids, their_ids = ours.encode(text), theirs.encode(text)
            if not same_ids(ids, their_ids):
                return False
            return bool(same_numbers(ours.logits(ids), theirs.logits(their_ids if own_ids else ids)))

        return every(passes(text) for text in texts)

    return answer


def joined(together):
    """A round_trip that makes one text, or one list of ids, of all. together: (encode, texts) -> ids."""

    def answer(ours, theirs, texts):
        ids, their_ids = together(ours.encode, texts), together(theirs.encode, texts)
        return ids == their_ids and bool(close(ours.logits(ids), theirs.logits(ids)))

    return answer


def close(a, b):
    return (a - b).abs().max() <= TOLERANCE


def small(difference):
    return bool(difference <= TOLERANCE)


def last_of(results):
    return list(results)[-1]


def same_argmax(a, b):
    return a.argmax(-1).equal(b.argmax(-1))


def largest_of_all(ours, theirs, texts):
    """All differences in one list, and Python's max of it."""
    differences = []
    for text in texts:
        ids = ours.encode(text)
        if theirs.encode(text) != ids:
            return False
        differences += (ours.logits(ids) - theirs.logits(ids)).abs().flatten().tolist()
    return max(differences) <= TOLERANCE


def by_allclose(ours, theirs, texts):
    return all(
        ours.encode(t) == theirs.encode(t)
        and torch.allclose(ours.logits(ours.encode(t)), theirs.logits(ours.encode(t)), atol=TOLERANCE)
        for t in texts
    )


MISTAKES = (
    Mistake(
        "allclose lets rtol times the score pass on top of atol, 1e-5 of it unless you say rtol=0. A score of 17 "
        "may then be off by 2.7e-4.",
        lambda ours, theirs, texts: by_allclose(ours, theirs, texts),
    ),
    Mistake(
        "This export is good. The ids are equal (== asks that, `is` does not); two libraries add up in another "
        "order, so the last digits differ (here by 3e-5). Allow up to 1e-4 in each number (not in their sum).",
        comparing(torch.equal),
    ),
    Mistake(
        "The final norm is left out here, and your test lets it pass: every score is three times as large, so the "
        "likeliest token stays the likeliest, and greedy writes the same. Compare the numbers.",
        comparing(same_argmax),
    ),
    Mistake("The ids are the same here, the scores are not: compare the logits too.", comparing(lambda a, b: True)),
    Mistake(
        "You compare only some of the scores, the row after the first token. Compare all of (T, V).",
        comparing(lambda a, b: close(a[0], b[0])),
    ),
    Mistake(
        "You compare only some of the scores, those after the last token. Here the mask is left out, so earlier "
        "places see what comes later and are wrong. Compare all of (T, V).",
        comparing(lambda a, b: close(a[-1], b[-1])),
    ),
    Mistake(
        "You take the largest of each table and compare these two. Here the same scores stand in other places. "
        "Subtract first, number by number; then take the largest difference.",
        comparing(lambda a, b: small((a.max() - b.max()).abs())),
    ),
    Mistake(
        "You make one mean of each table and compare these two. Here the same scores stand in other places. "
        "Subtract first, number by number; then take the largest difference.",
        comparing(lambda a, b: small((a.mean() - b.mean()).abs())),
    ),
    Mistake(
        "One score close to its partner is enough in yours: that is any(). All of them have to be close.",
        comparing(lambda a, b: ((a - b).abs() <= TOLERANCE).any()),
    ),
    Mistake(
        "Yours fails an export only if all its scores are off, (… > 1e-4).all(). One that is off is enough.",
        comparing(lambda a, b: not ((a - b).abs() > TOLERANCE).all()),
    ),
    Mistake(
        "You gave our ids to both. Here the other tokenizer makes other ids of a text with °, and nobody asked it: "
        "compare theirs.encode(text) with ours.",
        comparing(close, lambda a, b: True),
    ),
    Mistake(
        "As many ids are not the same ids: here a text with ° becomes others. Compare the lists, a == b.",
        comparing(close, lambda a, b: len(a) == len(b)),
    ),
    Mistake(
        "Their tokenizer adds an id at the end here, and zip stops where the shorter list ends. Compare the lists, "
        "a == b.",
        comparing(close, lambda a, b: all(x == y for x, y in zip(a, b, strict=False))),
    ),
    Mistake(
        "The same ids, but in another order: a sorted list doesn't notice. Compare the lists, a == b.",
        comparing(close, lambda a, b: sorted(a) == sorted(b)),
    ),
    Mistake(
        "Their tokenizer adds an id here that was there already. A set doesn't know how often an id comes, nor in "
        "which order. Compare the lists, a == b.",
        comparing(close, lambda a, b: set(a) == set(b)),
    ),
    Mistake(
        "Here a and b have changed numbers, in their tokenizer and in their model: as many ids, even the same "
        "scores, but whoever hands our ids to their model gets nonsense. Compare the ids as lists, a == b.",
        comparing(close, lambda a, b: len(a) == len(b), own_ids=True),
    ),
    Mistake(
        'You make one list of the ids of all texts. Here "ab" becomes one id more and the empty text one less, '
        "which is the same in one list. Compare text by text.",
        joined(lambda encode, texts: [id for text in texts for id in encode(text)]),
    ),
    Mistake(
        "You make one text of all. Here the empty text becomes no ids, and nobody tried it. Compare text by text.",
        joined(lambda encode, texts: encode("".join(texts))),
    ),
    Mistake(
        "Only the first text was looked at, and it is the second that gives this one away. Does a return stand "
        "inside the loop?",
        comparing(close, every=next),
    ),
    Mistake("Only the last text counts in yours; one bad text is enough to fail.", comparing(close, every=last_of)),
    Mistake("One good text is not enough: all of them have to agree.", comparing(close, every=any)),
    Mistake(
        "Their scores are all nan here. A comparison with nan is always False, so `difference > 1e-4` lets it "
        "pass. Turn it round: it passes only if `difference <= 1e-4`.",
        comparing(lambda a, b: not (a - b).abs().max() > TOLERANCE),
    ),
    Mistake(
        "Their scores are all nan here, and nan counts as no difference in yours (nan_to_num makes 0 of it, and "
        "`nan > 1e-4` is False). Every difference has to be <= 1e-4, which nan is not.",
        comparing(lambda a, b: not ((a - b).abs() > TOLERANCE).any()),
    ),
    Mistake(
        "One score is nan here, and not the first. Python's max keeps what it has unless the next is larger, which "
        "nan never is. The max() of a tensor gives nan; or ask of each difference whether it is <= 1e-4.",
        largest_of_all,
    ),
    Mistake(
        "Every score is 0.5 too high here. A softmax takes away what all scores of a place have in common, so the "
        "probabilities don't tell. Compare the scores themselves.",
        comparing(lambda a, b: close(a.softmax(-1), b.softmax(-1))),
    ),
    Mistake(
        "Every score is 0.5 too high here. A log_softmax takes away what all scores of a place have in common. "
        "Compare the scores themselves.",
        comparing(lambda a, b: close(a.log_softmax(-1), b.log_softmax(-1))),
    ),
    Mistake(
        "Their scores are all too high here, so ours - theirs is negative everywhere. Take .abs() first.",
        comparing(lambda a, b: (a - b).max() <= TOLERANCE),
    ),
    Mistake(
        "Their scores are all too low here, so theirs - ours is negative everywhere. Take .abs() first.",
        comparing(lambda a, b: (b - a).max() <= TOLERANCE),
    ),
    Mistake(
        "Their scores are up to 6e-4 off here, more than rounding explains. Allow 1e-4, not more.",
        comparing(lambda a, b: (a - b).abs().max() <= 1e-3),
    ),
    Mistake(
        "One score is 5e-4 off here, all others are right, and the mean hides it. Take the largest difference.",
        comparing(lambda a, b: (a - b).abs().mean() <= TOLERANCE),
    ),
    Mistake(
        "One score is 5e-4 too high here, so ours - theirs is negative there, and max() passes it by: abs() "
        "comes too late. First .abs(), then .max().",
        comparing(lambda a, b: (a - b).max().abs() <= TOLERANCE),
    ),
    Mistake(
        "One score is 5e-4 too low here, so theirs - ours is negative there, and max() passes it by: abs() "
        "comes too late. First .abs(), then .max().",
        comparing(lambda a, b: (b - a).max().abs() <= TOLERANCE),
    ),
    Mistake("The other way round: True means that the export is good.", lambda *a: not round_trip(*a)),
)
