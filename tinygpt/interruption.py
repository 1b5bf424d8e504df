"""Ctrl-C that lets the work under way come to a good end."""

import signal
import sys
import threading
from contextlib import contextmanager


@contextmanager
def interruption(signals=(signal.SIGINT,), report=True):
    """An event that Ctrl-C sets, so that the step under way is finished; a second Ctrl-C stops at once.

    signals: those that stand for Ctrl-C. report: whether to say on stderr that it was heard.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread hears signals
        return

    def finish_step(*_):
        interrupted.set()
        put_back()
        if report:
            print("\nfinishing this step, then saving (Ctrl-C again stops at once)", file=sys.stderr)

    def put_back():
        for number, handler in previous.items():
            signal.signal(number, handler)

    previous = {number: signal.signal(number, finish_step) for number in signals}
    try:
        yield interrupted
    finally:
        put_back()
