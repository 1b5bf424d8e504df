"""Lesson 08: its numbers are those that its text promises."""

import re

from lesson_outputs import numbers


def test_the_file_is_a_length_a_header_and_numbers(printed):
    ((length, weights),) = numbers(r"^8 \+ ([\d,]+) \+ ([\d,]+) bytes$", printed.replace(",", ""))
    assert f"{8 + length + weights:,.0f} bytes   model.safetensors" in printed
    assert f"4 bytes per parameter: {weights:,.0f}" in printed
    assert "all equal to the model's: True" in printed


def test_the_gift_runs_once_and_is_refused_three_times(printed):
    assert printed.count("\n  !! I run") == 1
    opened, refused = printed.index("opened: {'weights'"), printed.index("weights_only, stranger.pt: UnpicklingError")
    assert opened < refused and "OPENED" not in printed
    assert "load_tensors, renamed.safetensors: InputError" in printed
    assert "from_huggingface, theirs: InputError" in printed and "is a pickle" in printed


def test_wrong_maps_load_and_cost(printed):
    price = dict(re.findall(r"^(\S.*?) +loaded, +([\d.]+) bits per byte$", printed, re.MULTILINE))
    right, *wrong = map(float, price.values())
    assert len(wrong) == 4 and "refused 0" in printed
    uniform = numbers(r"^all tokens equally likely +([\d.]+) bits per byte$", printed)[0]
    assert 0.1 <= min(wrong) - right <= 0.35 and right < uniform < 3.5 and max(wrong) > 3 * uniform


def test_greedy_does_not_notice_a_missing_norm(printed):
    assert "measured 0 of 200" in printed
    rows = [
        numbers(rf"^{name} +([\d.]+) bits per byte; likeliest token: (\d+)%", printed)[0]
        for name in ("good", "without the norm")
    ]
    (good, sure), (without, too_sure) = rows
    assert without > good + 0.2 and too_sure > sure + 10


def test_the_round_trip_lets_one_of_five_pass(printed):
    rows = re.findall(
        r"^(the package's|matrices.*?|final.*?|another tok.*?|no token.*?) +(True|False)$", printed, re.MULTILINE
    )
    assert [passed for _, passed in rows] == ["True"] + 4 * ["False"]


def test_a_fresh_process_writes_the_same_and_pays_the_same(printed):
    assert "exit code 0, 5 texts" in printed and "measured 5 of 5" in printed and "same ids: True" in printed
    (difference,) = numbers(r"measured (\de-\d+), small: True", printed)
    assert 1e-6 <= difference <= 5e-5
    ((ours, theirs),) = numbers(r"tinygpt ([\d.]+), transformers ([\d.]+)", printed)
    assert abs(ours - theirs) <= 1e-4


def test_bits_cost_as_much_as_the_text_says(printed):
    cost = {
        int(bits): float(extra)
        for bits, extra in re.findall(r"^ ?(\d+) bits .*\(([+-][\d.]+)%\)$", printed, re.MULTILINE)
    }
    assert list(cost) == [32, 16, 8, 6, 4, 3]
    assert abs(cost[16]) < 0.1 and abs(cost[8]) < 0.1 and 1 <= cost[4] <= 4 and 5 <= cost[3] <= 15


def test_the_page_can_be_mailed_and_asks_nothing(printed):
    ((size, weights),) = numbers(r"measured ([\d.]+) MB, ([\d.]+) MB of it weights", printed)
    assert "double-click runs/my_model.html" in printed
    assert weights < size < 4 and "asks the network: 0" in printed
    assert "layer 0 are ours: True" in printed


def test_commands_name_the_lesson_s_model(printed, notebook):
    commands = re.findall(r"^tinygpt (\w+) --run (\S+)(.*)$", printed, re.MULTILINE)
    assert [name for name, *_ in commands] == ["export", "demo", "export"]
    assert {run for _, run, _ in commands} == {commands[0][1]} and commands[0][1].startswith("runs/lessons/")
    assert "--format gguf" in commands[0][2] and "--format page" in commands[2][2]
    assert not any("runs/default" in cell.source for cell in notebook.cells)
