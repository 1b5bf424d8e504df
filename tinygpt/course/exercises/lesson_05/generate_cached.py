"""Exercise generate_cached of lesson 05: the answer, how it is put to use, and what people get wrong."""

from tinygpt.course.exercises.lesson_05.reader import CHOOSERS, Reader, texts
from tinygpt.course.judging import Exercise, Mistake


def generate_cached(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n:
        token = choose(logits)
        if token == end:
            break
        written.append(token)
        logits, past = read([token], past)
    return written


def use_reader(answer, _, chooser, ids, n, end):
    """What an answer writes, and how much it read for that; one reading of the last token is neither here nor there."""
    read = Reader()
    whole = len(ids)
    written = answer(read, CHOOSERS[chooser], ids, n, end)
    if not isinstance(written, list):
        return written
    whole += len(written)
    once = read.n_read in (whole - 1, whole)
    return {"written": written, "read": "each token once" if once else f"{read.n_read} tokens"}


def look_at_writing(got, expected, _, chooser, ids, n, end):
    if got is None:
        return None
    if isinstance(got, dict) and chooser != "choose: the likeliest" and got["written"] != expected["written"]:
        return "With a choose that does not take the likeliest yours goes wrong: let choose(logits) pick each token."
    if not isinstance(got, dict):
        return "A list of the new ids comes back."
    if got["written"][: len(ids)] == ids != expected["written"][: len(ids)]:
        return f"Only the new ids come back; yours begins with the prompt, {ids}. Nor does the prompt count towards n."
    if got["written"] == expected["written"]:
        return (
            f"The right tokens, but read {got['read']} to write {len(expected['written'])} after a prompt of "
            f"{len(ids)}. What has been read is in the past: hand over only what is new."
        )
    if len(got["written"]) > n:
        return f"At most {n} new tokens were asked for; yours has {len(got['written'])}."
    if got["written"] == expected["written"][: len(got["written"])]:
        return (
            f"Right so far, but yours stops after {len(got['written'])} new tokens of {len(expected['written'])}. Does "
            "your count hold the prompt too, or do you stop at another id than `end`?"
        )
    first = next(
        (i for i, (a, b) in enumerate(zip(got["written"], expected["written"], strict=False)) if a != b),
        min(len(got["written"]), len(expected["written"])),
    )
    return (
        f"New token number {first} is the first that is wrong. Does read get [token] and the past of the call before, "
        "each time, and does the next choice use the logits that came from it?"
    )


def rereading(read, choose, ids, n, end):
    written = []
    while len(written) < n and (token := choose(read([*ids, *written], None)[0])) != end:
        written.append(token)
    return written


def twice(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        logits, past = read([*ids, *written], past)
    return written


def forgetting(read, choose, ids, n, end):
    logits, _ = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        logits, _ = read([token], None)
    return written


def same_past(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        logits, _ = read([token], past)
    return written


def stopping_at(id):
    return lambda read, choose, ids, n, end: generate_cached(read, choose, ids, n, id)


def with_end(read, choose, ids, n, end):
    written = generate_cached(read, choose, ids, n, end)
    return [*written, end] if len(written) < n else written


def going_round_it(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    for _ in range(n):
        token = choose(logits)
        if token != end:
            written.append(token)
        logits, past = read([token], past)
    return written


def last_twice(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written, token = [], ids[-1]
    while len(written) < n:
        logits, past = read([token], past)
        token = choose(logits)
        if token == end:
            break
        written.append(token)
    return written


def stale(read, choose, ids, n, end):
    logits, past = read(ids, None)
    written = []
    while len(written) < n and (token := choose(logits)) != end:
        written.append(token)
        _, past = read([token], past)
    return written


GENERATE_CACHED = Exercise(
    name="generate_cached",
    reference=generate_cached,
    examples=texts,
    use=use_reader,
    explain=look_at_writing,
    advice={
        "not enough values to unpack": "read gives back two things: logits, past = read(…).",
        "'tuple' object": "read gives back two things: logits, past = read(…).",
        "must be Tensor, not tuple": "read gives back two things: logits, past = read(…).",
    },
    hints=(
        "Before the loop: read the whole prompt once. In the loop: choose, look whether it is the end, keep it, read "
        "it.",
        "The loop's last line is logits, past = read([token], past): one new token, the newest past.",
        "logits, past = read(ids, None); written = []; for _ in range(n): token = choose(logits); if token == end: "
        "break; written.append(token); logits, past = read([token], past)",
    ),
    mistakes=(
        Mistake(
            "The right tokens, but everything is read anew for each of them: that is the slow way. Keep the past that "
            "read gives back, and read only [token].",
            rereading,
        ),
        Mistake(
            "You hand over the whole text with a past that holds it already: the model reads it twice, and says "
            "something else. Only [token] is new.",
            twice,
        ),
        Mistake(
            "read([token], None) starts a new text: everything before it is forgotten. Hand over the past.",
            forgetting,
        ),
        Mistake(
            "The past stays that of the prompt: each new token is read as if it were the first after it. Keep the past "
            "that each reading gives back.",
            same_past,
        ),
        Mistake(
            "The last token of the prompt is read twice: once with the prompt, once in the loop. The prompt's reading "
            "has already given the logits of the first new token.",
            last_twice,
        ),
        Mistake("You throw away the logits of the new token and choose from the prompt's each time.", stale),
        Mistake("It does not stop: compare each token with end before you keep it.", stopping_at(None)),
        Mistake(
            "You stop at token 0, which is END in the notebook. Here it is another: compare with `end`, the argument.",
            stopping_at(0),
        ),
        Mistake("The end itself is no part of the text: stop before you keep it.", with_end),
        Mistake("Leaving the end out is not stopping: after it another document would begin. break.", going_round_it),
        Mistake(
            "Only the new ids come back, without the prompt.",
            lambda read, choose, ids, n, end: [*ids, *generate_cached(read, choose, ids, n, end)],
        ),
        Mistake(
            "One token too many: n new ones, the first of which comes from the prompt's own reading.",
            lambda read, choose, ids, n, end: generate_cached(read, choose, ids, n + 1, end),
        ),
        Mistake(
            "One token too few: the prompt's own reading already gives the first new one.",
            lambda read, choose, ids, n, end: generate_cached(read, choose, ids, n - 1, end),
        ),
    ),
)
