"""Homework 2: the networks, training to the subset bar, exact resuming, the archive of CIFAR-10, the analysis."""

import functools
import hashlib
import io
import json
import pickle
import tarfile
import threading
import zipfile
from argparse import Namespace
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.linear_model import LogisticRegression

from common import bars, data
from common.data import augment, cifar10, download, images, sample_pictures
from common.errors import UserError
from common.run import analysis
from hw2_cifar10_cnn import analyze, train
from hw2_cifar10_cnn.filters import HAND_MADE
from hw2_cifar10_cnn.hand_made import closest_kernel
from hw2_cifar10_cnn.muon import Muon, orthogonal
from tests import helpers
from tests.helpers import STAGED, assert_drawn, assert_resumes_exactly, metrics, train_on_real_subset

SHORT = ["--data", "sample", "--limit", "2000", "--batch-size", "100", "--epochs", "6"]
LAYERS = ("whiten", *(f"block{block}_conv{conv}" for block in (1, 2, 3) for conv in (1, 2)))
PICTURES = {
    *("curves", "kernels", "hand_made", "maps", "saliency", "confusion", "mistakes"),
    *("layers_pca", "layers_tsne", "layers_probe", "layers_units", "layers_class_means"),
    *(f"{kind}_{layer}" for kind in ("filters", "off") for layer in LAYERS),
}


def build(name):
    from hw2_cifar10_cnn import model as models

    if name == "classic":
        return models.build_classic()
    pictures = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), "uint8")
    return models.build_fast(train.SETTINGS[name]["widths"], models.whitening_weights(pictures))


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """A short training of the default network on 2,000 drawn pictures."""
    out = tmp_path_factory.mktemp("pictures") / "out"
    assert train.main([*SHORT, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("name", train.SETTINGS)
def test_every_model_takes_bytes_and_gives_ten_logits(name):
    logits = build(name).predict(np.zeros((3, 32, 32, 3), "uint8"), verbose=0)
    assert logits.shape == (3, 10)
    assert logits.dtype == "float32"


@pytest.mark.parametrize("name", train.SETTINGS)
def test_every_saved_model_shows_its_inner_outputs(name, tmp_path):
    """What analyze.py does: load, compute in float32, ask for the output of a layer in the middle."""
    build(name).save(tmp_path / "model.keras")
    model = analysis.in_float32(keras.models.load_model(tmp_path / "model.keras"))
    middle = [layer for layer in model.layers if "conv" in layer.name][1]
    inner = keras.Model(model.inputs, [middle.output, model.output])
    maps, logits = inner.predict(np.zeros((2, 32, 32, 3), "uint8"), verbose=0)
    assert maps.ndim == 4
    assert logits.shape == (2, 10)


def test_whitening_makes_patches_uncorrelated():
    from hw2_cifar10_cnn.model import whitening_weights

    images = sample_pictures.pictures(300, 10)[0]
    kernels, biases = whitening_weights(images)
    patches = np.lib.stride_tricks.sliding_window_view(images / 255, (2, 2), axis=(1, 2))[:, ::2, ::2]
    whitened = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12) @ kernels.reshape(12, 24) + biases
    np.testing.assert_allclose(whitened[:, :12], -whitened[:, 12:], atol=1e-4)
    whitened = whitened[:, :12]
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-3)
    covariance = np.cov(whitened, rowvar=False)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert covariance[0, 0] == pytest.approx(1, abs=0.05)


def test_new_convolutions_pass_their_input_through():
    kernel = build("fast").get_layer("block2_conv2").get_weights()[0]
    np.testing.assert_array_equal(kernel[1, 1], np.eye(len(kernel[1, 1])))
    assert np.abs(kernel).sum() == len(kernel[1, 1])


def test_training_passes_the_bar_and_leaves_a_linear_model_behind(sample_run):
    found = metrics(sample_run)
    assert bars.SUBSET["hw2_cifar10_cnn", "sample"].passes(found), found
    assert found["passed"] is None
    assert found["n_train"] == 2000
    x, y, x_test, y_test = sample_pictures.pictures()
    linear = LogisticRegression(C=1e-3).fit(x[:2000].reshape(2000, -1) / 255, y[:2000])
    assert linear.score(x_test.reshape(1000, -1) / 255, y_test) < 0.25


def test_the_example_of_keras_trains_to_the_end(tmp_path):
    options = ["--model", "classic", "--data", "sample", "--limit", "100", "--epochs", "1", "--precision", "float32"]
    assert train.main([*options, "--out", str(tmp_path)]) == 0
    assert metrics(tmp_path)["params"] == 1_250_858  # of the example


def test_the_averaged_network_is_saved_as_it_was_tested(tmp_path, monkeypatch):
    """What `best` does, with a network of a few filters."""
    monkeypatch.setitem(train.SETTINGS, "best", {**train.SETTINGS["best"], "widths": [4, 8, 8]})
    options = ["--model", "best", "--data", "sample", "--limit", "240", "--batch-size", "40", "--epochs", "2"]
    assert train.main([*options, "--out", str(tmp_path)]) == 0
    x_test, y_test = sample_pictures.pictures()[2:]
    logits = keras.models.load_model(tmp_path / "model.keras").predict(x_test, batch_size=500, verbose=0)
    assert np.mean(logits.argmax(axis=1) == y_test) == pytest.approx(metrics(tmp_path)["test_accuracy"], abs=2e-3)


