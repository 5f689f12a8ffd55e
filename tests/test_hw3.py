"""Homework 3: the network and its memory, training to the subset bar, exact resuming, scoring and writing."""

import contextlib
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from common import bars
from common.data import corpus, poems, sample_texts
from common.errors import UserError
from common.run import analysis
from common.run.predictor import Local
from hw3_lstm_text import analyze, evaluate, generate, samples, sound, train
from hw3_lstm_text import model as models
from hw3_lstm_text.cells import lstm_step
from hw3_lstm_text.reader import Reader, choose, read_characters
from hw3_lstm_text.recurrence import walk
from hw3_lstm_text.samples import copy_weights
from hw3_lstm_text.windows import Windows
from tests.helpers import (
    STAGED,
    assert_one_sentence,
    assert_resumes_exactly,
    judge_short_texts,
    metrics,
    train_on_real_subset,
)

SHORT = ["--data", "sample", "--limit", "60000", "--batch-size", "16", "--epochs", "3", "--precision", "float32"]
REPORTS = 3
CHARACTERS = "\n，。天地人山水風月花"


@pytest.fixture(scope="module", params=["numbers", "sounds"])
def networks(request):
    """A small trainer and a reader with its weights, which are random and large enough to disagree."""

    keras.config.set_dtype_policy("float32")  # whatever the test before has trained in
    size = len(CHARACTERS), 6, [8, 5]
    heard = sound.sounds(CHARACTERS) if request.param == "sounds" else None
    reader, trainer = models.build_reader(*size, heard), models.build_trainer(*size, 1.0, 0.0, 0.0, 3, heard)
    rng = np.random.default_rng(0)
    for weight in trainer.trainable_weights:
        weight.assign(rng.normal(0, 0.7, weight.shape))
    copy_weights(trainer, reader)
    return SimpleNamespace(reader=Reader(Local(reader), CHARACTERS), trainer=trainer)


@pytest.fixture(scope="module")
def chinese_run(tmp_path_factory):
    """A short training on sentences of the built-in grammar."""
    out = tmp_path_factory.mktemp("chinese") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(train.SETTINGS["chinese"], "samples", REPORTS)
        patch.setitem(train.SETTINGS["chinese"], "units", [256])  # half of the default: enough for so small a grammar
        patch.setattr(evaluate, "PASSAGE", 640)  # read in a quarter of the time; 0.978 nats were measured so
        patch.setattr(samples, "LENGTH", 40)
        assert train.main([*SHORT, "--corpus", "tang", "--out", str(out)]) == 0
    return out


def learned(trainer, codes, keep):
    """The logits of the trainer, which with sounds says by which rhyme the last couplet ended too."""
    answers = trainer.predict_on_batch({"codes": codes, "keep": keep})
    return answers["logits"] if isinstance(answers, dict) else answers


def logits_of(reader, codes):
    return reader.step(codes, reader.begin(len(codes)))[0]


def test_trainer_carries_its_memory_on_and_empties_it_row_by_row(networks):
    codes = np.random.default_rng(1).integers(0, len(CHARACTERS), (3, 20)).astype("int32")
    whole = logits_of(networks.reader, codes)
    on, off = np.ones((3, 1), "float32"), np.zeros((3, 1), "float32")
    learned(networks.trainer, codes[:, :10], off)
    keep = np.array([[1], [0], [1]], "float32")
    second = learned(networks.trainer, codes[:, 10:], keep)
    np.testing.assert_allclose(second[[0, 2]], whole[[0, 2], 10:], atol=1e-5)
    np.testing.assert_allclose(second[1], logits_of(networks.reader, codes[1:2, 10:])[0], atol=1e-5)
    assert np.abs(second[1] - whole[1, 10:]).max() > 0.01
    third = learned(networks.trainer, codes[:, 10:], on)
    assert np.abs(third - second).max() > 0.01  # the memory has moved on


def walk_in_numpy(inputs, kernel, h, c):
    outputs = []
    for sums in inputs:
        h, c, _ = lstm_step(sums, h, c, np.eye(sums.shape[-1]), kernel, 0)
        outputs.append(h)
    return np.array(outputs), c


