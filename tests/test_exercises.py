"""The exercises of the homeworks: their answers in the pages, the command that takes them out, the grader's verdict."""

import contextlib
import csv
import json
import re
import shutil
import zipfile

import numpy as np
import pytest

from common import bars, grade, without_answers
from common.data import mnist
from common.grading import rules, submissions, weights
from tests import test_pages
from tests.helpers import ROOT, assert_one_sentence, hand_in

PAGES = [
    pytest.param(homework, name, id=f"{homework}-{name}")
    for homework in bars.HOMEWORKS
    for name in ("README.md", "README.zh-TW.md")
]
WORDS = {
    "README.md": ("## Exercises", "Answer", "for the grader"),
    "README.zh-TW.md": ("## 練習", "答案", "由評分程式評分"),
}


handed_out = pytest.mark.skipif(
    not any("<details><summary>" in page.read_text(encoding="utf-8") for page in test_pages.PAGES),
    reason="the answers were taken out: this copy was handed out",
)


@handed_out
@pytest.mark.parametrize(("homework", "name"), PAGES)
def test_every_exercise_has_an_answer(homework, name):
    """At least six, each answer folded away and written so that GitHub draws what is in it; two for the grader."""
    heading, answer, for_the_grader = WORDS[name]
    text = (ROOT / homework / name).read_text(encoding="utf-8")
    section = text.split(f"\n{heading}\n")[1].split("\n## ")[0]
    exercises = re.split(r"\n(?=\*\*\d+\. )", section)[1:]
    assert [int(re.match(r"\*\*(\d+)", exercise)[1]) for exercise in exercises] == [*range(1, len(exercises) + 1)]
    assert len(exercises) >= 6
    form = rf"<details><summary>{answer}</summary>\n\n(.+?)\n\n</details>"
    for exercise in exercises:
        assert exercise.count("<details>") == exercise.count("</details>") == len(re.findall(form, exercise, re.S)) == 1
        assert re.search(r"\d", re.search(form, exercise, re.S)[1]), f"nothing was measured: {exercise}"
    keys = {key for key in bars.EXERCISES if key.startswith(f"{homework}/")}
    marked = [exercise for exercise in exercises if for_the_grader in exercise]
    assert len(marked) == len(keys) == 2
    for key, exercise in zip(sorted(keys, key=bars.exercise_folder), marked, strict=True):
        question = exercise.split("<details>")[0]
        assert f"`outputs/{bars.exercise_folder(key)}`" in question
        for bar in (bars.EXERCISES[key], *bars.EXERCISES[key].also):
            numbers = re.findall(r"[\d,.]*\d(?: %)?", question)
            said = {f"{100 * bar.threshold:.1f} %", f"{bar.threshold:,}", f"{bar.threshold:g}"}
            assert said & {*numbers}, f"{bar} is not in {question}"


def test_every_exercise_of_the_grader_has_a_task():
    for key, bar in bars.EXERCISES.items():
        assert bars.FULL[bars.task_of(key)].at_most == bar.at_most
        assert [also.metric for also in bar.also][-1] == "weights"
        assert rules.load().tiers[key] == {"exercise": bar}
    assert len({bars.exercise_folder(key) for key in bars.EXERCISES}) == len(bars.EXERCISES)


# Without answers


@pytest.fixture
def course(tmp_path):
    """A copy of the pages, and of nothing else."""
    for page in test_pages.PAGES:
        copy = tmp_path / "course" / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, copy)
    return tmp_path / "course"


def without(text):
    """A page without its answers, line by line."""
    kept, inside = [], False
    for line in text.splitlines():
        if line in ("<details><summary>Answer</summary>", "<details><summary>答案</summary>"):
            inside = True
            assert kept.pop() == ""
        if not inside:
            kept.append(line)
        inside = inside and line != "</details>"
    return "\n".join(kept) + "\n"


