"""Texts: where they come from, how they become codes, what is said about files that are no texts, the samples."""

import argparse
import errno
import hashlib
import re
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import files
from common.data import corpus, sample_texts, source, texts
from common.data.corpus import decode, encode
from common.data.download import Remote
from common.errors import UserError
from tests import test_download
from tests.helpers import STAGED, assert_one_sentence

mirror = test_download.mirror  # the fixture: a web server on this machine

TEXT = "".join(f"Line {i}: the quick brown fox, naïve as ever.\n" for i in range(100))
PROSE = "".join(f"第{i}回：黛玉笑道，寶玉來了。\n" for i in range(200))


@pytest.fixture(autouse=True)
def downloads(monkeypatch, request):
    """No downloads, unless the test has a server; the list that is returned notes the attempts."""
    attempts = []

    def fetch(remote, folder):
        attempts.append(remote.name)
        raise UserError(f"{remote.name} could not be downloaded: no network in tests")

    if "mirror" not in request.fixturenames:
        monkeypatch.setattr(source, "fetch", fetch)
    return attempts


def load(name, folder, kind="auto", limit=None):
    return texts.load(name, argparse.Namespace(data=kind, data_dir=folder, limit=limit, seed=0))


def text_of(text):
    return decode(text.codes, text.characters)


def error_of(name, folder, *parts, kind="auto"):
    with pytest.raises(UserError) as error:
        load(name, folder, kind)
    assert_one_sentence(str(error.value), *parts)


# Corpora with a name


@pytest.mark.parametrize("kind", ["auto", "full"])
def test_staged_comes_first(kind, tmp_path, downloads):
    path = tmp_path / "tinyshakespeare.txt"
    path.write_text(TEXT, encoding="utf-8")
    text = load("shakespeare", tmp_path, kind)
    assert text_of(text) == TEXT
    assert text.kind == "english"
    assert text.codes.dtype == "uint8"
    cut = len(TEXT) * 9 // 10
    assert decode(text.x_train, text.characters) == TEXT[:cut]
    assert decode(text.x_test, text.characters) == TEXT[cut:]
    assert text.source[:3] == ("full", path, hashlib.sha256(path.read_bytes()).hexdigest())
    for part in (path, f"{cut:,} training", f"{len(TEXT) - cut:,} test characters", f"{len(set(TEXT))} of them"):
        assert str(part) in text.source.line
    assert not downloads
    assert list(tmp_path.iterdir()) == [path]


def test_characters_are_in_the_order_of_their_frequency(tmp_path):
    (tmp_path / "own.txt").write_text("b" * 3000 + "zya" * 500 + "é字" * 700, encoding="utf-8")
    assert load(tmp_path / "own.txt", tmp_path).characters == "bé字ayz"


def test_limit_leaves_the_last_characters_of_the_training_part(tmp_path):
    (tmp_path / "nietzsche.txt").write_text(TEXT, encoding="utf-8")
    whole, limited = load("nietzsche", tmp_path), load("nietzsche", tmp_path, limit=500)
    assert len(limited.x_train) == 500
    np.testing.assert_array_equal(limited.x_train, whole.x_train[-500:])
    np.testing.assert_array_equal(limited.x_test, whole.x_test)
    assert limited.characters == whole.characters
    assert "500 training" in limited.source.line
    assert len(load("nietzsche", tmp_path, limit=10**9).x_train) == len(whole.x_train)


@pytest.mark.parametrize(
    ("name", "kind"), [("shakespeare", "english"), ("nietzsche", "english"), ("hongloumeng", "chinese")]
)
def test_sample_comes_last_and_says_so(name, kind, tmp_path, downloads, capsys):
    text = load(name, tmp_path)
    assert (text.kind, text.source.kind) == (kind, "sample")
    assert "BUILT-IN SAMPLE" in text.source.line
    assert len(downloads) == 1
    assert f"put {texts.TEXTS[name].file} into {tmp_path}" in capsys.readouterr().err
    error_of(name, tmp_path, f"put {texts.TEXTS[name].file} into {tmp_path}", "--data sample", kind="full")


