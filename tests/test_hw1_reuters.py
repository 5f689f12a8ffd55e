"""Homework 1, news topics: data, the networks, training to the subset bar, exact resuming, the analysis."""

import functools
import io
import json
import pickle
import warnings
from argparse import Namespace

import keras
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from common import bars, data
from common.data import download, reuters, sample_wires
from common.errors import UserError
from common.figures import plots
from hw1_reuters_mlp import analyze, evaluate, texts, train
from hw1_reuters_mlp.bag_of_words import BagOfWords
from hw1_reuters_mlp.committee import build_committee
from hw1_reuters_mlp.deciding_words import contributions
from hw1_reuters_mlp.marked_text import draw_texts
from hw1_reuters_mlp.model import build_mlp
from tests import helpers
from tests.helpers import STAGED, assert_drawn, assert_resumes_exactly, metrics, train_on_real_subset

PICTURES = {
    "curves",
    "layers_pca",
    "layers_tsne",
    "layers_probe",
    "layers_units",
    "layers_class_means",
    "topic_words",
    "topics",
    "confusion",
    "deciding_words",
    "suspects",
}
OIL = "Oil prices rose after OPEC ministers agreed to cut the output of crude to 17 mln barrels a day."


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory):
    """The default training on the built-in sample, with its analysis."""
    out = tmp_path_factory.mktemp("wires") / "out"
    assert train.main(["--data", "sample", "--out", str(out)]) == 0
    with pytest.MonkeyPatch.context() as patch:  # fewer than 5,000 and 2,500
        few = functools.partial(analyze.analyze_layers, probe_examples=800, tsne_examples=300)
        patch.setattr(analyze, "analyze_layers", few)
        assert analyze.main(["--run", str(out)]) == 0
    return out


