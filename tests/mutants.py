"""Would a test notice? Small faults are put into a module, one at a time, and its tests have to fail.

    pip install cosmic-ray
    python tests/mutants.py bpe.py                        # one fault at every place
    python tests/mutants.py --sample 60 course/telling.py # so many of them, by lot

The faults are those of cosmic-ray's operators; of several that fit the same place (one for each operator that + could
be) one is drawn by lot, so that no line counts for many. Tests run in forks of this process, which has loaded torch
already, in a copy of the repository. On Linux and macOS.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

TESTS = {  # the fast ones; unless named here, tests/test_<module>.py
    "attention.py": ["tests/test_attention.py", "tests/test_model.py"],
    "bpe.py": ["tests/test_bpe.py", "tests/test_tokenizer.py"],
    "course/judging.py": ["tests/test_judging.py", "tests/test_exercise.py"],
    "course/comparing.py": ["tests/test_judging.py"],
    "course/telling.py": ["tests/test_judging.py", "tests/test_exercise.py"],
    "course/guard.py": ["tests/test_judging.py", "tests/test_guard.py"],
    "course/letters.py": ["tests/test_speedrun.py", "-k", "letters"],
    "course/trials.py": ["tests/test_speedrun.py"],
    "course/scoreboard.py": ["tests/test_course.py", "-k", "board or score or lesson_shows"],
    "course/glossary.py": ["tests/test_course.py", "-k", "term"],
    "course/home.py": ["tests/test_course.py", "-k", "home_is or typed"],
    "course/choices.py": ["tests/test_banks.py", "-k", "five_curves or four_broken or choose_settings or fair_claims"],
}
QUIET = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:nbval", "-p", "no:xdist", "-m", "not slow", "-o", "addopts="]
QUIET += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is loaded before pytest


def mutants(source, seed=0):
    """One fault for each place and kind of operator: (line, operator, source with the fault)."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    fitting = defaultdict(list)
    for name in operator_names():
        if get_operator(name).arguments():
            continue
        nodes = ast_nodes(get_ast(source))
        places = [place for node in nodes for place, _ in get_operator(name)().mutation_positions(node)]
        for number, place in enumerate(places):
            fitting[place, name.split("_")[0]].append((name, number))
    dice = random.Random(seed)
    for (place, _), some in sorted(fitting.items()):
        name, number = dice.choice(some)
        yield place[0], name.removeprefix("core/"), mutate_code(source, get_operator(name)(), number)


def outcome(folder, tests, limit_s):
    """How pytest ends in a fork of this process: its exit code, None where it had to be ended."""
    fork = os.fork()
    if not fork:
        os.setsid()
        os.chdir(folder)
        sys.path[:0] = [str(folder), str(folder / "tests")]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        import pytest

        os._exit(pytest.main([*QUIET, *tests]))
    end, status = time.monotonic() + limit_s, None
    while status is None and time.monotonic() < end:
        time.sleep(0.02)
        ended, code = os.waitpid(fork, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if ended else None
    try:
        os.killpg(fork, signal.SIGKILL)
    except ProcessLookupError:
        return status
    if status is None:
        os.waitpid(fork, 0)
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="+", help="such as bpe.py or course/telling.py")
    parser.add_argument("--sample", type=int, help="how many faults of all modules together, by lot")
    options = parser.parse_args()
    import hypothesis.extra.numpy  # noqa: F401  what the forks need and is slow to load
    import tokenizers  # noqa: F401
    import torch  # noqa: F401

    with tempfile.TemporaryDirectory() as temporary:
        root, folder = Path(__file__).parents[1], Path(temporary) / "copy"
        shutil.copytree(root, folder, ignore=shutil.ignore_patterns(".git", "runs", "work", "*.ipynb", "__pycache__"))
        os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        sys.dont_write_bytecode = True
        tests = {m: TESTS.get(m, [f"tests/test_{Path(m).stem}.py"]) for m in options.modules}
        limit_s = {}
        for module in options.modules:
            began = time.monotonic()
            if outcome(folder, tests[module], 600) != 0:
                sys.exit(f"{module}: {' '.join(tests[module])} fail without any fault")
            limit_s[module] = 20 + 3 * (time.monotonic() - began)
        chosen = [(m, *fault) for m in options.modules for fault in mutants((folder / "tinygpt" / m).read_text())]
        if options.sample:
            chosen = random.Random(0).sample(chosen, min(options.sample, len(chosen)))
        killed = 0
        for done, (module, line, operator, source) in enumerate(chosen, start=1):
            path = folder / "tinygpt" / module
            sound = path.read_text()
            path.write_text(source)
            noticed = outcome(folder, tests[module], limit_s[module]) != 0
            path.write_text(sound)
            killed += noticed
            if not noticed:
                print(f"{module}:{line} {operator}: {source.splitlines()[line - 1].strip()}", flush=True)
            print(f"{killed} of {done} noticed, {len(chosen)} in all", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
