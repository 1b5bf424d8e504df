"""What people get wrong in exercise round_trip of lesson 08."""

import torch
import torch.nn.functional as F

from tinygpt.course.exercises.lesson_08.round_trip_answers import (
    TOLERANCE,
    by_allclose,
    by_losses,
    close,
    comparing,
    joined,
    largest_of_all,
    last_of,
    round_trip,
    same_argmax,
    small,
)
from tinygpt.course.judging import Mistake

MISTAKES = (
    Mistake(
        "allclose lets rtol times the score pass on top of atol, 1e-5 of it unless you say rtol=0. A score of 17 "
        "may then be off by 2.7e-4.",
        lambda ours, theirs, texts: by_allclose(ours, theirs, texts),
    ),
    Mistake(
        "This export is good. The ids are equal (== asks that, `is` does not); two libraries add up in another "
        "order, so the last digits differ (here by 3e-5). Allow up to 1e-4 in each number (not in their sum). Do you "
        "round first? 0.00049 and 0.00051 are neighbours, and still become 0.000 and 0.001.",
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
        "You compare only the first ids. Here the ids differ late in the text, at é. Compare the whole lists, a == b.",
        comparing(close, lambda a, b: a[:8] == b[:8]),
    ),
    Mistake(
        "All scores are nan here, on both sides, and equal_nan=True calls that equal. They say nothing: leave it out.",
        comparing(lambda a, b: torch.allclose(a, b, rtol=0, atol=TOLERANCE, equal_nan=True)),
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
        "pass, and max(largest, nan) keeps `largest`. Turn it round: a text passes only if its own "
        "`difference <= 1e-4`.",
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
        "You compare losses. A loss looks at what the next ids cost, and after the last id there is none: the nan in "
        "that row goes by. Compare all scores, number by number.",
        by_losses,
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
        "Their scores are up to 6e-4 off here, more than rounding explains. Squares of such numbers are tiny, and a "
        "mean hides the large ones: take the largest difference itself, and allow 1e-4.",
        comparing(lambda a, b: F.mse_loss(a, b) <= TOLERANCE),
    ),
    Mistake(
        "One score is 5e-3 off here, all others are right, and the mean hides it. Take the largest difference.",
        comparing(lambda a, b: (a - b).abs().mean() <= TOLERANCE),
    ),
    Mistake(
        "One score is 5e-3 too high here, so ours - theirs is negative there, and max() passes it by: abs() "
        "comes too late. First .abs(), then .max().",
        comparing(lambda a, b: (a - b).max().abs() <= TOLERANCE),
    ),
    Mistake(
        "One score is 5e-4 off here, all others are right, and the root of the mean of the squares hides it. Take the "
        "largest difference.",
        comparing(lambda a, b: F.mse_loss(a, b).sqrt() <= TOLERANCE),
    ),
    Mistake(
        "One score is 5e-4 too low here, so theirs - ours is negative there, and max() passes it by: abs() "
        "comes too late. First .abs(), then .max().",
        comparing(lambda a, b: (b - a).max().abs() <= TOLERANCE),
    ),
    Mistake("The other way round: True means that the export is good.", lambda *a: not round_trip(*a)),
)
