"""Whatever standard output is connected to, and whatever it can show: nothing stops, and what was computed is saved."""

import json
import os
import subprocess
import sys

import pytest

from common import files
from common.data import sample_texts
from common.figures import plots
from tests.helpers import HOMEWORK, PATIENCE, ROOT, RUN, assert_one_sentence, metrics

POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # a locale that knows ASCII only
ASCII = {"PYTHONIOENCODING": "ascii"}
NO_TEXT = os.fsdecode(b"\xe8\xa9\xa9-\xff")  # 詩, and a byte that is no UTF-8
PROGRAM = r"""
import contextlib, os, sys
from pathlib import Path
from common.run import cli

@cli.guarded
def main(folder):
    with (folder / "open").open("wb") as file:
        for i in range(3000):
            print("\u6625", "\udcff", i)
        print("\u590f", file=sys.stderr)
        with contextlib.suppress(OSError):
            os.write(1, b"from a library")  # which knows nothing of sys.stdout
        sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.read()
        file.write(b"whole")
    (folder / "saved").write_text("all of it")

sys.exit(main(Path(sys.argv[1])))
"""
# Importing Keras takes longer than the program itself. That it leaves the streams alone does not depend on the locale.
WITHOUT_KERAS = """
import sys, types
sys.modules["keras"] = types.SimpleNamespace(callbacks=types.SimpleNamespace(Callback=object))
"""
# in words of the shell; `true` reads nothing
CONNECTIONS = {
    "a pipe": ('"$@" | cat', 0),
    "nobody": ('"$@" | true', 0),
    "nobody, for errors too": ('"$@" 2>&1 | true', 0),
    "closed": ('"$@" >&-', 0),
    "all closed": ('"$@" <&- >&- 2>&-', 0),
    "a full disk": ('"$@" > /dev/full', 1),
}


def run(*command, shell='"$@"', environment=(), cwd=ROOT):
    """The finished process of a command in a line of the shell; its status is that of the command, not of a pipe."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}", "bash", *map(os.fsencode, command)],
        cwd=cwd,
        env={**os.environ, **dict(environment)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("environment", [{}, ASCII, POSIX], ids=["utf-8", "ascii", "posix"])
@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_program_ends_well(connection, environment, tmp_path):
    shell, status = CONNECTIONS[connection]
    program = WITHOUT_KERAS + PROGRAM if environment else PROGRAM
    process = run(sys.executable, "-c", program, str(tmp_path), shell=shell, environment=environment)
    assert process.returncode == status, process.stderr
    assert (tmp_path / "saved").read_text() == "all of it"
    assert (tmp_path / "open").read_bytes() == b"whole"
    if connection == "a pipe":
        spring = "春".encode() if environment == {} else rb"\u6625"
        assert process.stdout.startswith(spring + rb" \udcff 0" + b"\n")
        assert b" 2999\n" in process.stdout
    else:
        assert not process.stdout
    if status:
        assert_one_sentence(process.stderr.decode("ascii", "ignore").partition("\n")[2], "No space left on device")
    elif "errors" not in connection and "all" not in connection:
        assert process.stderr == ("夏\n".encode() if environment == {} else b"\\u590f\n")


def test_streams_of_somebody_else_are_kept(capsys):
    """Those of a notebook, say, or of pytest."""
    from common.run import streams

    before = sys.stdin, sys.stdout, sys.stderr
    streams.prepare()
    assert (sys.stdin, sys.stdout, sys.stderr) == before
    assert streams.lost() is None
    print("here")
    assert capsys.readouterr().out == "here\n"


def test_every_help_can_be_shown_in_ascii():
    """Every program has its streams before it says the first word."""
    scripts = sorted(p for p in ROOT.glob("hw*/*.py") if p.name in ("train.py", "analyze.py", "generate.py"))
    assert len(scripts) == 14
    names = [f"{path.parent.name}.{path.stem}" for path in scripts] + ["common.report", "common.grade"]
    code = f"""
import importlib, sys
for name in {names}:
    sys.stdout = sys.__stdout__
    try:
        importlib.import_module(name).main(["--help"])
    except SystemExit as end:
        assert not end.code
    print("end of", name)
