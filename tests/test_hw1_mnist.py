"""Homework 1, digits: the network, a training to the subset bar, the analysis, and users' own digits."""

import functools
import io
import json
import os
import warnings
from argparse import Namespace

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

from common import bars, data
from common.data import Dataset, images
from common.data.distort import distort
from common.errors import UserError
from common.figures import plots
from common.figures.layer_analysis import analyze_layers
from common.run import analysis
from hw1_mnist_mlp import analyze, own_digit, train
from hw1_mnist_mlp.own_digit import DigitReader
from tests import helpers
from tests.helpers import STAGED, assert_drawn, metrics, train_on_real_subset

PICTURES = {
    "curves",
    "layers_pca",
    "layers_tsne",
    "layers_probe",
    "layers_units",
    "layers_class_means",
    "confusion",
    "mistakes",
}


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """The default training on the built-in sample, with its analysis."""
    out = tmp_path_factory.mktemp("digits") / "out"
    assert train.main(["--data", "sample", "--out", str(out)]) == 0
    with pytest.MonkeyPatch.context() as patch:  # fewer than 5,000 and 2,500
        few = functools.partial(analyze.analyze_layers, probe_examples=800, tsne_examples=300)
        patch.setattr(analyze, "analyze_layers", few)
        assert analyze.main(["--run", str(out)]) == 0
    return out


@pytest.fixture
def few_known(monkeypatch):
    """An own digit is put among fewer known ones, and the probes learn from fewer."""
    monkeypatch.setattr(own_digit, "LEARNED", 500)
    monkeypatch.setattr(own_digit, "SHOWN", 300)


def draw_seven(path, ink, paper, size=(640, 480)):
    picture = Image.new("RGB", size, paper)
    line = np.array([(0.35, 0.2), (0.62, 0.2), (0.47, 0.8)]) * size
    ImageDraw.Draw(picture).line([tuple(point) for point in line], fill=ink, width=size[1] // 18, joint="curve")
    picture.save(path)
    return path


@pytest.mark.parametrize("name", train.SETTINGS)
def test_every_model_takes_bytes_and_gives_ten_logits(name):
    from hw1_mnist_mlp.model import build_mlp

    settings = train.SETTINGS[name]
    model = build_mlp(settings["hidden"], settings["batch_norm"], settings["dropout"])
    logits = model.predict(np.zeros((3, 28, 28), "uint8"), verbose=0)
    assert logits.shape == (3, 10)
    assert logits.dtype == "float32"
    hidden = [weights.shape for weights in model.get_weights() if weights.ndim == 2]
    assert hidden == list(zip([784, *settings["hidden"]], [*settings["hidden"], 10], strict=True))


def test_default_training_passes_the_bar_of_the_sample(sample_run):
    found = metrics(sample_run)
    assert bars.SUBSET["hw1_mnist_mlp", "sample"].passes(found), found
    assert found["passed"] is None
    assert found["n_train"] == 4000


if (STAGED / "mnist.npz").exists():

    def test_default_training_passes_the_bar_of_5000_real_digits(tmp_path):
        found = train_on_real_subset(train, tmp_path, "--limit", "5000")
        assert (found["n_train"], found["n_test"]) == (5000, 10000)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_default_training_passes_the_bar_of_the_assignment(seed, tmp_path):
    assert train.main(["--data", "full", "--seed", str(seed), "--out", str(tmp_path / "out")]) == 0
    assert metrics(tmp_path / "out")["passed"] is True


def test_best_model_learns_from_distorted_digits(tmp_path):
    """Two passes over 2,000 digits, by smaller layers: enough to be far above chance (0.1)."""
    options = ["--model", "best", "--data", "sample", "--limit", "2000", "--batch-size", "64", "--epochs", "2"]
    options += ["--set", "hidden=[256,128]"]
    assert train.main([*options, "--out", str(tmp_path / "out")]) == 0
    assert metrics(tmp_path / "out")["test_accuracy"] > 0.6


def test_analysis_draws_every_picture_and_sees_the_classes_come_apart(sample_run):
    assert_drawn(sample_run, PICTURES, smallest=300)
    layers = json.loads((sample_run / "analysis.json").read_text())["layers"]
    assert list(layers) == ["input", "hidden_1", "hidden_2", "logits"]
    separation = [layer["class_separation"] for layer in layers.values()]
    assert separation == sorted(separation)
    assert layers["hidden_2"]["probe_accuracy"] > layers["input"]["probe_accuracy"] + 0.03
    for name in ("hidden_1", "hidden_2"):
        assert layers[name]["units"] == 256
        assert 0.2 < layers[name]["sparsity"] < 0.95


def test_analysis_of_a_dead_layer_and_of_one_unit(tmp_path):
    """As in the exercise with kernels of 0. t-SNE of points that are all alike crashes the whole process."""
    digits = data.load("mnist", Namespace(data="sample", data_dir=None, limit=None, seed=0))
    x = keras.Input((28, 28), dtype="uint8")
    dead = keras.layers.Dense(8, "relu", kernel_initializer="zeros", name="dead")(
        keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(x))
    )
    one = keras.layers.Dense(1, "tanh", bias_initializer="ones", name="one")(dead)
    model = keras.Model(x, keras.layers.Dense(10, name="logits")(one))
    split = digits.x_test[:100], digits.y_test[:100]
    found = analyze_layers(model, split, split, list("0123456789"), tmp_path)["layers"]
    assert found["input"]["class_separation"] > 0.1
    assert found["dead"]["class_separation"] == found["one"]["class_separation"] == 0
    assert (found["dead"]["dead"], found["dead"]["units"], found["one"]["units"]) == (1, 8, 1)
    assert len(list(tmp_path.glob("layers_*.png"))) == 5


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "#202060"), ("#5070c0", "#f0f0d0")])
def test_own_digit_dark_on_light_and_light_on_dark(ink, paper, sample_run, few_known, tmp_path, capsys):
    picture = draw_seven(tmp_path / "seven.png", ink, paper)
    assert analyze.main(["--run", str(sample_run), "--image", str(picture)]) == 0
    assert "seven.png: a 7, " in capsys.readouterr().out
    assert (sample_run / "figures" / "own_seven.png").exists()


