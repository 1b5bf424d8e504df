"""Lesson 02: its numbers are those that its text promises, and its patients have what they are said to have."""

import re

import torch
from lesson_outputs import numbers

from tinygpt.course.exercises.lesson_02.attention_weights import attention_weights
from tinygpt.course.exercises.lesson_02.causal_mask import pattern
from tinygpt.course.exercises.lesson_02.four_broken import DIAGNOSES, four_broken
from tinygpt.course.exercises.lesson_02.patients import PATIENTS


def test_numbers_lie_in_the_bands_of_the_text(printed):
    kidney, liver, heart = numbers(r"→ heart ([\d.]+)%", printed)
    assert max(kidney, liver) < 3 and 10 <= heart <= 60
    assert all(18 <= n <= 25 for n in numbers(r"scaled +([\d.]+) +of 32 keys", printed))
    ((with_scale, without, frequencies),) = numbers(r"with ([\d.]+), without ([\d.]+), frequencies ([\d.]+)", printed)
    assert 5.6 <= with_scale <= 6.1 and without - with_scale >= 0.3 and abs(without - frequencies) < 0.3
    peeking, honest = numbers(r"guessed 5.0, measured ([\d.]+) nats", printed)
    assert peeking < 1.5 and honest > 7.62
    assert all(3 <= ratio <= 6 for ratio in numbers(r"from 512 to 1024: .* measured ([\d.]+)", printed))
    assert re.findall(r"(?:equal|loops|before|torch's|back): (\w+)", printed) == ["True"] * 6
    assert re.findall(r"deaf to the future: (\w+)", printed) == ["True", "False"]


def influence(patient, n_heads):
    x = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    jacobian = torch.autograd.functional.jacobian(lambda x: patient(x, x, x, n_heads), x)
    return jacobian.abs().amax(dim=(1, 3)) > 1e-6


def test_the_patients_have_what_the_diagnoses_say():
    assert set(four_broken().values()) < set(DIAGNOSES) and four_broken().keys() == PATIENTS.keys()
    everything, past = torch.ones(8, 8, dtype=torch.bool), pattern(8)
    halves = past & (torch.arange(8)[:, None] // 4 == torch.arange(8) // 4)
    expected = {"A": everything, "B": halves, "C": pattern(8, 1), "D": past}
    for name, patient in PATIENTS.items():
        assert influence(patient, 2).equal(expected[name])
    assert influence(PATIENTS["B"], 1).equal(past)
    q, k = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(1))
    assert PATIENTS["A"](q, k, torch.ones(8, 8), 2)[0].max() < 0.9
    for name in "BCD":
        torch.testing.assert_close(PATIENTS[name](q, k, torch.ones(8, 8), 2), torch.ones(8, 8))


def test_healthy_patients_would_agree_with_torch():
    q, k, v = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(attention_weights(q, k, pattern(8)) @ v, expected)
    torch.testing.assert_close(PATIENTS["B"](q, k, v, 1), expected)
