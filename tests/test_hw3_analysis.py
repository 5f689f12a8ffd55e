"""Homework 3's analysis: looking into the LSTM, the cloze task, copying, and all pictures of small runs."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from common.data import poems, sample_texts
from common.data.corpus import encode
from common.figures import glyphs, plots
from common.run.predictor import Local
from hw3_lstm_text import analyze, cells, cloze, cloze_test, copying, foresight, train, writing
from hw3_lstm_text import model as models
from hw3_lstm_text.cloze_test import Bigrams, tokens
from hw3_lstm_text.reader import Reader
from tests.helpers import assert_one_sentence, assert_resumes_exactly, judge_short_texts

pytestmark = pytest.mark.filterwarnings("error:Glyph")  # a character that the font of a picture lacks

TINY = {"units": [24, 16], "embedding_dim": 12, "updates": 20, "samples": 2, "batch_size": 8, "window": 16}
PICTURES = {"curves", "cells", "gates", "memory", "kinds", "temperature", "copying", "cloze", "samples"}
LETTERS = "\n abcdefghijklmnopqrstuvwxyz"
PLAY = """
KING HENRY:
He said "go home" and "now" (so soon). Now
I go.

MARY:
Yes! And you?
"""


@pytest.fixture(scope="module")
def small():
    """Shorter texts and fewer questions, so that an analysis takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        judge_short_texts(patch)
        for model in train.SETTINGS:
            patch.setitem(train.SETTINGS, model, train.SETTINGS[model] | TINY)
        for module, sizes in (
            (analyze, {"WATCHED": 3000, "SCORED": 2000}),
            (foresight, {"MEMORY": 256}),
            (writing, {"LENGTH": 100, "TEXTS": 2, "POEMS": 4, "TEMPERATURES": (0.4, 1.0)}),
            (cloze_test, {"QUESTIONS": 40}),
        ):
            for name, value in sizes.items():
                patch.setattr(module, name, value)
        yield


