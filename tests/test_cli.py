"""The command line: what it accepts, what it says, and what a finished run leaves behind."""

import argparse
import csv
import json
import resource
import subprocess
import sys

import pytest

from common.run import Run
from hw1_mnist_mlp import train
from tests.helpers import HOMEWORK, PATIENCE, assert_one_sentence

BAD_OPTIONS = [
    (["--epochs", "0"], "--epochs"),
    (["--epochs", "2.5"], "--epochs"),
    (["--epochs", "--5"], "--epochs"),
    (["--limit", "-3"], "--limit"),
    (["--limit", "ten"], "--limit"),
    (["--batch-size", "x"], "--batch-size"),
    (["--batch-size", "٣"], "--batch-size"),
    (["--seed", "-1"], "--seed"),
    (["--seed", str(2**32)], "--seed"),
    (["--gpus", "0"], "--gpus"),
    (["--precision", "float8"], "--precision"),
    (["--data", "some"], "--data"),
    (["--model", "huge"], "--model"),
    (["--no-such-option"], "--no-such-option"),
    (["--epoch", "3"], "--epoch"),  # no abbreviations: they would change their meaning with the next option
    (["something"], "something"),
    (["--out"], "--out"),
]


@pytest.mark.parametrize(("options", "named"), BAD_OPTIONS, ids=lambda value: " ".join(value) if value else None)
def test_bad_options(options, named, capsys):
    with pytest.raises(SystemExit) as end:
        train.main(options)
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert_one_sentence(captured.err, named, "--help")


def test_bad_options_of_the_command_itself(train_command):
    process = train_command("--epochs", "0")
    assert process.returncode == 2
    assert_one_sentence(process.stderr, "train.py", "--epochs", "at least 1", "'0'")
    assert not process.stdout


