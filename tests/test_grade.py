"""The grader on a class of good, bad and hostile submissions, all graded in one run, and its parts one by one."""

import argparse
import contextlib
import csv
import hashlib
import io
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import zipfile
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from common import bars, data, grade
from common.data import mnist, sample_texts, texts
from common.data.corpus import index
from common.data.wires import Wires
from common.errors import UserError
from common.grading import answers, results, rules, submissions, weights
from common.grading.grader import Result, Student
from common.grading.names import safe_names
from common.grading.remote import Failed, Model
from common.run.predictor import Local
from tests.helpers import MINE, ROOT, STAGED, assert_one_sentence, hand_in, metrics

LIMITS = {"seconds": 250, "memory_mb": 1500, "processes": 16, "file_mb": 4}
SHARED_MEMORY = """
import ctypes
library = ctypes.CDLL(None)
for i in range(9999):
    segment = library.shmget(0, ctypes.c_size_t(1 << 30), 0o600)
    if segment == -1:
        raise MemoryError("the system gave none")
"""

# what a model.py does beside defining its layer, and what the reason must say
HOSTILE = {
    "exits": ("sys.exit(0)", "no predictions: SystemExit: 0"),
    "exits-at-once": ("os._exit(0)", "no predictions: its process ended by itself with status 0"),
    "fork-bomb": ("while True: os.fork()", "more than 16 processes|BlockingIOError"),
    "memory-hog": ("hog = [bytearray(1 << 24) for _ in range(1 << 20)]", "MemoryError|more than 1,500 MB of memory"),
    "huge-file": ("open('huge', 'wb').write(bytes(1 << 30))", "no predictions: OSError: .* File too large"),
    "many-files": ("[open(str(i), 'wb').write(bytes(1 << 22)) for i in range(99)]", "No space left on device"),
    "printer": ("while True: print('x' * 999_999)", "no predictions: it printed more than 1 MB"),
    "grades-writer": ("open('{folder}/grades/grades.csv', 'w').write('all')", "No such file or directory"),
    "cheat": ("open('{folder}/data/mnist.npz', 'rb')", "No such file or directory"),
    "thief": ("open('{folder}/class/good/outputs/hw1_mnist_mlp/model.keras', 'rb')", "No such file or directory"),
    "vandal": ("open(keras.__file__, 'a')", "Read-only file system|Permission denied"),
    "caller": ("socket.create_connection(('127.0.0.1', {port}), 5)", "PermissionError: .* Operation not permitted"),
    "liar": (
        "os.write(11, b'\\0\\0\\0\\x0d{\"inputs\": 5}')",
        "no predictions: it sent something that is not an answer",
    ),
    "liar-in-no-language": (  # half a character, which UTF-8 has not
        'for text in (b\'{"inputs": null}\', b\'{"arrays": "\\\\ud800"}\'): '
        "os.write(11, len(text).to_bytes(4, 'big') + text)",
        "no predictions: it gave   arrays where 1 were asked for",
    ),
    "shared-memory": (SHARED_MEMORY, "the system gave none"),
    "forger": (
        "for i in range(3, 99):\n    try: os.write(i, bytes(3) + b'\\x02{}')\n    except OSError: pass",
        "no predictions: it sent something that is not an answer",
    ),
}

KILL_ALL = """
for process in (os.getppid(), -1):
    try:
        os.kill(process, 9)
    except OSError:
        pass
"""


def digest(folder):
    """{path: content} of all that lies in a folder, links not followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path)] = (stat.filemode(status.st_mode), hashlib.sha256(os.fsencode(content)).hexdigest())
    return found


def replace_member(source, target, name, content):
    """Copy a .keras file with other content of one member."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == name else old.read(info))


