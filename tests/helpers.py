"""What the tests share: ways to start a run, and what must hold of its folder and of its words."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from common.run import cli

ROOT = Path(__file__).resolve().parents[1]
HOMEWORK = ROOT / "hw1_mnist_mlp" / "train.py"
STAGED = cli.default_data_dir()  # where real data may lie; most tests do without
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
TIMED = ("seconds", "train_seconds", "chars_per_second", "updates_per_second")  # depend on the machine
PATIENCE = 300  # seconds until a process counts as hung, on a machine that is busy with other things too

# a short run with dropout on and several batches per epoch, the last of them smaller: 275 = 4 x 64 + 19
RUN = tuple(
    "--model classic --data sample --limit 300 --batch-size 64 --epochs 6 --precision float32".split()  # noqa: SIM905
)

# a process that ignores the fixtures below still finds nobody to talk to
NO_NETWORK = {f"{scheme}_{proxy}": "http://127.0.0.1:9" for scheme in ("http", "https") for proxy in ("proxy", "PROXY")}
NO_NETWORK |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}


class Server:
    """Starts runs quickly: a process that has imported Keras and waits; each run is a fork of it (train_server.py)."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        environment = {**os.environ, **NO_NETWORK, "HW_DATA_DIR": str(folder)}
        if BACKEND == "jax":  # compile once for all runs
            environment |= {
                "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
            }
        command = [sys.executable, str(Path(__file__).with_name("train_server.py"))]
        with (folder / "server.log").open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def _answer(self):
        alarm = threading.Timer(PATIENCE, self.process.kill)
        alarm.start()
        line = self.process.stdout.readline()
        alarm.cancel()
        assert line, f"the server of the runs ended or hung:\n{(self.folder / 'server.log').read_text()}"
        return json.loads(line)

    def start(self, *options, **hooks):
        """Start a run; `hooks` are explained in train_server.py. One at a time."""
        self.count += 1
        output = self.folder / f"run-{self.count}"
        self._ask(options=[str(option) for option in options], output=str(output), **hooks)
        return Started(self, self._answer()["pid"], output)

    def run(self, *options, **hooks):
        """Start a run and wait for its end."""
        return self.start(*options, **hooks).wait()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)


class Started:
    """A run: `returncode` is the exit status, or minus the signal that ended it, as in `subprocess`."""

    def __init__(self, server, pid, output):
        self.server, self.pid, self.output = server, pid, output
        self.returncode = None

    @property
    def stdout(self):
        return self.output.with_suffix(".stdout").read_text()

    @property
    def stderr(self):
        return self.output.with_suffix(".stderr").read_text()

    def send(self, number):
        """Send a signal; nothing happens when the run has ended: its parent has not waited for it yet."""
        os.kill(self.pid, number)

    def wait(self):
        self.server._ask(wait=self.pid)
        self.returncode = self.server._answer()["returncode"]
        return self