def staged_arrays(n=60):
    """The arrays of a staged file with `n` short wires; every topic occurs in the training split."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(50)])
    lengths = rng.integers(3, 9, n)
    return {
        "tokens": rng.integers(1, 51, lengths.sum()).astype("int32"),
        "offsets": np.concatenate([[0], np.cumsum(lengths)]).astype("int64"),
        "labels": (np.arange(n) % 46).astype("uint8"),
        "words": words,
        "topics": np.array(reuters.TOPICS),
    }


def config(folder):
    return Namespace(data="full", data_dir=folder, limit=None, seed=0)


def test_every_member_gives_a_margin_per_topic_and_the_answer_is_their_mean():
    each, mean = build_committee(n_words=30, n_topics=46, units=8, dropout=0.5, l2=1e-4, members=5)
    rows = np.random.default_rng(0).random((4, 30), "float32")
    margins = each.predict(rows, verbose=0)
    assert margins.shape == (4, 5, 46)
    np.testing.assert_allclose(mean.predict(rows, verbose=0), margins.mean(axis=1), atol=1e-5)


def test_a_committee_of_one_is_the_plain_network():
    rows = np.random.default_rng(0).random((4, 30), "float32")
    plain = build_mlp(30, 46, 8, 0.5, 1e-4)
    each, mean = build_committee(30, 46, 8, 0.5, 1e-4, 1)
    each.set_weights([new.reshape(old.shape) for new, old in zip(plain.get_weights(), each.get_weights(), strict=True)])
    np.testing.assert_allclose(mean.predict(rows, verbose=0), plain.predict(rows, verbose=0), atol=1e-5)
    penalties = [float(sum(model.losses)) for model in (plain, each)]
    assert penalties[0] == pytest.approx(penalties[1])
    assert penalties[0] > 0


def test_words_early_in_a_wire_count_more_and_rare_words_more_than_frequent_ones():
    words = np.array(["the", "oil", "wheat"])
    wires = reuters.Wires(np.array([1, 2, 1, 3, 3, 2], "int32"), np.array([0, 2, 4, 6]), words)
    bag = BagOfWords.fit(wires, 3, "tf-idf")
    assert bag.idf[0] == pytest.approx(np.log(4 / 3) + 1)  # in two of three wires, as every word here
    rows = bag.rows(wires)[:]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 10, rtol=1e-5)
    assert rows[2, 2] > rows[2, 1] > 0  # wheat stands before oil
    assert rows[2, 0] == 0
    binary = BagOfWords.fit(wires, 2, "binary").rows(wires)[:]
    np.testing.assert_array_equal(binary, [[1, 1], [1, 0], [0, 1]])


def test_default_training_passes_the_bar_of_the_sample(sample_run):
    found = metrics(sample_run)
    assert bars.SUBSET["hw1_reuters_mlp", "sample"].passes(found), found
    assert found["passed"] is None
    assert found["test_accuracy"] > found["majority_class_accuracy"] + 0.3
    assert 0 < found["macro_f1"] < found["test_accuracy"]


if (STAGED / "reuters.npz").exists():

    def test_default_training_passes_the_bar_of_4000_real_wires(tmp_path):
        found = train_on_real_subset(train, tmp_path, "--limit", "4000")
        assert (found["n_train"], found["n_test"]) == (4000, 2246)


@pytest.mark.full
@pytest.mark.parametrize("model", ["fast", "best"])
def test_training_passes_the_bar_of_the_assignment(model, tmp_path):
    assert train.main(["--data", "full", "--model", model, "--out", str(tmp_path / "out")]) == 0
    assert metrics(tmp_path / "out")["passed"] is True


def test_classic_model_learns_in_one_pass(tmp_path):
    options = ["--model", "classic", "--data", "sample", "--epochs", "1", "--out", str(tmp_path / "out")]
    assert train.main(options) == 0
    assert metrics(tmp_path / "out")["test_accuracy"] > metrics(tmp_path / "out")["majority_class_accuracy"] + 0.1


def test_a_committee_learns_by_cross_entropy_too(tmp_path):
    options = ["--data", "sample", "--limit", "200", "--epochs", "1", "--precision", "float32"]
    assert train.main([*options, "--model", "best", "--set", "loss=cross-entropy", "--out", str(tmp_path / "a")]) == 0


def test_without_a_hidden_layer_a_word_adds_its_weight():
    words = keras.Input((4,), name="words")
    model = keras.Model(words, keras.layers.Dense(3, name="margins")(words))
    rows, topics = np.array([[1.0, 0, 2, 0], [0, 3, 0, 0]], "float32"), np.array([2, 0])
    kernel = model.get_layer("margins").get_weights()[0]
    np.testing.assert_allclose(contributions(model, rows, topics), rows * kernel.T[topics])


def test_a_stopped_run_ends_with_the_weights_it_would_have_had(tmp_path, monkeypatch):
    options = ["--data", "sample", "--limit", "400", "--epochs", "3", "--batch-size", "64", "--precision", "float32"]
    assert_resumes_exactly(train, options, tmp_path, monkeypatch)


def test_analysis_draws_every_picture_and_finds_the_twins(sample_run):
    assert_drawn(sample_run, PICTURES, smallest=300, contrast=8)
    found = json.loads((sample_run / "analysis.json").read_text())
    assert list(found["layers"]) == ["input", "hidden", "margins"]
    assert found["layers"]["margins"]["class_separation"] > found["layers"]["input"]["class_separation"]
    assert len(found["topics"]) == 46
    assert len(found["words"]) == 12
    assert 0 < found["labels"]["upper_bound_of_accuracy"] <= 1


def test_the_topics_of_any_text_with_the_words_that_counted(sample_run, tmp_path, capsys):
    words, wire = BagOfWords.load(sample_run / "words.npz").read(OIL)
    assert words[:3] == ["oil", "prices", "rose"]
    assert (wire.tokens > 0).any()
    path = tmp_path / "news.txt"
    path.write_text(OIL)
    for argument in (OIL, str(path)):
        assert analyze.main(["--run", str(sample_run), "--text", argument]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split()[0] in reuters.TOPICS
        assert len([line for line in lines if line.split()[0] in reuters.TOPICS]) == 3
    assert (sample_run / "figures" / "own_text.png").exists()


def test_damaged_words_are_refused_whatever_the_damage(tmp_path):
    words = np.array(["oil", "prices", "rose"])
    path = tmp_path / "words.npz"
    np.savez_compressed(path, words=words, idf=np.ones(3, "float32"), weighting="tf-idf")
    whole, n_refused = path.read_bytes(), 0
    assert evaluate.read_words(path, words).words.tolist() == words.tolist()
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            evaluate.read_words(path, words)
        except UserError as error:
            assert "words.npz" in str(error)
            n_refused += 1
    assert n_refused > 20


def test_a_text_with_hardly_any_known_word_says_so(sample_run, capsys):
    assert analyze.main(["--run", str(sample_run), "--text", "the zyxw vutsr qponm lkjih gfedc of bazyx"]) == 0
    assert "NOTE: the network knows only" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argument", ["", "   ", "石油價格上漲，各國部長同意減產。", "missing.txt", "1234 5678", "qwxyzv zzkkqq"]
)
def test_a_text_that_is_none_gives_one_sentence(argument, sample_run, capsys):
    assert analyze.main(["--run", str(sample_run), "--text", argument]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert argument.strip() or "the text is empty" in error


def test_a_binary_file_is_not_a_text(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("L", (30, 30)).save(path)
    with pytest.raises(UserError, match=r"picture\.png is not plain text"):
        texts.read_text(str(path))


def test_a_text_in_the_home_folder(tmp_path, monkeypatch):
    """As written in --text=~/wire.txt; a text may begin with ~ all the same."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "wire.txt").write_text("oil prices rose")
    assert texts.read_text("~/wire.txt") == "oil prices rose"
    assert texts.read_text("~ 70 dollars a barrel") == "~ 70 dollars a barrel"
    with pytest.raises(UserError, match=r"~no-such-user/wire\.txt is not a text file"):
        texts.read_text("~no-such-user/wire.txt")


