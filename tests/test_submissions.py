"""What the grader makes of what is handed in, and how it goes on after a stop; without Keras and without a sandbox.

A model.keras is a text here, "0.985": what its test accuracy is said to be.
"""

import contextlib
import csv
import hashlib
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import filelock
import pytest

from common import bars, grade
from common.errors import UserError
from common.grading import archives, grader, kept, names, remote, results, rules, submissions, weights
from common.grading.remote import Ended, Failed
from common.run import cli
from tests.helpers import PATIENCE, ROOT, assert_one_sentence, wait_for

RUN = "outputs/hw1_mnist_mlp"
MODEL = f"{RUN}/model.keras"


class Workers:
    """A stand-in for remote.Workers."""

    isolated, protections, stopped = True, "nothing was protected", False

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def stop(self):
        Workers.stopped = True


class Model:
    """A stand-in for remote.Model. A text that ends in "wait" never answers while the file HOLD is there."""

    def __init__(self, workers, homework, folder):
        self.text = (folder / "model.keras").read_text()

    def __enter__(self):
        with Path(os.environ.get("GRADED", os.devnull)).open("a") as file:
            file.write(f"{self.text}\n")
        self.weights = hashlib.sha256(self.text.encode()).hexdigest()
        while self.text.endswith("wait") and Path(os.environ["HOLD"]).exists():
            if Workers.stopped:
                raise Failed("it was killed")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        pass


def stub(patch):
    """Let the grader work with the stand-ins."""

    def score(model, folder, data):
        return {"test_accuracy": float(model.text.split()[0])}

    patch.setattr(grade, "Workers", Workers)
    patch.setattr(grader, "Model", Model)
    patch.setattr(Workers, "stopped", False)
    patch.setattr(results, "show_distribution", lambda *_: None)  # test_grade.py looks at it
    patch.setattr(weights, "inspect", lambda path: (hashlib.sha256(path.read_bytes()).hexdigest(), []))
    for homework in ("hw1_mnist_mlp", "hw2_cifar10_cnn"):
        evaluate = grader.evaluate_of(homework)
        patch.setattr(evaluate, "load", lambda *_: None)
        patch.setattr(evaluate, "score", score)


def put(folder, **contents):
    """Write files {name: text} below a folder; "/" in a name as it stands."""
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def zipped(path, **contents):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    return path


