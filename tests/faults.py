"""Programs that meet faults: killed, on a full disk, on a read-only one, at the very call that is asked for.

The fixture `faulty` runs this file. What is slow to load has been loaded, so that each child, a fork, starts at once.
A request is a list of children that run at the same time; each is a dict with `words` for the command line or the
`source` of a program, and the folder whose changes are counted, by all of them together:

    kill_at=n     kill -9 before the n-th call that changes something in the folder
    kill_after=s  kill -9 after so many seconds
    full_at=n     from the n-th call on there is no space left; what is there can be removed
    fill_at=n     before the n-th call, really fill the disk that the folder is on
    read_only     nothing in the folder can be changed
"""

import errno
import json
import mmap
import os
import signal
import struct
import sys
import tempfile
import time
from importlib import import_module

NEEDS_ROOM = ("os.mkdir", "os.rename")
CHANGES = (*NEEDS_ROOM, "os.remove", "os.rmdir")
BALLAST = "ballast"


def meet(fault, counter):
    folder, fsync, busy = fault["folder"], os.fsync, []

    def tick(event, path, needs_room):
        [count] = struct.unpack("q", counter[:8])
        counter[:8] = struct.pack("q", count + 1)
        if count + 1 == fault.get("kill_at"):
            os.kill(os.getpid(), signal.SIGKILL)
        if count + 1 == fault.get("fill_at"):
            fill(folder)
        if fault.get("read_only"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        if needs_room and count + 1 >= fault.get("full_at", sys.maxsize):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def hook(event, arguments):
        if busy or (event != "open" and event not in CHANGES):
            return
        path = arguments[0]
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if isinstance(path, str) and not path.endswith(".lock") and os.path.abspath(path).startswith(folder):
            busy.append(True)
            try:
                tick(event, path, event in (*NEEDS_ROOM, "open"))
            finally:
                busy.clear()

    def counted_fsync(file):
        if os.readlink(f"/proc/self/fd/{file}").startswith(folder):
            tick("fsync", None, True)
        fsync(file)

    sys.addaudithook(hook)
    os.fsync = counted_fsync


def fill(folder):
    while os.path.ismount(folder) is False:
        folder = os.path.dirname(folder)
    try:
        with open(os.path.join(folder, BALLAST), "wb", buffering=0) as ballast:
            while ballast.write(bytes(4096)):
                pass
    except OSError:
        pass


def start(child, counter):
    """The child's process id, and the file that gets what it prints."""
    printed = tempfile.TemporaryFile("w+")  # noqa: SIM115
    pid = os.fork()
    if pid:
        return pid, printed
    try:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        os.environ.update(child.get("environment", {}))
        if "folder" in child:
            meet(child, counter)
        if "source" in child:
            exec(child["source"], {"__name__": "__main__"})
            code = 0
        else:
            code = main(child["words"])
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 3
    sys.stdout.flush()
    os._exit(code)


def serve():
    for line in sys.stdin:
        children = json.loads(line)
        counter = mmap.mmap(-1, 8)
        began = time.monotonic()
        started = [start(child, counter) for child in children]
        found = []
        for child, (pid, printed) in zip(children, started, strict=True):
            if "kill_after" in child:
                time.sleep(max(0, began + child["kill_after"] - time.monotonic()))
                os.kill(pid, signal.SIGKILL)  # harmless where it has ended: nobody has waited for it yet
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            printed.seek(0)
            found.append({"code": code, "said": printed.read()})
        [calls] = struct.unpack("q", counter[:8])
        answer = {"children": found, "calls": calls, "seconds": time.monotonic() - began}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    import torch

    from tinygpt.cli import main

    for name in ("tinygpt.commands", "tinygpt.course.lab", "tinygpt.course.exercises"):
        import_module(name)
    import_module("tensorboard.summary.writer.record_writer")
    torch.optim.SGD([torch.zeros(1)])  # loads much
    serve()
