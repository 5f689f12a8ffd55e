"""The command line: what it accepts, what it says, and what a finished run leaves behind."""

import argparse
import csv
import errno
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import OptionError, UserError
from common.run import analysis, cli
from common.run.run import Run
from hw1_mnist_mlp import analyze, train
from tests.helpers import PATIENCE, ROOT, RUN, assert_one_sentence, history

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


def test_out_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert train.main(["--data", "sample", "--out", str(out)]) == 1
        assert_one_sentence(capsys.readouterr().err, out, "--out")
    assert (tmp_path / "file").read_text() == "mine"


def test_out_cannot_be_written(capsys):
    assert train.main(["--data", "sample", "--out", "/proc/no-such-folder"]) == 1
    assert_one_sentence(capsys.readouterr().err, "cannot write to /proc/no-such-folder", "--out")


USERS = [
    UserError("there is no such corpus: check the name"),
    OptionError("the options contradict each other: leave one out"),
    PermissionError(errno.EACCES, "Permission denied", "somewhere"),
    OSError(errno.ENOSPC, "No space left on device", "somewhere"),
]
OTHERS = [
    ValueError("the shapes differ\nin many lines"),
    RuntimeError(),
    FileNotFoundError(errno.ENOENT, "No such file or directory", "weights.txt"),  # opened by a line of model.py, say
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
]


@pytest.mark.parametrize("error", [*USERS, *OTHERS], ids=lambda error: type(error).__name__)
def test_what_is_said_about_an_exception(error, capsys):
    @cli.guarded
    def main():
        raise error

    assert main() == (2 if isinstance(error, OptionError) else 1)
    said = capsys.readouterr().err
    sentence = said.splitlines()[-1]
    assert sentence.startswith("error: ")
    parts = (error.strerror, error.filename) if getattr(error, "filename", None) else (str(error).partition("\n")[0],)
    assert all(part in sentence for part in parts)
    if error in USERS:
        assert_one_sentence(said)
    else:
        assert type(error).__name__ in sentence
        assert "Traceback" in said
        assert "raise error" in said


def test_an_interruption_is_one_sentence(capsys):
    @cli.guarded
    def main():
        raise KeyboardInterrupt

    assert main() == 130
    assert_one_sentence(capsys.readouterr().err, "stopped")


def test_a_mistake_in_the_model_of_a_student_shows_where_it_is(tmp_path):
    for name in ("common", "hw1_mnist_mlp"):
        shutil.copytree(ROOT / name, tmp_path / name)
    model = tmp_path / "hw1_mnist_mlp" / "model.py"
    with model.open("a") as file:
        file.write("\n\ndef build_mlp(*settings):\n    return keras.layers.Dens(10)\n")
    process = run_python(model.with_name("train.py"), "--data", "sample", "--out", tmp_path / "out", cwd=tmp_path)
    assert process.returncode == 1
    lines = process.stderr.splitlines()
    assert f'File "{model}", line {len(model.read_text().splitlines())}, in build_mlp' in process.stderr
    assert "return keras.layers.Dens(10)" in process.stderr
    assert lines[-1].startswith("error: AttributeError: ")
    assert "Dens" in lines[-1]


# Paths