@handed_out
def test_answers_are_taken_out_and_nothing_else(course, capsys):
    before = {page: page.read_text(encoding="utf-8") for page in course.rglob("*.md")}
    assert without_answers.main([str(course)]) == 0
    said = capsys.readouterr().out
    for page, text in before.items():
        after = page.read_text(encoding="utf-8")
        assert after == without(text)
        assert "<details><summary>" not in after
        number = text.count("<details><summary>")
        assert (f"{page.relative_to(course)}: {number} answers taken out" in said) == bool(number)
    for homework in bars.HOMEWORKS:
        assert course / homework / "README.md" in before
        test_pages.test_both_languages_say_the_same(course / homework / "README.md")
    assert without_answers.main([str(course)]) == 1
    assert_one_sentence(capsys.readouterr().err, "there are no answers")


@handed_out
@pytest.mark.parametrize("find", [str.index, str.rindex], ids=["first", "last"])
def test_an_answer_without_an_end_changes_nothing(find, course, capsys):
    page = course / "hw4_autoencoder" / "README.md"
    text = page.read_text(encoding="utf-8")
    end = find(text, "</details>")
    page.write_text(text[:end] + text[end + len("</details>") :], encoding="utf-8")
    before = {page: page.read_bytes() for page in course.rglob("*.md")}
    assert without_answers.main([str(course)]) == 1
    assert_one_sentence(capsys.readouterr().err, page, "has no end")
    assert {page: page.read_bytes() for page in course.rglob("*.md")} == before


@handed_out
def test_line_ends_of_windows_stay(course):
    page = course / "hw1_mnist_mlp" / "README.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    assert without_answers.main([str(course)]) == 0
    content = page.read_bytes()
    assert b"<details>" not in content
    assert content.count(b"\n") == content.count(b"\r\n")


# The grader

EXERCISE = "hw1_mnist_mlp/exercise_a"


