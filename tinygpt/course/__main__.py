"""python -m tinygpt.course execute|release|read [LESSON ...]: what the course's authors use."""

import argparse
import sys

from tinygpt.config import InputError
from tinygpt.course.notebooks import execute, lesson_paths, release, stamp_readme


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tinygpt.course", description="Make the notebooks of the course.")
    told = "run sources, make the students' notebooks, or make pages to read"
    parser.add_argument("command", choices=("execute", "release", "read"), help=told)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 00; default: all")
    parser.add_argument("--to", default="runs/reading", metavar="FOLDER", help="where pages go; default: %(default)s")
    options = parser.parse_intermixed_args(argv)
    try:
        paths = lesson_paths(options.lessons)
        if options.command == "read":
            from tinygpt.course.reading_edition import write_pages

            print(write_pages(paths, options.to))
            return 0
        for path in paths:
            print(execute(path) or path if options.command == "execute" else release(path))
        if options.command == "release":
            print(stamp_readme())
    except InputError as error:
        print(f"tinygpt.course: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
