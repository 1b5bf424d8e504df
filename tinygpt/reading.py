"""Text from files that anybody may have made or damaged."""

import json
from errno import EINVAL

from tinygpt.config import InputError, require

MOST_BYTES = 2**26  # of a file that is read whole: the largest vocabularies and logs take a few megabytes


def read_text(path):
    """The text of a file. Raises OSError, or a ValueError that says why it can be none of ours."""
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "it is no file", str(path))  # a folder, or a device that may never end
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.stat().st_size:,} bytes are more than any such file has")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(str(error)) from None  # without all that the file holds


def load_json(path):
    """The value in a file of JSON. Raises OSError, or a ValueError that says why there is none."""
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path):
    """The JSON object in a file, or else an InputError."""
    value = parse(path, load_json)
    require(isinstance(value, dict), f"{path} is damaged: it holds no JSON object")
    return value


def parse(path, read, missing="", cure=""):
    """What `read` finds in a file, or else an InputError. missing: said where there is none; cure: what to do then."""
    try:
        return read(path)
    except FileNotFoundError:
        raise InputError((missing or f"{path} is missing") + cure) from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}{cure}") from None
