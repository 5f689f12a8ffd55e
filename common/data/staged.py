"""Reads the staged files of arrays, with every check that their content allows."""

import contextlib
import zipfile

import numpy as np


def read_npz(path, keys):
    """The arrays `keys` of an .npz file. Pickled objects are refused."""
    if not zipfile.is_zipfile(path):
        raise ValueError("it is not an .npz file, or only part of one")
    with _damage_is_value_error(), np.load(path, allow_pickle=False) as content:
        missing = [key for key in keys if key not in content.files]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)} (it holds {', '.join(content.files) or 'nothing'})")
        arrays = [content[key] for key in keys]
    if not all(isinstance(array, np.ndarray) for array in arrays):  # NumPy hands out other content as bytes
        raise ValueError("it holds something other than arrays")
    return arrays


@contextlib.contextmanager
def _damage_is_value_error():
    """Damaged content makes zipfile, zlib and NumPy's reading of headers raise errors of many kinds."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"its content is damaged ({error})") from None


def _check(name, array, shape, dtype):
    """ValueError unless `array` has the dtype and the shape, in which None stands for any length of at least 1."""
    fits = array.ndim == len(shape) and all(
        n == m or (m is None and n) for n, m in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype != dtype:
        wanted = f"{dtype} ({', '.join('n' if m is None else str(m) for m in shape)})"
        raise ValueError(f"{name} is {array.dtype} {array.shape} and should be {wanted}")


def read_images(path, image_shape, n_classes):
    """x_train, y_train, x_test, y_test of a labelled image data set, checked."""
    arrays = read_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    for split, x, y in (("train", *arrays[:2]), ("test", *arrays[2:])):
        _check(f"x_{split}", x, (None, *image_shape), "uint8")
        _check(f"y_{split}", y, (len(x),), "uint8")
        if set(np.unique(y)) != set(range(n_classes)):
            raise ValueError(f"y_{split} should hold the labels 0 to {n_classes - 1}, each at least once")
        if x.min() == x.max():
            raise ValueError(f"x_{split} holds one value only")
    return arrays
