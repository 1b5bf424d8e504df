"""Lesson 06: its numbers are those that its text promises."""

import re

from lesson_outputs import numbers


def test_the_units(printed):
    assert numbers(r"^perplexity +([\d.]+) +\(pred", printed) == [4.0]
    assert numbers(r"bits per byte +([\d.]+) +\(9 bytes", printed) == [0.667]
    (by_windows,) = numbers(r"predicted 100, measured ([\d.]+)", printed)
    assert 17 <= by_windows <= 20
    ((ours, yours),) = numbers(r"bits per byte +([\d.]+) +yours ([\d.]+)", printed)
    assert ours == yours and 1.2 <= ours <= 1.27


def test_two_tokenizers_disagree(printed):
    small, large = numbers(r"tokens +perplexity +([\d.]+) +bits per byte ([\d.]+) +([\d.]+) bytes", printed)
    assert 20 <= small[0] <= 30 and 120 <= large[0] <= 160 and large[0] > 4 * small[0]
    assert 2.1 <= small[1] <= 2.3 and 1.7 <= large[1] <= 1.9
    assert 1.8 <= large[2] / small[2] <= 2  # almost twice as long in tokens, nearly four bytes a step


def test_strides(printed):
    (drop,) = numbers(r"first minus last ten: ([\d.]+) nats", printed)
    assert 1.5 <= drop <= 2.3 and "the same sum as that of evaluate: True" in printed
    none, half, quarter, eighth = numbers(r"saved (-?[\d.]+)$", printed)
    assert none == 0 and 0.01 <= half <= 0.03 and max(quarter, eighth) <= half + 0.002


def test_intervals(printed):
    documents, tokens = numbers(r"drawing \w+ +([\d.]+) to ([\d.]+) ", printed)
    assert documents[1] - documents[0] > 2.5 * (tokens[1] - tokens[0])
    (dealt,) = numbers(r"documents of dealt tokens: width ([\d.]+)", printed)
    assert abs(dealt - (tokens[1] - tokens[0])) <= 0.004  # nothing is left but the company that tokens keep
    parts = [float(x) for x in re.search(r"^(\d\.\d\d  ){7}\d\.\d\d$", printed, re.MULTILINE)[0].split()]
    assert 0.05 <= max(parts) - min(parts) <= 0.2
    ((by_documents, by_tokens),) = numbers(r"'documents': (\d+), 'tokens': (\d+)", printed)
    assert 33 <= by_documents <= 40 and 10 <= by_tokens <= 26
    apart, overlapping, pair = (
        numbers(rf"{name} +([\d.-]+) to ([\d.-]+)", printed)[0]
        for name in ("side by side", "stride 64", "the difference")
    )
    assert overlapping[1] > apart[0] and 0.015 <= pair[0] < pair[1] <= 0.025
    ((best, typical),) = numbers(r"best of 40: ([\d.]+), typical: ([\d.]+)", printed)
    assert best < 1.12 < 1.2 < typical < 1.3


def test_calibration(printed):
    rows = numbers(r"said ([\d.]+), came ([\d.]+)", printed)
    assert len(rows) == 10 and all(abs(said - came) <= 0.1 for said, came in rows)
    assert sum(came - said for said, came in rows) > 0  # it promises a little too little


def test_copies_have_controls(printed):
    ((share, price),) = numbers(r"names: (\d+)% of the bytes, (\d+)% of the price", printed)
    assert abs(share - price) <= 2
    learned, held_out = numbers(r"(?:trained on|held out) +([\d.]+) +interval .* without twins ([\d.]+)", printed)
    assert all(0.09 <= new - known <= 0.15 for known, new in zip(learned, held_out, strict=True))
    model, experts, model_fresh, experts_fresh, model_known, experts_known = numbers(
        r"(?:model|experts) +(\d+)% of +[\d,]+ runs +interval (\d+)% to (\d+)%", printed
    )
    assert 10 <= model[0] <= 20 and 10 <= model_known[0] <= 20 and experts_known[0] == 100
    assert experts[0] > model[0] and model_known[1] < model[0] < model_known[2]  # no more after what it has read
    assert experts_fresh[1] < model_fresh[0] < experts_fresh[2] or model_fresh[0] < experts_fresh[0]
    (known, of_known), (held, of_held) = numbers(r"names: (\d+) of (\d+) definitions word for word", printed)
    assert known <= held + 2 and min(of_known, of_held) > 100  # recited as seldom as hit by chance


def test_the_quiz_has_controls(printed, notebook):
    ((model, low, high), (shared, *_)) = numbers(r"^\w[\w, ]+ (\d+)% +interval (\d+) to (\d+)", printed)
    assert 45 <= model <= 68 and low > 30 and high < 80 and shared < 35
    assert re.search(r"give or take 12", "".join(c.source for c in notebook.cells)) and abs((high - low) / 2 - 12) < 1.5


def test_who_wins_where(printed):
    rows = dict(
        re.findall(r"^(xz, knowing the training text|[\w -]+?) +((?:[\d.]+ +){3}[\d.]+)$", printed, re.MULTILINE)
    )
    xz, bigram, seven, ours = (
        tuple(map(float, rows[name].split()))
        for name in ("xz, knowing the training text", "token bigram", "byte 7-gram", "our GPT")
    )
    assert xz[1] < ours[1] < seven[1] < bigram[1]  # where there is a twin
    assert ours[2] < seven[2] < xz[2] < bigram[2]  # where there is none
    assert (xz[3], ours[3], ours[0], ours[2]) == (0.2, 0.09, 1.24, 1.33)
    assert ours[1] < 0.7 * ours[2]  # a third less