def hdf5(fill):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def graded(tmp_path_factory, tiny_models, tiny_mnist):
    """The folder in which the whole class was graded, in one run of the command's main."""
    folder = tmp_path_factory.mktemp("grading")
    (folder / "data").mkdir()
    (folder / "tmp").mkdir()
    np.savez(folder / "data" / "mnist.npz", **tiny_mnist)
    school = folder / "class"
    listener = socket.create_server(("127.0.0.1", 0))
    for name, (template, _) in HOSTILE.items():
        code = template.replace("{folder}", str(folder)).replace("{port}", str(listener.getsockname()[1]))
        hand_in(school / name, tiny_models["custom"], code)
    hand_in(school / "good", tiny_models["good"])
    hand_in(school / "bad", tiny_models["bad"])
    hand_in(school / "nan", tiny_models["nan"])
    hand_in(school / "shape", tiny_models["shape"])
    hand_in(school / "lambda", tiny_models["lambda"], "")
    hand_in(school / "custom", tiny_models["custom"], "")
    hand_in(school / "custom-without-code", tiny_models["custom"])
    hand_in(school / "unused-code", tiny_models["good"], "sys.exit(0)")
    hand_in(school / "=1+1 <b>\n'; rm -rf $HOME\u202e|", tiny_models["bad"])
    hand_in(school / "王小明", tiny_models["good"])
    hand_in(school / "killer", tiny_models["custom"], KILL_ALL)
    hand_in(school / "deeper" / "repository-main", tiny_models["bad"])
    sample = {"task": "hw1_mnist_mlp", "data": {"kind": "sample"}}
    hand_in(school / "sample", tiny_models["bad"], config=sample)
    (school / "empty").mkdir()
    (school / "notes.txt").write_text("hello")
    (school / ".hidden").mkdir()
    (hand_in(school / "noise", tiny_models["bad"]) / "outputs/hw1_mnist_mlp/model.keras").write_bytes(b"noise")
    (hand_in(school / "unfinished", tiny_models["bad"], config=sample) / "outputs/hw1_mnist_mlp/model.keras").unlink()

    bomb = hdf5(lambda file: file.create_dataset("a", (10**10,), "f4", compression="gzip"))
    replace_member(
        tiny_models["good"],
        hand_in(school / "hdf5-bomb", tiny_models["good"]) / "outputs/hw1_mnist_mlp/model.keras",
        "model.weights.h5",
        bomb,
    )
    (hand_in(school / "linked-model", tiny_models["good"]) / "outputs/hw1_mnist_mlp/model.keras").unlink()
    (school / "linked-model/outputs/hw1_mnist_mlp/model.keras").symlink_to(folder / "data" / "mnist.npz")
    (school / "linked-outputs").mkdir()
    (school / "linked-outputs" / "outputs").symlink_to(school / "good" / "outputs")
    (school / "link").symlink_to(school / "good")

    def zipped(name, members):
        with zipfile.ZipFile(school / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)

    model = tiny_models["good"].read_bytes()
    zipped("good.zip", {"outputs/hw1_mnist_mlp/model.keras": model})  # the name of another student
    zipped("outside.zip", {"outputs/hw1_mnist_mlp/model.keras": model, "../../data/mnist.npz": b"mine"})
    zipped("bomb.zip", {"outputs/hw1_mnist_mlp/model.keras": bytes(1 << 26)})
    link = zipfile.ZipInfo("outputs/hw1_mnist_mlp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zipped("link.zip", {link: str(folder)})
    zipped("many-files.zip", {f"{i}.txt": b"" for i in range(25_000)})
    zipped("deep.zip", {"a/" * 2000 + "outputs/hw1_mnist_mlp/model.keras": model})
    for name, method in (("lzma", zipfile.ZIP_LZMA), ("bzip2", zipfile.ZIP_BZIP2), ("deflate", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(school / f"{name}.zip", "w", method) as archive:
            archive.writestr("outputs/hw1_mnist_mlp/model.keras", model)
        content = bytearray((school / f"{name}.zip").read_bytes())
        content[100:400] = bytes(range(150)) * 2
        (school / f"{name}.zip").write_bytes(content)
    zipped("gbk.zip", {"outputs/hw1_mnist_mlp/\u4f60\u597d.txt": b""})  # whose name is said to be UTF-8
    content = (school / "gbk.zip").read_bytes()
    (school / "gbk.zip").write_bytes(content.replace("你好.".encode(), "你好啊".encode("gbk") + b"."))
    for name in ("Thumbs.db", "desktop.ini", "names.xlsx", ".DS_Store"):
        (school / name).write_bytes(b"")
    (school / "damaged.zip").write_bytes((school / "good.zip").read_bytes()[:-400])

    (folder / "rules.toml").write_text(
        "[points]\nsimple = 4\nbest = 10\n[hw1_mnist_mlp]\nsimple = 0.1\nbest = 'bar'\n[limits]\n"
        + "\n".join(f"{name} = {value}" for name, value in LIMITS.items())
    )
    before = digest(school) | digest(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
        code = grade.main([*options(folder), "--out", str(folder / "grades"), "--jobs", "2"])
    assert code == 0
    assert digest(school) | digest(folder / "data") == before, "something outside was changed"
    assert not list((folder / "tmp").iterdir()), "something was left behind"
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()
    return folder


def options(folder, school="class"):
    given = [folder / school, "--data-dir", folder / "data", "--homework", "hw1_mnist_mlp", "--rules"]
    return [str(each) for each in (*given, folder / "rules.toml")]


@pytest.fixture(scope="module")
def rows(graded):
    with (graded / "grades" / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def reason(row):
    return row["hw1_mnist_mlp reason"]


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux namespaces")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code(name, rows):
    row = rows[name]
    assert row["points"] == "0"
    if "cannot shut code in" not in reason(row):  # where it can it must
        assert re.search(HOSTILE[name][1], reason(row)), reason(row)


FOUND = {
    "good": (10, "test accuracy 1.0000: passes the bar of 0.980; tier: best"),
    "good.zip": (10, "test accuracy 1.0000"),
    "unused-code": (10, "test accuracy 1.0000"),
    "王小明": (10, "test accuracy 1.0000"),
    "custom": (10, "test accuracy 1.0000"),
    "killer": (10, "test accuracy 1.0000"),
    "bad": (4, "test accuracy 0.1000: MISSES the bar of 0.980; tier: simple"),
    "deeper": (4, "test accuracy 0.1000"),
    "sample": (4, "by its config.json trained on the built-in sample"),
    "nan": (0, "not all finite"),
    "shape": (0, "it gave an array of the shape (20, 7) where (20, 10) was asked for"),
    "lambda": (0, "refused: it has a Lambda layer"),
    "custom-without-code": (0, "refused: it needs Mine of tests.conftest"),
    "noise": (0, "refused: it is damaged, or no .keras file"),
    "unfinished": (0, "there is no model.keras"),
    "hdf5-bomb": (0, "refused: its weights are stored in chunks"),
    "linked-model": (0, "model.keras is a link"),
    "linked-outputs": (0, "it holds outputs, which is a link"),
    "link": (0, "the submission is a link"),
    "link.zip": (0, "the zip holds a link"),
    "outside.zip": (0, "the zip wants to write outside of its folder"),
    "bomb.zip": (0, "the zip holds a bomb"),
    "many-files.zip": (0, "files: that is not opened"),
    "deep.zip": (0, "not handed in"),  # no run lies that deep
    "lzma.zip": (0, "the zip cannot be unpacked"),
    "bzip2.zip": (0, "the zip cannot be unpacked"),
    "deflate.zip": (0, "the zip cannot be unpacked"),
    "gbk.zip": (0, "there is no model.keras"),
    "damaged.zip": (0, "the zip cannot be unpacked (it is not whole)"),
    "notes.txt": (0, "neither a folder nor a zip"),
    "empty": (0, "not handed in"),
}


OWN_CODE = {"custom", "killer"}  # which is not run where it cannot be shut in, as on macOS


@pytest.mark.parametrize("name", FOUND)
def test_score_and_reason(name, rows, workers):
    points, words = FOUND[name] if workers.isolated or name not in OWN_CODE else (0, "cannot shut code in")
    assert words in reason(rows[name])
    assert rows[name]["points"] == str(points)


def test_odd_name(graded, rows):
    name = r"'=1+1 <b>\n'; rm -rf $HOME\u202e|"
    assert rows[name]["points"] == "4"
    assert (graded / "grades" / "students" / "1_1_b_n_rm_-rf_HOME_u202e.json").exists()
    assert "<b>" not in (graded / "grades" / "summary.md").read_text()


def test_every_student_has_a_row_and_reports(graded, rows):
    none = {".hidden", ".DS_Store", "Thumbs.db", "desktop.ini", "names.xlsx"}
    names = {path.name for path in (graded / "class").iterdir()} - none
    assert len(rows) == len(names) == len(HOSTILE) + len(FOUND) + 1
    for ending in ("json", "md"):
        assert len(list((graded / "grades" / "students").glob(f"*.{ending}"))) == len(names)
    content = json.loads((graded / "grades" / "students" / "good.json").read_text())
    assert content["homeworks"]["hw1_mnist_mlp"]["metrics"] == {"test_accuracy": 1.0}
    assert "within limits" in content["graded_how"]
    page = (graded / "grades" / "students" / "good.md").read_text()
    assert "10 points" in page
    assert "simple at least 0.1 (4), best at least 0.98 (10)" in page


def test_identical_weights_are_reported(graded, rows, workers):
    alike = {name for name, row in rows.items() if row["hw1_mnist_mlp identical weights"]}
    assert {"good", "good.zip", "unused-code", "王小明"} < alike
    assert "nan" not in alike
    assert "custom" in alike or not workers.isolated  # its layers differ, its weights do not
    assert "Identical weights" in (graded / "grades" / "summary.md").read_text()


def test_junit(graded, rows):
    suite = ElementTree.parse(graded / "grades" / "junit.xml").getroot()
    assert int(suite.get("tests")) == len(rows)
    failed = {case.get("classname") for case in suite.iter("testcase") if case.find("failure") is not None}
    skipped = {case.get("classname") for case in suite.iter("testcase") if case.find("skipped") is not None}
    assert skipped == {"empty", "deep.zip"}
    assert {"bad", "nan", *HOSTILE} < failed
    assert not failed & {"good", "王小明"}


def test_a_metric_of_several_numbers_is_written(tmp_path):
    """Faces that were asked for have one for each colour of hair."""
    metrics = {"frechet_ratio": 4.5, "diversity_ratio": 0.9, "copy_share": 0.0, "weights": 1200}
    metrics["hair_as_asked_by_colour"] = {"blue": 0.9}
    found = {"hw5_anime_dcgan": Result("good", 10, "best", 4.5, metrics)}
    results.write(tmp_path, [Student("Lin", "Lin", found)], [*found], rules.load(), "nothing held")
    page = (tmp_path / "students" / "Lin.md").read_text(encoding="utf-8")
    for row in ("| frechet ratio | 4.5000 |", "| hair as asked by colour | {'blue': 0.9} |", "| weights | 1,200 |"):
        assert row in page


def test_picture_and_summary(graded, workers):
    assert (graded / "grades" / "distribution.png").read_bytes().startswith(b"\x89PNG")
    text = (graded / "grades" / "summary.md").read_text()
    assert "| [good](students/good.md) | 10 |  |" in text
    if workers.isolated:
        assert "| hw1_mnist_mlp | 0.98 | 6 | 10 |" in text
        assert "| [exits](students/exits.md) | 0 | hw1_mnist_mlp: no predictions: SystemExit: 0 |" in text
    assert "| [empty](students/empty.md) | 0 |  |" in text
    assert "Not handed in: hw1_mnist_mlp." in (graded / "grades" / "students" / "empty.md").read_text()


def test_two_runs_give_the_same_table(graded, workers, tmp_path, monkeypatch):
    """Byte for byte, whatever the number of jobs and the other submissions."""
    monkeypatch.setattr(grade, "Workers", lambda *_, **__: contextlib.nullcontext(workers))  # that is quicker
    (tmp_path / "class").mkdir()
    for name in ("killer", "nan", "shape", "link.zip"):
        source = graded / "class" / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, tmp_path / "class" / name)
    assert grade.main([*options(graded, tmp_path / "class"), "--out", str(tmp_path / "out")]) == 0
    mark = b"\xef\xbb\xbf"  # by which Excel on Windows sees that it is UTF-8
    table, whole = ((folder / "grades.csv").read_bytes() for folder in (tmp_path / "out", graded / "grades"))
    assert table.startswith(mark)
    table, whole = (content.removeprefix(mark).splitlines() for content in (table, whole))
    assert [line for line in whole if line.startswith((b"submission", b"link.zip", b"nan", b"shape"))] == [
        line for line in table if not line.startswith(b"killer")
    ]
    assert table[1].startswith(b"killer,10,1.0000,0.98,10," if workers.isolated else b"killer,0,")
    assert table[1].endswith(b",")  # nobody in this class has the same weights


def test_a_model_behind_a_link(tiny_models, workers, tmp_path):
    """On many clusters the folder for temporary files is one; the sandbox shows where it leads."""
    (tmp_path / "real").mkdir()
    shutil.copyfile(tiny_models["good"], tmp_path / "real" / "model.keras")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with Model(workers, "hw1_mnist_mlp", tmp_path / "link") as model:
        assert model.inputs == [[None, 28, 28]]


def test_a_model_that_never_answers_is_stopped(tiny_models, workers, tmp_path, monkeypatch):
    """And one who closes what it could print to is watched all the same; where code cannot be shut in it is not run."""
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copyfile(tiny_models["custom"], folder / "model.keras")
    (folder / "model.py").write_text(MINE + "os.close(1); os.close(2)\nwhile True: pass")
    if workers.isolated:
        with monkeypatch.context() as patch:
            patch.setattr(workers, "limits", LIMITS | {"seconds": 3})
            with pytest.raises(Failed, match="it took longer than 3 seconds"), Model(workers, "hw1_mnist_mlp", folder):
                pass
    monkeypatch.setattr(workers, "isolated", False)
    monkeypatch.setattr(workers, "why_not", "for a test")
    assert "no student's code was run" in workers.protections
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        assert "limits of time, file size and output" in workers.protections  # nobody counts memory there
    with pytest.raises(weights.Refused, match="grade it on Linux"), Model(workers, "hw1_mnist_mlp", folder):
        pass
    shutil.copyfile(tiny_models["good"], folder / "model.keras")
    with Model(workers, "hw1_mnist_mlp", folder) as model:
        assert model.inputs == [[None, 28, 28]]
        (answer,) = model.predict([np.zeros((3, 28, 28), "uint8")], [(3, 10)])
        assert answer.dtype == np.float32
        with pytest.raises(Failed, match="it gave 1 arrays where 2 were asked for"):
            model.predict([np.zeros((3, 28, 28), "uint8")], [(3, 10)] * 2)


def test_answers_that_lie():
    """Whatever comes out of the pipe, it is an array of the shape that was asked for, or a reason."""
    good = np.arange(6, dtype="float32").reshape(2, 3)

    def npy(array):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=True)
        return buffer.getvalue()

    np.testing.assert_array_equal(answers.array_of(npy(good), (2, 3)), good)
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f4", "fortran_order": False, "shape": (2, 10**12)})
    lies = [
        (npy(good), (3, 2), "of the shape"),
        (npy(good.astype("float64")), (2, 3), "not an array"),
        (npy(good.astype(">f4")), (2, 3), "not an array"),
        (npy(np.asfortranarray(good)), (2, 3), "not an array"),
        (npy(np.array([[print] * 3] * 2, object)), (2, 3), "not an array"),
        (npy(good)[:-4], (2, 3), "not an array"),
        (npy(good) + bytes(4), (2, 3), "not an array"),
        (huge.getvalue() + bytes(24), (2, 3), "of the shape"),
        (npy(good)[:30], (2, 3), "not an array"),
        (b"", (2, 3), "not an array"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, (2, 3), "not an array"),
        (npy(np.full_like(good, np.inf)), (2, 3), "not all finite"),
        (b'{"failed": "x\\u001b[31m"}', (2, 3), r"^x \[31m$"),
        (b'{"arrays": 1}', (2, 3), "not an answer"),
    ]
    for answer, shape, words in lies:
        with pytest.raises(Failed, match=words):
            answers.array_of(answer, shape)
    for answer in (b"", b"[]", b"{", b"[" * 99_999, b'{"inputs": 1, "more": 2}', b"9" * 5000, b"\xff", b"null"):
        with pytest.raises(Failed, match="not an answer"):
            answers.content_of(answer, ["inputs"])
    assert answers.shapes_of(None) is None
    assert answers.shapes_of([[None, 28, 28], [None]]) == [[None, 28, 28], [None]]
    for shapes in (5, "x", {}, [5], ["x"], [[0]], [[-1]], [["x"]], [[1.5]], [[True]], [[[1]]], [[10**10]]):
        with pytest.raises(Failed, match="not an answer"):
            answers.shapes_of(shapes)


def test_interruption(tiny_models, tmp_path, workers, monkeypatch):
    """Ctrl-C need not wait for a model that never answers, nor for one that was about to start."""
    monkeypatch.setattr(workers, "stopped", False)  # and again afterwards: other tests share these workers
    (tmp_path / "model").mkdir()
    shutil.copyfile(tiny_models["custom"], tmp_path / "model" / "model.keras")
    (tmp_path / "model" / "model.py").write_text(MINE + "time.sleep(1000)")
    alarm = threading.Timer(1, workers.stop)
    alarm.start()
    with pytest.raises((Failed, weights.Refused)), Model(workers, "hw1_mnist_mlp", tmp_path / "model"):
        pass
    alarm.join()
    with pytest.raises(Failed), Model(workers, "hw1_mnist_mlp", tmp_path / "model"):
        pass
    assert not workers.running


# The command


def test_mistakes_are_one_sentence(tmp_path, capsys):
    (tmp_path / "some").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "students" / "Lin").mkdir(parents=True)
    (tmp_path / "some" / "rules.toml").write_text("[points]\nbest = 1\n[hw9]\nbest = 1")
    for given, word in (
        ([tmp_path / "none"], "No such file"),
        ([tmp_path / "file"], "Not a directory"),
        ([tmp_path / "some", "--out", tmp_path / "some" / "out"], "lies among the submissions"),
        ([tmp_path / "students", "--out", tmp_path], "the submissions lie where --out"),
        ([tmp_path / "some", "--rules", tmp_path / "some" / "rules.toml"], "hw9"),
        ([tmp_path / "some", "--rules", tmp_path / "none"], "No such file"),
    ):
        assert grade.main([str(each) for each in given]) == 1
        assert_one_sentence(capsys.readouterr().err, word)
    (tmp_path / "some" / "rules.toml").unlink()
    assert grade.main([str(tmp_path / "some")]) == 1
    assert_one_sentence(capsys.readouterr().err, "no submissions")
    with pytest.raises(SystemExit) as end:
        grade.main([])
    assert end.value.code == 2
    assert_one_sentence(capsys.readouterr().err, "SUBMISSIONS")


def test_data_that_is_not_there(tiny_models, workers, tmp_path):
    """Without the test data nothing can be graded: that is the grader's mistake, not a student's zero."""
    hand_in(tmp_path / "good", tiny_models["good"])
    (tmp_path / "mnist.npz").write_bytes(b"broken")
    config = argparse.Namespace(data="full", data_dir=tmp_path, limit=None, seed=0)
    with pytest.raises(UserError, match=r"mnist\.npz is broken"):
        grade.Grader(workers, rules.load(), config).submission(tmp_path / "good", ["hw1_mnist_mlp"])


# Points


def test_tiers(tmp_path):
    by = rules.load()
    assert {*by.tiers} == {*bars.JUDGED}
    assert by.judge("hw1_mnist_mlp", {"test_accuracy": 0.979}) == (None, 0)
    assert by.judge("hw1_mnist_mlp", {"test_accuracy": 0.98}) == ("simple", 4)
    assert by.judge("hw1_mnist_mlp", {"test_accuracy": 0.995}) == ("best", 10)
    shakespeare = "hw3_lstm_text/shakespeare"
    assert by.judge(shakespeare, {"validation_nats_per_char": 1.4, "word_share": 0.9}) == ("best", 10)
    (tmp_path / "rules.toml").write_text(f"[points]\nsome = 2\nbest = 3\n['{shakespeare}']\nsome = 2.0\nbest = 'bar'")
    by = rules.load(tmp_path / "rules.toml")
    # gibberish that foresees well: the further figures of the bar count from the bar on
    assert by.judge(shakespeare, {"validation_nats_per_char": 1.4, "word_share": 0.1}) == ("some", 2)
    assert by.judge("hw2_cifar10_cnn", {"test_accuracy": 0.81}) == ("best", 3)
    assert by.judge("hw2_cifar10_cnn", {"test_accuracy": 0.80}) == (None, 0)
    assert by.limits == rules.load().limits


@pytest.mark.parametrize("key", bars.FULL)
def test_tiers_lead_upwards(key):
    """Whoever gets more points has a better figure, and every homework has its bar among its tiers."""
    by = rules.load()
    tiers = [by.tiers[key][tier] for tier in sorted(by.tiers[key], key=by.points.get)]
    thresholds = [bar.threshold for bar in tiers]
    assert thresholds == sorted(set(thresholds), reverse=bars.FULL[key].at_most)
    assert bars.FULL[key] in tiers


# What is handed in


def test_safe_names():
    names = ["Wang", "wang", "wang.zip", "../../etc/passwd", "", "...", "a" * 300, "王小明", "x\udcff", "con\n"]
    safe = safe_names(names)
    assert len({name.casefold() for name in safe}) == len(names)
    assert safe[:4] == ["Wang", "wang-2", "wang.zip", "etc_passwd"]
    assert all(name and not name.startswith(".") and "/" not in name and len(name) < 70 for name in safe)


def test_runs(tmp_path):
    def run(name, task=None, kind="full"):
        folder = tmp_path / "outputs" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"task": task, "data": {"kind": kind}}))
        return folder

    run("tang", "hw3_lstm_text/tang")
    run("second", "hw1_mnist_mlp")
    run("first", "hw1_mnist_mlp", "sample")
    (run("hw2_cifar10_cnn") / "config.json").write_text("{")
    run("cifar_best", "hw2_cifar10_cnn")
    (run("hw3_lstm_text") / "config.json").write_text('{"options": {"homework": "hw3_lstm_text"}}')
    (run("own") / "model.keras").write_bytes(b"")
    run("listed", ["hw1_reuters_mlp"])
    run("other", "os")
    found = submissions.survey(tmp_path)
    assert {task: run.folder.name for task, run in found.runs.items()} == {
        "hw1_mnist_mlp": "first",
        "hw2_cifar10_cnn": "hw2_cifar10_cnn",
        "hw3_lstm_text/shakespeare": "hw3_lstm_text",
        "hw3_lstm_text/tang": "tang",
    }
    assert found.unknown == ["own/model.keras, of which no config.json names a task that has a bar"]
    assert "sample" in found.runs["hw1_mnist_mlp"].remark
    assert not found.runs["hw3_lstm_text/tang"].remark


