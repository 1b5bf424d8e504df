"""python -m tinygpt.course execute|release [LESSON ...]: what the course's authors use."""

import argparse
import sys

from tinygpt.config import InputError
from tinygpt.course.notebooks import execute, lesson_paths, release


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tinygpt.course", description="Make the notebooks of the course.")
    parser.add_argument("command", choices=("execute", "release"), help="run sources, or make the students' notebooks")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 00; default: all")
    options = parser.parse_args(argv)
    try:
        for path in lesson_paths(options.lessons):
            print(execute(path) or path if options.command == "execute" else release(path))
    except InputError as error:
        print(f"tinygpt.course: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