@pytest.fixture(scope="module")
def graded(tmp_path_factory, workers, tiny_models):
    """{submission: row} of a class that did exercise a of the digits, trained on the built-in sample of real ones."""
    from hw1_mnist_mlp import train

    folder = tmp_path_factory.mktemp("exercises")
    names = ("x_train", "y_train", "x_test", "y_test")
    (folder / "data").mkdir()
    np.savez(folder / "data" / "mnist.npz", **dict(zip(names, mnist.digits(), strict=True)))
    runs = {}
    for name, hidden in (("small", "[20]"), ("large", "[256]")):
        runs[name] = folder / name
        given = ["--data", "full", "--data-dir", str(folder / "data"), "--out", str(runs[name])]
        assert train.main([*given, "--epochs", "8", "--set", f"hidden={hidden}"]) == 0
    school, own = folder / "class", bars.exercise_folder(EXERCISE)
    for student, run in (("good", "small"), ("too-large", "large")):
        shutil.copytree(runs[run], school / student / "outputs" / own, ignore=shutil.ignore_patterns("checkpoint"))
    # as Moodle hands it over, with another task in config.json and a result of its own making in metrics.json
    config = json.loads((runs["small"] / "config.json").read_text()) | {"task": "hw2_cifar10_cnn"}
    (school / "Lin_123_assignsubmission_file").mkdir()
    with zipfile.ZipFile(school / "Lin_123_assignsubmission_file" / "mine.zip", "w") as archive:
        archive.write(runs["small"] / "model.keras", f"mine/outputs/{own}/model.keras")
        archive.writestr(f"mine/outputs/{own}/config.json", json.dumps(config))
        archive.writestr(f"mine/outputs/{own}/metrics.json", '{"test_accuracy": 1.0, "params": 1, "weights": 1}')
    shutil.copytree(runs["small"], school / "bar-only" / "outputs" / "hw1_mnist_mlp")
    shutil.copytree(runs["small"], school / "broken" / "outputs" / own)
    (school / "broken" / "outputs" / own / "model.keras").write_bytes(b"noise")
    hand_in(school / "own-code", tiny_models["custom"], "")
    (school / "own-code" / "outputs" / "hw1_mnist_mlp").rename(school / "own-code" / "outputs" / own)
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "Workers", lambda *_, **__: contextlib.nullcontext(workers))
        patch.setitem(bars.JUDGED, EXERCISE, bars.SUBSET[EXERCISE, "sample"])
        given = [str(school), "--data-dir", str(folder / "data"), "--homework", "hw1_mnist_mlp"]
        for name, more in (("exercises", ["--exercises"]), ("bars", [])):
            assert grade.main([*given, *more, "--out", str(folder / name)]) == 0
            with (folder / name / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
                found[name] = {row["submission"]: row for row in csv.DictReader(file)}
    return found


JUDGEMENTS = {
    "good": ("2", r"test accuracy 0\.9\d+: passes the bar of 0\.887; weights 15,970: passes the bar of at most 20,000"),
    "Lin_123_assignsubmission_file": ("2", r"test accuracy 0\.9\d+: passes .* weights 15,970: passes"),
    "too-large": ("0", r"test accuracy 0\.9\d+: passes .* weights 204,\d+: MISSES the bar of at most 20,000"),
    "bar-only": ("0", "^not handed in$"),
    "broken": ("0", "refused: it is damaged, or no .keras file"),
    "own-code": ("0", "refused: an exercise takes layers of Keras alone"),
}


@pytest.mark.parametrize("student", JUDGEMENTS)
def test_the_grader_checks_an_exercise(student, graded, workers):
    points, words = JUDGEMENTS[student]
    if student == "own-code" and not workers.isolated:
        words = "cannot shut code in"
    row = graded["exercises"][student]
    assert re.search(words, row[f"{EXERCISE} reason"])
    assert row["points"] == row[f"{EXERCISE} points"] == points
    assert row["hw1_mnist_mlp/exercise_b reason"] == "not handed in"
    assert "hw1_mnist_mlp value" not in row


def test_an_exercise_is_never_taken_for_the_bar(graded):
    """What its config.json says does not matter: the folder is called after the exercise."""
    for student, row in graded["bars"].items():
        handed_in = student == "bar-only"
        assert (row["hw1_mnist_mlp reason"] != "not handed in") == handed_in
        assert f"{EXERCISE} value" not in row


def test_a_folder_of_an_exercise_in_any_case_and_place(tmp_path):
    for name, place in (("a", "x/HW1_MNIST_MLP_Exercise_A"), ("b", "outputs/hw4_autoencoder_exercise_b")):
        (tmp_path / name / place).mkdir(parents=True)
        (tmp_path / name / place / "model.keras").write_bytes(b"")
    assert {*submissions.survey(tmp_path / "a").runs} == {EXERCISE}
    (key,) = submissions.survey(tmp_path / "b").runs
    assert bars.exercise_folder(key) == "hw4_autoencoder_exercise_b"


def test_weights_that_hide_in_the_description_are_counted(tmp_path):
    """Normalization can be given its statistics as numbers in config.json: any matrix of 10,000 numbers and more."""
    import keras

    def count(*layers):
        model = keras.Sequential([keras.Input((10_000,)), *layers])
        model.save(tmp_path / "model.keras")
        return weights.inspect(tmp_path / "model.keras")[2]

    assert count(keras.layers.Dense(2)) == 20_002
    hidden = keras.layers.Normalization(mean=[0.5] * 10_000, variance=[2.0] * 10_000)
    assert count(hidden, keras.layers.Dense(2)) > 40_000


def test_an_easier_exercise_keeps_its_limit(tmp_path):
    (tmp_path / "rules.toml").write_text(f"[points]\nbest = 3\nhalf = 1\n['{EXERCISE}']\nhalf = 0.5\nbest = 'bar'")
    by = rules.load(tmp_path / "rules.toml")
    assert by.judge(EXERCISE, {"test_accuracy": 0.6, "weights": 20_000}) == ("half", 1)
    assert by.judge(EXERCISE, {"test_accuracy": 0.6, "weights": 20_001}) == (None, 0)
    assert by.points == {"best": 3, "half": 1, "exercise": 2}
