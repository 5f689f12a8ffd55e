"""Homework 5, colour for grey pictures: what is coloured, the networks, the metrics, training, users' pictures."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image, ImageDraw

from common.data import sample_faces
from common.run import recorder
from common.run.predictor import Local
from hw5_anime_dcgan.colour import analyze, drawings, evaluate, model, train
from hw5_anime_dcgan.losses import logistic
from tests.helpers import assert_drawn, assert_one_sentence, assert_same_result, history, metrics

TINY = ["--data", "sample", "--limit", "200", "--set", "width=4", "--batch-size", "32", "--precision", "float32"]
TINY += ["--epochs", "2"]


@pytest.fixture(scope="module", autouse=True)
def few_are_judged():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "JUDGED", 100)
        yield


@pytest.fixture(scope="module")
def faces():
    return sample_faces.drawn(80, seed=1)[0]


@pytest.fixture(scope="module", params=["gan", "l1"])
def trained(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param) / "out"
    assert train.main([*TINY, "--model", request.param, "--out", str(out)]) == 0
    return out


of_the_gan = pytest.mark.parametrize("trained", ["gan"], indirect=True)


# What is coloured


def test_grey_is_that_of_pillow(faces):
    expected = np.stack([np.asarray(Image.fromarray(face).convert("L")) for face in faces[:5]])
    np.testing.assert_allclose(drawings.grey(faces[:5])[..., 0].astype(int), expected, atol=1)


def test_lines_are_dark_where_brightness_changes():
    picture = np.full((1, 16, 16, 3), 200, "uint8")
    picture[:, :, 8:] = 80
    lines = drawings.lines(picture)
    assert lines.shape == (1, 16, 16, 1)
    assert set(np.unique(lines[:, :, :8])) == {255}  # an even ground is white paper
    assert set(np.unique(lines[:, :, 8])) == {255 - 120}
    assert set(np.unique(lines[:, :, 9:])) == {255}


def test_batches_have_drawings_of_both_kinds(faces):
    pairs = drawings.Pairs(faces, 16, seed=0, lines=0.5)
    kinds = []
    for i in range(len(pairs)):
        drawn, colours = pairs[i]
        colours = np.round(255 * colours).astype("uint8")
        assert drawn.shape == (*colours.shape[:3], 1)
        greys, lines = drawings.grey(colours), drawings.lines(colours)
        is_grey = (drawn == greys).all(axis=(1, 2, 3))
        np.testing.assert_array_equal(drawn[~is_grey], lines[~is_grey])
        kinds.extend(is_grey)
    assert 0.3 < np.mean(kinds) < 0.7
    again = drawings.Pairs(faces, 16, seed=0, lines=0.5)
    np.testing.assert_array_equal(pairs[3][0], again[3][0])


# The networks and what they learn from


def test_the_colourist_begins_with_the_drawing_itself(faces):
    colourist = model.build_colourist(4)
    greys = drawings.grey(faces[:4])
    np.testing.assert_allclose(colourist.predict(greys, verbose=0), np.repeat(greys, 3, axis=3) / 255, atol=1e-5)
    assert colourist.predict(np.zeros((1, 32, 80, 1), "uint8"), verbose=0).shape == (1, 32, 80, 3)


def test_the_discriminator_judges_patches_of_38_pixels():
    discriminator = model.build_discriminator(4)
    picture, drawing = np.full((1, 64, 64, 3), 0.5, "float32"), np.full((1, 64, 64, 1), 127, "uint8")
    logits = discriminator.predict([picture, drawing], verbose=0)
    changed = picture.copy()
    changed[0, 32, 32] = 1
    moved = discriminator.predict([changed, drawing], verbose=0) != logits
    assert logits.shape == (1, 8, 8, 1)
    rows, columns = np.flatnonzero(moved.any(axis=(0, 2, 3))), np.flatnonzero(moved.any(axis=(0, 1, 3)))
    for seen in (rows, columns):
        assert set(seen) == {2, 3, 4, 5}  # the logit i sees the pixels from 8 i - 15 to 8 i + 22


def test_losses_are_those_of_the_paper(faces):
    colourist, discriminator = model.build_colourist(4), model.build_discriminator(4)
    gan = train.Colouring(colourist, discriminator, 30.0, seed=0)
    colours, drawn = faces[:8] / np.float32(255), drawings.grey(faces[:8])
    generator_loss, discriminator_loss, values = gan.batch_losses(
        ops.convert_to_tensor(drawn), ops.convert_to_tensor(colours)
    )
    pictures = drawn / 255  # the colourist has learned nothing yet
    l1 = np.abs(colours - pictures).mean()
    judged = [colours, np.repeat(pictures, 3, axis=3).astype("float32")]
    logits = (discriminator.predict([each, drawn], verbose=0) for each in judged)
    real_loss, fake_loss, adversarial = map(float, logistic(*logits))
    assert float(values[-1]) == pytest.approx(l1, rel=1e-3)
    assert float(discriminator_loss) == pytest.approx(real_loss + fake_loss, rel=1e-3)
    assert float(generator_loss) == pytest.approx(adversarial + 30 * l1, rel=1e-3)


# The metrics


def test_colourfulness_is_that_of_the_paper():
    """Half red, half blue: rg is 255 and 0, yb is 127.5 and -255; grey has none."""
    picture = np.zeros((2, 4, 4, 3), "uint8")
    picture[0, :, :2, 0], picture[0, :, 2:, 2] = 255, 255
    picture[1] = 90
    expected = np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, 63.75)
    np.testing.assert_allclose(evaluate.colourfulness(picture), [expected, 0], rtol=1e-6)


def test_metrics_of_perfect_colours_and_of_none(faces):
    pictures = evaluate.split(faces[:40], faces[40:])
    assert len(pictures.colours) == 20
    perfect = evaluate.compare(pictures.colours, pictures)
    assert perfect["colourfulness"] == pytest.approx(1)
    assert perfect["ssim"] == pytest.approx(1)
    assert perfect["psnr"] > 60
    none = evaluate.score(Local(model.build_colourist(4)), None, pictures)
    assert none["colourfulness"] == 0
    assert none["psnr"] < none["baseline_psnr"]
    assert none["frechet_distance"] > perfect["frechet_distance"]
    off = evaluate.compare((pictures.colours ^ 1), pictures)  # every channel off by one
    assert off["psnr"] == pytest.approx(20 * np.log10(255), abs=1e-3)


# Training


def test_training_brings_colour(trained):
    rows = history(trained)
    assert len(rows) == 2
    assert float(rows[-1]["val_colourfulness"]) > 0  # it begins without any
    found = metrics(trained)
    assert found["passed"] is None
    assert {"psnr", "ssim", "colourfulness", "frechet_distance", "baseline_psnr"} <= set(found)
    assert_drawn(trained, {"curves"})
    colourist = keras.models.load_model(trained / "model.keras")
    assert colourist.output_shape == (None, None, None, 3)


@pytest.mark.slow  # as every kind of training does
def test_a_stopped_training_goes_on_exactly(tmp_path, monkeypatch):
    def stop(self, batch, logs=None):
        if batch == 1 and self.run.progress.epoch == 1:
            raise KeyboardInterrupt

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train.main([*TINY, "--out", str(whole)]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "on_train_batch_end", stop)
        assert train.main([*TINY, "--out", str(cut)]) == 130
    assert train.main(["--resume", "--out", str(cut)]) == 0
    assert_same_result(whole, cut)


def test_photographs(tmp_path):
    out = tmp_path / "photographs"
    assert train.main([*TINY, "--model", "l1", "--data-set", "cifar10", "--out", str(out)]) == 0
    assert analyze.main(["--run", str(out)]) == 0
    assert_drawn(out, {"curves", "coloured", "worst", "places"})


# The analysis, and pictures of users


@of_the_gan
def test_analysis(trained):
    assert analyze.main(["--run", str(trained), "--beside", str(trained)]) == 0
    assert_drawn(trained, {"curves", "coloured", "worst", "places", "hair"})
    numbers = json.loads((trained / "analysis.json").read_text())
    name = f"--model {metrics(trained)['model']}"
    for source in ("real", name, f"{name}, {trained.name}"):
        assert sum(numbers["hair"][source].values()) == pytest.approx(1)
    assert numbers["of_lines"]["psnr"] > 0


@pytest.mark.parametrize("size", [(300, 200), (1, 1), (2000, 3), (64, 64)])
def test_a_users_picture_keeps_its_size_and_its_lines(size):
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).line([(0, 0), size], fill="black")
    coloured = analyze.colour_own(model.build_colourist(4), picture)  # which changes nothing yet
    np.testing.assert_allclose(coloured.astype(int), np.asarray(picture).astype(int), atol=1)


@of_the_gan
def test_users_files(trained, tmp_path, capsys):
    for name, picture in (
        ("sixteen bit.png", Image.fromarray(np.arange(4000, dtype="uint16").reshape(50, 80) * 16)),
        ("clear.png", Image.new("RGBA", (40, 90), (0, 0, 0, 0))),
        ("moving.gif", Image.new("P", (70, 70), 3)),
    ):
        picture.save(tmp_path / name)
        assert analyze.main(["--run", str(trained), "--image", str(tmp_path / name)]) == 0
        stem = name.partition(".")[0]
        coloured = Image.open(trained / "figures" / f"own_{stem}_coloured.png")
        assert coloured.size == picture.size
    (tmp_path / "broken.png").write_bytes(b"no picture")
    before = sorted(path.name for path in (trained / "figures").iterdir())
    for name in ("broken.png", "missing.png"):
        capsys.readouterr()
        assert analyze.main(["--run", str(trained), "--image", str(tmp_path / name)]) == 1
        assert_one_sentence(capsys.readouterr().err, name)
    assert sorted(path.name for path in (trained / "figures").iterdir()) == before


def test_too_few_pictures_to_judge_by(tmp_path, capsys):
    assert train.main([*TINY, "--limit", "20", "--out", str(tmp_path)]) == 1
    assert_one_sentence(capsys.readouterr().err, "20 pictures are too few")