def test_what_is_not_a_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "model.py")
    with pytest.raises(weights.Refused, match="is not a file"):
        submissions.read(tmp_path / "model.py", tmp_path)
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(submissions.FILES["config.json"] + 1)
    with pytest.raises(weights.Refused, match="that is not read"):
        submissions.read(tmp_path / "config.json", tmp_path)


# Weights


def inspect(tmp_path, source, member, content):
    replace_member(source, tmp_path / "changed.keras", member, content)
    return weights.inspect(tmp_path / "changed.keras")


def from_another_file():
    layout = h5py.VirtualLayout((9,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (9,))
    return layout


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (lambda file: file.create_dataset("a", (10**9,), "f4"), "claim 4,000,000,000 bytes"),
        (lambda file: file.create_dataset("a", (10**9,), "f4", chunks=(1000,)), "in chunks"),
        (lambda file: file.create_dataset("a", (9,), "f4", external=[("/etc/passwd", 0, 36)]), "in another file"),
        (lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "a")), "another place or file"),
        (lambda file: file.__setitem__("a", h5py.SoftLink("/")), "another place or file"),
        (lambda file: file.__setitem__("a", file), "a maze of links"),
        (lambda file: file.create_dataset("a", data=["text"]), "other than arrays of numbers"),
        (lambda file: file.create_virtual_dataset("a", from_another_file()), "in another file"),
    ],
    ids=["claim", "chunks", "external", "link", "soft", "loop", "text", "virtual"],
)
def test_bad_hdf5(fill, words, tiny_models, tmp_path):
    with pytest.raises(weights.Refused, match=words):
        inspect(tmp_path, tiny_models["good"], "model.weights.h5", hdf5(fill))


