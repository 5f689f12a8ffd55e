"""Reads the staged files, with every check that their content allows, and makes them from the public ones."""

import contextlib
import pickle
import tarfile
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


def convert_cifar10(files, path):
    """The Python tarball of CIFAR-10 to the staged layout.

    Its pickles are read only here, after the SHA-256 of the whole archive was found right; of the archive only the
    known members are read, and nothing is extracted to disk.
    """
    with tarfile.open(files[0]) as archive:

        def batch(name):
            content = pickle.load(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="latin1")
            images = content["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return images, np.asarray(content["labels"], "uint8")

        train = [batch(f"data_batch_{i}") for i in range(1, 6)]
        x_train, y_train = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
        x_test, y_test = batch("test_batch")
    with path.open("wb") as file:
        np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