"""
    process = run(sys.executable, "-c", code, environment=ASCII)
    assert process.returncode == 0, process.stderr
    assert process.stdout.decode("ascii").count("usage: ") == len(names)
    assert rb"\u6df1\u5ea6\u5b78\u7fd2" in process.stdout  # 深度學習, of the poems


@pytest.mark.parametrize("connection", [pytest.param("nobody, for errors too", marks=pytest.mark.slow), "all closed"])
def test_a_training_goes_on_though_nobody_reads(connection, tmp_path):
    shell, _ = CONNECTIONS[connection]
    process = run(sys.executable, str(HOMEWORK), *RUN, "--out", str(tmp_path / "out"), shell=shell, cwd=tmp_path)
    assert process.returncode == 0
    assert (tmp_path / "out" / "model.keras").exists()
    assert (tmp_path / "out" / "figures" / "curves.png").exists()
    assert metrics(tmp_path / "out")["epochs"] == 6


@pytest.fixture(scope="module")
def poems(tmp_path_factory):
    """A training on Chinese sentences in a folder whose name is no text, in a locale that has neither; its output."""
    folder = tmp_path_factory.mktemp("poems")
    text = folder / "sentences.txt"
    text.write_text(sample_texts.chinese()[:6000], encoding="utf-8")
    options = ["--corpus", str(text), "--batch-size", "4", "--epochs", "1", "--precision", "float32"]
    options += ["--set", "units=[16]"]
    script = str(ROOT / "hw3_lstm_text" / "train.py")
    process = run(sys.executable, script, *options, "--out", NO_TEXT, environment=POSIX, cwd=folder)
    assert process.returncode == 0, process.stderr
    return folder / NO_TEXT, process.stdout.decode("ascii")


def test_a_training_on_poems_shows_escapes(poems):
    folder, output = poems
    assert "\n--- after " in output
    assert r"\u3002" in output  # 。
    assert (folder / "model.keras").exists()
    assert "。" in max((folder / "samples").iterdir()).read_text(encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert os.fsencode(config["options"]["out"]) == os.fsencode(NO_TEXT)  # the same folder, for --resume


def test_texts_are_written_in_ascii(poems):
    """What is asked for in Chinese is understood, too."""
    folder, _ = poems
    script = str(ROOT / "hw3_lstm_text" / "generate.py")
    options = ("--prompt", "春", "--length", "20", "--seed", "1")
    process = run(sys.executable, script, "--run", str(folder), *options, environment=POSIX)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(rb"\u6625")


def test_writing_ends_with_its_reader(poems):
    """A text without an end, of which somebody wants the first letters."""
    folder, _ = poems
    script = str(ROOT / "hw3_lstm_text" / "generate.py")
    endless = ("--length", str(10**12), "--seed", "1")
    process = run(sys.executable, script, "--run", str(folder), *endless, shell='"$@" | head -c 30')
    assert process.returncode == 0
    assert not process.stderr
    assert len(process.stdout) == 30


def test_texts_of_a_command_are_utf_8(monkeypatch):
    from common.run import cli

    assert cli.text("春") == "春"
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("ascii", "surrogateescape"))
    assert cli.text("春".encode().decode("ascii", "surrogateescape")) == "春"
    assert cli.text("\udcff") == "\udcff"


def test_names_that_are_no_text(tmp_path):
    """In JSON they come back as they were; in a picture they are drawn as a box, as every sign that no font has."""
    content = {"out": NO_TEXT, "slashes": "\\\udc80\\"}
    files.write_json(tmp_path / "config.json", content)
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8")) == content
    figure = plots.new_figure(3, 3, NO_TEXT)
    plots.save(figure, tmp_path / "figure.png")
    assert figure.get_suptitle() == "詩-□"


def test_report_of_a_folder_whose_name_is_no_text(tmp_path):
    from common import report

    run_folder = tmp_path / NO_TEXT
    run_folder.mkdir()
    (run_folder / "metrics.json").write_text('{"homework": "hw1_mnist_mlp"}')
    (run_folder / "config.json").write_text("{}")
    assert report.main(["--outputs", str(tmp_path)]) == 0
    assert r"詩-\udcff" in (tmp_path / "report.html").read_text(encoding="utf-8")
