"""Your own runs: all in outputs/ against the bars of the assignment and of the exercises, measured as the grader will.

`pytest -m bars` runs these checks alone, `pytest -m bars --junitxml bars.xml` for a machine to read. A homework without
a run is skipped. What metrics.json says does not matter: the model in outputs/ predicts on the test data.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import pytest

from common import bars
from common.errors import UserError
from common.grading import rules, submissions
from common.grading.grader import Grader
from common.run import cli
from tests.helpers import hand_in


def find(root, key):
    """The submissions.Run of the task `key` in root/outputs; skips the test, or fails it, with a sentence."""
    homework, _, variant = key.partition("/")
    found = submissions.survey(root).runs if (root / "outputs").is_dir() else {}
    if key not in found:
        own = root / "outputs" / homework
        theirs = submissions.identify(own)[0] if own.is_dir() else None
        if theirs and theirs.partition("/")[0] != homework:
            pytest.fail(
                f"{own} holds a run of {theirs}: train {homework} again, and give other runs an --out of their own"
            )
        command = f"the commands are in {homework}/README.md" if variant else f"python {homework}/train.py"
        pytest.skip(f"no run of {key} in outputs/ yet: {command}")
    if found[key].remark:
        pytest.skip(
            f"{found[key].folder} was trained on the built-in sample, which the bar is not about: stage the data"
        )
    return found[key]


def check(root, key, grader, record_property=lambda name, value: None):
    """Fail unless the run of the task `key` in root/outputs reaches its bar. grader: a function that gives one."""
    run = find(root, key)
    grader = grader()
    try:
        grader.held_out(bars.task_of(key))
    except UserError as error:
        pytest.skip(f"the test data is not here, so {run.folder} cannot be judged: {error}")
    with tempfile.TemporaryDirectory() as folder:
        result = grader.run(run, key, Path(folder) / "run")
    if result.metrics is None:
        pytest.fail(f"{run.folder}: {result.reason}")
    for name, value in result.metrics.items():
        record_property(name, value)
    assert bars.JUDGED[key].passes(result.metrics), f"{run.folder}: {result.reason}"


def grader_for(workers, data_dir):
    config = argparse.Namespace(data="full", data_dir=data_dir, limit=None, seed=0)
    return Grader(workers, rules.load(), config)


@pytest.mark.bars
@pytest.mark.parametrize("key", bars.JUDGED)
def test_bar(key, request, record_property):
    def grader():  # started only where there is something to check
        return grader_for(request.getfixturevalue("workers"), cli.default_data_dir())

    check(cli.ROOT, key, grader, record_property)


# The checks themselves


def test_what_the_checks_say(tiny_models, fake_mnist, workers, tmp_path):
    run = tmp_path / "outputs" / "hw1_mnist_mlp"
    properties = {}

    def outcome():
        properties.clear()
        grader = grader_for(workers, tmp_path / "data")
        check(tmp_path, "hw1_mnist_mlp", lambda: grader, properties.__setitem__)

    def skipped(words):
        with pytest.raises(pytest.skip.Exception, match=words):
            outcome()

    def failed(words):
        with pytest.raises((pytest.fail.Exception, AssertionError), match=words):
            outcome()

    skipped("no run of hw1_mnist_mlp in outputs/ yet: python hw1_mnist_mlp/train.py")
    (tmp_path / "data").mkdir()
    hand_in(tmp_path, tiny_models["good"], config={"task": "hw1_mnist_mlp", "data": {"kind": "sample"}})
    skipped("trained on the built-in sample")
    (run / "config.json").write_text(json.dumps({"task": "hw2_cifar10_cnn", "data": {"kind": "full"}}))
    failed("holds a run of hw2_cifar10_cnn")
    (run / "config.json").write_text(json.dumps({"task": "hw1_mnist_mlp", "data": {"kind": "full"}}))
    (tmp_path / "data" / "mnist.npz").write_bytes(b"broken")
    skipped("the test data is not here")
    fake_mnist(tmp_path / "data" / "mnist.npz")
    outcome()
    assert properties == {"test_accuracy": 1.0}
    shutil.copyfile(tiny_models["bad"], run / "model.keras")
    failed("test accuracy 0.1000: MISSES the bar of 0.980")
    (run / "model.keras").write_bytes(tiny_models["good"].read_bytes()[:1000])
    failed("damaged")
    (run / "model.keras").unlink()
    failed("the training has not finished")


def test_the_checks_know_the_exercises(tiny_models, fake_mnist, workers, tmp_path):
    (tmp_path / "data").mkdir()
    fake_mnist(tmp_path / "data" / "mnist.npz")
    hand_in(tmp_path, tiny_models["good"])
    key, grader = "hw1_mnist_mlp/exercise_a", grader_for(workers, tmp_path / "data")
    with pytest.raises(pytest.skip.Exception, match="exercise_a in outputs/ yet: the commands are in hw1_mnist"):
        check(tmp_path, key, lambda: grader)
    (tmp_path / "outputs" / "hw1_mnist_mlp").rename(tmp_path / "outputs" / bars.exercise_folder(key))
    properties = {}
    check(tmp_path, key, lambda: grader, properties.__setitem__)
    assert properties == {"test_accuracy": 1.0, "weights": 7850}
