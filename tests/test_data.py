"""Where the digits come from, in which order the sources are tried, and what is said about broken files."""

import argparse
import hashlib
import io
import random
import re
import zipfile

import numpy as np
import pytest

from common import data
from common.data import cifar10, faces, mnist, reuters, source
from common.errors import UserError
from tests.helpers import assert_one_sentence

SPLITS = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture(autouse=True)
def downloads(monkeypatch):
    """No mirrors, unless a test adds some; the list that is returned notes the attempts."""
    attempts = []

    def fetch(remote, folder):
        attempts.append(remote.name)
        raise UserError(f"{remote.name} could not be downloaded: no network in tests")

    monkeypatch.setattr(source, "fetch", fetch)
    return attempts


def load(folder, kind="auto", limit=None, seed=0):
    return data.load("mnist", argparse.Namespace(data=kind, data_dir=folder, limit=limit, seed=seed))


def arrays(dataset):
    return {name: getattr(dataset, name) for name in SPLITS}


def assert_equal(dataset, expected):
    for name, array in arrays(dataset).items():
        np.testing.assert_array_equal(array, expected[name])


# The order of the sources


def test_staged_comes_first(tmp_path, fake_mnist, tiny_mnist, downloads):
    path = fake_mnist(tmp_path / "mnist.npz")
    for kind in ("auto", "full"):
        digits = load(tmp_path, kind)
        assert_equal(digits, tiny_mnist)
        assert digits.source.kind == "full"
        assert digits.source.path == path
        assert digits.source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert str(path) in digits.source.line
        assert "40 training and 20 test examples" in digits.source.line
    assert not downloads


def test_the_staged_folder_is_left_as_it_was(tmp_path, fake_mnist):
    path = fake_mnist(tmp_path / "mnist.npz")
    before = path.read_bytes(), path.stat().st_mtime_ns
    load(tmp_path, "full")
    assert list(tmp_path.iterdir()) == [path]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_download_comes_second_and_stays(tmp_path, fake_mnist, tiny_mnist, monkeypatch, capsys):
    calls = []

    def fetch(remote, folder):
        calls.append(remote.name)
        return fake_mnist(folder / remote.name)

    monkeypatch.setattr(source, "fetch", fetch)
    folder = tmp_path / "not" / "there" / "yet"
    for _ in range(2):
        digits = load(folder)
        assert_equal(digits, tiny_mnist)
        assert digits.source.kind == "full"
        assert digits.source.path == folder / "mnist.npz"
    assert calls == ["mnist.npz"]
    assert sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock")) == ["mnist.npz"]
    assert "downloading" in capsys.readouterr().err


def test_sample_comes_last_and_says_so(tmp_path, downloads, capsys):
    digits = load(tmp_path)
    assert digits.source.kind == "sample"
    assert "BUILT-IN SAMPLE" in digits.source.line
    assert downloads == ["mnist.npz"]
    note = capsys.readouterr().err
    assert "could not be downloaded" in note
    assert f"put mnist.npz into {tmp_path}" in note


def test_full_never_falls_back(tmp_path):
    with pytest.raises(UserError) as error:
        load(tmp_path, "full")
    assert_one_sentence(str(error.value), f"put mnist.npz into {tmp_path}", "--data sample")
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_sample_on_request_looks_nowhere_else(tmp_path, fake_mnist, downloads, capsys):
    fake_mnist(tmp_path / "mnist.npz")
    assert load(tmp_path, "sample").source.kind == "sample"
    assert not downloads
    assert not capsys.readouterr().err


def test_a_data_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", "/proc/no-such-folder"):
        with pytest.raises(UserError) as error:
            load(folder, "full")
        assert_one_sentence(str(error.value), folder, "mnist.npz", "cannot write")
        assert load(folder).source.kind == "sample"


# --limit