def test_a_probe_that_has_never_seen_a_digit_gives_it_no_chance():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60, 28, 28), "uint8")
    y = np.resize([2, 5, 7], 60)
    image = keras.Input((28, 28), dtype="uint8")
    logits = keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image)))
    reader = DigitReader(keras.Model(image, logits), Dataset(x, y, x, y, None))
    chances = reader.read(x[1])["input"].chances
    assert np.flatnonzero(chances).tolist() == [2, 5, 7]
    assert chances.argmax() == 5


def test_own_digit_is_brought_into_the_form_of_mnist(tmp_path):
    digit = images.read_digit(draw_seven(tmp_path / "seven.png", "black", "white", size=(90, 300)))
    assert digit.shape == (28, 28)
    assert digit.dtype == "uint8"
    rows, columns = np.nonzero(digit > 40)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    weights = digit / digit.sum()
    centre = [float(weights.sum(axis=axis) @ np.arange(28)) for axis in (0, 1)]
    assert np.allclose(centre, 13.5, atol=0.6)


def deep(grey, name):
    """A grey picture of 8 bits as one of 16 or 32 bits per pixel."""
    values = np.asarray(grey)
    if name == "16 bits, big-endian":
        return Image.frombytes("I;16B", grey.size, (257 * values.astype(">u2")).tobytes())
    return Image.fromarray(
        {
            "16 bits": 257 * values.astype("uint16"),
            "16 bits, values of 8": values.astype("uint16"),
            "32 bits": 257 * values.astype("int32"),
            "float, white is 1": (values / 255).astype("float32"),
            "float, white is 1, overshooting": np.where(values == 255, 1.04, values / 255).astype("float32"),
            "float, white is 255": values.astype("float32"),
            "float, white is 65535": (257.0 * values).astype("float32"),
        }[name]
    )


DEEP = (
    *("16 bits", "16 bits, big-endian", "16 bits, values of 8", "32 bits"),
    *("float, white is 1", "float, white is 1, overshooting", "float, white is 255", "float, white is 65535"),
)


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("dark_on_light", [True, False])
def test_a_picture_of_many_bits_is_the_picture_of_8_bits(dark_on_light, name, tmp_path):
    colours = ("#303030", "white") if dark_on_light else ("white", "#303030")
    grey = Image.open(draw_seven(tmp_path / "seven.png", *colours)).convert("L")
    file = tmp_path / ("deep.png" if name in ("16 bits", "16 bits, values of 8") else "deep.tif")
    deep(grey, name).save(file)
    np.testing.assert_array_equal(np.asarray(images.open_picture(file)), np.asarray(grey.convert("RGB")))
    np.testing.assert_array_equal(images.read_digit(file), images.read_digit(tmp_path / "seven.png"))


def test_pictures_that_cost_more_than_looking_are_refused(tmp_path, monkeypatch):
    """EPS is a program, which Pillow has Ghostscript run; and few bytes can hold many pixels."""
    Image.new("L", (40, 30)).save(tmp_path / "drawn.eps")
    with pytest.raises(UserError, match=r"drawn.eps cannot be read as a picture"):
        images.open_picture(tmp_path / "drawn.eps")
    Image.new("I;16", (40, 30)).save(tmp_path / "large.png")
    monkeypatch.setattr(images, "MOST_PIXELS", 1000)
    with pytest.raises(UserError, match="40 x 30 pixels, which are too many"):
        images.open_picture(tmp_path / "large.png")


def test_floats_that_are_no_numbers_are_black_and_white(tmp_path):
    values = np.full((4, 4), 0.5, "float32")
    values[0] = [np.nan, -3, np.inf, 1]
    Image.fromarray(values).save(tmp_path / "odd.tif")
    found = np.asarray(images.open_picture(tmp_path / "odd.tif"))[..., 0]
    assert found[:2].tolist() == [[0, 0, 255, 255], [128, 128, 128, 128]]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize(("ink", "ground"), [("white", 0), ("#ffff60", 0), ("black", 255), ("#8080ff", 255)])