def test_home_folders_are_expanded(monkeypatch, tmp_path):
    """As written in --out=~/x, where the shell leaves ~ as it is, and in HW_DATA_DIR='~/x'."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HW_DATA_DIR", "~/staged")
    config = cli.parse("hw1_mnist_mlp", train.SETTINGS, "", ["--out=~/x"])
    assert (config.out, config.data_dir) == (tmp_path / "x", tmp_path / "staged")
    config = cli.parse("hw1_mnist_mlp", train.SETTINGS, "", ["--data-dir=~root/y"])
    assert config.data_dir == Path("~root").expanduser() / "y"
    assert cli.path("a/~") == Path("a/~")


PATHS = {
    "hw1_mnist_mlp.train": ("--out", "--data-dir"),
    "hw3_lstm_text.train": ("--out", "--data-dir", "--corpus"),
    "hw5_anime_dcgan.train": ("--out", "--data-dir", "--faces"),
    "hw1_mnist_mlp.analyze": ("--run", "--data-dir", "--image"),
    "hw2_cifar10_cnn.analyze": ("--run", "--data-dir", "--image"),
    "hw4_autoencoder.analyze": ("--run", "--data-dir", "--encode", "--beside"),
    "hw5_anime_dcgan.generate": ("--run", "--data-dir", "--out"),
    "hw3_lstm_text.captions.generate": ("--run", "--data-dir", "--clip"),
    "hw5_anime_dcgan.colour.train": ("--out", "--data-dir"),
    "hw5_anime_dcgan.colour.analyze": ("--run", "--data-dir", "--beside", "--image"),
    "hw3_lstm_text.chatbot.train": ("--out", "--data-dir", "--corpus"),
    "hw3_lstm_text.chatbot.reinforce": ("--out", "--data-dir", "--start"),
    "hw3_lstm_text.chatbot.generate": ("--run", "--data-dir"),
    "common.report": ("--outputs", "--out"),
    "common.grade": ("--data-dir", "--out", "--rules", "SUBMISSIONS"),
}


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in PATHS for option in PATHS[name]])
def test_a_home_folder_that_is_not_there_is_one_sentence(name, option, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = [] if name != "common.grade" or option == "SUBMISSIONS" else ["class"]
    given += ["~no-such-user/x"] if option == "SUBMISSIONS" else [f"{option}=~no-such-user/x"]
    with pytest.raises(SystemExit) as end:
        importlib.import_module(name).main(given)
    assert end.value.code == 2
    assert_one_sentence(capsys.readouterr().err, option, "'~no-such-user/x'", "no home folder ~no-such-user")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["hw1_mnist_mlp.train", "common.grade"])
def test_a_data_folder_of_nobody_is_one_sentence(name, capsys, monkeypatch):
    monkeypatch.setenv("HW_DATA_DIR", "~no-such-user/x")
    assert importlib.import_module(name).main(["class"] if name == "common.grade" else []) == 2
    assert_one_sentence(capsys.readouterr().err, "HW_DATA_DIR", "'~no-such-user/x'", "no home folder ~no-such-user")


def test_an_analysis_looks_into_the_data_folder_only_when_it_needs_it(finished_run, tmp_path, capsys, monkeypatch):
    run = shutil.copytree(finished_run, tmp_path / "run")
    monkeypatch.setenv("HW_DATA_DIR", "~no-such-user/x")
    assert analyze.main(["--run", str(run)]) == 2
    assert_one_sentence(capsys.readouterr().err, "HW_DATA_DIR")
    assert analyze.main(["--run", str(run), "--data-dir", str(tmp_path), "--image", str(tmp_path / "none.png")]) == 1
    assert_one_sentence(capsys.readouterr().err, "none.png")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"options": 3}', '{"options": {"model": "huge"}}'])
def test_resume_from_a_damaged_config(content, tmp_path, capsys):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(SystemExit) as end:
        train.main(["--resume", "--out", str(tmp_path)])
    assert end.value.code == 2
    assert_one_sentence(capsys.readouterr().err, tmp_path / "config.json")
    assert (tmp_path / "config.json").read_text() == content


def run_python(*arguments, cwd):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_help_is_complete(capsys):
    with pytest.raises(SystemExit) as stopped:
        train.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr()
    assert not said.err
    options = ("--data", "--data-dir", "--limit", "--epochs", "--batch-size", "--seed", "--out", "--resume", "--gpus")
    for option in (*options, "--precision", "--model", "--set", "--tensorboard"):
        assert re.search(rf"  {option}[ ,]", said.out), option  # --tensorboard has a --no-tensorboard beside it


def test_help_is_true_for_the_recipe_that_runs(capsys):
    for model, settings in train.SETTINGS.items():
        with pytest.raises(SystemExit) as stopped:
            train.main(["--help", "--model", model])
        assert stopped.value.code == 0
        said = "".join(capsys.readouterr().out.split())
        assert f"examplesperupdate({settings['batch_size']})" in said
        for name, value in settings.items():
            if name != "batch_size":
                assert f"{name}={value}".replace(" ", "") in said


# Settings from the command line


def parsed(*options):
    return cli.parse("hw1_mnist_mlp", train.SETTINGS, "", [*options, "--out", "nowhere"])


def test_settings_are_changed_one_by_one():
    config = parsed("--set", "hidden=[7,8]", "--set", "learning_rate=1", "--set", "batch_norm=False")
    assert (config.hidden, config.learning_rate, config.batch_norm) == ([7, 8], 1.0, False)
    assert isinstance(config.learning_rate, float)
    assert config.optimizer == "adam"
    assert parsed("--set", "optimizer=rmsprop").optimizer == "rmsprop"
    assert train.SETTINGS["fast"]["hidden"] == [256, 256]


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("hidden", "NAME=VALUE is expected"),
        ("width=3", "with a NAME among updates, hidden"),
        ("batch_size=3", "with a NAME among updates, hidden"),
        ("hidden=3", "hidden is a list, such as [256, 256]"),
        ("hidden=[3.5]", "hidden is a list"),
        ("updates=2.5", "updates is a whole number of at least 1, such as 216"),
        ("updates=True", "updates is a whole number"),
        ("updates=0", "updates is a whole number of at least 1"),
        ("learning_rate=-0.1", "learning_rate is a number of at least 0"),
        ("learning_rate=1e999", "learning_rate is a number of at least 0"),
        ("optimizer=sgd", "optimizer is one of adam, rmsprop"),
        ("learning_rate=fast", "learning_rate is a number of at least 0, such as 0.06"),
        ("batch_norm=1", "batch_norm is True or False"),
        ("dropout=1", "dropout is a number from 0 to below 1, such as 0.0"),
        ("beta_1=2", "beta_1 is a number from 0 to below 1, such as 0.6"),
        ("distortion=__import__('os')", "distortion is a number"),
    ],
)
def test_settings_that_are_none(assignment, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        parsed("--set", assignment)
    assert stopped.value.code == 2
    assert_one_sentence(capsys.readouterr().err, f"--set {assignment}", words)


def test_an_analysis_finds_the_data_folder_of_its_run(tmp_path, monkeypatch):
    def found(given=None, saved=tmp_path):
        config = {"options": {"data_dir": str(saved)}, "data": {"kind": "full"}}
        return analysis.run_options(argparse.Namespace(data_dir=given), config).data_dir

    assert found() == cli.default_data_dir() != tmp_path  # HW_DATA_DIR names it
    monkeypatch.delenv("HW_DATA_DIR")
    assert found() == tmp_path
    assert found(saved=tmp_path / "gone") == cli.default_data_dir()
    assert found(given=tmp_path / "given") == tmp_path / "given"


def test_a_run_that_goes_on_finds_its_data_folder(tmp_path, monkeypatch):
    def resumed(*more):
        return cli.parse("hw1_mnist_mlp", train.SETTINGS, "", ["--resume", "--out", str(out), *more])

    monkeypatch.delenv("HW_DATA_DIR", raising=False)
    out, lab = tmp_path / "out", tmp_path / "lab"
    out.mkdir()
    options = {"model": "fast", "data": "full", "data_dir": str(lab), "tensorboard": True}
    (out / "config.json").write_text(json.dumps({"options": options, "data": {"kind": "full"}}))
    assert resumed().data_dir == cli.ROOT / "data"  # that of the run is there no more
    lab.mkdir()
    assert (resumed().data_dir, resumed().tensorboard) == (lab, True)
    monkeypatch.setenv("HW_DATA_DIR", str(tmp_path))
    assert resumed().data_dir == tmp_path
    assert resumed("--data-dir", str(out)).data_dir == out


def test_a_setting_is_kept_when_a_run_goes_on(server, tmp_path):
    changed = ("--set", "hidden=[16]", "--set", "dropout=0.25")
    assert server.run(*RUN, *changed, "--out", tmp_path, kill_in_write=3).returncode == -9
    assert server.run("--resume", "--out", tmp_path).returncode == 0
    options = json.loads((tmp_path / "config.json").read_text())["options"]
    assert (options["hidden"], options["dropout"]) == ([16], 0.25)
    again = server.run("--resume", "--out", tmp_path, "--set", "hidden=[32]")
    assert again.returncode == 2
    assert_one_sentence(again.stderr, "--set hidden=[32] contradicts the run to be resumed, which has [16]")


# What a finished run leaves behind: the contract


def test_config(finished_run):
    config = json.loads((finished_run / "config.json").read_text())
    options = config["options"]
    names = "homework model data data_dir limit epochs batch_size seed out resume precision gpus"
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

    from common.data import mnist

    model = keras.saving.load_model(finished_run / "model.keras")
    assert not model.compiled  # the optimizer is left out
    _, _, x_test, y_test = mnist.digits()
    accuracy = (model.predict(x_test, verbose=0).argmax(axis=1) == y_test).mean()
    assert accuracy == pytest.approx(json.loads((finished_run / "metrics.json").read_text())["value"], abs=1e-6)


def test_model_opens_with_nothing_but_keras(finished_run, tmp_path):
    """In a process that has no file of this repository."""
    program = (
        "import sys, keras, numpy as np; model = keras.models.load_model(sys.argv[1]); "
        "print(model.predict(np.zeros((2, 28, 28), 'uint8'), verbose=0).shape, 'common' in sys.modules)"
    )
    process = run_python("-I", "-c", program, finished_run / "model.keras", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stdout.split("\n")[-2] == "(2, 10) False"


def test_logs_for_tensorboard(server, tmp_path):
    """The accuracies of the history are in them, epoch by epoch."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("tensorflow")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    assert server.run(*RUN, "--tensorboard", "--out", tmp_path / "out").returncode == 0
    events = EventAccumulator(str(tmp_path / "out" / "tensorboard" / "train")).Reload().Tensors("epoch_accuracy")
    found = [float(tensor_util.make_ndarray(event.tensor_proto)) for event in events]
    assert found == pytest.approx([float(row["accuracy"]) for row in history(tmp_path / "out")])