def test_an_optimizer_is_no_part_of_the_weights(tiny_models, tmp_path):
    """Else an update at a learning rate of 0 would hide a copy."""

    def fill(memory):
        return lambda file: (
            file.create_dataset("layers/a", data=[1.0, 2]),
            file.create_dataset("optimizer/b", data=[memory]),
        )

    one, other = (
        inspect(tmp_path, tiny_models["good"], "model.weights.h5", hdf5(fill(memory))) for memory in (1.0, 2.0)
    )
    assert one == other


def test_a_byte_counts_as_two_weights(tiny_models, tmp_path):
    """Keras packs two weights of int4 into one."""
    counts = [
        inspect(
            tmp_path,
            tiny_models["good"],
            "model.weights.h5",
            hdf5(lambda file, kind=kind: file.create_dataset("layers/a", data=np.ones(7, kind))),
        )[2]
        for kind in ("float32", "uint8")
    ]
    assert counts == [7, 14]


def test_bad_configs(tiny_models, tmp_path):
    for part, words in (
        ({"class_name": "__lambda__", "config": {"value": "4wA="}}, "Lambda"),
        ({"module": "keras.layers", "class_name": "Lambda", "config": {}}, "Lambda"),
    ):
        with pytest.raises(weights.Refused, match=words):
            inspect(tmp_path, tiny_models["good"], "config.json", json.dumps({"layers": [part]}))
    for part, name in (
        ({"module": "os", "class_name": "system", "config": {}}, "system of os"),
        ({"module": "keras.utils", "class_name": "function", "config": "get_file"}, "get_file of keras.utils"),
        ({"module": "keras_hub.x", "class_name": "X", "config": {}}, "X of keras_hub.x"),
        ({"module": None, "class_name": "X", "config": {}, "registered_name": "Own>X"}, "X of None"),
        ({"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": "Own>X"}, "Own>X"),
    ):
        assert inspect(tmp_path, tiny_models["good"], "config.json", json.dumps([part]))[1] == [name]
    with pytest.raises(weights.Refused, match=r"nested too deeply|damaged"):
        inspect(tmp_path, tiny_models["good"], "config.json", "[" * 100_000 + "]" * 100_000)
    with pytest.raises(weights.Refused, match="damaged"):
        inspect(tmp_path, tiny_models["good"], "config.json", "nothing")
    with zipfile.ZipFile(tmp_path / "more.keras", "w") as archive:
        archive.writestr("assets/run.sh", "#!")
    with pytest.raises(weights.Refused, match=r"assets/run\.sh"):
        weights.inspect(tmp_path / "more.keras")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 10_000_000)
    with pytest.raises(weights.Refused, match="unpacks to 10,000,000 bytes"):
        weights.inspect(tmp_path / "bomb.keras")