def test_there_is_no_download_of_tang(tmp_path, downloads, capsys):
    folder = tmp_path / "new"
    assert load("tang", folder).source.kind == "sample"
    assert_one_sentence(capsys.readouterr().err, f"put tang_poems.txt into {folder}")
    error_of("tang", folder, f"put tang_poems.txt into {folder}", "--data sample", kind="full")
    assert not downloads
    assert not folder.exists()


@pytest.mark.parametrize("name", [*texts.TEXTS, "no-such-file.txt"])
def test_sample_on_request(name, tmp_path, downloads, capsys):
    for spec in texts.TEXTS.values():
        (tmp_path / spec.file).write_text("not to be read")
    text = load(name, tmp_path, "sample")
    assert text.source.kind == "sample"
    assert text.kind == ("chinese" if name in ("tang", "hongloumeng") else "english")
    assert text.source.sha256 == load(name, tmp_path, "sample").source.sha256
    assert not downloads
    assert not capsys.readouterr().err


def test_what_is_known_of_every_text():
    for spec in texts.TEXTS.values():
        for remote in spec.remotes:
            assert all(url.startswith("https://") for url in remote.urls)
            assert remote.hash is None or re.fullmatch("sha256:[0-9a-f]{64}", remote.hash)


# Downloads


def serve(mirror, monkeypatch, name, content, **changes):
    mirror.content = content
    spec = texts.TEXTS[name]
    remote = Remote(spec.remotes[0].name, (mirror.url("right"),), None)
    monkeypatch.setitem(texts.TEXTS, name, replace(spec, remotes=(remote,), **changes))


def test_a_download_is_kept(mirror, monkeypatch, tmp_path):
    serve(mirror, monkeypatch, "shakespeare", TEXT.encode())
    for _ in range(2):
        assert text_of(load("shakespeare", tmp_path, "full")) == TEXT
    assert (tmp_path / "tinyshakespeare.txt").read_bytes() == TEXT.encode()
    assert mirror.count("right") == 1


@pytest.mark.parametrize("name", ["nietzsche", "hongloumeng"])
@pytest.mark.parametrize("content", ["<!doctype html>\n<HTML><body>" + TEXT, "moved\n", TEXT + "\0"])
def test_a_page_in_place_of_the_text_is_not_kept(name, content, mirror, monkeypatch, tmp_path):
    serve(mirror, monkeypatch, name, content.encode())
    error_of(name, tmp_path, "what was downloaded", f"put {texts.TEXTS[name].file} into {tmp_path}", kind="full")
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


LICENCE = "\ufeffThe Project Gutenberg eBook of 紅樓夢\r\n\r\n{} START OF THE PROJECT GUTENBERG EBOOK 紅樓夢 {}\r\n\r\n"
END = "\r\n\r\n*** END OF THE PROJECT GUTENBERG EBOOK 紅樓夢 ***\r\n\r\nUpdated editions\r\n"


def test_the_licence_of_gutenberg_is_left_out(mirror, monkeypatch, tmp_path, capsys):
    content = (LICENCE.format("***", "***") + PROSE.replace("\n", "\r\n") + END).encode()
    serve(mirror, monkeypatch, "hongloumeng", content)
    text = load("hongloumeng", tmp_path, "full")
    assert text_of(text) == PROSE
    assert text.kind == "chinese"
    assert "warning: pg24264.txt is not the edition known here" in capsys.readouterr().err  # and that is all
    assert (tmp_path / "hongloumeng.txt").read_bytes() == content


def test_the_known_edition_gives_no_warning(tmp_path, capsys):
    (tmp_path / "a").write_text(PROSE)
    texts.copy_edition([tmp_path / "a"], tmp_path / "b", files.sha256([tmp_path / "a"]))
    assert (tmp_path / "b").read_text() == PROSE
    assert not capsys.readouterr().err


