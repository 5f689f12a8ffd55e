"""The doctor: text to paste into a question, whatever is missing, and without names of folders."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from common import doctor, files
from tests.helpers import NO_NETWORK, PATIENCE, ROOT


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with an empty repository's outputs/ and an empty data folder."""
    home = tmp_path / "b04901999"
    for folder in ("course/outputs", "staged"):
        (home / folder).mkdir(parents=True)
    shutil.copyfile(ROOT / "requirements.txt", home / "course" / "requirements.txt")
    monkeypatch.setattr(doctor, "ROOT", home / "course")
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setenv("HW_DATA_DIR", str(home / "staged"))
    return home


def said(part):
    """(what a part of the doctor says, what it finds wrong)."""
    wrong = []
    return "\n".join(part(wrong)), "\n".join(wrong)


def run_doctor(*flags, **environment):
    command = [sys.executable, *flags, "-m", "common.doctor"]
    options = {"capture_output": True, "text": True, "timeout": PATIENCE}
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, **NO_NETWORK, **environment}, **options)


def test_it_needs_nothing_but_python():
    done = run_doctor("-S")  # without the installed packages
    assert done.returncode == 1
    assert not done.stderr
    found, wrong = done.stdout.split("WRONG:")
    assert "Python 3." in found
    assert "packages: none" in found
    assert "keras" in wrong
    assert "pip install -r requirements.txt" in wrong


def test_all_of_it(home):
    """With the device, in a process of its own: a broken file is named, and no folder of the user."""
    (home / "staged" / "mnist.npz").write_bytes(b"half of a file")
    done = run_doctor(HOME=str(home), USERPROFILE=str(home), HW_DATA_DIR=str(home / "staged"))
    assert done.returncode == 1
    for text in ("device: ", "packages: ", "keras 3.", "mnist.npz CANNOT BE READ", "GB free"):
        assert text in done.stdout
    assert "- DATA/mnist.npz is broken" in done.stdout.split("WRONG:")[1]
    for name in (home.name, str(home), str(ROOT)):
        assert name not in done.stdout + done.stderr


def test_nothing_is_wrong(home, monkeypatch, capsys):
    (home / "staged" / "nietzsche.txt").write_text("Supposing that Truth is a woman, what then? " * 500)
    monkeypatch.setattr(doctor, "devices", lambda wrong: ["device: CPU"])
    assert doctor.main() == 0
    out = capsys.readouterr().out
    assert "data: nietzsche.txt, SHA-256 " in out
    assert out.endswith("nothing is wrong\n")
    assert home.name not in out


def test_an_old_keras(home, monkeypatch):
    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "3.9.2" if name == "keras" else installed(name))
    lines, wrong = said(doctor.versions)
    assert "keras 3.9.2" in lines
    assert wrong == 'keras 3.9.2 is older than 3.15.1: pip install --upgrade "keras>=3.15.1"'


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (SystemExit("error: Keras cannot start without tensorflow"), "Keras cannot start without tensorflow"),
        (ValueError("no such backend"), "Keras cannot be used (ValueError: no such backend)"),
        (doctor.UserError("the backend torch of Keras is not one that works here"), "the backend torch"),
    ],
)
def test_a_backend_that_cannot_be_used(error, sentence, monkeypatch):
    def fail(name):
        raise error

    monkeypatch.setattr(doctor.importlib, "import_module", fail)
    lines, wrong = said(doctor.devices)
    assert not lines
    assert wrong.startswith(sentence)


def test_data_beside_the_known_hashes(home, monkeypatch):
    lines, wrong = said(doctor.data)
    assert "data: mnist.npz is not there" in lines
    assert f"there are no data in {home / 'staged'}" in wrong

    (home / "staged" / "tinyshakespeare.txt").write_text("To be, or not to be: that is the question. " * 500)
    lines, wrong = said(doctor.data)
    assert "can be read, not the public file, which has 86c4e6aa9db7c042" in lines
    assert not wrong

    published = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    monkeypatch.setattr(files, "sha256", lambda paths: published)
    assert "tinyshakespeare.txt, SHA-256 86c4e6aa9db7c042, as published" in said(doctor.data)[0]


def test_a_full_disk(home, monkeypatch):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(5e8))
    lines, wrong = said(doctor.space)
    assert "outputs: 0.5 GB free" in lines
    assert "0.5 GB left" in wrong


def test_folders_that_cannot_be_written_to(home, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    wrong = said(doctor.space)[1]
    assert f"{home / 'course' / 'outputs'} cannot be written to (Permission denied)" in wrong
    assert f"{home / 'staged'} cannot" in wrong
    (home / "staged" / "mnist.npz").touch()  # staged by somebody else: it need only be read
    assert f"{home / 'staged'} cannot" not in said(doctor.space)[1]


def test_a_closed_folder_and_a_drive_that_is_not_there(home, monkeypatch):
    def look(self):
        raise PermissionError(13, "Permission denied", str(self))

    for name in ("exists", "is_dir"):  # as Path does below a folder that the user may not enter
        monkeypatch.setattr(Path, name, look)
    assert "mnist.npz is not there" in said(doctor.data)[0]
    assert "GB free" in said(doctor.space)[0]
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name == "outputs")
    assert f"{home / 'staged'} is on a drive that is not there" in said(doctor.space)[1]


def test_runs_beside_their_bars(home):
    done = {"task": "hw1_mnist_mlp", "data": "full", "test_accuracy": 0.975}
    for name, metrics in (("missed", done), ("sample", done | {"data": "sample"}), ("stopped", None), ("odd", [])):
        folder = home / "course" / "outputs" / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        if metrics is not None:
            (folder / "metrics.json").write_text(json.dumps(metrics))
    lines, wrong = said(doctor.runs)
    assert "run missed: test accuracy 0.9750: MISSES the bar of 0.980" in lines
    assert "run sample: test accuracy 0.9750 (the assignment asks 0.980 of the full data)" in lines
    assert "run stopped: stopped before its end" in lines
    assert "run odd: its metrics.json cannot be read" in lines
    assert not wrong


def test_names_of_folders_are_hidden(home):
    text = f"{home}/course/outputs/a, {home}/staged/mnist.npz, {home}/x, /mnt/{home.name}/y"
    assert doctor.private(text) == "REPOSITORY/outputs/a, DATA/mnist.npz, ~/x, /mnt/USER/y"


def test_a_home_folder_that_is_all_hides_nothing(home, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert doctor.private("/usr/lib/x") == "/usr/lib/x"
