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
IMPORT_S = 60.0  # more for a module that is being imported, on a busy machine
AGAIN_S = 0.01  # after which it is asked for again, of code that swallowed it
PRINTED = 2_000  # characters of what is printed that we keep


class TooLong(BaseException):
    """The time was up. Not an Exception, so that `except Exception` in a loop doesn't swallow it."""


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
        result, exception = limited(function, arguments, LIMIT_S if limit_s is None else limit_s)
    return Ran(result, exception, out.text())


def limited(function, arguments, seconds):
    """The result of a call and None, or None and what ended it: TooLong when it still ran after so many seconds.

    It reaches Python code only: a call into C is ended when it returns. An endless loop that catches everything all
    the time (`while True: try: … except: pass`) can outlast it: the kernel has to be restarted then.
    """
    caller, finished, over, result, exception = threading.get_ident(), [], threading.Event(), None, None
    watcher = threading.Thread(target=watch, args=(caller, seconds, finished, over), daemon=True)
    watcher.start()
    try:
        result = function(*arguments)
        finished += [True]
    except BaseException as raised:  # SystemExit and KeyboardInterrupt too: the lesson goes on
        finished += [True]  # not a call: another TooLong may be on its way, and a call would meet it
        exception = raised
    while True:
        try:
            over.set()
            watcher.join()
            for _ in range(2):
                pass  # one that is still on its way arrives here, at the latest
            return result, exception
        except TooLong as late:
            exception = exception or late


def watch(thread, seconds, finished, over):
    over.wait(seconds)
    patient_until = time.monotonic() + IMPORT_S
    while not finished:
        if not importing(thread) or time.monotonic() > patient_until:
            raise_in(thread)
        over.wait(AGAIN_S)


def importing(thread):
    """Whether what runs is importing a module: cut off, half of it would stay behind, and nothing could use it."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code is not limited.__code__:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def raise_in(thread):
    """Let a thread raise TooLong at its next step.

    There is no taking it back: CPython offers to (an exception of NULL), but then looks for one at every step of every
    loop ever after, which makes loops four times as slow and hangs them under a debugger (3.11).
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLong))


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
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)