def test_a_text_without_a_licence_stays_whole():
    assert corpus.without_licence(PROSE) == PROSE


# Own texts


def test_own_file_and_own_folder(tmp_path, downloads):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "b.txt").write_text(TEXT, encoding="utf-8")
    (folder / "a.txt").write_text(PROSE, encoding="utf-8-sig")
    (folder / "c.md").write_text("not this one")
    text = load(folder, tmp_path, "full")
    assert text_of(text) == PROSE + "\n\n" + TEXT
    assert text.source.path == folder
    both = (folder / "a.txt").read_bytes() + (folder / "b.txt").read_bytes()
    assert text.source.sha256 == hashlib.sha256(both).hexdigest()
    text = load(str(folder / "a.txt"), tmp_path)
    assert (text_of(text), text.kind, text.source.kind) == (PROSE, "chinese", "full")
    assert str(folder / "a.txt") in text.source.line
    assert not downloads


def test_a_folder_from_another_system(tmp_path):
    """macOS leaves a ._book.txt beside each file, and Windows writes .TXT."""
    (tmp_path / "BOOK.TXT").write_text(TEXT, encoding="utf-8")
    (tmp_path / "._BOOK.TXT").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    (tmp_path / ".hidden.txt").write_text("not this one")
    assert text_of(load(tmp_path, tmp_path, "full")) == TEXT
    (tmp_path / "BOOK.TXT").unlink()
    error_of(tmp_path, tmp_path, "holds no .txt file", tmp_path)


def test_one_character_again_and_again_is_no_text(tmp_path):
    (tmp_path / "own.txt").write_text("a" * 5000)
    error_of(tmp_path / "own.txt", tmp_path, "own.txt holds the one character 'a'")
    (tmp_path / "tinyshakespeare.txt").write_text("龍" * 5000, encoding="utf-8")
    error_of("shakespeare", tmp_path, "tinyshakespeare.txt holds the one character '龍'")


@pytest.mark.parametrize("kind", ["auto", "full"])
def test_own_texts_never_fall_back(kind, tmp_path):
    missing = tmp_path / "missing.txt"
    error_of(missing, tmp_path, "there is no corpus, file or folder", missing, kind=kind)
    names = "the corpora are shakespeare, nietzsche, tang, hongloumeng"
    error_of("Shakespeare", tmp_path, "there is no corpus, file or folder Shakespeare", names, kind=kind)
    error_of(tmp_path, tmp_path, "holds no .txt file", tmp_path, kind=kind)
    error_of("/dev/null", tmp_path, "neither a file nor a folder", kind=kind)


NO_TEXTS = {
    "empty": (b"", "is empty"),
    "a byte order mark": ("\ufeff".encode(), "is empty"),
    "blank": (b" \n" * 5000, "is empty"),
    "short": (b"a" * 1999, "has only 1,999 characters", "2,000"),
    "big5": (b"a" * 3000 + "中文".encode("big5"), "is not UTF-8", "byte 3,001 "),
    "latin-1": ("ä".encode() * 2000 + b"\xe4 ", "is not UTF-8", "byte 4,001 "),
    "utf-16": (TEXT.encode("utf-16"), "is not UTF-8", "byte 1 "),
    "utf-16 without a mark": ("plain ascii".encode("utf-16-le") * 500, "NUL bytes"),
    "binary": (bytes(5000), "NUL bytes"),
    "cut inside a character": ("字".encode() * 1000 + "字".encode()[:2], "is not UTF-8", "byte 3,001 "),
    "half a surrogate pair": (b"a" * 4000 + b"\xed\xa0\x80", "is not UTF-8", "byte 4,001 "),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_TEXTS)