def test_out_is_a_file(train_command, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        process = train_command("--data", "sample", "--out", out)
        assert process.returncode == 1
        assert_one_sentence(process.stderr, out, "--out")
    assert (tmp_path / "file").read_text() == "mine"


def test_out_cannot_be_written(train_command):
    process = train_command("--data", "sample", "--out", "/proc/no-such-folder")
    assert process.returncode == 1
    assert_one_sentence(process.stderr, "cannot write to /proc/no-such-folder", "--out")


def test_debug_shows_the_traceback(train_command):
    process = train_command("--data", "sample", "--out", "/proc/no-such-folder", "--debug")
    assert process.returncode == 1
    assert "Traceback" in process.stderr
    assert "cannot write to /proc/no-such-folder" in process.stderr.splitlines()[-1]


def test_resume_from_a_damaged_config(train_command, tmp_path):
    for content in ("", "{", "[]", "{}", '{"options": 3}', '{"options": {"model": "huge"}}'):
        (tmp_path / "config.json").write_text(content)
        process = train_command("--resume", "--out", tmp_path)
        assert process.returncode == 2, content
        assert_one_sentence(process.stderr, tmp_path / "config.json")
        assert (tmp_path / "config.json").read_text() == content


def run_python(*arguments, cwd):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_help_is_quick_and_complete(tmp_path):
    """Nobody waits for Keras to read the options: less than 2 s, in seconds of the processor, so that a busy machine
    does not matter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = run_python(HOMEWORK, "--help", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0
    assert not process.stderr
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    options = ("--data", "--data-dir", "--limit", "--epochs", "--batch-size", "--seed", "--out", "--resume", "--gpus")
    for option in (*options, "--precision", "--debug", "--model"):
        assert f"  {option} " in process.stdout, option


def test_help_imports_no_keras(tmp_path):
    code = f"""
import atexit, runpy, sys
atexit.register(lambda: print(sorted({{"keras", "tensorflow", "jax"}} & {{*sys.modules}})))
sys.argv = ["train.py", "--help"]
runpy.run_path({str(HOMEWORK)!r}, run_name="__main__")
"""
    process = run_python("-c", code, cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[-1] == "[]"


# What a finished run leaves behind: the contract


def test_config(finished_run):
    config = json.loads((finished_run / "config.json").read_text())
    options = config["options"]
    names = "homework model data data_dir limit epochs batch_size seed out resume precision gpus debug"
    assert {*names.split()} <= {*options}
    assert (options["limit"], options["epochs"], options["batch_size"], options["seed"]) == (300, 6, 64, 0)
    assert {*train.SETTINGS["classic"]} <= {*options}
    assert {"python", "keras", "numpy"} < {*config["versions"]}
    assert config["data"]["kind"] == "sample"
    assert len(config["data"]["sha256"]) == 64
    assert "CPU" in config["device"]


def test_metrics(finished_run):
    metrics = json.loads((finished_run / "metrics.json").read_text())
    assert metrics["homework"] == "hw1_mnist_mlp"
    assert metrics["data"] == "sample"
    assert metrics["passed"] is None
    assert (metrics["n_train"], metrics["n_test"], metrics["seed"]) == (300, 1000, 0)
    assert metrics["bar"] == 0.98
    assert 0.5 < metrics["value"] <= 1
    assert metrics["value"] == metrics["test_accuracy"]
    assert metrics["params"] > 0
    assert metrics["train_seconds"] > 0


def test_history(finished_run):
    with (finished_run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == list("123456")
    assert {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= {*rows[0]}
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


def test_files(finished_run):
    names = {path.name for path in finished_run.iterdir()} - {".lock"}
    assert names == {"config.json", "history.csv", "metrics.json", "model.keras", "checkpoint", "figures"}
    pictures = list((finished_run / "figures").glob("*.png"))
    assert pictures
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert not list(finished_run.rglob(".part*"))


def test_model_gives_the_accuracy_that_was_reported(finished_run):
    import keras

    from common import sample_data

    model = keras.saving.load_model(finished_run / "model.keras", compile=False)
    _, _, x_test, y_test = sample_data.digits()
    accuracy = (model.predict(x_test, verbose=0).argmax(axis=1) == y_test).mean()
    assert accuracy == pytest.approx(json.loads((finished_run / "metrics.json").read_text())["value"], abs=1e-6)


def test_what_is_said(finished_run):
    """The first line says which data and device; the last ones the figure, the pictures, and that it was a sample."""
    lines = (finished_run.parent / "stdout.txt").read_text().splitlines()
    assert lines[0].startswith("hw1_mnist_mlp: ")
    for words in ("BUILT-IN SAMPLE", "300 training and 1,000 test examples", "CPU", "float32"):
        assert words in lines[0]
    assert any(line.startswith("test accuracy ") for line in lines[-3:])
    assert any(str(finished_run / "figures") in line for line in lines[-3:])
    assert "BUILT-IN SAMPLE" in lines[-1]
    assert "passes" not in lines[-3]
    assert "MISSES" not in lines[-3]
    assert not (finished_run.parent / "stderr.txt").read_text()


def test_bar_is_judged_on_full_data_only(server, tmp_path, fake_mnist):
    """The 40 random images that stand for the whole of MNIST here cannot be learnt: the bar is missed, and says so."""
    fake_mnist(tmp_path / "mnist.npz")
    options = ("--model", "classic", "--epochs", "1", "--precision", "float32", "--out", tmp_path / "out")
    process = server.run("--data", "full", "--data-dir", tmp_path, *options)
    assert process.returncode == 0, process.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["data"] == "full"
    assert metrics["passed"] is False
    assert "MISSES the bar of 0.980" in process.stdout
    assert "SAMPLE" not in process.stdout


def test_the_default_folders_are_those_of_the_repository(monkeypatch):
    from common import cli

    monkeypatch.delenv("HW_DATA_DIR")
    config = cli.parse("hw1_mnist_mlp", train.SETTINGS, "", [])
    assert config.out == cli.ROOT / "outputs" / "hw1_mnist_mlp"
    assert config.data_dir == cli.ROOT / "data"


def test_length_of_the_training(tmp_path):
    """Without --epochs small data is seen more often: the number of updates is what the settings give."""
    config = argparse.Namespace(out=tmp_path, epochs=None, updates=600, batch_size=100, gpus=None)
    assert Run(config).epochs(10_000) == 6
    assert Run(config).epochs(250) == 200
    assert Run(config).epochs(260_000) == 1
    config.epochs = 9
    assert Run(config).epochs(10_000) == 9
