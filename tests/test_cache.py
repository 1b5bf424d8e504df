"""Where things are kept between runs."""

import sys
from pathlib import Path

import pytest

from tinygpt.cache import cache_folder


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, "HOME/.cache/tinygpt"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/tinygpt"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "HOME/Library/Caches/tinygpt"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/tinygpt"),
        ("win32", {"TINYGPT_CACHE": "~/mine"}, "HOME/mine"),
    ],
)
def test_cache_folder_follows_the_platform(monkeypatch, platform, environment, folder):
    for name in ("TINYGPT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(folder.replace("HOME", str(Path.home())))