def test_limit_draws_from_the_seed(tmp_path, fake_mnist, tiny_mnist):
    fake_mnist(tmp_path / "mnist.npz")
    limited = load(tmp_path, limit=15)
    assert len(limited.x_train) == len(limited.y_train) == 15
    assert "15 training and 20 test examples" in limited.source.line
    np.testing.assert_array_equal(limited.x_test, tiny_mnist["x_test"])  # the test split stays whole
    for image, label in zip(limited.x_train, limited.y_train, strict=True):
        (match,) = [i for i, other in enumerate(tiny_mnist["x_train"]) if (image == other).all()]
        assert label == tiny_mnist["y_train"][match]
    assert_equal(load(tmp_path, limit=15), arrays(limited))
    assert not np.array_equal(load(tmp_path, limit=15, seed=1).x_train, limited.x_train)
    assert_equal(load(tmp_path, limit=40), tiny_mnist)
    assert_equal(load(tmp_path, limit=10**9), tiny_mnist)


def test_limit_too_small(tmp_path, fake_mnist):
    fake_mnist(tmp_path / "mnist.npz")
    with pytest.raises(UserError, match="at least 12") as error:
        load(tmp_path, limit=11)
    assert_one_sentence(str(error.value), "--limit 11")


def test_validation_split_is_the_end_of_the_training_split(tmp_path, fake_mnist, tiny_mnist):
    fake_mnist(tmp_path / "mnist.npz")
    (x, y), (x_val, y_val) = load(tmp_path).validation_split(0.1)
    assert len(x_val) == len(y_val) == 4
    np.testing.assert_array_equal(np.concatenate([x, x_val]), tiny_mnist["x_train"])
    np.testing.assert_array_equal(np.concatenate([y, y_val]), tiny_mnist["y_train"])


# The sample


def test_sample_digits():
    x_train, y_train, x_test, y_test = digits = mnist.digits()
    assert x_train.shape == (4000, 28, 28)
    assert x_test.shape == (1000, 28, 28)
    assert {array.dtype for array in digits} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == [400] * 10
    assert np.bincount(y_test).tolist() == [100] * 10
    assert x_train.min() == 0
    assert x_train.max() == 255
    train, test = ({image.tobytes() for image in images} for images in (x_train, x_test))
    assert not train & test  # no digit is in both splits
    np.random.seed(1)  # noqa: NPY002 (the global state must not matter)
    for array, again in zip(digits, mnist.digits.__wrapped__(), strict=True):
        np.testing.assert_array_equal(array, again)


# Broken files

N = 40
BROKEN_ARRAYS = {
    "wrong keys": (dict.fromkeys(SPLITS) | {"images": np.zeros(3)}, "lacks x_train"),
    "one key missing": ({"y_test": None}, "lacks y_test"),
    "flat images": ({"x_train": np.ones((N, 784), "uint8")}, "x_train"),
    "colour images": ({"x_train": np.ones((N, 28, 28, 3), "uint8")}, "x_train"),
    "no images": ({"x_train": np.ones((0, 28, 28), "uint8"), "y_train": np.ones(0, "uint8")}, "x_train"),
    "more labels than images": ({"y_train": np.arange(N + 1, dtype="uint8") % 10}, "y_train"),
    "one-hot labels": ({"y_train": np.eye(10, dtype="uint8")[np.arange(N) % 10]}, "y_train"),
    "a single number": ({"y_train": np.uint8(3)}, "y_train"),
    "float images": ({"x_train": np.random.default_rng(0).random((N, 28, 28))}, "float64"),
    "signed labels": ({"y_train": (np.arange(N) % 10).astype("int64")}, "int64"),
    "text labels": ({"y_train": np.array(["3"] * N)}, "y_train"),
    "label 10": ({"y_train": np.arange(N, dtype="uint8") % 11}, "labels 0 to 9"),
    "a class missing": ({"y_test": np.arange(20, dtype="uint8") % 9}, "y_test"),
    "all black": ({"x_test": np.zeros((20, 28, 28), "uint8")}, "x_test"),
    "pickled": ({"x_train": np.array([{"a": 1}] * N, dtype=object)}, "pickle"),
}


def error_of(path, kind="full"):
    """The sentence that loading the broken file gives."""
    with pytest.raises(UserError) as error:
        load(path.parent, kind)
    message = str(error.value)
    assert_one_sentence(message, path, "broken")
    return message


@pytest.mark.parametrize("case", BROKEN_ARRAYS)
@pytest.mark.parametrize("kind", ["auto", "full"])
def test_broken_arrays(case, kind, tmp_path, fake_mnist, downloads):
    changes, words = BROKEN_ARRAYS[case]
    path = fake_mnist(tmp_path / "mnist.npz", **changes)
    before = path.read_bytes()
    assert words in error_of(path, kind)
    assert path.read_bytes() == before
    assert not downloads  # a broken staged file is an error, never a reason to look elsewhere