def test_models_of_the_homeworks_are_keras_only(tmp_path):
    """No network of the course needs code of its own to be opened."""
    import keras

    from hw1_mnist_mlp.model import build_mlp
    from hw1_reuters_mlp.committee import build_committee
    from hw2_cifar10_cnn import model as hw2
    from hw3_lstm_text.model import build_reader
    from hw4_autoencoder import model as hw4
    from hw5_anime_dcgan.model import build_generator

    whitening = hw2.whitening_weights(np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), "uint8"))
    models = [
        build_mlp([8], True, 0.1),
        build_committee(30, 46, 8, 0.5, 1e-4, 2)[1],
        hw2.build_fast([8, 8, 8], whitening),
        hw2.build_classic(),
        build_reader(20, 4, [8, 8]),
        hw4.assemble(hw4.dense_encoder((28, 28), [8], "gelu", 2, True), hw4.dense_decoder((28, 28), [8], "gelu", 2)),
        hw4.assemble(hw4.conv_encoder((28, 28), 2, "gelu", 2), hw4.conv_decoder((28, 28), 2, "gelu", 2)),
        hw4.build_generator((28, 28), 4, 2, 10),
        build_generator(5, 2, 17),
    ]
    models[0].compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.0, 9)), "mse")
    found = set()
    for model in models:
        model.save(tmp_path / "model.keras")
        digest, custom, count = weights.inspect(tmp_path / "model.keras")
        assert custom == []
        assert count == model.count_params()
        found.add(digest)
    assert len(found) == len(models)


