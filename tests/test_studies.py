"""The studies run, quickly, and their answers follow from what they compute."""

import importlib

import numpy as np
import pytest
from PIL import Image

from hw1_mnist_mlp.studies import descent, fizz_buzz
from hw2_cifar10_cnn.studies import kernels
from tests.helpers import ROOT

STUDIES = sorted(path for path in ROOT.glob("hw*/studies/*.py") if path.name != "__init__.py")


# More than ten seconds each; what they are made of is tested in test_studies_hw1.py and test_studies_hw2345.py.
SLOW = [
    "activations",
    "adam",
    "attention",
    "clipping",
    "deep_or_shallow",
    "gan_from_autoencoder",
    "rejection",
    "small_cnn",
]


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=pytest.mark.slow if path.stem in SLOW else (), id=path.stem) for path in STUDIES]
)
def test_a_study_draws_its_picture(path, tmp_path, capsys):
    study = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert study.main(["--quick", "--out", str(tmp_path)]) == 0
    assert [each.name for each in tmp_path.iterdir()] == [f"{path.stem}.png"]
    assert f"see {tmp_path / path.stem}.png" in capsys.readouterr().out


def test_a_study_can_be_read_in_one_sitting():
    for path in STUDIES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 150, path


# Gradient descent


def test_descent_on_a_parabola():
    """The slope of x²/2 is x: an update leaves the share 1 - rate; momentum adds a share of the last step."""
    np.testing.assert_allclose(descent.descend(lambda x: x, 8.0, 0.5, 0.0, 3), [8, 4, 2, 1])
    np.testing.assert_allclose(descent.descend(lambda x: x, 8.0, 0.5, 0.5, 3), [8, 4, 0, -2])
    assert len(descent.descend(lambda x: x, 8.0, 3.0, 0.0, 1000)) < 30  # what explodes is not followed


def test_slopes_are_those_of_the_curves():
    step = 1e-5
    for curve, slope, *_ in descent.TRAPS.values():
        for x in (-3.3, -0.7, 0.4, 2.2):
            assert slope(x) == pytest.approx((curve(x + step) - curve(x - step)) / (2 * step), abs=1e-6)
    line = np.array([2.0, 30.0])
    by_difference = [
        (descent.error(line + move) - descent.error(line - move)) / (2 * step) for move in step * np.eye(2)
    ]
    np.testing.assert_allclose(descent.error_slope(line, descent.X), by_difference, rtol=1e-6)


def test_the_scaled_way_ends_at_the_exact_solution():
    lines = descent.learn(0.1, 0.0, True, 300)
    np.testing.assert_allclose(lines[0], descent.START)
    np.testing.assert_allclose(lines[-1], np.polyfit(descent.X, descent.Y, 1), rtol=1e-6)


# Fizz buzz


def test_answers_and_digits():
    said = [fizz_buzz.WORDS[answer] for answer in fizz_buzz.answers(np.array([1, 3, 5, 15, 16]))]
    assert said == ["the number", "fizz", "buzz", "fizzbuzz", "the number"]
    np.testing.assert_array_equal(fizz_buzz.digits(np.array([6, 1023]), 2), [[0] * 7 + [1, 1, 0], [1] * 10])
    decimal = fizz_buzz.digits(np.array([1023]), 10).reshape(4, 10).argmax(axis=1)
    np.testing.assert_array_equal(decimal, [1, 0, 2, 3])
    base_15 = fizz_buzz.digits(np.array([30 + 7]), 15).reshape(-1, 15).argmax(axis=1)
    np.testing.assert_array_equal(base_15, [0, 2, 7])


# Kernels


def test_what_kernels_answer():
    """A picture that is dark on the left and light on the right."""
    picture = np.zeros((5, 8))
    picture[:, 4:] = 100
    np.testing.assert_array_equal(kernels.answer(picture, "Sobel left-right"), [[0, 0, 400, 400, 0, 0]] * 3)
    np.testing.assert_array_equal(kernels.answer(picture, "Sobel up-down"), np.zeros((3, 6)))
    np.testing.assert_allclose(kernels.answer(picture, "blur"), [[0, 0, 25, 75, 100, 100]] * 3)
    np.testing.assert_array_equal(kernels.answer(picture, "Laplacian"), [[0, 0, 100, -100, 0, 0]] * 3)
    said = kernels.sum_of_products(picture, (0, 2), "an edge")
    assert said.splitlines()[1].split() == ["0", "x", "-1", "0", "x", "0", "100", "x", "1"]
    assert said.endswith("sum: 400")


def test_kernels_on_an_own_picture(tmp_path, capsys):
    Image.fromarray(np.full((40, 700, 3), 77, "uint8")).save(tmp_path / "flat.png")
    assert kernels.main(["--image", str(tmp_path / "flat.png"), "--out", str(tmp_path / "out")]) == 0
    assert "100 % of the places are flat; their mean brightness is 77" in capsys.readouterr().out
    assert kernels.main(["--image", str(tmp_path / "none.png")]) == 1
    assert "there is no picture" in capsys.readouterr().err
