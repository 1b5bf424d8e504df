"""Where what can be fetched or made again is kept."""

import os
import sys
from pathlib import Path


def cache_folder():
    """The folder `TINYGPT_CACHE`, or else `tinygpt` where the system keeps a user's caches."""
    if folder := os.environ.get("TINYGPT_CACHE"):
        return Path(folder).expanduser()
    if sys.platform == "darwin":
        caches = "~/Library/Caches"
    elif sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "tinygpt"
