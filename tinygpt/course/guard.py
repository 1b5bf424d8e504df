"""Running a learner's code so that nothing it does can stop the lesson: loops, exits, floods of text, lost dice."""

import contextlib
import ctypes
import io
import random
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
import torch

LIMIT_S = 10.0
PRINTED = 2_000  # characters of what is printed that we keep


class TooLong(BaseException):
    """The time was up. Not an Exception, so that `except Exception` in a loop doesn't swallow it.

    A bare `except:` does. So each one that reaches the learner's code brings the next, which is raised inside that
    `except:` or right behind it, where its `try` can't catch it any more.
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        if sys._getframe(1).f_code.co_filename != __file__:
            raise_in(threading.get_ident())


@dataclass(frozen=True)
class Ran:
    """What came of a call: its result or the exception that ended it, and what it printed."""

    result: object = None
    exception: BaseException | None = None
    printed: str = ""


def run(function, *arguments, limit_s=None):
    """Call a function; whatever happens, come back with a Ran and leave all random generators as they were."""
    out = Bounded()
    with dice_put_back(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            try:
                with time_limit(LIMIT_S if limit_s is None else limit_s):
                    result = function(*arguments)
                return Ran(result=result, printed=out.text())
            except BaseException as exception:  # SystemExit and KeyboardInterrupt too: the lesson goes on
                return Ran(exception=exception, printed=out.text())
        except TooLong as exception:  # one more that was on its way
            return Ran(exception=exception, printed=out.text())


class Bounded(io.TextIOBase):
    """A stream that keeps the beginning of what is written to it, and counts the rest."""

    def __init__(self, limit=PRINTED):
        self.limit, self.kept, self.n = limit, "", 0

    def write(self, text):
        self.kept += text[: max(0, self.limit - len(self.kept))]
        self.n += len(text)
        return len(text)

    def text(self):
        left_out = self.n - len(self.kept)
        return self.kept + (f"\n… and {left_out:,} characters more" if left_out else "")


@contextlib.contextmanager
def dice_put_back():
    """Whatever is drawn inside, what is drawn afterwards is the same."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TooLong in this thread when the block is still running after so many seconds.

    It reaches Python code only: a call into C is ended when it returns. An endless loop that swallows everything
    in stranger ways (`finally: continue`, a bare `except:` inside another) can outlast it: restart the kernel then.
    """
    caller, finished = threading.get_ident(), []

    def watch():
        deadline = time.monotonic() + seconds
        while not finished:
            if time.monotonic() > deadline:
                raise_in(caller)
            time.sleep(0.05 if seconds > 1 else seconds / 20)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished += [True]  # not a call: before one, another TooLong could strike
        watcher.join()
        raise_in(caller, None)  # one may be on its way


def raise_in(thread, exception=TooLong):
    """Let a thread raise an exception at its next step; with None, take back one that it has not raised yet."""
    wanted = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), wanted)