def test_tensorboard_that_is_not_installed(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert train.main([*RUN, "--tensorboard", "--out", str(tmp_path / "out")]) == 1
    assert_one_sentence(capsys.readouterr().err, "pip install tensorflow tensorboard, or say --no-tensorboard")
    assert not (tmp_path / "out").exists()


def test_the_callback_of_tensorboard_is_that_of_keras(monkeypatch, tmp_path):
    import keras

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with Run(cli.parse(train.HOMEWORK, train.SETTINGS, "", ["--tensorboard", "--out", str(tmp_path)])) as run:
        board, last = run.callbacks()
    assert isinstance(board, keras.callbacks.TensorBoard)
    assert Path(board.log_dir) == tmp_path / "tensorboard"
    assert not isinstance(last, keras.callbacks.TensorBoard)


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
    monkeypatch.delenv("HW_DATA_DIR")
    config = cli.parse("hw1_mnist_mlp", train.SETTINGS, "", [])
    assert config.out == cli.ROOT / "outputs" / "hw1_mnist_mlp"
    assert config.data_dir == cli.ROOT / "data"


@pytest.mark.parametrize(("updates", "parts", "found"), [(6, 5, (3, 2)), (900, 10, (10, 90)), (3, 5, (3, 1))])
def test_parts_of_the_training_are_equal_and_hardly_more_than_was_asked_for(updates, parts, found, tmp_path):
    assert Run(argparse.Namespace(out=tmp_path, updates=updates)).in_parts(parts) == found


def test_length_of_the_training(tmp_path):
    """Without --epochs small data is seen more often: the number of updates is what the settings give."""
    config = argparse.Namespace(out=tmp_path, epochs=None, updates=600, batch_size=100, gpus=None)
    assert Run(config).epochs(10_000) == 6
    assert Run(config).epochs(250) == 200
    assert Run(config).epochs(260_000) == 1
    config.epochs = 9
    assert Run(config).epochs(10_000) == 9
