"""Lesson 05: its numbers are those that its text promises."""

import re
from itertools import pairwise

import pytest
from lesson_outputs import numbers


@pytest.fixture(scope="module")
def table(printed):
    row = r"^(\S.*?) +repeated ([\d.]+) +distinct-2 ([\d.]+) +unseen ([\d.]+) +bits per byte ([\d.]+)$"
    rows = re.findall(row, printed, re.MULTILINE)
    return {name: tuple(map(float, numbers)) for name, *numbers in rows}


def test_both_ends_degenerate_as_the_text_says(table):
    repeated, distinct, unseen, price = zip(
        *(table[name] for name in ("experts", "greedy", "chance alone")), strict=True
    )
    assert 0.35 <= repeated[1] <= 0.7 and repeated[1] > 5 * repeated[0] and repeated[2] < repeated[0]
    assert distinct[1] < distinct[0] / 2
    assert 0.15 <= price[1] <= 0.3 and abs(price[2] - price[0]) < 0.2
    assert (
        0.09 <= unseen[2] <= 0.15
        and 0.025 <= unseen[0] < 0.035
        and 3 <= unseen[2] / unseen[0] <= 5
        and abs(unseen[0] - repeated[0]) < 0.01
    )


def test_most_names_end_in_the_same_circle(printed):
    ((same, all_of_them),) = numbers(r"(\d+) of the (\d+) texts speak of interleukin", printed)
    assert same > 0.6 * all_of_them


def test_one_greedy_definition_alone_is_fine(printed, table):
    ((repeated, ended, all_of_them),) = numbers(
        r"each: repeated ([\d.]+), distinct-2 [\d.]+; (\d+) of (\d+) came to an end", printed
    )
    assert 0.02 <= repeated <= 0.15 and repeated < table["greedy"][0] / 2 and ended > 0.85 * all_of_them


def test_chance_moves_a_setting_as_far_as_the_curves_are_apart(table):
    once, again = table["top-k 5"], table["top-k 5, once more"]
    assert 0.02 < max(abs(once[1] - again[1]), abs(once[2] - again[2])) < 0.12


def test_temperature_trades_repetition_for_unseen_words(table):
    experts, cool, warm = (table[name] for name in ("experts", "temperature 0.5", "temperature 0.7"))
    assert cool[0] > experts[0] > warm[0] and cool[2] < experts[2] < warm[2]  # the curves cross the line in between
    assert warm[1] < experts[1] and warm[3] < 0.7 * experts[3]
    assert 0.15 <= table["temperature 1.3"][2] <= 0.25  # one word in five


def test_the_filters_walk_one_road_and_experts_do_not(table):
    road = sorted((row[2], row[1]) for name, row in table.items() if name.startswith("temperature"))

    def height(unseen):
        """Distinct pairs where the curve of the temperatures has so many unseen words."""
        (x0, y0), (x1, y1) = next(pair for pair in pairwise(road) if pair[1][0] >= unseen)
        return y0 + (y1 - y0) * (unseen - x0) / (x1 - x0)

    for name, row in table.items():
        if name.startswith("top-"):
            assert abs(row[1] - height(row[2])) < 0.09, name
    assert table["experts"][1] > height(table["experts"][2]) + 0.09


def test_the_tail_and_the_two_places(printed):
    ((chance, experts),) = numbers(r"by chance ([\d.]+)%, by experts ([\d.]+)%", printed)
    assert 20 < experts < 30 and abs(chance - experts) < 4
    (needed_sharp, held_sharp), (needed_flat, held_flat) = numbers(
        r"95% takes (\d+); the first 40 hold ([\d.]+)%", printed
    )
    assert needed_sharp == 1 and held_sharp > 99 and needed_flat > 200 and held_flat < 60
    (rank,) = numbers(r"' lateral' has rank (\d+)", printed)
    assert rank > 40
    (p_keeps, p_loses), (k_keeps, k_loses) = numbers(r"keeps (\d+) tokens on average, rules out (\d+) of", printed)
    assert abs(p_keeps - k_keeps) <= 1 and p_loses < 0.9 * k_loses


def test_the_cache_is_right_and_faster(printed):
    assert re.findall(r"(?:equal|same tokens): (\w+)", printed) == ["True"] * 5
    _, short, _, long = numbers(r"after +\d+ tokens +([\d.]+) times faster", printed)
    assert 1.5 <= short <= 6 and 15 <= long <= 90
    assert "measured 409,600 bytes" in printed