def test_what_is_no_text(case, tmp_path):
    content, *parts = NO_TEXTS[case]
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    error_of(path, tmp_path, path, *parts)
    for block_bytes in (1, 2, 1000):  # the same sentence wherever the blocks begin
        with pytest.raises(UserError) as error:
            corpus.read([path], block_bytes)
        assert_one_sentence(str(error.value), path, *parts)
    path.rename(tmp_path / "nietzsche.txt")
    error_of("nietzsche", tmp_path, tmp_path / "nietzsche.txt", *parts)


def test_the_broken_file_of_a_folder_is_named(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"\xff")
    error_of(tmp_path, tmp_path, tmp_path / "b.txt", "byte 1 ")


# Blocks, large texts, codes


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 4, 5, 7, 1000, 10**6])
def test_blocks_may_begin_anywhere(block_bytes, tmp_path):
    """Inside a character of two, three or four bytes, inside the mark at the beginning, between \\r and \\n."""
    path = tmp_path / "own.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "\ufeffé字𥫗\r\n\r\rx\n".encode() * 300 + b"\r")
    expected = "\ufeffé字𥫗\n\n\nx\n" * 300 + "\n"
    text = corpus.read([path], block_bytes)
    assert text_of(text) == expected
    assert "".join(corpus.blocks([path, path], block_bytes)) == expected + "\n\n" + expected


