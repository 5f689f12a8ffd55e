"""Folders and archives of pictures as users have them: what is taken, what is passed over, what is said about it."""

import os
import struct
import threading
import zipfile
import zlib
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from common import data
from common.data import faces, sample_faces
from common.errors import UserError
from tests.helpers import assert_one_sentence

SHAPE = (64, 64, 3)


def picture(seed, height=70, width=80, channels=3):
    shape = (height, width, channels)[: 2 if channels == 1 else 3]
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, "uint8"))


@pytest.fixture
def folder(tmp_path):
    """A folder of 22 good pictures of several sizes and formats."""
    path = tmp_path / "pictures"
    (path / "deeper" / "down").mkdir(parents=True)
    for i in range(22):
        place = path / ("deeper/down" if i % 2 else ".")
        picture(i, 64 + i, 90 - i).save(place / f"{i}.{('jpg', 'png', 'webp', 'JPEG')[i % 4]}")
    return path


def pack(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path


def read(path):
    """All faces of `path`, training and test."""
    x_train, _, x_test, _ = faces.read(path)
    return np.concatenate([x_train, x_test])


def load(path, kind="full"):
    return data.load("faces", Namespace(data=kind, data_dir=path.parent, limit=None, seed=0), path)


def bomb(side=30_000):
    """A PNG of a few bytes that says it has 900 million pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_folder_and_an_archive_of_it_hold_the_same_faces(folder, tmp_path):
    from_folder, from_archive = read(folder), read(pack(folder, tmp_path / "faces.zip"))
    assert from_folder.shape == (22, *SHAPE)
    assert from_folder.dtype == "uint8"
    np.testing.assert_array_equal(from_folder, from_archive)


def test_the_middle_square_is_taken(folder):
    wide = np.zeros((80, 160, 3), "uint8")
    wide[:, 40:120] = (200, 100, 50)
    Image.fromarray(wide).save(folder / "wide.png")
    found = [face for face in read(folder) if face.std(axis=(0, 1)).max() < 3]
    np.testing.assert_array_equal(found[0][32, 32], (200, 100, 50))


def test_pictures_of_every_kind_are_taken(folder, capsys):
    picture(100).convert("CMYK").save(folder / "cmyk.jpg")
    picture(101, channels=1).save(folder / "grey.jpg")
    Image.fromarray(np.random.default_rng(102).integers(0, 65536, (70, 70)).astype("uint16")).save(
        folder / "grey16.png"
    )
    picture(103).convert("P").save(folder / "palette.png")
    Image.new("1", (90, 90)).save(folder / "one_bit.png")
    picture(104).save(folder / "moves.webp", save_all=True, append_images=[picture(105), picture(106)])
    picture(107).save(folder / "moves.png", save_all=True, append_images=[picture(108)])
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 64, 32))
    clear.save(folder / "transparent.png")
    found = read(folder)
    assert found.shape == (30, *SHAPE)
    assert not capsys.readouterr().out
    half = [face for face in found if (face[10, 10] == (0, 0, 255)).all()]
    np.testing.assert_array_equal(half[0][50, 50], (255, 255, 255))  # on white, not on the hidden red
    grey = [face for face in found if np.ptp(face, axis=2).max() == 0 and face.std() > 20]
    assert len(grey) == 2
    assert all(100 < face.mean() < 155 for face in grey)


def test_faces_of_16_bits_and_light_ones_on_nothing_are_seen(folder):
    grey = picture(110, channels=1).filter(ImageFilter.GaussianBlur(6))
    grey.save(folder / "eight.png")
    [expected] = [face for face in read(folder) if np.ptp(face, axis=2).max() == 0]
    (folder / "eight.png").unlink()
    Image.fromarray(257 * np.asarray(grey).astype("uint16")).save(folder / "sixteen.png")
    light = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    light.paste((250, 250, 250, 255), (0, 0, 64, 32))
    light.save(folder / "light.png")
    found = read(folder)
    [sixteen] = [face for face in found if np.ptp(face, axis=2).max() == 0 and len(np.unique(face)) > 3]
    np.testing.assert_array_equal(sixteen, expected)
    [light] = [face for face in found if (face[:30] == 250).all()]
    assert (light[34:] == 0).all()


def test_what_cannot_be_used_is_passed_over_and_counted(folder, capsys):
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("not a picture")
    (folder / "cut.jpg").write_bytes((folder / "0.jpg").read_bytes()[:600])
    (folder / "bomb.png").write_bytes(bomb())
    picture(1, 8, 8).save(folder / "tiny.png")
    picture(1, 500, 20).save(folder / "narrow.png")
    (folder / "copy.png").write_bytes((folder / "2.webp").read_bytes())
    (folder / "notes.txt").write_text("where they are from")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "dead.jpg").symlink_to("/no/such/picture")
    (folder / "deeper" / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.jpg")
    assert read(folder).shape == (22, *SHAPE)
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 1
    assert "11 files skipped" in said
    for part in (
        "4 cannot be read (",
        "1 of more than 50 million pixels (bomb.png)",
        "2 smaller than 32 pixels",
        "1 the same as another",
        "2 not named like a picture",
        "1 not a regular file (pipe.jpg)",
    ):
        assert part in said, said


def test_an_archive_with_traps(folder, tmp_path, capsys):
    path = pack(folder, tmp_path / "faces.zip")
    content = (folder / "0.jpg").read_bytes()
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../outside.jpg", "/tmp/absolute.jpg", "a\\..\\..\\b.jpg"):
            archive.writestr(name, content)
        archive.writestr("damaged.jpg", content)
        archive.writestr("large.png", bytes(faces.MOST_BYTES + 1), zipfile.ZIP_DEFLATED)
    spoiled = path.read_bytes()
    where = spoiled.index(content, spoiled.index(b"damaged.jpg")) + 20
    path.write_bytes(spoiled[:where] + b"\xff\xff\xff\xff" + spoiled[where + 4 :])
    before = set(tmp_path.parent.rglob("*outside*"))
    assert read(path).shape == (22, *SHAPE)
    said = capsys.readouterr().out
    for part in ("3 with a path that points outside", "1 cannot be read (damaged.jpg)", "1 larger than 50 MB"):
        assert part in said, said
    assert set(tmp_path.parent.rglob("*outside*")) == before
    assert not Path("/tmp/absolute.jpg").exists()


@pytest.mark.parametrize("content", ["nothing", "texts", "few", "cut archive", "no archive"])
def test_what_holds_no_faces_is_told_in_one_sentence(content, folder, tmp_path):
    path = tmp_path / "given"
    if content in ("nothing", "texts"):
        path.mkdir()
        if content == "texts":
            (path / "a.txt").write_text("a")
    elif content == "few":
        path.mkdir()
        for i in range(5):
            picture(i).save(path / f"{i}.png")
    else:
        archive = pack(folder, tmp_path / "faces.zip")
        path.write_bytes(archive.read_bytes()[:-100] if content == "cut archive" else b"hello")
    with pytest.raises(UserError) as error:
        load(path)
    assert_one_sentence(str(error.value), path)
    if content == "few":
        assert "5 pictures" in str(error.value)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(UserError) as error:
        load(tmp_path / "nowhere")
    assert_one_sentence(str(error.value), tmp_path / "nowhere")


def test_own_faces_are_named_and_hashed(folder):
    dataset = load(folder)
    assert dataset.source.kind == "full"
    assert str(folder) in dataset.source.line
    assert (len(dataset.x_train), len(dataset.x_test)) == (20, 2)
    same = load(folder).source.sha256
    assert same == dataset.source.sha256
    picture(50).save(folder / "one_more.png")
    assert load(folder).source.sha256 != same


def test_a_staged_folder_takes_the_place_of_the_archive(folder):
    folder.rename(folder.with_name("anime_faces"))
    config = Namespace(data="full", data_dir=folder.parent, limit=None, seed=0)
    assert len(data.load("faces", config).x_train) == 20


def test_faces_are_decoded_once_and_anew_when_they_change(folder, monkeypatch):
    first = read(folder)
    monkeypatch.setattr(faces, "decode", None)
    again = faces.read(folder)[0]
    assert isinstance(again, np.memmap)
    np.testing.assert_array_equal(again, first[:20])
    monkeypatch.undo()
    picture(60).save(folder / "one_more.png")
    other = folder.with_name(f".{folder.name}-2-{'0' * 16}.faces")  # of the folder pictures-2
    other.write_bytes(b"")
    assert len(read(folder)) == 23
    assert other.exists()
    assert len(list(folder.parent.glob(f".pictures-{'?' * 16}.faces"))) == 1


def test_a_folder_that_cannot_be_written_to(folder, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "no")

    monkeypatch.setattr(faces.filelock, "FileLock", refused)
    assert len(read(folder)) == 22
    assert not list(folder.parent.glob(".pictures-*"))


def test_many_at_once(folder):
    found = []
    threads = [threading.Thread(target=lambda: found.append(read(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for each in found:
        np.testing.assert_array_equal(each, found[0])


# Drawn faces


def test_drawn_faces_are_different_and_always_the_same():
    x_train, y_train, x_test, _ = sample_faces.faces(30, 10)
    assert x_train.shape == (30, *SHAPE)
    assert x_test.shape == (10, *SHAPE)
    assert x_train.dtype == "uint8"
    assert not y_train.any()
    both = np.concatenate([x_train, x_test]).reshape(40, -1)
    assert len(np.unique(both, axis=0)) == 40
    again, hair, eyes = sample_faces.drawn(40)
    np.testing.assert_array_equal(both, again.reshape(40, -1))
    assert set(hair) <= set(sample_faces.HAIR)
    assert set(eyes) <= set(sample_faces.EYES)


def test_few_large_files_are_read_at_a_time(folder, monkeypatch):
    whole = faces.read(folder)[0]
    monkeypatch.setattr(faces, "BYTES_TOGETHER", 1000)
    decoded = []
    faces.decode(folder, decoded.append)
    together = np.frombuffer(b"".join(decoded), "uint8").reshape(-1, 64, 64, 3)
    np.testing.assert_array_equal(together[: len(whole)], whole)