def test_the_error_walks_back_as_finite_differences_say():
    keras.config.set_dtype_policy("float32")
    rng = np.random.default_rng(0)
    time, n, units = 5, 3, 2
    values = [rng.normal(size=shape) for shape in ((time, n, 4 * units), (units, 4 * units), (n, units), (n, units))]
    weights = rng.normal(size=(time, n, units)), rng.normal(size=(n, units))

    def loss(values):
        return sum((weight * part).sum() for weight, part in zip(weights, walk_in_numpy(*values), strict=True))

    class Walked(keras.layers.Layer):
        def build(self, _):
            for value in values:
                self.add_weight(value.shape).assign(value)

        def call(self, x):
            parts = walk(*(keras.ops.convert_to_tensor(weight) for weight in self.weights))
            return x + sum(keras.ops.sum(w * part) for w, part in zip(weights, parts, strict=True))

    layer = Walked()
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0), lambda _, answer: answer)
    zero = np.zeros((1, 1), "float32")
    assert model.train_on_batch(zero, zero) == pytest.approx(loss(values), abs=1e-4)
    for part, weight in enumerate(layer.weights):
        for place in np.ndindex(values[part].shape):
            sides = []
            for move in (1e-5, -1e-5):
                moved = [value.copy() for value in values]
                moved[part][place] += move
                sides.append(loss(moved))
            slope = values[part][place] - keras.ops.convert_to_numpy(weight)[place]  # what one step at rate 1 took away
            assert slope == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-4)


def test_dropped_weights_learn_nothing_and_are_there_to_read_with():
    keras.config.set_dtype_policy("float32")
    x, on = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32"), np.ones((2, 1), "float32")
    inputs = keras.Input(batch_shape=(2, None, 4)), keras.Input(batch_shape=(2, 1))
    answers, moved = [], []
    for share in (0.0, 0.5):
        keras.utils.set_random_seed(0)
        layer = models.CarriedLSTM(16, 2, share)
        model = keras.Model(inputs, layer(*inputs))
        answers.append(model.predict_on_batch([x, 0 * on]))
        before = keras.ops.convert_to_numpy(layer.cell.recurrent_kernel)
        model.compile(keras.optimizers.SGD(1.0), "mean_squared_error")
        model.train_on_batch([x, on], np.ones((2, 3, 16), "float32"))
        moved.append(np.mean(keras.ops.convert_to_numpy(layer.cell.recurrent_kernel) != before))
    np.testing.assert_array_equal(*answers)
    assert moved[0] == 1
    assert moved[1] == pytest.approx(0.5, abs=0.07)  # of 1,024 weights: more than four standard deviations


def cost_by_definition(reader, codes):
    """Minus log p of each character after the first, given all before it, from one reading."""
    logits = logits_of(reader, codes[None].astype("int32"))[0, :-1].astype(float)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(chances[np.arange(len(codes) - 1), codes[1:]])