def test_keras_files_are_converted_to_the_same_split_as_keras_makes(tmp_path):
    rng = np.random.default_rng(0)
    wires = np.empty(60, object)
    wires[:] = [[*rng.integers(1, 51, rng.integers(3, 9)).tolist()] for _ in range(60)]
    labels = np.arange(60) % 46
    np.savez(tmp_path / "source.npz", x=wires, y=labels)
    index = {f"word{i}": i + 1 for i in range(50)}
    (tmp_path / "index.json").write_text(json.dumps(index))
    reuters.convert([tmp_path / "source.npz", tmp_path / "index.json"], tmp_path / "reuters.npz")
    with np.load(tmp_path / "reuters.npz", allow_pickle=False) as made:
        order = np.arange(60)
        np.random.RandomState(113).shuffle(order)  # as keras.datasets.reuters.load_data does it
        np.testing.assert_array_equal(made["labels"], labels[order])
        first = made["tokens"][made["offsets"][0] : made["offsets"][1]].tolist()
        assert first == wires[order[0]]
        assert made["words"].tolist() == list(index)


def test_a_file_with_another_hash_is_never_unpickled(tmp_path, monkeypatch):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    content = np.empty(1, object)
    content[0] = Trap()
    source = io.BytesIO()
    np.savez(source, x=content, y=np.zeros(1))

    def deliver(url, remote, folder, seconds):
        raise ValueError("hash differs") if remote.hash else AssertionError("without a hash")

    monkeypatch.setattr(download, "_fetch_from", deliver)
    with pytest.raises(UserError, match="other bytes than expected"):
        data.load("reuters", config(tmp_path / "data"))
    (tmp_path / "data" / "reuters.npz").write_bytes(source.getvalue())  # staged by mistake
    with pytest.raises(UserError, match=r"reuters\.npz is broken"):
        data.load("reuters", config(tmp_path / "data"))
    assert not (tmp_path / "sprung").exists()
    assert pickle.dumps(Trap())  # the trap is one


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tokens", lambda array: array.astype("float32")),
        ("tokens", lambda array: array + 50),
        ("offsets", lambda array: array[:-1]),
        ("offsets", lambda array: array[::-1]),
        ("labels", lambda array: array * 0),
        ("words", lambda array: array[:10]),
        ("topics", lambda array: array[::-1]),
        ("topics", None),
    ],
)
def test_a_broken_staged_file_gives_one_sentence(name, change, tmp_path):
    arrays = staged_arrays()
    np.savez(tmp_path / "reuters.npz", **arrays)
    assert len(data.load("reuters", config(tmp_path)).x_train) == 48
    arrays[name] = change(arrays[name]) if change else None
    np.savez(tmp_path / "reuters.npz", **{key: array for key, array in arrays.items() if array is not None})
    with pytest.raises(UserError, match=r"reuters\.npz is broken") as error:
        data.load("reuters", config(tmp_path))
    assert "\n" not in str(error.value)


def test_the_sample_is_as_unbalanced_as_the_real_wires():
    _, y_train, x_test, y_test = sample_wires.wires()
    counts = np.sort(np.bincount(y_train, minlength=46))[::-1]
    assert counts.min() > 0
    assert 0.25 < counts[0] / counts.sum() < 0.5
    assert len(x_test) == len(y_test)
    assert len(x_test.text(0)) > 10
    np.testing.assert_array_equal(sample_wires.wires()[1], y_train)


def test_other_data_than_those_of_the_run_are_refused(sample_run, tmp_path, capsys):
    helpers.assert_other_data_are_refused(analyze, sample_run, tmp_path, capsys)


@pytest.mark.parametrize("most", [40, 4000])
def test_the_scale_of_the_topics_is_plain_numbers(most, tmp_path, monkeypatch):
    """Formulas are switched off in all pictures, for the words of users: powers of ten would show their markup."""
    drawn = []
    monkeypatch.setattr(plots, "save", lambda figure, path: drawn.append(figure))
    labels = np.repeat(np.arange(46), np.linspace(10, most, 46).astype(int))
    analyze.show_topics(Namespace(y_train=labels, y_test=labels), labels, tmp_path)
    drawn[0].savefig(io.BytesIO())
    shown = [text.get_text() for text in drawn[0].findobj(Text)]
    assert not [text for text in shown if "$" in text]
    assert {"10", "1000" if most == 4000 else "40"} <= {*shown}


def test_words_of_users_are_drawn_as_they_are(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "save", lambda figure, path: drawn.append(figure))
    words = ["$x^$", "$\\frac$", "a_b", "原油"]
    draw_texts(tmp_path / "x.png", Namespace(words=np.array(words[:3])), [words], ["$^$"], np.ones((1, 3)), "cost$^$")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn[0].savefig(io.BytesIO())
    assert {*words, "$^$", "cost$^$"} <= {text.get_text() for text in drawn[0].findobj(Text)}