if (STAGED / "cifar10.npz").exists():

    def test_short_training_passes_the_bar_of_5000_real_pictures(tmp_path):
        train_on_real_subset(train, tmp_path, "--limit", "5000", "--epochs", "6", "--batch-size", "250")


@pytest.mark.parametrize("name", ["held_out", "warm_up"])
def test_no_share_is_the_whole(name, capsys):
    """All pictures held out leave none to learn from, and a rate that rises to the end has no way down."""
    with pytest.raises(SystemExit):
        train.main(["--set", f"{name}=1"])
    assert f"{name} is a number from 0 to below 1" in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_default_training_passes_the_bar_of_the_assignment(seed, tmp_path):
    assert train.main(["--data", "full", "--seed", str(seed), "--out", str(tmp_path / "out")]) == 0
    assert metrics(tmp_path / "out")["passed"] is True


def test_augmentation_moves_and_mirrors_whole_images():
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), "uint8")
    shifted = augment.shift(images, np.random.default_rng(1), 2)
    np.testing.assert_array_equal(shifted, augment.shift(images, np.random.default_rng(1), 2))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    moves = set()
    for image, around in zip(shifted, padded, strict=True):
        places = [(i, j) for i in range(5) for j in range(5) if (around[i : i + 8, j : j + 8] == image).all()]
        assert places
        moves.update(places)
    assert len(moves) > 12
    mirrored = augment.flip(images, np.arange(40) % 2 == 0)
    np.testing.assert_array_equal(mirrored[0], images[0, :, ::-1])
    np.testing.assert_array_equal(mirrored[1], images[1])


# The optimizer


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (5, 5)])
def test_a_matrix_becomes_nearly_orthogonal_and_keeps_its_directions(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    inside = u.T @ np.asarray(orthogonal(matrix, steps=5)) @ v.T
    np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-3)
    assert np.diag(inside).min() > 0.6
    assert np.diag(inside).max() < 1.3


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_muon_is_what_its_paper_says_for_kernels_and_sgd_for_the_rest(momentum):
    rng = np.random.default_rng(0)
    kernel, head, bias = (rng.normal(size=size).astype("float32") for size in ((3, 3, 4, 8), (4, 10), (8,)))
    variables = [keras.Variable(each) for each in (kernel, head, bias)]
    muon = Muon(0.1, momentum, kernel_rate=0.5, kernel_momentum=0.6, bias_rate=3.0)
    rest = [
        (keras.optimizers.SGD(rate, momentum, nesterov=True), keras.Variable(each))
        for rate, each in ((0.1, head), (0.3, bias))
    ]
    memory = np.zeros((36, 8))
    for _ in range(2):
        gradients = [keras.ops.convert_to_tensor(rng.normal(size=each.shape).astype("float32")) for each in variables]
        muon.apply(gradients, variables)
        for gradient, (sgd, variable) in zip(gradients[1:], rest, strict=True):
            sgd.apply([gradient], [variable])
        # Jordan et al. 2024, in NumPy: momentum, Nesterov's look ahead, five numbers instead of an SVD
        gradient = np.asarray(gradients[0]).reshape(36, 8)
        memory = 0.6 * memory + gradient
        x = gradient + 0.6 * memory
        x = x / np.linalg.norm(x)
        for _ in range(3):
            x = 3.4445 * x - 4.7750 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
        kernel = kernel - 0.1 * 0.5 * x.reshape(kernel.shape)
        kernel = kernel * np.sqrt(8) / np.linalg.norm(kernel)
    np.testing.assert_allclose(np.asarray(variables[0]), kernel, atol=1e-5)
    for found, (_, plain) in zip(variables[1:], rest, strict=True):
        np.testing.assert_allclose(np.asarray(found), np.asarray(plain), atol=1e-6)


def test_a_trained_network_is_read_without_this_folder(sample_run):
    with zipfile.ZipFile(sample_run / "model.keras") as archive:
        assert "Muon" not in archive.read("config.json").decode()


def test_a_stopped_run_goes_on_with_the_augmentation_it_would_have_had(tmp_path, monkeypatch):
    options = ["--data", "sample", "--limit", "150", "--batch-size", "64", "--epochs", "3", "--precision", "float32"]
    assert_resumes_exactly(train, options, tmp_path, monkeypatch)


