"""What the process of a model answers, read with suspicion: it may send anything."""

import io
import json

import numpy as np

from common.grading.weights import Refused


class Failed(Exception):
    """A model gave no predictions, or not such as were asked for. The message says why, for the student."""


def content_of(answer, keys):
    """A JSON answer as a dict with the keys; what it says went wrong is raised."""
    try:
        content = json.loads(answer)
        if isinstance(content, dict):
            if isinstance(content.get("refused"), str):
                raise Refused(printable(content["refused"]))
            if isinstance(content.get("failed"), str):
                raise Failed(printable(content["failed"]))
            if set(keys) == set(content):
                return content
    except (ValueError, RecursionError):
        pass
    raise Failed("it sent something that is not an answer")


def shapes_of(given):
    """A list of shapes, or None, as the model's process gave it; checked."""
    if given is None:
        return None
    sizes = [size for shape in given for size in shape] if _lists(given) else ["wrong"]
    if all(size is None or (type(size) is int and 0 < size < 1e9) for size in sizes):
        return given
    raise Failed("it sent something that is not an answer")


def _lists(value):
    return isinstance(value, list) and all(isinstance(each, list) for each in value)


def printable(text):
    return "".join(character if character.isprintable() else " " for character in text[:500])


def array_of(answer, shape):
    """The float32 array of the shape in a .npy string, checked before any memory is taken for it."""
    if answer[:1] == b"{":
        content_of(answer, ())
    stream = io.BytesIO(answer)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError
        given, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        array = np.frombuffer(answer, "<f4", offset=stream.tell())
    except Exception:  # NumPy has many for what is not a header
        raise Failed("it sent something that is not an array") from None
    if given != tuple(shape):
        raise Failed(f"it gave an array of the shape {str(given)[:100]} where {tuple(shape)} was asked for")
    if dtype != np.dtype("<f4") or fortran or array.size != np.prod(shape):
        raise Failed("it sent something that is not an array")
    if not np.isfinite(array).all():
        raise Failed("its predictions are not all finite numbers")
    return array.reshape(shape)