# Scores


# What evaluate.py makes of predictions: train.py passes it a Local, the grader a model in the sandbox.


def test_texts_are_scored_as_train_does(tmp_path, monkeypatch):
    from hw3_lstm_text import evaluate
    from hw3_lstm_text.model import build_reader
    from hw3_lstm_text.reader import Reader

    monkeypatch.setattr(evaluate, "PASSAGE", 400)
    monkeypatch.setattr(evaluate, "WARM_UP", 64)
    write_texts = Reader.write_texts
    monkeypatch.setattr(Reader, "write_texts", lambda *given: write_texts(*given[:2], 50, *given[3:]))
    text = sample_texts.english()[:20_000]
    codes, characters, kind = index(lambda: [text])
    corpus = texts.Corpus(codes, characters, kind, codes[:13_000], codes[13_000:], None)
    reader = build_reader(len(characters), 8, [12])
    (tmp_path / "characters.json").write_text(json.dumps({"characters": characters, "kind": kind}), encoding="utf-8")
    scored = evaluate.score(Local(reader), tmp_path, corpus)
    assert {"validation_nats_per_char", "word_share"} < {*scored}
    limited = texts.Corpus(codes, characters, kind, codes[9000:13_000], codes[13_000:], None)
    assert evaluate.score(Local(reader), tmp_path, limited) == scored

    for content, words in (
        ("nothing", "not what training writes"),
        ('{"characters": "aa"}', "not what training writes"),
        ('{"characters": "ab"}', "has no"),
    ):
        (tmp_path / "characters.json").write_text(content)
        with pytest.raises(UserError, match=words):
            evaluate.score(Local(build_reader(2, 4, [4])), tmp_path, corpus)