class School:
    """A class to grade: `folder` holds the submissions."""

    def __init__(self, root):
        self.root, self.folder, self.out = root, root / "class", root / "grades"
        for each in (self.folder, root / "data", root / "tmp"):
            each.mkdir()

    def options(self, *more, homework="hw1_mnist_mlp", out=None):
        given = [self.folder, "--data-dir", self.root / "data", "--out", out or self.out, *more]
        return [str(each) for each in (*given, *(["--homework", homework] if homework else []))]

    def grade(self, *more, **options):
        assert grade.main(self.options(*more, **options)) == 0
        return self.rows(options.get("out"))

    def rows(self, out=None):
        with ((out or self.out) / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
            return {row["submission"]: row for row in csv.DictReader(file)}

    def summary(self):
        return (self.out / "summary.md").read_text(encoding="utf-8")

    def graded(self):
        """The models that were opened since this was last asked."""
        path = Path(os.environ["GRADED"])
        found = path.read_text().split("\n")[:-1] if path.exists() else []
        path.unlink(missing_ok=True)
        return found


@pytest.fixture
def school(tmp_path, monkeypatch):
    stub(monkeypatch)
    school = School(tmp_path)
    monkeypatch.setenv("GRADED", str(tmp_path / "graded.txt"))
    monkeypatch.setenv("HOLD", str(tmp_path / "hold"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    yield school
    assert not list((tmp_path / "tmp").iterdir()), "something was left behind"


def value(row):
    return row["hw1_mnist_mlp value"]


def reason(row):
    return row["hw1_mnist_mlp reason"]


# How it is handed in


def zip_in_a_zip(folder):
    inner = zipped(folder.parent.parent / "inner.zip", **{f"work/{MODEL}": "0.985"})
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        archive.write(inner, "hand in/hw.zip")


LAYOUTS = {
    "a zip in the folder": lambda folder: zipped(folder / "hw.zip", **{MODEL: "0.985"}),
    "a zip deeper in the folder": lambda folder: zipped(folder / "a" / "hw.ZIP", **{f"b/{MODEL}": "0.985"}),
    "one zip a homework": lambda folder: (
        zipped(folder / "a.zip", **{"outputs/hw2_cifar10_cnn/model.keras": "0.9"}),
        zipped(folder / "b.zip", **{MODEL: "0.985"}),
    ),
    "a damaged zip beside the run": lambda folder: put(folder, **{MODEL: "0.985", "old.zip": "PK"}),
    "a zip, two folders deep": lambda folder: zipped(folder.with_suffix(".zip"), **{f"a/b/{MODEL}": "0.985"}),
    "two folders deep": lambda folder: put(folder, **{f"a/b/{MODEL}": "0.985"}),
    "a zip in a zip": zip_in_a_zip,
    "other case": lambda folder: put(folder, **{"Outputs/HW1_MNIST_MLP/Model.keras": "0.985"}),
    "other case in a zip": lambda folder: zipped(
        folder.with_suffix(".zip"), **{"X/OUTPUTS/HW1_mnist_mlp/MODEL.KERAS": "0.985"}
    ),
    "without outputs": lambda folder: put(folder, **{"a/hw1_mnist_mlp/model.keras": "0.985"}),
    "deeper in outputs": lambda folder: put(
        folder,
        **{
            "outputs/mine/try 2/model.keras": "0.985",
            "outputs/mine/try 2/config.json": '{"task": "hw1_mnist_mlp", "data": {"kind": "full"}}',
        },
    ),
    "the folder counts before its zip": lambda folder: (
        put(folder, **{MODEL: "0.985"}),
        zipped(folder / "a.zip", **{MODEL: "0.1"}),
    ),
    "one that stopped does not count": lambda folder: put(
        folder,
        **{f"{RUN}{end}/config.json": '{"task": "hw1_mnist_mlp", "data": {"kind": "full"}}' for end in ("", "_best")},
        **{f"{RUN}_best/model.keras": "0.985"},
    ),
    "old ones do not count": lambda folder: put(folder, **{MODEL: "0.985", f"{RUN}/previous/model.keras": "0.1"}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_that_are_graded(name, school):
    LAYOUTS[name](school.folder / "student")
    (row,) = school.grade().values()
    assert value(row) == "0.9850", reason(row)


NOTHING = {
    "rar": ({"hw.rar": ""}, "it holds hw.rar, which is not opened"),
    "deep rar": ({"a/b/hw.7z": ""}, "it holds hw.7z, which is not opened"),
    "report": ({"report.pdf": "", "code/model.py": ""}, "it holds code, report.pdf, which is no run"),
    "damaged zip": ({"hw.zip": "PK"}, "it holds hw.zip, which is not opened: the zip cannot be unpacked"),
    "no name": (
        {"outputs/mine/model.keras": "1"},
        "mine/model.keras, of which no config.json names a task that has a bar",
    ),
    "own faces": (
        {
            "outputs/x/model.keras": "1",
            "outputs/x/config.json": '{"task": null, "data": {"kind": ""}}',
        },
        "it holds x/model.keras, of which no config.json names a task that has a bar",
    ),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_not_recognised_is_named(name, school):
    contents, words = NOTHING[name]
    put(school.folder / "student", **contents)
    (row,) = school.grade().values()
    assert words in reason(row)
    assert row["points"] == "0"
    cell = school.summary().split("| [student](students/student.md) | 0 | ")[1]
    assert words.split(",")[0].replace("_", r"\_") in cell
    assert '"skipped": "1"' not in (school.out / "junit.xml").read_text()


def test_what_is_not_recognised_beside_what_is(school):
    put(school.folder / "student", **{"outputs/hw2_cifar10_cnn/model.keras": "0.9", "hw1.rar": ""})
    (row,) = school.grade(homework=None).values()
    assert reason(row).startswith("not handed in, but it holds hw1.rar, which is not opened")
    assert row["hw2_cifar10_cnn value"] == "0.9000"


def test_who_handed_in_nothing(school):
    put(school.folder / "student", **{".DS_Store": "", "Thumbs.db": "", "__MACOSX/._x": ""})
    (row,) = school.grade().values()
    assert reason(row) == "not handed in"


def test_what_is_no_submission_is_left_out_and_said(school, capsys):
    put(school.folder / "student", **{MODEL: "0.985"})
    others = [".DS_Store", "Thumbs.db", "desktop.ini", "~$names.xlsx", "names.xlsx", "names.CSV"]
    put(school.folder, **dict.fromkeys(others, "x"), **{"__MACOSX/._student": ""})
    assert {*school.grade()} == {"student"}
    said = capsys.readouterr().err
    assert all(name in said and name.replace("_", r"\_") in school.summary() for name in (*others, "__MACOSX"))
    shutil.rmtree(school.folder / "student")
    assert grade.main(school.options()) == 1
    assert_one_sentence(capsys.readouterr().err, "no submissions")


def test_table_opens_in_excel(school):
    put(school.folder / "王小明", **{MODEL: "0.985"})
    school.grade()
    content = (school.out / "grades.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfsubmission,")
    assert "\r\n王小明,6,".encode() in content  # the points of the tier medium


# Zips of all kinds


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("王小明", "utf-8"),
        ("王小明", "big5"),
        ("王小明", "gbk"),
        ("作业/第一次", "gbk"),
        ("作業/第一次", "big5"),
        ("深度學習作業一", "big5"),
        ("张伟的神经网络", "gbk"),
        ("Müller", "cp437"),
        ("plain", "ascii"),
    ],
)
def test_names_in_old_encodings(text, encoding):
    assert names.decoded(text.encode(encoding)) == text
    assert names.shown(os.fsdecode(text.encode(encoding))) == text


def test_every_name_can_be_shown():
    for name in ("\ud800", "\udcff\udcfe", "a\nb\u202e", "", "\0"):
        names.shown(name).encode("utf-8")


def with_raw_name(path, name, mark):
    """A zip with a member in a folder called by the bytes `name`, marked as UTF-8 or not."""
    stand_in = "x" * len(name)
    content = zipped(path, **{f"{stand_in}/{MODEL}": "0.985"}).read_bytes().replace(stand_in.encode(), name)
    if mark:
        for signature, place in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
            at = content.index(signature) + place
            content = content[:at] + bytes([content[at] | 8]) + content[at + 1 :]
    path.write_bytes(b"before" + content if mark else content)  # as of a zip that unpacks itself


@pytest.mark.parametrize("mark", [True, False], ids=["marked as UTF-8", "unmarked"])
@pytest.mark.parametrize("encoding", ["gbk", "big5"])
def test_zip_with_names_that_are_no_utf8(encoding, mark, school):
    with_raw_name(school.folder / "student.zip", "王小明".encode(encoding), mark)
    if mark:
        with pytest.raises(UnicodeDecodeError):
            zipfile.ZipFile(school.folder / "student.zip")
    put(school.folder / "other", **{MODEL: "0.5"})
    rows = school.grade()
    assert value(rows["student.zip"]) == "0.9850", reason(rows["student.zip"])
    assert value(rows["other"]) == "0.5000"


def test_names_of_a_zip_are_read_in_its_encoding(tmp_path):
    with_raw_name(tmp_path / "student.zip", "王小明".encode("gbk"), True)
    (tmp_path / "work").mkdir()
    submissions.opened(tmp_path / "student.zip", tmp_path / "work")
    assert (tmp_path / "work" / "zip-0" / "王小明" / MODEL).exists()


@pytest.mark.parametrize("kind", ["ZIP_STORED", "ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
def test_damaged_data(kind, school):
    path = school.folder / "student.zip"
    text = "".join(hashlib.sha256(bytes([i])).hexdigest() for i in range(100))
    with zipfile.ZipFile(path, "w", getattr(zipfile, kind)) as archive:
        archive.writestr(MODEL, text)
    whole = path.read_bytes()
    for place in range(30 + len(MODEL), 30 + len(MODEL) + 40, 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        (row,) = school.grade().values()
        harmless = text[:40] in reason(row)  # some bytes of LZMA's header do not matter
        assert reason(row).startswith("refused: the zip cannot be unpacked") or harmless, reason(row)


def test_deep_folders(school):
    zipped(school.folder / "deep.zip", **{"a/" * 2000 + "model.keras": "1", MODEL: "0.985"})
    zipped(school.folder / "only deep.zip", **{"a/" * 2000 + "model.keras": "1"})
    put(school.folder / "other", **{MODEL: "0.5"})
    rows = school.grade()
    assert value(rows["deep.zip"]) == "0.9850", reason(rows["deep.zip"])
    assert value(rows["other"]) == "0.5000"
    assert rows["only deep.zip"]["points"] == "0"


def test_only_what_is_read_is_unpacked(tmp_path):
    """And the size of what is not read is no reason to refuse the zip: of a copy of the repository with its data."""
    path = zipped(tmp_path / "student.zip", **{MODEL: "0.985", "data/mnist.npz": "x", "notes/big.txt": "y" * 9000})
    (tmp_path / "work").mkdir()
    runs, unknown = submissions.opened(path, tmp_path / "work")
    assert [*runs] == ["hw1_mnist_mlp"]
    assert not unknown
    assert sum(each.stat().st_size for each in (tmp_path / "work").rglob("*") if each.is_file()) == len("0.985")


@pytest.mark.parametrize("error", [RecursionError, ValueError, MemoryError, UnicodeDecodeError, NotADirectoryError])
@pytest.mark.parametrize("where", ["fingerprint", "opened", "take", "cleaning up"])
def test_whatever_one_submission_raises_is_its_reason(where, error, school, monkeypatch):
    given = ("utf-8", b"\xff", 0, 1, "wrong") if error is UnicodeDecodeError else ("wrong",)
    for name in ("bad", "good"):
        put(school.folder / name, **{MODEL: "0.985" if name == "good" else "0.5"})

    if where == "cleaning up":
        cleanup = tempfile.TemporaryDirectory.cleanup

        def fail_after(self):
            bad = "bad" in seen
            seen.clear()
            cleanup(self)
            if bad:
                raise error(*given)

        seen = []
        opened = submissions.opened
        monkeypatch.setattr(submissions, "opened", lambda *of: seen.append(of[0].name) or opened(*of))
        monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", fail_after)
    else:
        function = getattr(submissions, where)

        def fail_for_one(what, *more):
            path = what.folder if where == "take" else what
            if "bad" in path.parts:
                raise error(*given)
            return function(what, *more)

        monkeypatch.setattr(submissions, where, fail_for_one)
    rows = school.grade()
    assert value(rows["good"]) == "0.9850"
    assert "wrong" in reason(rows["bad"])
    assert rows["bad"]["points"] == "0"


# Stopped, and going on


def class_of(school, count=5):
    for i in range(count):
        put(school.folder / f"student{i}", **{MODEL: f"0.98{i}"})


def results_of(folder):
    """{name: content} of all that a grading has written."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_goes_on_where_it_was_stopped(school, monkeypatch):
    class_of(school)
    school.grade(out=school.root / "whole")
    assert len(school.graded()) == 5
    take = submissions.take
    for error, status in ((KeyboardInterrupt, 130), (Ended, 1)):

        def stop_at_the_fourth(run, *more, error=error):
            if "student3" in run.folder.parts:
                raise error("stopped")
            return take(run, *more)

        with monkeypatch.context() as patch:
            patch.setattr(submissions, "take", stop_at_the_fourth)
            assert grade.main(school.options()) == status
        assert not (school.out / "grades.csv").exists()
        assert len(list((school.out / "kept").iterdir())) >= 3
    assert school.graded()[:3] == ["0.980", "0.981", "0.982"]
    school.grade()
    assert school.graded()[:1] == ["0.983"]
    assert results_of(school.out) == results_of(school.root / "whole")
    school.grade()
    assert not school.graded()
    school.grade("--fresh")
    assert len(school.graded()) == 5
    assert results_of(school.out) == results_of(school.root / "whole")


def test_missing_data_of_one_homework(school, monkeypatch, capsys):
    put(school.folder / "a", **{MODEL: "0.985"})
    put(school.folder / "b", **{"outputs/hw2_cifar10_cnn/model.keras": "0.9"})

    def missing(*_):
        raise UserError("there is no cifar10.npz")

    with monkeypatch.context() as patch:
        patch.setattr(grader.evaluate_of("hw2_cifar10_cnn"), "load", missing)
        assert grade.main(school.options(homework=None)) == 1
    assert_one_sentence(
        capsys.readouterr().err, "there is no cifar10.npz; 1 results are kept: the same command goes on"
    )
    school.graded()
    (school.root / "data" / "cifar10.npz").write_text("now it is there")
    assert school.grade(homework=None)["b"]["hw2_cifar10_cnn value"] == "0.9000"
    assert school.graded() == ["0.9"]


def change_rules(school, monkeypatch):
    (school.root / "rules.toml").write_text("[points]\nbest = 3\n")
    return ["--rules", school.root / "rules.toml"]


def change_limits(school, monkeypatch):
    text = rules.DEFAULT.read_text().replace("seconds = 600", "seconds = 6")
    (school.root / "rules.toml").write_text(text)
    return ["--rules", school.root / "rules.toml"]


def change_code(school, monkeypatch):
    (school.root / "course" / "common").mkdir(parents=True)
    (school.root / "course" / "common" / "new.py").write_text("")
    monkeypatch.setattr(kept, "ROOT", school.root / "course")


def change_versions(school, monkeypatch):
    monkeypatch.setattr(kept.importlib.metadata, "distributions", lambda: [])


def change_data(school, monkeypatch):
    (school.root / "data" / "mnist.npz").write_text("other digits")


def change_protections(school, monkeypatch):
    monkeypatch.setattr(Workers, "protections", "no code was run")


@pytest.mark.parametrize(
    "change", [change_rules, change_limits, change_code, change_versions, change_data, change_protections]
)
def test_what_was_graded_otherwise_is_not_used(change, school, monkeypatch):
    class_of(school, 2)
    (school.root / "data" / "mnist.npz").write_text("digits")
    school.grade()
    school.graded()
    more = change(school, monkeypatch) or []
    school.grade(*more)
    assert len(school.graded()) == 2
    assert len(list((school.out / "kept").iterdir())) == 2


def test_only_who_has_changed_is_graded_again(school):
    """Something is handed in later, by one as a folder and by one as a zip, and one is no longer there."""
    class_of(school, 3)
    zipped(school.folder / "student3.zip", **{MODEL: "0.983"})
    put(school.folder / "student4", **{"outputs/mine/model.keras": "0.984"})
    school.grade()
    school.graded()
    put(school.folder / "student1", **{MODEL: "0.991"})
    zipped(school.folder / "student3.zip", **{MODEL: "0.993"})
    put(
        school.folder / "student4",
        **{"outputs/mine/config.json": '{"task": "hw1_mnist_mlp", "data": {"kind": "full"}}'},
    )
    shutil.rmtree(school.folder / "student0")
    rows = school.grade()
    assert school.graded() == ["0.991", "0.993", "0.984"]
    assert [value(row) for row in rows.values()] == ["0.9910", "0.9820", "0.9930", "0.9840"]
    assert len(list((school.out / "kept").iterdir())) == 4


def test_damaged_results_are_graded_again(school):
    class_of(school, 3)
    school.grade()
    school.graded()
    for path, content in zip(
        sorted((school.out / "kept").iterdir()), ("", '{"data": {}}', '{"data": {}, "results": {}}'), strict=True
    ):
        path.write_text(content)
    school.grade()
    assert len(school.graded()) == 3


def test_what_the_grader_could_not_do_is_tried_again(school, monkeypatch):
    class_of(school, 1)
    with monkeypatch.context() as patch:
        patch.setattr(submissions, "take", lambda *_: 1 / 0)
        (row,) = school.grade().values()
    assert reason(row).startswith("the grader could not grade it, look yourself: ZeroDivisionError")
    (row,) = school.grade().values()
    assert value(row) == "0.9800"


@contextlib.contextmanager
def process(school):
    """The grader in a process of its own, which holds at the third student."""
    code = (
        # a shell that starts the tests in the background has them ignore Ctrl-C; here it is to work as in a terminal
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        # to import Keras, and to start what it computes with, takes longer than the rest
        "import types; callbacks = types.SimpleNamespace(Callback=object); "
        "import sys, pytest; sys.modules['keras'] = types.SimpleNamespace(callbacks=callbacks); "
        "from tests.helpers import BACKEND; from tests.test_submissions import stub; from common import grade; "
        "grade.device.setup, grade.device.known_backend = lambda *_: None, lambda: BACKEND; "
        "stub(pytest.MonkeyPatch()); sys.exit(grade.main(sys.argv[1:]))"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code, *school.options()],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(school.root / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        started.stderr.close()


def test_signals(school):
    """Whatever ends it, nothing is lost, nothing wrong is kept, and no temporary folder stays for long."""
    class_of(school, 3)
    put(school.folder / "student2", **{MODEL: "0.982 wait"})
    school.grade(out=school.root / "whole")
    hold, tmp, theirs = school.root / "hold", school.root / "tmp", school.root / "tmp" / "grade-of-others"
    hold.touch()
    theirs.mkdir()  # without our lock: none of ours
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        school.graded()
        with process(school) as started:
            wait_for(
                lambda: (
                    "wait" in Path(os.environ["GRADED"]).read_text()
                    if school.root.joinpath("graded.txt").exists()
                    else False
                )
            )
            assert {*tmp.iterdir()} > {theirs}
            started.send_signal(number)
            status = started.wait(PATIENCE)
            said = started.stderr.read()
        assert len(list((school.out / "kept").iterdir())) == 2
        if number == signal.SIGKILL:
            assert len([*tmp.iterdir()]) == 2
        else:
            assert status == 130
            assert "the same command goes on from there" in said
            assert [*tmp.iterdir()] == [theirs]
    hold.unlink()
    school.graded()
    school.grade()
    assert school.graded() == ["0.982 wait"]
    assert results_of(school.out) == results_of(school.root / "whole")
    assert [*tmp.iterdir()] == [theirs]
    theirs.rmdir()


def test_two_gradings_in_one_folder(school, capsys):
    class_of(school, 1)
    school.out.mkdir()
    with filelock.FileLock(school.out / ".lock", timeout=0):
        assert grade.main(school.options()) == 1
    assert_one_sentence(capsys.readouterr().err, "another grading is writing to", school.out)
    school.grade()


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ([], ""),
        (["--homework", "hw1_mnist_mlp"], "hw1_mnist_mlp"),
        (["--exercises"], "exercises"),
        (["--exercises", "--homework", "hw1_mnist_mlp"], "exercises/hw1_mnist_mlp"),
    ],
)
def test_each_kind_of_grading_has_a_folder_of_its_own(given, folder, school, monkeypatch):
    monkeypatch.setattr(grade, "grade", lambda options: found.append(options.out))
    found = []
    assert grade.main([str(school.folder), *given]) == 0
    assert found == [cli.ROOT / "grades" / folder]


def test_folders_in_use_are_not_removed(tmp_path, monkeypatch):
    from common.grading import temporary

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary.workplace():
        mine = Path(tempfile.gettempdir())
        assert mine.parent == tmp_path
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with temporary.workplace():
            assert mine.exists()
            assert len([*tmp_path.iterdir()]) == 2
    assert not [*tmp_path.iterdir()]


# Too good, and too much alike


def test_better_than_anything_known_is_remarked(school):
    for name, text in (("heart", "1.0"), ("best", "0.9953"), ("published", "0.9965")):
        put(school.folder / name, **{MODEL: text})
    rows = school.grade()
    assert reason(rows["heart"]).endswith("better than the best value that is known, 0.9965: look at it")
    assert rows["heart"]["points"] == "10"
    assert "look at it" not in reason(rows["best"]) + reason(rows["published"])


@pytest.mark.parametrize("key", bars.BEST_KNOWN)
def test_best_known_is_beyond_all_tiers(key):
    best = bars.BEST_KNOWN[key]
    assert (best.metric, best.at_most) == (bars.FULL[key].metric, bars.FULL[key].at_most)
    for tier in rules.load().tiers[key].values():
        assert not best.passes({best.metric: tier.threshold})


def test_identical_weights_are_groups(school):
    class_of(school, 2)
    for i in range(40):
        put(school.folder / f"copy{i:02}", **{MODEL: "0.97"})
    for name in ("given1", "given2"):
        put(school.folder / name, **{MODEL: "0.95"})
    put(school.root / "baseline", **{"model.keras": "0.95"})
    zipped(school.root / "baseline.zip", **{MODEL: "0.95"})
    rows = school.grade()
    assert rows["copy07"]["hw1_mnist_mlp identical weights"] == "group 1"
    assert rows["given1"]["hw1_mnist_mlp identical weights"] == "group 2"
    assert rows["student0"]["hw1_mnist_mlp identical weights"] == ""
    assert school.summary().count("copy08, copy09") == 1
    assert max(len(cell) for row in rows.values() for cell in row.values()) < 200
    assert "group 1 in summary.md" in (school.out / "students" / "copy07.md").read_text()
    baseline = school.root / "baseline"
    for given in (baseline, baseline / "model.keras", school.root / "baseline.zip"):
        rows = school.grade("--baseline", given)
        assert rows["copy07"]["hw1_mnist_mlp identical weights"] == "group 1"
        assert rows["given1"]["hw1_mnist_mlp identical weights"] == ""
        identical, handed_out = school.summary().split("## The baseline as it was handed out")
        assert "given1, given2" not in identical
        assert "hw1_mnist_mlp, 2 submissions: given1, given2" in handed_out


def test_a_baseline_that_is_none_is_one_sentence(school, capsys):
    class_of(school, 1)
    (school.root / "empty").mkdir()
    for given, words in ((school.root / "empty", "holds no model.keras"), (school.root / "none", "cannot be read")):
        assert grade.main(school.options("--baseline", str(given))) == 1
        assert_one_sentence(capsys.readouterr().err, "--baseline", given, words)
    assert not school.out.exists()


def test_links_are_not_followed(school):
    put(school.folder / "good", **{MODEL: "0.985"})
    (school.folder / "thief" / "outputs").mkdir(parents=True)
    (school.folder / "thief" / RUN).symlink_to(school.folder / "good" / RUN)
    put(school.folder / "thief2", **{f"{RUN}/config.json": "{}"})
    (school.folder / "thief2" / MODEL).symlink_to(school.folder / "good" / MODEL)
    rows = school.grade()
    assert "hw1_mnist_mlp, which is a link: links are not followed" in reason(rows["thief"])
    assert "model.keras is a link" in reason(rows["thief2"])
    assert stat.S_ISLNK((school.folder / "thief2" / MODEL).lstat().st_mode)


def large_zip(path, says):
    """A zip with a second end, as large zips have it, which says that the table of contents has so many bytes."""
    content = zipped(path, **{MODEL: "0.985"}).read_bytes()
    end = content.rindex(b"PK\5\6")
    length, start = struct.unpack_from("<2I", content, end + 12)
    second = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, says or length, start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    path.write_bytes(content[:end] + second + locator + content[end:])
    return path


def test_a_zip_of_the_large_kind(tmp_path):
    """zipfile goes by its second end, so the limit on the table of contents does too."""
    archives.unpack(large_zip(tmp_path / "right.zip", None), tmp_path / "right", lambda place: True)
    assert (tmp_path / "right" / MODEL).read_text() == "0.985"
    with pytest.raises(weights.Refused, match="too many files"):
        archives.unpack(large_zip(tmp_path / "bomb.zip", 1 << 31), tmp_path / "bomb", lambda place: True)


def test_a_run_that_lies_too_deep_is_named(school):
    zipped(school.folder / "amy.zip", **{f"home/amy/courses/2017/ml/{MODEL}": "0.985"})
    assert "home, which is no run" in reason(school.grade()["amy.zip"])


def test_what_took_too_long_is_graded_again(school, monkeypatch):
    """With fewer at a time it may be done."""
    put(school.folder / "amy", **{MODEL: "0.985"})

    class Slow(Model):
        def __enter__(self):
            super().__enter__()
            raise Failed(f"{remote.TOO_LONG} 600 seconds")

    with monkeypatch.context() as patch:
        patch.setattr(grader, "Model", Slow)
        assert "took longer" in reason(school.grade()["amy"])
    assert value(school.grade()["amy"]) == "0.9850"
    assert len(school.graded()) == 2


def test_answers_larger_than_memory_are_not_asked_for():
    with pytest.raises(Failed, match="bytes"):
        remote.Model.predict(None, [], [(43, 99_999)] * 5000)