def test_strokes_on_a_transparent_ground_are_read(ink, ground, mode, tmp_path):
    picture = Image.open(draw_seven(tmp_path / "seven.png", "white", "black"))
    expected = images.read_digit(tmp_path / "seven.png")
    clear = Image.new("RGBA", picture.size, ink)
    clear.putalpha(picture.convert("L"))
    clear.convert(mode).save(tmp_path / "clear.png")
    found = images.read_digit(tmp_path / "clear.png")
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    shown = np.asarray(images.open_picture(tmp_path / "clear.png"))
    assert (shown[0, 0] == ground).all()
    assert np.ptp(shown.astype(int).sum(axis=2)) > 250


def test_a_sheet_of_white_paper_lies_on_white(tmp_path):
    """Round corners are no ink: only what would not show on white is put on black."""
    sheet = Image.open(draw_seven(tmp_path / "seven.png", "black", "white"))
    corners = Image.new("L", sheet.size)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 639, 479), 60, fill=255)
    sheet.putalpha(corners)
    sheet.save(tmp_path / "round.png")
    np.testing.assert_array_equal(images.read_digit(tmp_path / "round.png"), images.read_digit(tmp_path / "seven.png"))


@pytest.mark.parametrize("name", ["cost$^$.png", "a_{b$.png", os.fsdecode(b"\xa4\xa4.png"), "tab\t$\\frac$.png"])
def test_a_picture_may_have_any_name(name, sample_run, few_known, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "save", lambda figure, path: drawn.append(figure) or figure.savefig(io.BytesIO()))
    picture = draw_seven(tmp_path / "seven.png", "black", "white").rename(tmp_path / name)
    digits = data.load("mnist", Namespace(data="sample", data_dir=None, limit=None, seed=0))
    model, _ = analysis.open_model(Namespace(run=sample_run), train.HOMEWORK)
    monkeypatch.setattr("builtins.print", lambda *_: None)  # whether the terminal can show the name is another matter
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analyze.show_own_digit(model, digits, picture, tmp_path / "own.png")
    shown = drawn[0].get_suptitle()
    assert shown.startswith(name.replace("\udca4", "□").replace("\t", " ") + ": a 7, ")


def test_names_on_a_map_give_way_to_each_other_and_to_the_star():
    """Three classes in one place, and a star there."""
    figure = plots.new_figure(4, 4)
    ax = figure.subplots()
    points = np.concatenate([np.random.default_rng(0).normal(size=(300, 2)), np.zeros((200, 2))])
    plots.draw_map(ax, points, np.repeat([0, 0, 0, 1, 2], 100), list("012"), star=np.zeros(2))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 3
    assert not [1 for i, box in enumerate(boxes) for other in boxes[:i] if box.overlaps(other)]
    assert not [box for box in boxes if box.contains(*ax.transData.transform((0, 0)))]


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    Image.new("P", (8000, 8000)).save(tmp_path / "large.png", transparency=0)
    with pytest.raises(UserError, match=r"large\.png has 8,000 x 8,000 pixels"):
        images.open_picture(tmp_path / "large.png")


@pytest.mark.parametrize("content", ["missing", "text", "folder", "blank", "cut"])
def test_a_picture_that_is_none_gives_one_sentence(content, tmp_path):
    path = tmp_path / "picture.png"
    if content == "text":
        path.write_text("not a picture")
    elif content == "folder":
        path.mkdir()
    elif content == "blank":
        Image.new("L", (50, 50), 200).save(path)
    elif content == "cut":
        draw_seven(path, "black", "white")
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r"picture\.png") as error:
        images.read_digit(path)
    assert "\n" not in str(error.value)


def test_analysis_without_a_run_says_what_to_do(tmp_path, capsys):
    assert analyze.main(["--run", str(tmp_path / "nothing")]) == 1
    error = capsys.readouterr().err
    assert "run its train.py first" in error
    assert error.count("\n") == 1


def test_distortion_is_the_identity_at_strength_zero_and_moves_the_digit_otherwise():
    digits = np.zeros((200, 28, 28), "uint8")
    digits[:, 8:20, 12:16] = 255
    still = distort(digits, np.random.default_rng(0), rotate=0, scale=0, shear=0, shift=0, elastic=0)
    assert (still == digits).all()
    strong = {"rotate": 15, "scale": 0.15, "shear": 0.15, "shift": 2, "elastic": 1}
    moved = distort(digits, np.random.default_rng(0), **strong)
    assert moved.dtype == "uint8"
    assert (moved == distort(digits, np.random.default_rng(0), **strong)).all()
    assert (moved != distort(digits, np.random.default_rng(1), **strong)).any()
    assert 0.85 < moved.sum() / digits.sum() < 1.15
    columns = (moved.sum(axis=1) / moved.sum(axis=(1, 2))[:, None]) @ np.arange(28)
    assert 0.7 < columns.std() < 2  # uniform in +-2 pixels has 1.15, the elastic field adds to it


def test_other_data_than_those_of_the_run_are_refused(sample_run, tmp_path, capsys):
    helpers.assert_other_data_are_refused(analyze, sample_run, tmp_path, capsys)