@pytest.fixture
def archive(tmp_path):
    """A CIFAR-10 archive of few pictures that also wants to write outside of its folder, and its arrays."""
    rng = np.random.default_rng(0)
    path, batches = tmp_path / "source" / "cifar-10-python.tar.gz", []
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
            images = rng.integers(0, 256, (20, 3, 32, 32), "uint8")
            labels = [int(label) for label in rng.permutation(20) % 10]
            batches.append((images, labels))
            content = pickle.dumps({"data": images.reshape(20, -1), "labels": labels})
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name in ("../evil", "/tmp/hw-test-evil", "cifar-10-batches-py/../../evil"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
    return path, batches


def files_in(folder):
    return {path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")}


def test_the_archive_is_read_and_writes_nothing_elsewhere(archive, tmp_path):
    path, batches = archive
    folder = tmp_path / "a" / "data"
    folder.mkdir(parents=True)
    cifar10.SPEC.convert([path], folder / "cifar10.npz")
    assert files_in(tmp_path) == {path.name, "cifar10.npz"}
    assert not Path("/tmp/hw-test-evil").exists()
    x_train, y_train, x_test, y_test = cifar10.SPEC.read(folder / "cifar10.npz")
    assert x_train.shape == (100, 32, 32, 3)
    np.testing.assert_array_equal(x_train[20:40], batches[1][0].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(y_train[20:40], batches[1][1])
    np.testing.assert_array_equal(x_test, batches[5][0].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(y_test, batches[5][1])


@pytest.mark.parametrize("right", [True, False])
def test_an_archive_is_opened_only_if_its_hash_is_right(right, archive, tmp_path, monkeypatch):
    path, _ = archive

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=path.parent)

        def log_message(self, *_):
            pass

    opened = []
    monkeypatch.setattr(tarfile, "open", lambda *args, real=tarfile.open: opened.append(args) or real(*args))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{path.name}"
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if right else "0" * 64
        remote = download.Remote(path.name, (url,), f"sha256:{digest}")
        monkeypatch.setattr(cifar10, "SPEC", replace(cifar10.SPEC, remotes=(remote,)))
        config = Namespace(data="full", data_dir=tmp_path / "data", limit=None, seed=0)
        if right:
            assert data.load("cifar10", config).x_train.shape == (100, 32, 32, 3)
        else:
            with pytest.raises(UserError, match="other bytes"):
                data.load("cifar10", config)
        server.shutdown()
    assert bool(opened) == right
    assert files_in(tmp_path) == ({path.name, "cifar10.npz"} if right else {path.name})


def test_analysis_draws_every_picture(sample_run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(analyze, "ABLATION_IMAGES", 10)  # each of 1,200 filters is switched off for all of them
    few = functools.partial(analyze.analyze_layers, probe_examples=300, tsne_examples=60)
    monkeypatch.setattr(analyze, "analyze_layers", few)
    monkeypatch.setattr(analyze, "ASCENT_STEPS", 5)
    monkeypatch.setattr(analyze, "SHOWN", 3)
    assert analyze.main(["--run", str(sample_run)]) == 0
    assert_drawn(sample_run, PICTURES, smallest=200)
    found = json.loads((sample_run / "analysis.json").read_text())
    assert set(found["filters"]) == set(LAYERS)
    assert found["layers"]["block3_relu2"]["probe_accuracy"] > found["layers"]["input"]["probe_accuracy"] + 0.3

    photograph = Image.new("RGB", (300, 200), "#a0c8f0")
    ImageDraw.Draw(photograph).ellipse((100, 50, 200, 150), fill="#803010")
    photograph.save(tmp_path / "ball.jpg")
    assert analyze.main(["--run", str(sample_run), "--image", str(tmp_path / "ball.jpg")]) == 0
    assert "ball.jpg: " in capsys.readouterr().out
    assert (sample_run / "figures" / "own_ball.png").exists()
    assert (sample_run / "figures" / "own_ball_maps.png").exists()


def test_a_photograph_of_16_bits_and_of_any_name_is_that_of_8_bits(sample_run, tmp_path, capsys):
    photograph = Image.new("L", (80, 60), 150)
    ImageDraw.Draw(photograph).ellipse((25, 10, 60, 50), fill=60)
    photograph.save(tmp_path / "8$^$.png")
    Image.fromarray(257 * np.asarray(photograph).astype("uint16")).save(tmp_path / "16$^$.png")
    assert analyze.main(["--run", str(sample_run), "--image", str(tmp_path / "16$^$.png")]) == 0
    assert "16$^$.png: " in capsys.readouterr().out
    np.testing.assert_array_equal(
        *(images.read_square(tmp_path / name, 32) for name in ("8$^$.png", "16$^$.png")), strict=True
    )


def test_the_closest_kernel_is_found_whatever_its_scale():
    kernels = np.random.default_rng(0).normal(size=(50, 3, 3))
    kernels[7] = 0.01 * np.array(HAND_MADE["Laplacian"])
    assert closest_kernel(kernels, HAND_MADE["Laplacian"]) == (7, pytest.approx(1))


def test_analysis_of_a_layer_that_is_not_there(sample_run, capsys):
    assert analyze.main(["--run", str(sample_run), "--layer", "conv9"]) == 1
    assert "block1_conv1" in capsys.readouterr().err


def test_other_data_than_those_of_the_run_are_refused(sample_run, tmp_path, capsys):
    helpers.assert_other_data_are_refused(analyze, sample_run, tmp_path, capsys)
