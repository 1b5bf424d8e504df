"""Lesson 09: its numbers are those that its text promises."""

import re

import pytest
from lesson_outputs import numbers


def test_the_recorded_ladder(printed, pictures):
    ((end, no_gain),) = numbers(r"it ends at ([\d.]+), and (\d+) are no gain", printed)
    assert no_gain == 4 and 0.3 < 1 - end / 2.20 < 0.35
    assert any("The long steps are a head of its own and Muon" in told for told in pictures)


def test_what_is_worth_most_and_what_is_better_left_out(printed, pictures):
    assert "measured: bfloat16" in printed
    worth = dict(re.findall(r"([A-Za-z][^;+]*?) ([+-]\d\.\d+)", next(p for p in pictures if "+" in p)))
    assert {name for name, value in worth.items() if float(value) < 0} == {"QK-norm", "gated MLP (SwiGLU)", "batch 16"}
    steps = dict(re.findall(r"^(.*?) +(\d+) steps in 20 s$", printed, re.MULTILINE))
    assert 250 < int(steps["(the finished recipe)"]) < 270 and int(steps["bfloat16 products"]) < 160
    assert all(int(steps[name]) > 290 for name in ("QK-norm", "gated MLP (SwiGLU)", "batch 16"))


def test_a_short_trial_sees_large_gains(printed):
    (noise,) = numbers(r"predicted 0\.05, measured ([\d.]+): 2", printed)
    assert 0.001 <= noise <= 0.02
    gains = dict(re.findall(r"^  (\w.*): (0\.\d+)$", printed, re.MULTILINE))
    large = {name for name, gain in gains.items() if float(gain) > 0.05}
    assert large == {"Muon, and a rate for each kind of weight", "head start from bigrams"}
    assert float(gains.get("a head of its own", 0)) < 0.02


def test_muon(printed):
    ((half, times),) = numbers(r"measured (\d+) of 128; the first is (\d+) times", printed)
    assert 4 <= half <= 12 and times > 5
    ends = numbers(r"measured 4; after five all have come to" + 4 * r" ([\d.]+)," + r" ([\d.]+)", printed)[0]
    assert all(0.7 <= end <= 1.2 for end in ends)
    assert "equal to the package's: True" in printed
    ((low, high),) = numbers(r"values lie between ([\d.]+) and ([\d.]+)", printed)
    assert low > 0.6 and high < 1.25


def test_the_sixth_was_foretold(printed):
    ((low, high, measured),) = numbers(r"foretold ([\d.]+) to ([\d.]+); measured ([\d.]+)", printed)
    assert abs((low + high) / 2 - measured) < 0.03
    (b,) = numbers(r"compute\^\(.([\d.]+)\)", printed)
    assert 0.10 < b < 0.13  # a doubling takes some 8% off; some 400 times as much compute halves the loss


def test_the_pair_table_helps_a_short_run(printed):
    (gain,) = numbers(r"predicted 0\.05, measured ([\d.]+)\n\{'without'", printed)
    assert 0.08 <= gain <= 0.17


def test_own_text_is_learned_nearly_to_its_floor(printed):
    ((price, low, high),) = numbers(r"predicted 1\.0, measured ([\d.]+), 95% interval ([\d.]+) to ([\d.]+)", printed)
    assert 0.18 <= price <= 0.25 and low < price < high


def test_two_processes_and_large_files(printed):
    (one, two) = numbers(r"\d process\(es\): training loss ([\d.]+), validation ([\d.]+)", printed)
    assert one == pytest.approx(two, abs=1e-5)
    ((batch, whole),) = numbers(r"measured (\d+) and (\d+) MB", printed)
    assert batch < 60 and 180 < whole < 440


def test_the_record_falls(printed):
    (gain,) = numbers(r"a new record: lower by ([\d.]+)", printed)
    assert 0.03 <= gain <= 0.05
    assert "106 steps" in printed and "40 steps" in printed