@pytest.mark.parametrize("content", [TEXT, PROSE * 3 + "".join(map(chr, range(0x4E00, 0x5000)))])
def test_large_texts_stay_on_disk(content, tmp_path, monkeypatch):
    path = tmp_path / "own.txt"
    path.write_text(content, encoding="utf-8")
    small = load(path, tmp_path)
    assert not isinstance(small.codes, np.memmap)
    monkeypatch.setattr(corpus, "MAPPED_CHARACTERS", 3000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    large = load(path, tmp_path)
    assert isinstance(large.codes, np.memmap)
    assert isinstance(large.x_train, np.memmap)
    assert large.codes.dtype == small.codes.dtype == ("uint8" if content is TEXT else "uint16")
    for name in ("codes", "x_train", "x_test"):
        np.testing.assert_array_equal(getattr(large, name), getattr(small, name))
    assert not list((tmp_path / "temporary").iterdir())
    with pytest.raises(ValueError, match="read-only"):
        large.codes[0] = 1
    for codes in (large.x_train, small.x_train):
        corpus.release(codes)
        np.testing.assert_array_equal(codes, small.x_train)


def test_memory_does_not_grow_with_the_text(tmp_path, monkeypatch):
    path = tmp_path / "own.txt"
    path.write_text(TEXT * 4000, encoding="utf-8")
    monkeypatch.setattr(corpus, "MAPPED_CHARACTERS", 10**6)
    tracemalloc.start()
    text = corpus.read([path], block_bytes=1 << 16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(text.codes) == len(TEXT) * 4000 > 17e6
    assert peak < 40e6  # what the tables of all code points take; the codes alone would be 17 MB more


def test_no_room_for_a_large_text(tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "own.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(corpus, "MAPPED_CHARACTERS", 3000)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    error_of(tmp_path / "own.txt", tmp_path, "No space left", "TMPDIR", tempfile.gettempdir())


@pytest.mark.parametrize(("distinct", "dtype"), [(256, "uint8"), (257, "uint16"), (65_535, "uint16")])
def test_the_smallest_type_that_holds_the_codes(distinct, dtype):
    text = "".join(map(chr, range(0x10000, 0x10000 + distinct)))
    codes, characters, _ = corpus.index(lambda: [text])
    assert codes.dtype == encode(text, characters).dtype == dtype
    assert decode(codes, characters) == text


def test_too_many_distinct_characters():
    with pytest.raises(UserError) as error:
        corpus.index(lambda: ["".join(map(chr, range(0x10000, 0x10000 + 65_536)))])
    assert_one_sentence(str(error.value), "65,536", "65,535")


def test_encode_and_decode():
    characters = "e 字𥫗\n"
    codes = encode("字 𥫗e\ne", characters)
    assert codes.dtype == "uint8"
    assert codes.tolist() == [2, 1, 3, 0, 4, 0]
    for same in (codes, codes.astype("int32"), codes.tolist()):
        assert decode(same, characters) == "字 𥫗e\ne"
    assert encode("", characters).shape == (0,)
    assert decode([], characters) == ""


def test_unknown_characters_are_named_once_each():
    with pytest.raises(UserError) as error:
        encode("eäe\tä字", "e字")
    assert_one_sentence(str(error.value), " ä '\\t': ")
    with pytest.raises(UserError) as error:
        encode("abcdefghijklmnaa", "xyz")
    assert_one_sentence(str(error.value), "a b c d e f g h i j and 4 more")
    assert " k" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "kind"), [("字" * 6 + "abcd\n \n", "chinese"), ("字字" + "abcd", "english"), ("1234\n", "english")]
)
def test_kind_is_that_of_most_characters(text, kind):
    assert corpus.index(lambda: [text]).kind == kind


# The samples


def test_english_sample():
    text = sample_texts.english()
    assert 200_000 < len(text) < 2_000_000
    assert text == sample_texts.english()
    assert text.index('The "assert" statement') < text.index('The "while" statement') < text.index('The "yield"')
    assert corpus.index(lambda: [text]).kind == "english"


def test_the_grammar_accepts_its_own_sentences():
    text = sample_texts.chinese()
    assert text.startswith(sample_texts.chinese(2000))
    lines = text.splitlines()
    assert 200_000 <= len(text) < 200_100
    assert len(set(lines)) > 0.9 * len(lines)
    assert all(map(sample_texts.accepts, lines))
    words = {word for choices in sample_texts._rules().values() for choice in choices
             for word in re.split(r"{\w+}|[，。：「」？]", choice) if word}  # fmt: skip
    assert len(words) > 600


def test_the_grammar_uses_every_rule():
    rules = sample_texts._rules()
    used = {name for choices in rules.values() for choice in choices for name in re.findall(r"{(\w+)}", choice)}
    assert used | {"句"} == set(rules)


def test_the_grammar_rejects_broken_sentences():
    sentences = sample_texts.chinese(20_000).splitlines()
    assert sample_texts.accepts("因為下著雪，所以小明在家裡讀一本小說。")
    for broken in (
        "因為下著雪，但是小明在家裡讀一本小說。",  # the connectives do not belong together
        "因為下著雪，所以小明在家裡讀一本小說",  # no full stop
        "因為下著雪，所以小明在家裡讀一隻小說。",  # the measure word of animals
        "因為下著雪，所以小明在家裡喝一本小說。",  # the verb does not fit
        "下雪。",
        "",
    ):
        assert not sample_texts.accepts(broken), broken
    rng = np.random.default_rng(0)
    for shuffled in ("".join(rng.permutation(list(sentence))) for sentence in sentences):
        assert shuffled in sentences or not sample_texts.accepts(shuffled), shuffled
    assert not any(sample_texts.accepts(sentence[1:] + sentence[0]) for sentence in sentences)
    cut = [sentence[:5] + sentence[6:] for sentence in sentences]  # without one character in the middle
    assert np.mean(list(map(sample_texts.accepts, cut))) < 0.2


# Real texts

if (STAGED / "tinyshakespeare.txt").exists():

    def test_the_real_shakespeare():
        text = load("shakespeare", STAGED, "full")
        assert f"sha256:{text.source.sha256}" == texts.TEXTS["shakespeare"].remotes[0].hash
        assert (len(text.x_train), len(text.x_test), len(text.characters)) == (1_003_854, 111_540, 65)
        assert text_of(text) == Path(STAGED / "tinyshakespeare.txt").read_text()
