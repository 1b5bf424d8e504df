"""Lesson 07: its numbers are those that its text promises."""

import re

from lesson_outputs import numbers


def test_neighbours(printed, pictures):
    assert "' increased' ' decreased'" in printed and re.search(r"' left' +' right'", printed)
    ((families, strangers),) = numbers(r"predicted \(30, 5\), measured ([\d.]+), ([\d.]+)", printed)
    assert 40 <= families <= 60 and strangers <= 2
    shares = dict(re.findall(r"(?:: |, )([a-z ]+) (0\.\d+)", next(p for p in pictures if p.startswith("Families"))))
    assert len(shares) == 6 and min(shares, key=lambda name: float(shares[name])) == "endings of illness"
    assert 0.1 < float(shares["endings of illness"]) < 0.22


def test_the_previous_token_heads_ask_for_a_place(printed):
    scores = numbers(r"layer (\d), head (\d): text +(\d+)% +shuffled +(\d+)%", printed)
    assert len(scores) == 8
    _, best = max((text, (layer, head, text, shuffled)) for layer, head, text, shuffled in scores)
    assert best[:2] == (2, 1) and 35 <= best[2] <= 45 and best[3] > 0.85 * best[2]
    assert "shared evenly: 3%" in printed


def test_first_token_heads_are_end_token_heads(printed):
    with_end, without = (
        [int(n) for n in re.findall(r"(\d+)%", line)] for line in re.findall(r"(?:end token|another)  .*%", printed)
    )
    assert all(15 <= a <= 25 and b < 8 for a, b in zip(with_end[:2], without[:2], strict=True))
    assert all(abs(a - b) <= 2 for a, b in zip(with_end[2:4], without[2:4], strict=True))
    assert all(b < a for a, b in zip(with_end[4:], without[4:], strict=True))


def test_what_heads_are_worth(printed):
    rows = numbers(r"layer (\d), head (\d): \+([\d.]+), 95% interval ([-+][\d.]+) to", printed)
    assert len(rows) == 8 and all(low > 0 for *_, low in rows)
    assert rows[0][:2] == (1, 1) and 0.06 <= rows[0][2] <= 0.08 and 0.01 <= rows[-1][2] < 0.02
    assert "measured 3" in printed
    kinds = {
        (a, b): (c, d)
        for a, b, c, d in numbers(
            r"layer (\d), head (\d): extra nats inside words ([-+][\d.]+), elsewhere ([-+][\d.]+)", printed
        )
    }
    assert kinds[1, 1] == max(kinds.values()) and kinds[1, 1][0] > 1.4 * kinds[1, 1][1]
    assert all(4 * kinds[3, head][0] < 2 * kinds[3, head][1] for head in (0, 1))


def test_heads_stand_in_for_one_another(printed):
    rows = dict(
        (name.strip(), (float(alone), float(together), float(low), float(high)))
        for name, alone, together, low, high in re.findall(
            r"(.*) sum ([\d.]+), together ([\d.]+); difference ([-+][\d.]+) to ([-+][\d.]+)", printed
        )
    )
    alone, together, low, _ = rows["both that look left"]
    assert low > 0.02 and together > 1.2 * alone
    _, _, low, high = rows["layer 0, head 0 and layer 2, head 0"]
    assert low >= -0.003 and high <= 0.003
    alone, together, low, _ = rows["all eight"]
    assert low > 0 and 1.7 <= together / alone <= 2.6


def test_zero_does_damage_of_its_own(printed, pictures):
    (most,) = numbers(r"measured layer 0, head 0: ([\d.]+) times", printed)
    assert 2 <= most <= 5
    (alt,) = [p for p in pictures if p.startswith("Zeroed, a head")]
    times = {(a, b): factor for a, b, factor in numbers(r"layer (\d), head (\d) ([\d.]+)", alt)}
    assert len(times) == 8 and all(times[layer, head] <= 1.2 for layer in (1, 2) for head in (0, 1))


def test_no_induction_but_a_test_that_can_say_yes(printed):
    ((first, second),) = numbers(r"predicted \(7.6, 2.0\), measured ([\d.]+) and ([\d.]+)", printed)
    assert 12 <= first <= 13 and second > first - 0.1
    saved = numbers(r"mixed, save ([-+][\d.]+) \(([-+][\d.]+) to", printed)
    assert all(low > 0 for _, low in saved) and 0.1 < saved[1][0] < 0.3 and saved[2][0] > saved[1][0]
    order = numbers(r"right order saves {2,}([-+][\d.]+) \([-+][\d.]+ to ([-+][\d.]+)\)", printed)
    assert len(order) == 3 and all(mean <= 0.01 and high < 0.05 for mean, high in order)
    assert any(high < 0 for _, high in order)  # noise: below 0
    copied = {
        (length, layers): (mean, low)
        for length, layers, mean, low in numbers(
            r"(\d+) tokens, (\d) layer\(s\): .* saves ([-+][\d.]+) \(([-+][\d.]+) to", printed
        )
    }
    assert 0.5 <= copied[10, 1][0] <= 1.2 and copied[10, 2][0] > 4 and copied[10, 1][1] > 0  # a practised distance
    assert copied[6, 1][0] < -0.3 and copied[6, 2][0] > 2  # a new one
    single, lower, upper = numbers(r"previous token (\d+)%, what followed (\d+)%, control (\d+)%", printed)
    assert lower[0] > 50 and upper[1] > 35 and upper[2] < 10
    assert single[0] < 20 and single[1] <= single[2]
    ((ours, control),) = numbers(r"best of eight heads: ([\d.]+)%; control ([\d.]+)%", printed)
    assert 0.5 < ours < 1.5 and 0.5 < control < 1.5


def test_the_lens(printed):
    (prices,) = re.findall(r"predicted 4.0, measured \[(.*)\]", printed)
    start, first, *_, last = prices = [float(n) for n in re.findall(r"[\d.]+", prices)]
    assert 4.6 <= start <= 5.0 and first > start and 2.9 <= last <= 3.1
    assert prices[1:] == sorted(prices[1:], reverse=True)
    assert "equal to the model's own loss: True" in printed
    without = dict(numbers(r"without layer (\d): \+([\d.]+)", printed))
    assert len(without) == 4 and without[0] == max(without.values()) and 0.2 <= without[0] <= 0.4


def test_a_document_moves_its_text(printed):
    ((hits, all_of_them),) = numbers(r"predicted 4, measured (\d+) of (\d+)", printed)
    assert 7 <= hits <= 13 and all_of_them == 16
    ((own, others, low),) = numbers(
        r"dearer by ([\d.]+) nats a token,\nanother's by ([\d.]+); difference \S+ \((\S+) to", printed
    )
    assert low > 0 and own > 3 * others
    ((everywhere, apart),) = numbers(r"and step: ([\d.]+); own pairs left out: ([\d.]+)", printed)
    assert everywhere > 0.95 and apart > 0.95
