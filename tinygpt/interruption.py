"""Ctrl-C that lets the work under way come to a good end."""

import signal
import sys
import threading
from contextlib import contextmanager


@contextmanager
def interruption():
    """An event that Ctrl-C sets, so that the step under way is finished; a second Ctrl-C stops at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread hears signals
        return

    def finish_step(*_):
        interrupted.set()
        signal.signal(signal.SIGINT, previous)
        print("\nfinishing this step, then saving (Ctrl-C again stops at once)", file=sys.stderr)

    previous = signal.signal(signal.SIGINT, finish_step)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, previous)