def finished(folder, *options):
    out = folder / "out"
    assert train.main([*options, "--precision", "float32", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def english_run(small, tmp_path_factory):
    return finished(tmp_path_factory.mktemp("english"), "--data", "sample", "--limit", "60000")


@pytest.fixture(scope="module")
def staged_poems(tmp_path_factory):
    """A data folder with poems of random characters."""
    folder, rng = tmp_path_factory.mktemp("poems"), np.random.default_rng(0)
    characters = list("天地人山水風月花春秋江雲日夜雨雪鳥酒門舟樓客心年")
    blocks = []
    for i in range(700):
        n = 5 if i % 2 else 7
        clauses = ["".join(rng.choice(characters, n)) for _ in range(4)]
        blocks.append(f"題{i}\n{clauses[0]}，{clauses[1]}。\n{clauses[2]}，{clauses[3]}。\n")
    (folder / "tang_poems.txt").write_text("\n".join(blocks), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tang_run(small, staged_poems):
    return finished(staged_poems, "--corpus", "tang", "--data", "full", "--data-dir", str(staged_poems))


def random_reader(heard=None):
    reader = models.build_reader(len(LETTERS), 8, [7, 5], heard)
    rng = np.random.default_rng(0)
    reader.set_weights([rng.normal(0, 0.7, weight.shape) for weight in reader.get_weights()])
    return Reader(Local(reader), LETTERS)


def test_the_lstm_in_numpy_is_that_of_keras():
    layer = keras.layers.LSTM(6, return_sequences=True, return_state=True, dtype="float32")
    x = np.random.default_rng(0).normal(size=(3, 10, 4)).astype("float32")
    outputs, _, last_c = (keras.ops.convert_to_numpy(each) for each in layer(x))
    h, c = np.zeros((2, 3, 6), "float32")
    for place in range(10):
        h, c, gates = cells.lstm_step(x[:, place], h, c, *(keras.ops.convert_to_numpy(w) for w in layer.weights))
        np.testing.assert_allclose(h, outputs[:, place], atol=1e-5)
        assert all(((gate > 0) & (gate < 1)).all() for gate in gates)
    np.testing.assert_allclose(c, last_c, atol=1e-5)


def test_poems_are_learned_together_with_their_rhymes_and_resumed_exactly(small, staged_poems, tmp_path, monkeypatch):
    monkeypatch.setenv("HW_DATA_DIR", str(staged_poems))
    options = ["--corpus", "tang", "--data", "full", "--precision", "float32"]
    assert_resumes_exactly(train, options, tmp_path, monkeypatch)
    history = (tmp_path / "whole" / "history.csv").read_text(encoding="utf-8").splitlines()
    first, *_, last = [dict(zip(history[0].split(","), row.split(","), strict=True)) for row in history[1:]]
    assert float(last["rhyme_loss"]) < float(first["rhyme_loss"])
    assert "logits_loss" not in last and float(last["loss"]) < np.log(200)


@pytest.mark.parametrize("heard", [None, np.random.default_rng(2).random((len(LETTERS), 3), "float32")])
def test_the_look_sees_the_cells_of_the_reader_however_the_text_is_cut(heard):
    reader = random_reader(heard)
    codes = np.random.default_rng(1).integers(0, len(LETTERS), 150)
    for n in (1, 97, 150):
        seen = cells.look(reader.predictor.model, codes[:n], streams=1, warm_up=0)
        _, (_, c1, _, c2) = reader.step(codes[None, :n], reader.begin(1))
        np.testing.assert_allclose(seen.cells[-1], np.tanh(np.concatenate([c1, c2], axis=1))[0], atol=1e-5)
    cut = cells.look(reader.predictor.model, codes, streams=4, warm_up=150)
    for mine, theirs in zip(cut[:3], seen[:3], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    assert seen.names[0] == ("lstm1", 0)
    assert seen.names[-1] == ("lstm2", 4)
    assert (seen.opened + seen.shut <= 1).all()


def test_properties_of_an_english_text():
    found = cells.properties(PLAY, "english")

    def marked(name):
        chosen = "".join(c if v else "\0" for c, v in zip(PLAY, found[name], strict=True))
        return [part for part in chosen.split("\0") if part]

    assert marked("inside a speaker's name") == ["KING HENRY:", "MARY:"]
    assert marked("inside quotes") == ['"go home"', '"now"']
    assert marked("inside brackets") == ["(so soon"]
    assert found["place in the line"][PLAY.index("He said") + 3] == 4
    assert found["place in the word"][PLAY.index("said") + 3] == 4
    assert found["line of the paragraph"][PLAY.index("I go")] == 3
    assert marked("a sentence has ended") == [". ", ".\n\n", "! ", "?\n"]


def test_properties_of_poems():
    text = "五言四句\n破落三間屋，蕭條一旅人。\n不知負何事，生死厄於陳。\n\n"
    text += "七言二句\n五帝望空拜玉皇，五帝望空拜玉花。\n"
    found = cells.properties(text, "poems")
    assert found["the line that names the form"].sum() == 10
    for name, of_last, of_seven in (
        ("place in the clause", 5, 7),
        ("number of the clause", 4, 2),
        ("clauses still to come", 0, 0),
        ("second clause of the couplet", 1, 1),
        ("clauses of seven, not five", 0, 1),
    ):
        assert found[name][text.index("陳")] == of_last, name
        assert found[name][text.rindex("花")] == of_seven, name
        assert name == "place in the clause" or found[name][text.index("。\n\n")] == of_last, name
    assert found["clauses still to come"][text.index("破")] == 3
    assert np.isnan(found["number of the clause"][0])
    rhyme = found["the last couplet ends on -en"]  # 人
    assert np.isnan(rhyme[: text.index("不")]).all() and np.isnan(rhyme[text.index("七言") :]).all()
    assert (rhyme[text.index("不") : text.index("陳")] == 1).all()


def test_a_planted_cell_is_found_and_chance_is_told():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.integers(0, 2, 80), 50).astype(float)
    watched = rng.normal(size=(len(values), 30))
    watched[:, 17] -= 4 * values
    tracked = {"planted": values, "never": np.zeros(len(values)), "unknown": np.full(len(values), np.nan)}
    found = cells.best_cells(watched, tracked, rng)
    assert set(found) == {"planted"}
    assert found["planted"]["cell"] == 17
    assert found["planted"]["r"] < -0.8
    assert found["planted"]["chance"] < 0.4
    assert found["planted"]["median"] < 0.1


def test_longest_runs_are_found():
    source = "the cat sat on the mat. a dog ran"
    texts = ["xx sat on the dog ran", "zzz", "the cat sat on the mat. a dog ran"]
    runs = copying.longest_runs([np.array([ord(c) for c in t]) for t in texts], np.array([ord(c) for c in source]))
    joined = "\0".join(texts) + "\0"
    for place in range(len(joined)):
        lengths = [n for n in range(len(joined) - place + 1) if joined[place : place + n] in source]
        assert runs[place] == max(lengths), place
    assert copying.passages(joined, runs)[:2] == [source, " sat on the "]
    assert copying.covered(np.array([0, 3, 2, 1, 0, 1]), 3) == 0.5
    assert copying.covered(np.array([0, 3, 2, 1, 0, 1]), 1) == pytest.approx(4 / 6)


def test_repetition_and_known_pieces():
    assert writing.repeated("abcabcabc", 3) == pytest.approx(4 / 7)
    assert writing.repeated("花，花。月", 1) == pytest.approx(1 / 3)
    assert writing.pairs("春花，秋月夜") == ["春花", "秋月", "月夜"]
    assert writing.known_pieces("The cat's Hat", "english") == {"the", "cat's", "hat"}


def test_costs_of_many_texts_are_those_of_each():
    reader = random_reader()
    texts = [encode(text, LETTERS) for text in ("a", "hello there", "x" * 70, "ab" * 80)]
    for text, found in zip(texts, cloze.costs(reader, texts, rows=3), strict=True):
        expected = reader.read_passages(text, len(text))[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)


class Alphabet:
    """A reader that expects each letter after the one before it in the alphabet."""

    characters = LETTERS

    def begin(self, n):
        return []

    def step(self, codes, states):
        return 5 * np.eye(len(LETTERS), dtype="float32")[(codes + 1) % len(LETTERS)], states


def test_cloze_ranks_by_the_whole_sentence():
    ranking = cloze.rank(Alphabet(), "english", "abc__g", ["dxf", "def", "d f"])
    assert ranking[0][0] == "def"
    assert sum(chance for _, _, chance in ranking) == pytest.approx(1)
    assert ranking[0][1] < ranking[1][1] <= ranking[2][1]
    # what follows the blank decides
    assert cloze.rank(Alphabet(), "english", "____xyz", ["ab", "vw"])[0][0] == "vw"


def test_bigrams_look_at_both_neighbours():
    counts = Bigrams(tokens("the cat sat. the dog ran. the dog barked. a cat ran.", "english"), mass=1)
    assert counts.score("the", "dog", "ran") > counts.score("the", "cat", "ran")
    assert counts.score("a", "cat", "ran") > counts.score("a", "dog", "ran")


@pytest.mark.parametrize("kind", ["english", "chinese"])
def test_questions_have_candidates_of_like_frequency(kind):
    text = sample_texts.english() if kind == "english" else sample_texts.chinese()
    cut = 9 * len(text) // 10
    asked, counts = cloze_test.questions(text[:cut], text[cut:], kind, np.random.default_rng(0), 50)
    assert len(asked) == 50
    ranks = {word: i for i, (word, _) in enumerate(counts.most_common())}
    for question in asked:
        assert question.before + question.answer + question.after in text[cut:]
        assert question.answer in question.candidates
        assert len(set(question.candidates)) == cloze_test.CANDIDATES
        assert max(abs(ranks[c] - ranks[question.answer]) for c in question.candidates) <= cloze_test.ALIKE


@pytest.mark.parametrize(
    ("cloze", "part"),
    [
        (["no blank here", "a", "b"], "has no blank"),
        (["two __ blanks __", "a", "b"], "has 2 blanks"),
        (["one ____ word", "a"], "at least two candidates"),
        (["one ____ word", "a", ""], "is empty"),
        (["one ____ word", "龍", "b"], "龍"),
    ],
)
def test_bad_cloze_input_is_answered_with_a_sentence(cloze, part, english_run, capsys):
    assert analyze.main(["--run", str(english_run), "--cloze", *cloze]) == 1
    assert_one_sentence(capsys.readouterr().err, part)


def test_cloze_prints_the_candidates(english_run, capsys):
    assert analyze.main(["--run", str(english_run), "--cloze", "the ____ of it", "value", "xqzjk"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("value") or lines[2].startswith("value")
    assert sum(float(line.split()[-2]) for line in lines[1:3]) == pytest.approx(100, abs=0.2)


def check_analysis(out, pictures):
    assert {path.stem for path in (out / "figures").glob("*.png")} == pictures
    for path in (out / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 200, path
    return json.loads((out / "analysis.json").read_text(encoding="utf-8"))


def test_analysis_of_an_english_run(english_run):
    assert analyze.main(["--run", str(english_run)]) == 0
    numbers = check_analysis(english_run, PICTURES)
    assert sum(entry["share_of_characters"] for entry in numbers["kinds"].values()) == pytest.approx(1)
    assert sum(entry["share_of_loss"] for entry in numbers["kinds"].values()) == pytest.approx(1, abs=1e-3)
    assert numbers["cloze"]["questions"] == 40
    assert "place in the word" in numbers["cells"]
    assert abs(list(numbers["memory"]["nats_lost_by_characters_read"].values())[-1]) < 0.05


def test_analysis_of_poems(tang_run):
    assert analyze.main(["--run", str(tang_run), "--data-dir", str(tang_run.parent)]) == 0
    numbers = check_analysis(tang_run, PICTURES | {"poems"})
    assert sum(entry["share_of_characters"] for entry in numbers["kinds"].values()) == pytest.approx(1)
    assert "clauses still to come" in numbers["cells"]
    assert numbers["poems"]["rhymes"]["real, held out"]["poems"] > 0
    assert numbers["temperature"]["held-out text"]["poems of the asked form"] == 1


def test_analysis_of_a_text_without_lines_and_with_formulas(small, tmp_path, capsys):
    rng = np.random.default_rng(0)
    words = ["the", "cat", "$^$", "dog_boy", "$\\frac$", "sat", "ran", "(so", "soon)", "on."]
    (tmp_path / "text.txt").write_text(" ".join(rng.choice(words, 12_000)))
    out = finished(tmp_path, "--corpus", str(tmp_path / "text.txt"))
    assert analyze.main(["--run", str(out)]) == 0
    check_analysis(out, PICTURES)


def test_a_text_that_has_changed_is_refused(tang_run, tmp_path, capsys):
    text = (tang_run.parent / "tang_poems.txt").read_text(encoding="utf-8")
    (tmp_path / "tang_poems.txt").write_text(text.replace("春", "夏"), encoding="utf-8")
    assert analyze.main(["--run", str(tang_run), "--data-dir", str(tmp_path)]) == 1
    assert_one_sentence(capsys.readouterr().err, tmp_path / "tang_poems.txt", tang_run, "SHA-256", "train again")


def test_pictures_draw_what_the_fonts_lack_in_another_way():
    plots.new_figure(1, 1)
    assert glyphs.drawable("為爲 a\n天\U0002ffff") == "為為 a\n天□"
    assert "□" not in glyphs.drawable("".join(glyphs.VARIANTS))


def test_kinds_leave_no_character_out():
    for kind, text in (
        ("english", PLAY + "12"),
        ("chinese", "天地人。\n 風ab月"),
        ("poems", "五言四句\n天地，人山。\n"),
    ):
        kinds = foresight.kinds_of(text, kind, "天天地人山水")
        np.testing.assert_array_equal(np.sum(list(kinds.values()), axis=0), 1)
    assert poems.is_header("五言四句\n天").sum() == kinds["the line that names the form"].sum()
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 800)))  # more than 500 and fewer than 1,500 different ones
    assert set(foresight.kinds_of(many + "，", "chinese", many)) == {
        "characters 1 to 100 by frequency",
        "characters 101 to 500 by frequency",
        "rarer characters",
        "punctuation and others",
    }
    assert foresight.kinds_of(many + "，", "chinese", many)["punctuation and others"].sum() == 1


def test_the_analysis_wants_a_finished_run(tmp_path, capsys):
    assert analyze.main(["--run", str(tmp_path)]) == 1
    assert_one_sentence(capsys.readouterr().err, "no finished run")
