"""Homework 3, captions: the clips, the sentences, the network, how it writes, the metrics, training, users' clips."""

import argparse
import json

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from common import bars, data
from common.data import mnist
from common.errors import UserError
from common.run import device
from common.run.predictor import Local
from hw3_lstm_text.captions import analyze, clips, evaluate, generate, looking, model, own_clip, train
from hw3_lstm_text.captions.captioner import Captioner
from hw3_lstm_text.captions.sentences import LENGTH, MOTIONS, START, Language
from tests.helpers import assert_drawn, assert_one_sentence, assert_resumes_exactly, history, metrics

TINY = ["--data", "sample", "--precision", "float32", "--set", "widths=[4,4,8]", "--set", "units=16"]
TINY += ["--batch-size", "4", "--set", "updates=4", "--set", "looks=2"]
SIZES = [4, 4, 8], 16  # widths, units


@pytest.fixture(scope="module", autouse=True)
def few():
    """Few clips are enough here. The device is set up as in a run, where TensorFlow does without XLA."""
    device.setup("float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "JUDGED", 12)
        patch.setattr(evaluate, "GLANCE", 4)
        yield


@pytest.fixture(scope="module")
def digits():
    x, y, _, _ = mnist.digits()
    return x, y


class Made:
    """Scenes and their frames."""

    def __init__(self, images, labels, n, seed, two=0.5):
        self.scenes = clips.draw_scenes(labels, n, np.random.default_rng(seed), two)
        self.frames, self.touching = clips.film(self.scenes, images)


@pytest.fixture(scope="module")
def some(digits):
    return Made(*digits, 60, seed=0)


@pytest.fixture(scope="module")
def captioner():
    keras.utils.set_random_seed(1)
    language = Language("en")
    return Captioner(Local(model.build_captioner(len(language.pieces), *SIZES, note_size=8)), language)


KINDS = ("attention", "en"), ("plain", "zh")
with_attention = pytest.mark.parametrize("trained", KINDS[:1], indirect=True, ids=["attention"])


@pytest.fixture(scope="module", params=KINDS, ids=["attention", "plain, zh"])
def trained(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    name, language = request.param
    note_size = ["--set", "note_size=8"] if name == "attention" else []
    assert train.main([*TINY, *note_size, "--model", name, "--language", language, "--out", str(out)]) == 0
    return out


def moving(digit, motion, frames=clips.FRAMES):
    """A clip (frames, 64, 64) of one digit image that moves as `motion` says, made by hand."""
    found = np.zeros((frames, 64, 64), "uint8")
    for t in range(frames):
        place = abs((3 * t) % 72 - 36)
        x, y = (place, 10) if motion == 0 else (10, place)
        found[t, y : y + 28, x : x + 28] = digit
    return found


# The clips


def test_clips_have_what_is_said(some):
    assert some.frames.shape == (60, 16, 64, 64)
    assert some.frames.dtype == "uint8"
    two = some.scenes.digits[:, 1] >= 0
    assert 15 < two.sum() < 45
    for frames, motions in zip(some.frames[~two], some.scenes.motions[~two], strict=True):
        rows = [np.flatnonzero(frame.any(axis=1)) for frame in frames]
        columns = [np.flatnonzero(frame.any(axis=0)) for frame in frames]
        tops, lefts = np.array([each[0] for each in rows]), np.array([each[0] for each in columns])
        still, changing = (tops, lefts) if motions[0] == 0 else (lefts, tops)
        assert np.ptp(still) == 0
        steps = np.diff(changing)
        assert (np.abs(steps) <= 5).all()
        assert (steps > 0).any() and (steps < 0).any()  # it bounces


def test_the_higher_digit_is_named_first(digits):
    """Every digit of the data is one pixel here, so that its place in the first frame can be read off."""
    dot = np.zeros((10, 28, 28), "uint8")
    dot[np.arange(10), 14, 14] = np.arange(10) + 200
    made = Made(dot, np.arange(10), 500, seed=3, two=1)
    for frames, (first, second) in zip(made.frames, made.scenes.digits, strict=True):
        rows, columns = np.nonzero(frames[0])
        found = sorted(zip(rows, frames[0, rows, columns] - 200, strict=True))
        assert [digit for _, digit in found] == [first, second]
        assert found[1][0] - found[0][0] >= clips.HIGHER


def test_touching_frames_are_counted():
    block = np.full((1, 28, 28), 255, "uint8")
    made = Made(block, np.array([3]), 50, seed=0, two=1)
    area = (made.frames > 0).sum(axis=(2, 3))
    np.testing.assert_array_equal(made.touching, (area < 2 * 28 * 28).sum(axis=1))
    assert (Made(block, np.array([3]), 20, seed=0, two=0).touching == 0).all()


@pytest.mark.parametrize(("place", "expected"), [(0, 0), (36, 36), (40, 32), (-5, 5), (73.4, 1), (108, 36)])
def test_digits_bounce_off_the_edges(place, expected):
    assert clips.bounced(np.array(place)) == expected


def test_a_batch_depends_on_seed_epoch_and_index_alone(digits):
    batches = clips.Batches(*digits, "en", 6, 10, seed=5)
    x, y = batches[3]
    again = clips.Batches(*digits, "en", 6, 10, seed=5)
    again[0]
    np.testing.assert_array_equal(again[3][0]["clip"], x["clip"])
    np.testing.assert_array_equal(again[3][1], y)
    np.testing.assert_array_equal(x["words"][:, 1:], y[:, :-1])
    assert (x["words"][:, 0] == START).all()
    for other in (clips.Batches(*digits, "en", 6, 10, seed=6)[3], batches[4]):
        assert (other[0]["clip"] != x["clip"]).any()
    again.epoch = 1
    assert (again[3][0]["clip"] != x["clip"]).any()


# The sentences


def test_sentences():
    english, chinese = Language("en"), Language("zh")
    assert english.sentence((2, 7), (0, 1)) == "digit 2 is moving left and right and digit 7 is moving up and down ."
    assert english.sentence((2, -1), (1, 0)) == "digit 2 is moving up and down ."
    assert chinese.sentence((2, 7), (0, 1)) == "數字2左右移動，數字7上下移動。"
    assert chinese.sentence((0, -1), (1, 1)) == "數字0上下移動。"


@pytest.mark.parametrize("name", MOTIONS)
def test_codes_give_the_sentence_back(name, some):
    language = Language(name)
    codes = language.codes(some.scenes)
    assert codes.shape == (60, LENGTH)
    assert codes.max() < len(language.pieces)
    sentences = language.sentences(some.scenes)
    assert [language.text(row) for row in codes] == sentences
    for sentence, digits, motions in zip(sentences, some.scenes.digits, some.scenes.motions, strict=True):
        there = digits >= 0
        said = [str(digit) for digit in digits[there]], [MOTIONS[name][i] for i in motions[there]]
        assert language.said(sentence) == said
    after_the_end = np.concatenate([codes[0][codes[0] > 0], [language.code["7"]]])
    assert language.text(after_the_end) == sentences[0]


# The network


@pytest.mark.parametrize("note_size", [8, 0])
def test_shapes(note_size, some, tmp_path):
    network = model.build_captioner(20, *SIZES, note_size)
    words = np.zeros((3, 5), "int32")
    logits = network.predict({"clip": some.frames[:3], "words": words}, verbose=0)
    assert logits.shape == (3, 5, 20)
    network.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")  # without the code of this repository
    again = copy.predict({"clip": some.frames[:3], "words": words}, verbose=0)
    np.testing.assert_allclose(again, logits, atol=1e-5)


def test_every_place_knows_where_it_is():
    found = np.stack([np.asarray(each) for each in model.where_and_when(ops.zeros((3, model.FRAMES, model.MAP**2, 2)))])
    assert found.shape == (3, 1, 16, 64)
    assert found[:, 0, 15, 63].tolist() == [15, 7, 7]
    assert found[:, 0, 0, 9].tolist() == [0, 1, 1]
    assert found[:, 0, 3, 2].tolist() == [3, 0, 2]


def test_attention_weighs_all_places(captioner, some):
    _, _, weights = captioner.greedy(some.frames[:2])
    assert weights.shape == (2, LENGTH, 16, 8, 8)
    np.testing.assert_allclose(weights.sum(axis=(2, 3, 4)), 1, atol=1e-4)


def test_scheduled_sampling_reads_own_words(captioner, some):
    """With a share of 1 the words that are given do not matter, except for the first; with 0 they do."""
    trainer = train.Trainer(captioner.predictor.model, seed=0, sampling=True)
    words = Language("en").codes(some.scenes)[:4]
    x = {"clip": some.frames[:4], "words": words}
    plain = captioner.predictor.model.predict(x, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(trainer(x)), plain, atol=1e-4)
    trainer.own_words.assign(1)
    answers = plain.argmax(axis=-1)
    own = np.concatenate([words[:, :1], answers[:, :-1]], axis=1).astype("int32")
    expected = captioner.predictor.model.predict({**x, "words": own}, verbose=0)
    np.testing.assert_allclose(ops.convert_to_numpy(trainer(x)), expected, atol=1e-4)


def test_what_stands_behind_the_end_does_not_count(some, digits):
    trainer = train.Trainer(model.build_captioner(20, *SIZES, 0), seed=0, sampling=False)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    trainer.compile("adam", loss)
    x, y = clips.Batches(*digits, "en", 8, 1, 0)[0]
    logits = ops.convert_to_numpy(trainer(x)).astype(float)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    nats = -np.take_along_axis(log_p, y[..., None].astype(int), axis=-1)[..., 0]
    assert float(loss(y, logits.astype("float32"))) == pytest.approx(nats[y > 0].mean(), rel=1e-4)


# How it writes


def test_word_by_word_is_the_same_as_at_once(captioner, some):
    codes, total, _ = captioner.greedy(some.frames[:5])
    words = np.pad(codes[:, :-1], ((0, 0), (1, 0))).astype("int32")
    logits = captioner.predictor.model.predict({"clip": some.frames[:5], "words": words}, verbose=0).astype(float)
    logits[..., START] = -np.inf
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    for row, sentence, expected in zip(codes, log_p, total, strict=True):
        n = len(captioner.language.words(row))
        np.testing.assert_array_equal(sentence.argmax(axis=-1)[:n], row[:n])
        assert expected == pytest.approx(sentence[np.arange(n), row[:n]].sum(), abs=1e-3)


def test_beams_are_no_less_likely_than_the_greedy_sentence(captioner, some):
    for clip in some.frames[:4]:
        codes, total, _ = captioner.greedy(clip[None])
        ((alone, log_p),) = captioner.beam(clip, 1)
        n = len(alone)
        assert alone == tuple(codes[0][:n])
        assert log_p == pytest.approx(total[0], abs=1e-3)
        best = captioner.beam(clip, 8)
        values = [log_p for _, log_p in best]
        assert values == sorted(values, reverse=True)
        assert len({codes for codes, _ in best}) == 8
        assert values[0] >= total[0] - 1e-3
        for codes, log_p in best[:2]:  # the sums are what the network says of these sentences
            known, before, expected = captioner.watch(clip[None]), START, 0
            for code in codes:
                chances, known, _ = captioner.step([before], known)
                before, expected = code, expected + chances[0, code]
            assert log_p == pytest.approx(expected, abs=1e-3)


# The metrics


def test_metrics_of_known_sentences(digits):
    held_out = evaluate.held_out(*digits, "en", 10)
    true = held_out.language.sentences(held_out.scenes)
    assert [sentence.count("digit") for sentence in true] == [1] * 10 + [2] * 10
    perfect = evaluate.compare(true, held_out)
    assert set(perfect.values()) == {1.0}
    changed = list(true)
    changed[0] = changed[0].replace("is moving", "is is moving")  # right digits, right motion, not exact
    digit = held_out.scenes.digits[10, 0]
    changed[10] = changed[10].replace(f"digit {digit}", f"digit {(digit + 1) % 10}", 1)
    found = evaluate.compare(changed, held_out)
    assert (found["exact_one"], found["digits_one"], found["motions_one"]) == (0.9, 1, 1)
    assert (found["exact_two"], found["motions_two"]) == (0.9, 1)
    assert found["digits_two"] == pytest.approx(0.9)
    assert 0.9 < found["bleu_4"] < found["bleu_1"] < 1


def test_bleu_is_that_of_the_paper():
    """Of sentences of 8, 16 and 16 words one word is wrong: it spoils 1, 2, 3, 4 of the strings of 1 to 4 words."""
    language, digits = Language("en"), np.array([[5, -1], [2, 7], [1, 3]])
    scenes = clips.Scenes(digits, np.array([[0, 1]] * 3), None, None, None)
    one, two, three = language.sentences(scenes)
    held_out = evaluate.HeldOut(scenes, None, None, language, "")
    found = evaluate.compare([one, two.replace("7", "8"), three], held_out)
    shares = [39 / 40, 35 / 37, 31 / 34, 27 / 31]
    assert found["bleu_1"] == pytest.approx(shares[0])
    assert found["bleu_4"] == pytest.approx(np.prod(shares) ** 0.25)


# Training


def test_training(trained):
    rows = history(trained)
    assert [int(row["updates"]) for row in rows] == [2, 4]
    assert {"loss", "val_exact_one", "val_exact_two"} <= set(rows[0])
    found = metrics(trained)
    assert found["passed"] is None
    assert {"exact_one", "digits_two", "motions_two", "bleu_1", "bleu_4", "baseline_bleu_4"} <= set(found)
    assert_drawn(trained, {"curves"})


def test_loss_falls(digits):
    keras.utils.set_random_seed(0)
    trainer = train.Trainer(model.build_captioner(20, *SIZES, 8), seed=0, sampling=False)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    trainer.compile(keras.optimizers.Adam(1e-2), loss)
    x, y = clips.Batches(*digits, "en", 8, 1, 0)[0]
    losses = [float(trainer.train_on_batch(x, y)) for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_the_subset_bar_is_passed(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "JUDGED", 500)
    options = (
        "--data sample --precision float32 --set widths=[8,16,32] --set note_size=32 --set updates=150 --set looks=1"
    )
    assert train.main([*options.split(), "--out", str(tmp_path / "out")]) == 0
    found = metrics(tmp_path / "out")
    assert bars.SUBSET["hw3_captions", "sample"].passes(found), found


@pytest.mark.slow  # as every kind of training does
def test_a_stopped_training_goes_on_exactly(tmp_path, monkeypatch):
    options = [*TINY, "--set", "note_size=8", "--set", "own_words=0.5"]
    assert_resumes_exactly(train, options, tmp_path, monkeypatch)


# What users see


def test_new_clips_are_captioned(trained, capsys):
    assert generate.main(["--run", str(trained), "--count", "2", "--beam", "3"]) == 0
    said = capsys.readouterr().out
    assert said.count("true: ") == 2
    assert said.count(" %  ") == 6
    with Image.open(trained / "figures" / "clip_2.gif") as animated:
        assert animated.n_frames > 2


@with_attention
def test_analysis(trained):
    assert analyze.main(["--run", str(trained), "--beside", str(trained)]) == 0
    assert_drawn(trained, {"progress", "wrong", "crossing", "attention"})
    numbers = json.loads((trained / "analysis.json").read_text())
    assert sum(n for _, n in numbers["exact_by_frames_in_which_digits_touch"].values()) == evaluate.JUDGED


def test_light_lies_where_attention_does():
    weights = np.zeros((8, 8))
    weights[2, 5] = 1
    picture = looking.lit(np.zeros((64, 64), "uint8"), weights)
    assert picture.shape == (64, 64, 3)
    brightest = np.unravel_index(picture.sum(axis=2).argmax(), (64, 64))
    assert [place // 8 for place in brightest] == [2, 5]


# Clips of users


def gif(path, frames, **options):
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=others, duration=100, **options)
    return path


def test_a_gif_comes_back_as_it_was(digits, tmp_path):
    clip = moving(digits[0][0], 0)
    found = own_clip.read(gif(tmp_path / "a.gif", clip))
    np.testing.assert_allclose(found.astype(int), np.round(255 * (clip / clip.max())), atol=2)


@pytest.mark.parametrize("change", ["black on white", "large", "wide", "folder", "colour", "short", "long", "clear"])
def test_clips_are_brought_into_form(change, digits, tmp_path):
    clip = moving(digits[0][0], 0, {"short": 8, "long": 45}.get(change, 16))
    expected = clip[np.round(np.linspace(0, len(clip) - 1, 16)).astype(int)]
    path, margin = tmp_path / "clip.gif", 0
    if change == "black on white":
        gif(path, 255 - clip)
    elif change == "large":
        gif(path, clip.repeat(3, axis=1).repeat(3, axis=2))
    elif change == "wide":  # twice as wide as high: it becomes half as high, with margins above and below
        gif(path, np.pad(clip, ((0, 0), (0, 0), (32, 32))))
        margin = 16
    elif change == "colour":
        gif(path, np.stack([clip, clip // 2, clip * 0], axis=3))
    elif change == "folder":
        path.mkdir()
        for number, frame in enumerate(clip):
            Image.fromarray(frame).save(path / f"frame_{number}.png")
        (path / "notes.txt").write_text("no picture")
    elif change == "clear":
        frames = [Image.merge("LA", (Image.fromarray(0 * frame), Image.fromarray(frame))) for frame in clip]
        path.mkdir()
        for number, frame in enumerate(frames):
            frame.save(path / f"{number:02}.png")
    else:
        gif(path, clip)
    found = own_clip.read(path)
    assert found.shape == (16, 64, 64)
    assert found.max() == 255
    if margin:
        assert not found[:, :margin].any() and not found[:, -margin:].any()
    else:
        assert np.abs(found.astype(int) - expected).mean() < 3


@with_attention
def test_clips_that_are_none(trained, digits, tmp_path, capsys):
    one = moving(digits[0][0], 0)
    Image.fromarray(one[0]).save(tmp_path / "single.png")
    gif(tmp_path / "empty.gif", np.full((3, 20, 20), 90, "uint8") + np.arange(3, dtype="uint8")[:, None, None])
    (tmp_path / "broken.gif").write_bytes(b"GIF89a, but no more")
    gif(tmp_path / "cut.gif", one)
    content = (tmp_path / "cut.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(content[: len(content) // 2])
    (tmp_path / "folder").mkdir()
    for name, words in {
        "single.png": "single picture",
        "empty.gif": "shows nothing",
        "broken.gif": "cannot be read as a clip",
        "cut.gif": "cut.gif",
        "missing.gif": "there is no clip",
        "folder": "no picture in the folder",
    }.items():
        capsys.readouterr()
        assert generate.main(["--run", str(trained), "--clip", str(tmp_path / name)]) == 1, name
        assert_one_sentence(capsys.readouterr().err, name, words)
    assert generate.main(["--run", str(trained), "--clip", str(tmp_path / "cut.gif"), "--count", "2"]) == 2
    assert_one_sentence(capsys.readouterr().err, "leave them out, or --clip")
    assert train.main(["--set", "widths=[8,16]", "--out", str(tmp_path / "out")]) == 2
    assert_one_sentence(capsys.readouterr().err, "widths are three numbers")


def test_too_many_frames_are_refused(tmp_path, monkeypatch):
    assert own_clip.MOST == 2000
    monkeypatch.setattr(own_clip, "MOST", 30)
    frames = np.arange(31, dtype="uint8").reshape(-1, 1, 1).repeat(4, axis=2)
    assert own_clip.read(gif(tmp_path / "most.gif", frames[:30] * 8)).any()
    with pytest.raises(UserError, match=r"long.gif has more than 30 frames"):
        own_clip.read(gif(tmp_path / "long.gif", frames * 8))


@with_attention
def test_a_users_clip_is_captioned(trained, digits, tmp_path, capsys):
    path = gif(tmp_path / "mine.gif", moving(digits[0][0], 1).repeat(2, axis=1).repeat(2, axis=2))
    assert generate.main(["--run", str(trained), "--clip", str(path)]) == 0
    assert capsys.readouterr().out.startswith("own_mine: ")
    assert (trained / "figures" / "own_mine.gif").exists()


def test_the_usual_sentence_is_one_about_one_digit():
    config = argparse.Namespace(data="sample", data_dir=None, limit=None, seed=0)
    held_out = evaluate.load_of(data.load("mnist", config), "zh")
    assert held_out.usual.count("數字") == 1
