"""What a user has set elsewhere, for Keras or Matplotlib, changes nothing; a picture that fails costs no model."""

import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image

from common.figures import plots
from common.run.run import Run
from hw1_mnist_mlp import train
from tests.helpers import ROOT, RUN, assert_same_result, metrics

DRAW = """
import sys
import numpy as np
from common.figures import plots
plots.image_grid(sys.argv[1], np.triu(np.full((2, 9, 9), 255, "uint8")), ["a", "b"], "corners")
"""


def test_keras_json(train_command, finished_run, tmp_path):
    (tmp_path / "keras.json").write_text(
        json.dumps({"floatx": "float16", "image_data_format": "channels_first", "epsilon": 0.1})
    )
    process = train_command(*RUN, "--out", tmp_path / "out", KERAS_HOME=tmp_path)
    assert process.returncode == 0, process.stderr
    assert_same_result(tmp_path / "out", finished_run)


def test_matplotlibrc_and_backend(tmp_path):
    (tmp_path / "matplotlibrc").write_text("image.origin: lower\ntext.usetex: True\nfont.size: 30\nsavefig.dpi: 20\n")
    pictures = {}
    for name, changes in {
        "plain": {},
        "changed": {"MATPLOTLIBRC": tmp_path / "matplotlibrc", "MPLBACKEND": "module://no_such_backend"},
    }.items():
        environment = {**os.environ, **{key: str(value) for key, value in changes.items()}}
        command = [sys.executable, "-c", DRAW, str(tmp_path / f"{name}.png")]
        subprocess.run(command, env=environment, check=True, cwd=ROOT)
        pictures[name] = np.asarray(Image.open(tmp_path / f"{name}.png"))
    np.testing.assert_array_equal(pictures["plain"], pictures["changed"])


def test_a_picture_that_fails_costs_no_model(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("no LaTeX here")

    monkeypatch.setattr(plots, "curves", fail)
    assert train.main([*RUN, "--out", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert metrics(tmp_path)["value"] > 0.5
    assert (tmp_path / "model.keras").exists()
    assert "no LaTeX here" in said.err
    assert "curves.png could not be drawn" in said.err.splitlines()[-1]
    assert str(tmp_path) in said.err.splitlines()[-1]


def test_a_model_is_saved_before_it_is_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "finish", lambda *_, **__: 1 / 0)
    assert train.main([*RUN, "--out", str(tmp_path)]) == 1
    assert (tmp_path / "model.keras").exists()
    assert not (tmp_path / "metrics.json").exists()