@pytest.mark.parametrize("at_once", [1, 64])
@pytest.mark.parametrize(("n", "length"), [(700, 900), (700, 200), (641, 64)])
def test_passages_are_read_from_an_empty_memory(n, length, at_once, networks):
    codes = np.random.default_rng(2).integers(0, len(CHARACTERS), n).astype("uint8")
    nats, place, first = networks.reader.read_passages(codes, length, at_once)
    starts = np.flatnonzero(place == 0)
    assert len(starts) == max(1, (n - 1) // length)
    for start, end in zip(starts, [*starts[1:], n - 1], strict=True):
        expected = cost_by_definition(networks.reader, codes[start : end + 1])
        np.testing.assert_allclose(nats[start:end], expected, atol=1e-3)
        assert place[start:end].tolist() == list(range(end - start))
        assert (first[start:end] == (start == 0)).all()


def test_what_counts_was_read_with_a_memory(networks, monkeypatch):
    """Of each passage but the first the beginning does not count; what counts costs what one long reading says."""
    monkeypatch.setattr(evaluate, "PASSAGE", 200)
    monkeypatch.setattr(evaluate, "WARM_UP", 50)
    codes = np.random.default_rng(3).integers(0, len(CHARACTERS), 601).astype("uint8")
    nats, counted = evaluate.nats_per_character(networks.reader, codes)
    assert np.flatnonzero(~counted).tolist() == [*range(200, 250), *range(400, 450)]
    expected = cost_by_definition(networks.reader, codes)
    np.testing.assert_allclose(nats[counted], expected[counted], atol=1e-3)
    assert np.abs(nats - expected)[~counted].max() > 0.01  # there the memory was missing


def test_windows_of_poems_say_by_which_rhyme_the_last_couplet_ended():
    codes, rhymes = np.arange(200), np.arange(200) % 7
    windows = Windows(codes, batch_size=4, window=10, passage=3, steps=5, seed=0, rhymes=rhymes)
    for x, y in (windows[i] for i in range(5)):
        assert (y["logits"][:, :-1] == x["codes"][:, 1:]).all()
        assert (y["rhyme"] == rhymes[y["logits"]]).all()  # of the same characters


def test_windows_read_on_and_cover_the_text_evenly():
    codes = np.arange(10_007)
    windows = Windows(codes, batch_size=8, window=10, passage=4, steps=50, seed=0)
    counts = np.zeros(len(codes), int)
    began = np.zeros(8, int)
    before = None
    for epoch in range(6):
        windows.epoch = epoch
        for index in range(50):
            x, y = windows[index]
            np.testing.assert_array_equal(y, (x["codes"] + 1) % len(codes))
            keep = x["keep"][:, 0] == 1
            if before is not None:
                np.testing.assert_array_equal(x["codes"][keep, 0], before[keep])
            before = y[:, -1]
            began += ~keep
            counts[x["codes"]] += 1
    assert (began == 75).all()  # 300 batches, passages of 4
    assert not all((~(windows[i][0]["keep"][:, 0] == 1)).all() for i in range(4))  # rows begin at different times
    assert counts.max() <= 4  # 24,000 characters read of 10,007: 2.4 times on average
    assert (counts > 0).mean() > 0.99


def test_choose_obeys_temperature_and_top_p():
    logits = np.log(np.tile([[0.5, 0.3, 0.15, 0.05]], (4000, 1)))

    def shares(**options):
        drawn = choose(logits, np.random.default_rng(0), **options)
        return np.bincount(drawn, minlength=4) / 4000

    np.testing.assert_allclose(shares(), [0.5, 0.3, 0.15, 0.05], atol=0.03)
    assert shares(temperature=0)[0] == 1
    squared = np.array([0.25, 0.09, 0.0225, 0.0025])
    np.testing.assert_allclose(shares(temperature=0.5), squared / squared.sum(), atol=0.03)
    np.testing.assert_allclose(shares(top_p=0.8), [0.625, 0.375, 0, 0], atol=0.03)
    assert shares(top_p=0.01)[0] == 1  # the likeliest stays


def test_writing_is_what_scoring_says(networks):
    """Greedy writing, whose memory is carried, takes the likeliest character of the whole text read anew."""
    prompt = corpus.encode("天地人\n", CHARACTERS)[None]
    writing = networks.reader.write(prompt, np.random.default_rng(0), temperature=0)
    text = list(prompt[0])
    for _ in range(4):  # every length is traced anew
        expected = logits_of(networks.reader, np.array([text], "int32"))[0, -1].argmax()
        text.append(next(writing)[0])
        assert text[-1] == expected


def test_training_on_chinese_passes_the_bar_and_keeps_to_the_grammar(chinese_run):
    found = metrics(chinese_run)
    assert found["passed"] is None
    assert bars.SUBSET["hw3_lstm_text", "sample"].passes(found), found


def test_written_sentences_keep_to_the_grammar(chinese_run):
    """Most of what the network writes are sentences of the grammar that wrote its corpus; shuffled they are not."""
    model, _ = analysis.open_model(SimpleNamespace(run=chinese_run), train.HOMEWORK)
    reader = Reader(Local(model), read_characters(chinese_run)[0])
    rng = np.random.default_rng(0)
    texts = reader.write_texts(["\n"] * 50, 80, rng, temperature=0.8)
    sentences = [sentence for text in texts for sentence in text.split("\n")[:-1]]
    assert len(sentences) > 100
    accepted = np.mean([sample_texts.accepts(sentence) for sentence in sentences])
    assert accepted > 0.5, (accepted, sentences[:20])
    shuffled = ["".join(rng.permutation(list(sentence))) for sentence in sentences]
    assert np.mean([sample_texts.accepts(sentence) for sentence in shuffled]) < 0.1


def test_run_leaves_samples_and_the_alphabet(chinese_run):
    alphabet = json.loads((chinese_run / "characters.json").read_text())
    assert alphabet["kind"] == "chinese"
    samples = sorted((chinese_run / "samples").iterdir())
    assert len(samples) == REPORTS
    first, last = (float(path.read_text().split(": ")[1].split()[0]) for path in (samples[0], samples[-1]))
    assert last < first


def test_resuming_carries_the_memory_on(tmp_path, monkeypatch):
    """Dropout, passages in the middle, and the memory of the rows are where they were."""
    judge_short_texts(monkeypatch)
    monkeypatch.setitem(train.SETTINGS["fast"], "units", [16, 12])
    monkeypatch.setitem(train.SETTINGS["fast"], "dropout", 0.2)
    monkeypatch.setitem(train.SETTINGS["fast"], "weight_drop", 0.3)
    monkeypatch.setitem(train.SETTINGS["fast"], "samples", 3)
    options = ["--data", "sample", "--limit", "20000", "--batch-size", "16", "--precision", "float32"]
    options += ["--set", "updates=60"]
    assert_resumes_exactly(train, options, tmp_path, monkeypatch)


def test_generate_writes_what_was_asked(chinese_run, capsys):
    def written(*options):
        assert generate.main(["--run", str(chinese_run), *options]) == 0
        return capsys.readouterr()

    first = written("--length", "40", "--seed", "5", "--temperature", "0.5")
    assert first.out == written("--length", "40", "--seed", "5", "--temperature", "0.5").out
    assert first.out != written("--length", "40", "--seed", "6", "--temperature", "0.5").out
    assert "per second" in first.err
    assert len(first.out.rstrip("\n")) <= 40
    assert written("--prompt", "我", "--length", "5", "--seed", "1").out.startswith("我")
    assert "。" not in written("--until", "。", "--seed", "1", "--length", "300").out
    assert written("--count", "3", "--length", "5").out.count("---") == 2


def test_generate_names_the_characters_that_it_never_saw(chinese_run, capsys):
    assert generate.main(["--run", str(chinese_run), "--prompt", "我Ωж"]) == 1
    assert_one_sentence(capsys.readouterr().err, "Ω", "ж")
    assert generate.main(["--run", str(chinese_run), "--acrostic", "深度學習"]) == 1
    assert_one_sentence(capsys.readouterr().err, "has not learned poems")


def test_what_contradicts_is_refused_before_a_network_is_opened(capsys, tmp_path):
    for given, sentence in (
        (["--prompt", "春", "--acrostic", "深度學習"], "not allowed with"),
        (["--rhyme"], "--rhyme is for poems of even clauses"),
        (["--form", "七言絕句"], "--form 七言絕句 is no form of the corpus"),
    ):
        with contextlib.suppress(SystemExit):  # of the parser
            assert generate.main(["--run", str(tmp_path / "none"), *given]) == 2
        assert sentence in capsys.readouterr().err


def test_acrostic_begins_each_clause_with_the_character_asked_for():
    options = SimpleNamespace(temperature=1.0, top_p=1.0, rhyme=False)
    # CHARACTERS has no form line: the header is part of the prompt, so a network of poems knows its characters
    letters = CHARACTERS + "五言四句"
    reader = Reader(Local(models.build_reader(len(letters), 6, [8])), letters)
    form = poems.form_name(5, 4)
    steps = list(generate.acrostic(reader, "天地山水", form, np.random.default_rng(0), options))
    text = "".join(piece for piece, _, _ in steps)
    for i in (0, 1, 8):  # what the network thought before that character
        so_far = corpus.encode(f"\n\n{form}\n" + text[:i], letters)
        others = np.array([letter != "\n" for letter in letters])  # no clause ends by a line end
        np.testing.assert_allclose(steps[i][1][others], reader.read(so_far[None])[0][0][others], rtol=1e-4, atol=1e-5)
    clauses = [clause for clause in "".join("|" if c in generate.CLAUSE_ENDS else c for c in text).split("|") if clause]
    assert [clause.strip()[0] for clause in clauses] == list("天地山水")
    assert text.count("\n") == 1


class Dice:
    """Stands for a Reader: any character of a clause is as likely as any other, and the form is kept."""

    characters = "，。\n" + "人陳身山間還天年風中" + "五言四句"

    def write(self, prompt, rng, temperature, top_p, limit):
        places = 5 * [slice(3, 13)] + [slice(0, 1)] + 5 * [slice(3, 13)] + [slice(1, 2), slice(2, 3)]
        for place in 2 * places:
            logits = np.full((1, len(self.characters)), -np.inf, "float32")
            logits[:, place] = 0
            limit(logits)
            yield choose(logits, rng, temperature, top_p)


@pytest.mark.parametrize("rhyme", [False, True])
def test_rhyme_lets_only_rhymes_end_a_couplet(rhyme):
    options = SimpleNamespace(temperature=1.0, top_p=1.0, form="五言四句", rhyme=rhyme)
    written = ["".join(generate.written(Dice(), np.zeros(1), "", np.random.default_rng(i), options)) for i in range(40)]
    assert all(poems.has_form(poem, "五言四句") for poem in written)
    share = np.mean([sound.rhymes(poem) for poem in written])
    assert share == 1 if rhyme else share < 0.6  # of ten endings three rhyme with each other, three, three and one
    assert len(set(written)) == 40


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "is empty"), ("too short " * 10, "characters"), (b"\xff\xfe\x00", "UTF-8"), (None, "no corpus")],
)
def test_bad_texts_get_one_sentence(content, reason, tmp_path, capsys):
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert train.main(["--corpus", str(path), "--out", str(tmp_path / "out")]) == 1
    assert_one_sentence(capsys.readouterr().err, path, reason)
    assert not (tmp_path / "out" / "config.json").exists()


