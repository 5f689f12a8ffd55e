"""A run that is killed, interrupted, or hit by a full disk goes on with --resume as if nothing had happened."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import filelock
import numpy as np
import pytest

from common.run import cli, recorder
from hw1_mnist_mlp import train
from tests.helpers import (
    HOMEWORK,
    KILLED,
    RUN,
    assert_one_sentence,
    assert_same_result,
    history,
    wait_for,
    weights,
)

CALLS = 53  # system calls that change files in a run of RUN: 3 per file, 2 files per epoch; 4 old checkpoints, metrics


def assert_whole(folder):
    """Everything that lies in the folder of a killed run under a final name is whole."""
    for path in folder.glob("*.json"):
        json.loads(path.read_text())
    if (folder / "history.csv").exists():
        assert [int(row["epoch"]) for row in history(folder)] == list(range(1, len(history(folder)) + 1))
    for path in (folder / "checkpoint").glob("[0-9]*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest()[:16] == path.stem.split("-")[1]
    if (folder / "metrics.json").exists():
        assert weights(folder)


def checkpoints(folder):
    """The numbers of the epochs whose checkpoints are there."""
    return sorted(int(path.name[:6]) for path in (folder / "checkpoint").glob("[0-9]*.npz"))


def finish(server, out):
    """Resume without misfortunes."""
    process = server.run("--resume", "--out", out, *RUN)
    assert process.returncode == 0, process.stderr
    return process


def test_the_command_itself_killed_in_training(finished_run, tmp_path, train_command):
    out = tmp_path / "out"
    command = [sys.executable, str(HOMEWORK), *RUN, "--out", str(out)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: checkpoints(out) or process.poll() is not None)
    process.kill()
    assert process.wait() == KILLED
    resumed = train_command("--resume", "--out", out, *RUN)
    assert resumed.returncode == 0, resumed.stderr
    assert "going on after epoch" in resumed.stdout
    assert_same_result(out, finished_run)


@pytest.mark.parametrize("chain", [0, *(pytest.param(chain, marks=pytest.mark.slow) for chain in (1, 2))])
def test_killed_again_and_again_inside_saves(chain, server, finished_run, tmp_path):
    """Seven deaths in a row, each in the middle of writing, then a run in peace."""
    out, moments = tmp_path / "out", random.Random(chain)
    resume = []
    for death in range(7):
        hook = "kill_in_write" if death % 3 == chain else "kill_at"
        moment = moments.randint(1, 2) if hook == "kill_in_write" else moments.randint(1, 14)
        process = server.run(*RUN, *resume, "--out", out, **{hook: moment})
        assert process.returncode == KILLED or (process.returncode == 0 and checkpoints(out) == [5, 6]), process.stderr
        assert_whole(out)
        resume = ["--resume"]
    finish(server, out)
    assert_same_result(out, finished_run)


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(1, CALLS + 1))
def test_killed_at_every_system_call_that_changes_files(moment, server, finished_run, tmp_path):
    assert server.run(*RUN, "--out", tmp_path / "out", kill_at=moment).returncode == KILLED
    assert_whole(tmp_path / "out")
    finish(server, tmp_path / "out")
    assert_same_result(tmp_path / "out", finished_run)


@pytest.mark.parametrize("moment", [CALLS - 11, CALLS - 8, CALLS - 5, CALLS - 2])
def test_killed_at_the_very_end(moment, server, finished_run, tmp_path):
    """After the last checkpoint but before history.csv, before the curves, before the model, before metrics.json."""
    assert server.run(*RUN, "--out", tmp_path / "out", kill_at=moment).returncode == KILLED
    assert checkpoints(tmp_path / "out") == [5, 6]
    finish(server, tmp_path / "out")
    assert_same_result(tmp_path / "out", finished_run)


def test_killed_at_any_time(server, finished_run, tmp_path):
    """Deaths by the clock, wherever they happen to fall: while Keras starts, in a batch, in the evaluation."""
    out, moments = tmp_path / "out", random.Random(0)
    resume = []
    for _ in range(4):
        process = server.start(*RUN, *resume, "--out", out, pace=0.1)
        time.sleep(moments.uniform(0.2, 2.5))
        process.send(signal.SIGKILL)
        assert process.wait().returncode in (KILLED, 0)
        assert_whole(out)
        resume = ["--resume"]
    finish(server, out)
    assert_same_result(out, finished_run)


def test_interrupted_with_the_keyboard(server, finished_run, tmp_path):
    out = tmp_path / "out"
    process = server.start(*RUN, "--out", out, pace=0.2)
    wait_for(lambda: 2 in checkpoints(out))
    process.send(signal.SIGINT)
    assert process.wait().returncode == 130
    assert_one_sentence(process.stderr, "--resume", out)
    finish(server, out)
    assert_same_result(out, finished_run)


def test_an_interruption_that_a_library_swallows_still_stops_the_run(tmp_path, monkeypatch):
    def swallowing(self, epoch, logs=None):
        if epoch == 2:
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(recorder.Recorder, "on_epoch_begin", swallowing)
    assert train.main([*RUN, "--out", str(tmp_path / "out")]) == 130
    assert checkpoints(tmp_path / "out") == [2, 3]


@pytest.mark.parametrize("moment", [2, 5, 6, 8])
def test_killed_while_the_earlier_run_is_set_aside(moment, server, finished_run, tmp_path):
    """What is left of the earlier run must not be taken for the run to be resumed."""
    out = tmp_path / "out"
    shutil.copytree(finished_run, out)
    options = (*RUN, "--seed", "5", "--out", out)
    assert server.run(*options, kill_at=moment).returncode == KILLED
    assert server.run(*options, "--resume").returncode == 0
    assert_same_result(out / "previous", finished_run)
    assert [row["epoch"] for row in history(out)] == list("123456")
    assert history(out) != history(finished_run)
    assert json.loads((out / "config.json").read_text())["options"]["seed"] == 5


def test_disk_full(server, finished_run, tmp_path):
    out = tmp_path / "out"
    process = server.run(*RUN, "--out", out, disk_full_in=4)
    assert process.returncode == 1
    assert_one_sentence(process.stderr, "File too large", out / "checkpoint")
    assert checkpoints(out) == [2, 3]
    assert_whole(out)
    assert not list((out / "checkpoint").glob(".*"))
    assert "after epoch 3" in finish(server, out).stdout
    assert_same_result(out, finished_run)


def test_loss_not_finite(server, tmp_path):
    out = tmp_path / "out"
    process = server.run(*RUN, "--out", out, explode=[3, 2, 1e30])
    assert process.returncode == 1
    assert_one_sentence(process.stderr, "the loss is no longer finite in epoch 3", out / "checkpoint")
    assert checkpoints(out) == [1, 2]
    assert len(history(out)) == 2
    resumed = finish(server, out)
    assert "after epoch 2" in resumed.stdout
    assert len(history(out)) == 6


def test_weights_not_finite_after_a_finite_loss(server, tmp_path):
    """The last update of an epoch spoils the weights: the loss of that epoch was still fine."""
    process = server.run(*RUN, "--out", tmp_path, explode=[3, 5, float("inf")])
    assert process.returncode == 1
    assert_one_sentence(process.stderr, "no longer finite", "epoch 3")
    assert checkpoints(tmp_path) == [1, 2]


def test_seed(server, finished_run, tmp_path):
    same = server.run(*RUN, "--seed", "0", "--out", tmp_path / "same")
    other = server.run(*RUN, "--seed", "1", "--out", tmp_path / "other")
    assert same.returncode == other.returncode == 0
    assert_same_result(tmp_path / "same", finished_run)
    assert history(tmp_path / "other") != history(finished_run)
    assert not np.array_equal(weights(tmp_path / "other")[0], weights(finished_run)[0])


def test_resuming_a_finished_run_changes_nothing(server, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "out")
    assert "after epoch 6" in finish(server, tmp_path / "out").stdout
    assert_same_result(tmp_path / "out", finished_run)


def test_resume_uses_the_options_of_the_stopped_run(server, finished_run, tmp_path, fake_mnist):
    """Nobody remembers them all: --resume and the folder are enough, even when real data has been staged since."""
    out = tmp_path / "out"
    assert server.run(*RUN, "--out", out, kill_at=20).returncode == KILLED
    fake_mnist(tmp_path / "mnist.npz")
    process = server.run("--resume", "--out", out, environment={"HW_DATA_DIR": str(tmp_path)})
    assert process.returncode == 0, process.stderr
    assert_same_result(out, finished_run)


def test_a_run_that_fell_back_to_the_sample_stays_with_it(finished_run, tmp_path):
    """Without network at first, and real data staged before --resume: it goes on with the data that it began with."""
    config = json.loads((finished_run / "config.json").read_text())
    config["options"]["data"] = "auto"
    (tmp_path / "config.json").write_text(json.dumps(config))
    options = cli.parse("hw1_mnist_mlp", train.SETTINGS, "", ["--resume", "--out", str(tmp_path)])
    assert options.data == "sample"


def test_resume_without_a_run_starts_one(server, finished_run, tmp_path):
    assert "starting with epoch 1" in finish(server, tmp_path / "out").stdout
    assert_same_result(tmp_path / "out", finished_run)


OTHER = ["--epochs 9", "--batch-size 32", "--seed 1", "--limit 200", "--precision bfloat16", "--set updates=500"]


@pytest.mark.parametrize("option", OTHER)
def test_resume_with_other_options(option, server, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "out")
    process = server.run("--resume", "--out", tmp_path / "out", *option.split())
    assert process.returncode == 2
    assert_one_sentence(process.stderr, *option.split(), "contradicts")


def test_resume_on_other_data(server, finished_run, tmp_path, fake_mnist):
    shutil.copytree(finished_run, tmp_path / "out")
    fake_mnist(tmp_path / "mnist.npz")
    process = server.run("--resume", "--data", "full", "--data-dir", tmp_path, "--out", tmp_path / "out")
    assert process.returncode == 1
    assert_one_sentence(process.stderr, tmp_path / "out", "other data")
    assert_same_result(tmp_path / "out", finished_run)


def test_all_checkpoints_damaged(server, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "out")
    for path in (tmp_path / "out" / "checkpoint").iterdir():
        path.write_bytes(path.read_bytes()[:-7])
    process = server.run("--resume", "--out", tmp_path / "out", *RUN)
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    assert "every checkpoint" in process.stderr.splitlines()[-1]
    assert len(history(tmp_path / "out")) == 6  # nothing was started over


def test_newest_checkpoint_damaged(server, finished_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished_run, out)
    newest = max((out / "checkpoint").iterdir())
    newest.write_bytes(newest.read_bytes()[:-7])
    process = finish(server, out)
    assert_one_sentence(process.stderr, "warning", newest, "damaged")
    assert "after epoch 5" in process.stdout
    assert_same_result(out, finished_run)


def test_second_run_keeps_the_first(server, finished_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished_run, out)
    process = server.run(*RUN, "--seed", "1", "--out", out)
    assert process.returncode == 0
    assert str(out / "previous") in process.stdout
    assert_same_result(out / "previous", finished_run)
    assert history(out) != history(finished_run)


def test_a_run_that_learned_nothing_does_not_displace_the_one_before(server, finished_run, tmp_path):
    """A setting that Keras refuses, twice in a row, must not cost the run that was there."""
    out = tmp_path / "out"
    shutil.copytree(finished_run, out / "previous")
    shutil.copy(finished_run / "config.json", out)
    process = server.run(*RUN, "--seed", "1", "--out", out)
    assert process.returncode == 0
    assert_same_result(out / "previous", finished_run)
    assert history(out) != history(finished_run)


def test_a_folder_of_other_things_is_left_alone(server, tmp_path):
    """The run after the next would delete them, as the rest of an earlier one."""
    (tmp_path / "thesis.tex").write_text("mine")
    process = server.run(*RUN, "--out", tmp_path)
    assert process.returncode == 1
    assert_one_sentence(process.stderr, tmp_path, "thesis.tex", "--out")
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["thesis.tex"]


def test_what_another_program_has_put_into_a_config_is_left_alone(server, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "weights").mkdir()
    process = server.run(*RUN, "--out", tmp_path)
    assert process.returncode == 1
    assert_one_sentence(process.stderr, tmp_path, "config.json of a run", "--out")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == ["config.json", "weights"]


def test_a_run_inside_the_folder_of_another_stays_where_it_is(server, finished_run, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished_run, out)
    shutil.copytree(finished_run, out / "wide")
    assert server.run(*RUN, "--seed", "1", "--out", out).returncode == 0
    assert_same_result(out / "previous", finished_run)
    assert_same_result(out / "wide", finished_run)


def test_two_runs_in_one_folder(server, train_command, tmp_path):
    first = server.start(*RUN, "--out", tmp_path, pause_after=1)
    try:
        wait_for(lambda: checkpoints(tmp_path))
        second = train_command(*RUN, "--out", tmp_path)
        assert second.returncode == 1
        assert_one_sentence(second.stderr, "another run", tmp_path)
        assert checkpoints(tmp_path) == [1]
    finally:
        first.send(signal.SIGKILL)
        first.wait()
    with filelock.FileLock(tmp_path / ".lock", timeout=0):
        pass  # the lock went with the process that held it