def test_words_of_others_are_refused(tmp_path):
    from hw1_reuters_mlp import evaluate

    words = np.array(["the", "of", "said"])
    train = Wires(np.array([1, 2, 3]), np.array([0, 3]), words)
    dataset = argparse.Namespace(
        x_train=train, x_test=train, y_train=np.array([1, 1, 0]), y_test=np.array([1]), names=("a", "b")
    )

    class Second:
        def predict(self, arrays, shapes, part=None):
            assert arrays[0].shape == (1, 2)
            return [np.array([[0, 1]], "float32")]

    def score(**arrays):
        np.savez(tmp_path / "words.npz", **arrays)
        return evaluate.score(Second(), tmp_path, dataset)

    good = {"weighting": "binary", "words": words[:2], "idf": np.ones(2, "float32")}
    assert score(**good) == {"test_accuracy": 1.0, "macro_f1": 1.0, "majority_class_accuracy": 1.0}
    for change, reason in (
        ({"words": np.array(["the", print], object)}, "pickled objects in it are not read"),
        ({"words": words[1:]}, "does not hold the words of these data"),
        ({"weighting": "other"}, "does not hold the words of these data"),
        ({"idf": np.ones(3, "float32")}, "a weight for each"),
        ({"idf": np.full(2, np.nan, "float32")}, "a weight for each"),
        ({"idf": np.zeros(1 << 25, "float32")}, "unpacks to"),
    ):
        with pytest.raises(UserError, match=reason):
            score(**good | change)
    (tmp_path / "words.npz").write_bytes(b"noise")
    with pytest.raises(UserError, match="not what training writes"):
        evaluate.score(Second(), tmp_path, dataset)


def some_digits(n=300):
    x_train, y_train, x_test, y_test = mnist.digits()
    return data.Dataset(x_train[:n], y_train[:n], x_test[:n], y_test[:n], None, tuple("0123456789"))