def history(folder):
    """The rows of history.csv without the columns that may differ between equal runs."""
    with (folder / "history.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMED} for row in csv.DictReader(file)]


def weights(folder):
    """All variables of model.keras, read as a user would."""
    import keras

    return [np.asarray(value) for value in keras.saving.load_model(folder / "model.keras").get_weights()]


def metrics(folder):
    """What metrics.json of a run holds."""
    return json.loads((folder / "metrics.json").read_text())


def train_on_real_subset(train, folder, *options, variant=""):
    """Train on part of the staged data, see that the subset bar is passed, and return what metrics.json holds."""
    from common import bars

    command = ["--data", "full", "--data-dir", str(STAGED), *options, "--out", str(folder / "out")]
    assert train.main(command) == 0
    found = metrics(folder / "out")
    assert bars.SUBSET[train.HOMEWORK + variant, "full"].passes(found), found
    return found


def assert_same_result(folder, other):
    """Both runs ended with the same weights, bit for bit, and saw the same figures on the way there."""
    assert history(folder) == history(other)
    mine, theirs = weights(folder), weights(other)
    assert len(mine) == len(theirs) > 0
    for array, expected in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(array, expected)
    figures = [metrics(each) for each in (folder, other)]
    kept = [{name: value for name, value in each.items() if name not in TIMED} for each in figures]
    assert kept[0] == kept[1]


def assert_one_sentence(stderr, *parts):
    """stderr is exactly one line, no traceback, and says each of `parts`."""
    assert "Traceback" not in stderr, stderr
    assert len(stderr.strip().splitlines()) == 1, stderr
    for part in parts:
        assert str(part) in stderr, stderr


def assert_drawn(folder, names, smallest=90, contrast=10):
    """figures/ of the run holds pictures of these names, none of them tiny or almost empty.

    smallest: the fewest pixels of a side. contrast: the least standard deviation of the values, of 255.
    """
    for name in names:
        pixels = np.asarray(Image.open(folder / "figures" / f"{name}.png"))
        assert min(pixels.shape[:2]) > smallest, name
        assert pixels.std() > contrast, f"{name} is almost empty"


def judge_short_texts(patch):
    """Homework 3 reads and writes less when it judges a network, for what does not depend on how much it is."""
    from hw3_lstm_text import evaluate, samples

    for name, value in (("PASSAGE", 256), ("WARM_UP", 32), ("WRITTEN", 4), ("LENGTH", 100)):
        patch.setattr(evaluate, name, value)
    patch.setattr(samples, "LENGTH", 40)


def assert_other_data_are_refused(analyze, run, tmp_path, capsys):
    """The analysis of a run whose data are others by now says so in one sentence, and draws nothing."""
    copy = shutil.copytree(run, tmp_path / "run")
    for path in (copy / "figures", copy / "analysis.json"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    config["data"]["sha256"] = "0" * 64
    (copy / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    assert analyze.main(["--run", str(copy)]) == 1
    assert_one_sentence(capsys.readouterr().err, copy, "saw", "SHA-256", "train again")
    assert not list((copy / "figures").glob("*"))
    assert not (copy / "analysis.json").exists()


def wait_for(condition, seconds=PATIENCE):
    """Wait until `condition()` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


KILLED = -getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no SIGKILL


def assert_resumes_exactly(train, options, tmp_path, monkeypatch):
    """A run of `train.main` that goes on from what lay there after its first epoch ends as the one never stopped."""
    from common.figures import plots
    from common.run import recorder

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    on_epoch_end = recorder.Recorder.on_epoch_end

    def copy_after_the_first(self, epoch, logs=None):
        on_epoch_end(self, epoch, logs)
        if not stopped.exists():
            shutil.copytree(whole, stopped, ignore=shutil.ignore_patterns(".lock"))

    with monkeypatch.context() as patch:
        patch.setattr(recorder.Recorder, "on_epoch_end", copy_after_the_first)
        patch.setattr(plots, "save", lambda *_, **__: None)  # nobody looks at them here
        assert train.main([*options, "--out", str(whole)]) == 0
        assert len(history(stopped)) == 1 < len(history(whole))
        assert train.main(["--resume", "--out", str(stopped)]) == 0
    assert_same_result(whole, stopped)


# a model.py of a student with a layer of their own
MINE = """
import os, socket, sys, time
import keras

@keras.saving.register_keras_serializable()
class Mine(keras.layers.Layer):
    def call(self, x):
        return 2 * x

"""


def hand_in(folder, model, code=None, config=None):
    """Make a submission: outputs/hw1_mnist_mlp with a model, and a model.py if there is code."""
    run = folder / "outputs" / "hw1_mnist_mlp"
    run.mkdir(parents=True)
    shutil.copyfile(model, run / "model.keras")
    (run / "metrics.json").write_text('{"test_accuracy": 1.0, "value": 1.0, "passed": true}')
    if config:
        (run / "config.json").write_text(json.dumps(config))
    if code is not None:
        (folder / "hw1_mnist_mlp").mkdir()
        (folder / "hw1_mnist_mlp" / "model.py").write_text(MINE + code)
    return folder