def test_a_text_without_lines_is_learned_written_and_asked(tmp_path, capsys, monkeypatch):
    judge_short_texts(monkeypatch)
    path, out = tmp_path / "text.txt", tmp_path / "out"
    path.write_text("all work and no play makes $^$ a dull_boy. " * 200)
    options = ["--corpus", str(path), "--batch-size", "8", "--epochs", "1", "--set", "units=[128]"]
    assert train.main([*options, "--out", str(out)]) == 0
    assert metrics(out)["epochs"] == pytest.approx(16 * 8 * 64 / 7740, abs=0.01)  # the last batch goes beyond one epoch
    assert any((out / "samples").iterdir())
    capsys.readouterr()
    assert generate.main(["--run", str(out), "--prompt", "all ", "--length", "50", "--seed", "1"]) == 0
    assert capsys.readouterr().out.startswith("all ")
    assert analyze.main(["--run", str(out), "--cloze", "no ____ makes", "play", "yalp"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("play")
    assert generate.main(["--run", str(out), "--prompt", "all\\nwork"]) == 1
    assert_one_sentence(capsys.readouterr().err, "has no '\\n':")


def test_a_text_shorter_than_its_windows_gets_one_sentence(tmp_path, capsys):
    path = tmp_path / "text.txt"
    path.write_text("all work and no play " * 120)
    assert train.main(["--corpus", str(path), "--batch-size", "5000", "--out", str(tmp_path / "out")]) == 1
    assert_one_sentence(capsys.readouterr().err, "too few", "--batch-size")


def test_unknown_characters_are_an_error():
    with pytest.raises(UserError, match="Ω"):
        corpus.encode("Ω", CHARACTERS)


if (STAGED / "tinyshakespeare.txt").exists():

    def test_short_training_passes_the_bar_of_part_of_shakespeare(tmp_path, monkeypatch):
        monkeypatch.setitem(train.SETTINGS["fast"], "samples", REPORTS)
        train_on_real_subset(train, tmp_path, "--limit", "200000", "--epochs", "3", "--batch-size", "16")


@pytest.mark.full
def test_default_training_passes_the_bar_of_the_assignment(tmp_path):
    assert train.main(["--data", "full", "--out", str(tmp_path / "out")]) == 0
    assert metrics(tmp_path / "out")["passed"] is True


if (STAGED / "tang_poems.txt").exists():

    @pytest.mark.slow
    def test_training_on_poems_passes_the_bar_of_the_assignment(tmp_path):
        options = ["--data", "full", "--data-dir", str(STAGED), "--corpus", "tang", "--out", str(tmp_path / "out")]
        assert train.main(options) == 0
        assert metrics(tmp_path / "out")["passed"] is True