def test_a_decoder_knows_of_an_image_what_is_in_its_code_and_nothing_else(tmp_path):
    """The encoder and the decoder are asked in two processes: what one has seen, the other has not."""
    from hw4_autoencoder import evaluate
    from hw4_autoencoder import model as hw4

    coder = hw4.dense_encoder((28, 28), [8], "relu", 2, variational=True), hw4.dense_decoder((28, 28), [8], "relu", 2)
    model = hw4.assemble(*coder)

    class Told(Local):
        """Remembers which of its parts were asked."""

        def __init__(self, model):
            super().__init__(model)
            self.parts, self.others = set(), []

        def predict(self, arrays, shapes, part=None):
            self.parts.add(part)
            return super().predict(arrays, shapes, part)

        def apart(self):
            self.others.append(Told(self.model))
            return contextlib.nullcontext(self.others[-1])

    told = Told(model)
    scores = evaluate.score(told, tmp_path, evaluate.HeldOut(some_digits(), 2, variational=True))
    assert told.parts == {"encoder"}
    assert [other.parts for other in told.others] == [{"decoder"}]
    assert scores == evaluate.score(Local(model), tmp_path, evaluate.HeldOut(some_digits(), 2, variational=True))
    assert {"negative_elbo", "knn_error", "test_bce_per_pixel", "mse_share_of_pca"} < {*scores}
    with pytest.raises(UserError, match="arrays of the shapes"):
        evaluate.score(Local(model), tmp_path, evaluate.HeldOut(some_digits(), 3, variational=True))


def test_generators_of_digits_are_scored(tmp_path, monkeypatch):
    from hw4_autoencoder import evaluate
    from hw4_autoencoder import model as hw4

    monkeypatch.setattr(evaluate, "JUDGED", 60)
    given = evaluate.HeldOut(some_digits(), n_classes=10, judge=lambda images: np.eye(10)[np.arange(len(images)) % 10])
    scores = evaluate.score(Local(hw4.build_generator((28, 28), 6, 2, 10)), tmp_path, given)
    assert scores["recognised_share"] == 1
    assert scores["diversity_ratio"] > 0
    with pytest.raises(UserError, match="does not take noise"):
        evaluate.score(Local(hw4.dense_encoder((28, 28), [8], "relu", 2)), tmp_path, given)


def test_the_judge_of_generators_is_trained_once(tmp_path, monkeypatch):
    """Students are graded side by side: two judges at once would disturb each other."""
    from hw4_autoencoder import evaluate, judge

    monkeypatch.setitem(judge.JUDGE, "updates", 2)
    config = argparse.Namespace(data="sample", data_dir=tmp_path, limit=100, seed=0)
    held_out = evaluate.load("hw4_autoencoder/cgan", config)
    assert held_out.judge(held_out.images.x_test[:3]).shape == (3, 10)
    assert 0 < held_out.judge_accuracy < 1
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("told", [{}, {"n_attributes": 17}])
def test_faces_are_scored(told, tmp_path, monkeypatch):
    from hw5_anime_dcgan import evaluate
    from hw5_anime_dcgan.model import build_discriminator, build_generator

    monkeypatch.setattr(evaluate, "JUDGED", 30)
    images = np.random.default_rng(0).integers(0, 256, (90, 64, 64, 3), "uint8")
    given = evaluate.held_out(data.Dataset(images[:60], None, images[60:], None, None, ("face",)))
    generator = build_generator(5, 2, **told)
    scores = evaluate.score(Local(generator), tmp_path, given)
    assert ("hair_as_asked" in scores) == bool(told)
    assert bars.FULL["hw5_anime_dcgan"].sentence(scores)

    class Bright(Local):
        def predict(self, *given):
            return [array + 1 for array in super().predict(*given)]

    with pytest.raises(UserError, match="between 0 and 1"):
        evaluate.score(Bright(generator), tmp_path, given)
    with pytest.raises(UserError, match="does not take noise"):
        evaluate.score(Local(build_discriminator(2)), tmp_path, given)
    with pytest.raises(UserError, match="other than noise and the colours"):
        evaluate.score(Local(build_generator(5, 2, n_attributes=3)), tmp_path, given)


@pytest.mark.full
def test_runs_are_graded_as_they_were_measured(workers, tmp_path, monkeypatch):
    """The default runs of homework 1 on the real data: the grader finds what train.py has found, and passes them."""
    from hw1_mnist_mlp import train as digits
    from hw1_reuters_mlp import train as news

    monkeypatch.setattr(grade, "Workers", lambda *_, **__: contextlib.nullcontext(workers))
    data_dir = ["--data-dir", str(STAGED)]
    measured = {}
    for train in (digits, news):
        folder = tmp_path / "class" / "student" / "outputs" / train.HOMEWORK
        assert train.main(["--data", "full", *data_dir, "--out", str(folder)]) == 0
        measured[train.HOMEWORK] = metrics(folder)["test_accuracy"]
    assert grade.main([str(tmp_path / "class"), *data_dir, "--out", str(tmp_path / "grades")]) == 0
    found = json.loads((tmp_path / "grades" / "students" / "student.json").read_text())["homeworks"]
    tiers = {"hw1_mnist_mlp": "simple", "hw1_reuters_mlp": "strong"}  # reached by all seeds
    for homework, accuracy in measured.items():
        assert found[homework]["metrics"]["test_accuracy"] == pytest.approx(accuracy, abs=0.001)
        assert found[homework]["points"] >= rules.load().points[tiers[homework]]
    assert found["hw2_cifar10_cnn"]["reason"] == "not handed in"


@pytest.mark.parametrize("homework", bars.HOMEWORKS)
def test_every_homework_says_how_it_is_scored(homework):
    """And saying it needs no Keras: a grader need not wait for it."""
    program = (
        f"import sys; from {homework} import evaluate as e; "
        "assert isinstance(e.FILES, tuple) and callable(e.load) and callable(e.score); "
        "assert 'keras' not in sys.modules"
    )
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