def test_pickles_are_not_run(tmp_path, fake_mnist):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("trapped").mkdir, ())

    path = fake_mnist(tmp_path / "mnist.npz", x_train=np.array([Trap()], dtype=object))
    error_of(path)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no such file\n" * 1000, b"<html>404</html>", bytes(5000)])
def test_something_else(content, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(content)
    error_of(tmp_path / "mnist.npz")


def test_a_bare_array(tmp_path):
    with (tmp_path / "mnist.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    error_of(tmp_path / "mnist.npz")


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "mnist.npz", "w") as archive:
        for name in SPLITS:
            archive.writestr(name, "text")
    error_of(tmp_path / "mnist.npz")
    with zipfile.ZipFile(tmp_path / "mnist.npz", "w") as archive:
        for name in SPLITS:
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1', ")
    error_of(tmp_path / "mnist.npz")


def test_a_folder_in_its_place(tmp_path):
    (tmp_path / "mnist.npz").mkdir()
    error_of(tmp_path / "mnist.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_or_changed_anywhere(compressed, tmp_path, tiny_mnist):
    """Cut at any place: an error. A changed bit: an error, or it was in a place that does not matter."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **tiny_mnist)
    whole, moments = buffer.getvalue(), random.Random(compressed)
    path = tmp_path / "mnist.npz"
    for length in (1, len(whole) - 1, *(moments.randrange(len(whole)) for _ in range(15))):
        path.write_bytes(whole[:length])
        error_of(path)
    # most of the file is pixels: take the places around the headers of the archive and of the arrays more often
    marks = [found.start() for found in re.finditer(rb"PK|NUMPY|descr", whole)]
    places = [moments.randrange(len(whole)) for _ in range(150)]
    places += [min(moments.choice(marks) + moments.randrange(60), len(whole) - 1) for _ in range(450)]
    errors = 0
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << moments.randrange(8)
        path.write_bytes(changed)
        try:
            dataset = load(tmp_path, "full")
        except UserError as error:
            assert_one_sentence(str(error), path, "broken")
            errors += 1
        else:
            assert_equal(dataset, tiny_mnist)
    assert errors > 300


def test_broken_download_is_not_kept(tmp_path, fake_mnist, monkeypatch):
    monkeypatch.setattr(source, "fetch", lambda remote, folder: fake_mnist(folder / remote.name, y_train=None))
    with pytest.raises(UserError, match="lacks y_train"):
        load(tmp_path, "full")
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_every_data_set_has_what_it_needs():
    for spec in (mnist.SPEC, cifar10.SPEC, reuters.SPEC, faces.SPEC):
        assert spec.file.endswith((".npz", ".zip"))
        assert spec.title
        assert spec.sample_title
        for remote in spec.remotes:
            assert all(url.startswith("https://") for url in remote.urls)
            assert remote.hash is None or re.fullmatch("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", remote.hash)


# The real command line


def test_broken_file_and_the_command(tmp_path, fake_mnist, train_command):
    path = fake_mnist(tmp_path / "mnist.npz", y_train=None)
    process = train_command("--data-dir", tmp_path, "--out", tmp_path / "out")
    assert process.returncode == 1
    assert_one_sentence(process.stderr, path, "lacks y_train")
    assert not (tmp_path / "out" / "config.json").exists()


def test_data_folder_of_the_environment_and_of_the_option(tmp_path, fake_mnist, server):
    for name in ("option", "environment"):
        (tmp_path / name).mkdir()
        fake_mnist(tmp_path / name / "mnist.npz", y_train=None)
    options = ("--data", "full", "--out", tmp_path / "out")
    environment = {"HW_DATA_DIR": str(tmp_path / "environment")}
    process = server.run(*options, environment=environment)
    assert_one_sentence(process.stderr, tmp_path / "environment" / "mnist.npz")
    process = server.run(*options, "--data-dir", tmp_path / "option", environment=environment)
    assert_one_sentence(process.stderr, tmp_path / "option" / "mnist.npz")
    assert process.returncode == 1
