"""Texts as arrays of character codes: files of any size are read in blocks, large ones stay on disk."""

import codecs
import io
import mmap
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from common.errors import UserError

BLOCK_BYTES = 1 << 22  # read and counted at a time: some 80 MB of memory
MAPPED_CHARACTERS = 1 << 26  # from here on the codes lie in a temporary file instead of in memory
FEWEST_CHARACTERS = 2_000
MOST_DISTINCT = 65_535  # what uint16 can count
CODE_POINTS = 0x110000

# One Chinese character: the ideographs of Unicode with their extensions, and the zero 〇.
CHINESE = "[〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"


class Text(NamedTuple):
    """A text as codes: uint8 or uint16 (n,), code i stands for characters[i]; `kind`: "english" or "chinese"."""

    codes: np.ndarray
    characters: str
    kind: str


def encode(text, characters):
    """The codes of `text`, uint8 or uint16 (len(text),). Raises UserError that names the unknown characters."""
    points = _points(text)
    table = np.full(CODE_POINTS, -1, np.int32)
    table[_points(characters)] = np.arange(len(characters))
    codes = table[points]
    if (codes < 0).any():
        unknown = list(dict.fromkeys(chr(point) for point in points[codes < 0]))
        names = " ".join(character if character.isprintable() else repr(character) for character in unknown[:10])
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise UserError(f"the text the model learned from has no {names}{more}: write the prompt without them")
    return codes.astype(_dtype(characters))


def decode(codes, characters):
    """The text of an array or list of codes."""
    points, codes = _points(characters), np.asarray(codes)
    parts = (points[codes[i : i + BLOCK_BYTES]] for i in range(0, len(codes), BLOCK_BYTES))  # indexing widens to int64
    return "".join(part.tobytes().decode("utf-32-le") for part in parts)


def release(codes):
    """Hand back the memory of the pages that have been read of a mapped text; they are read again when needed.

    Without it a run that has seen all of a 1 GB text holds all of it. Nothing happens with an array in memory.
    """
    if isinstance(codes, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        codes._mmap.madvise(mmap.MADV_DONTNEED)


def files_of(path, corpora):
    """The files of a text: [path], or the .txt files of a folder by name. Raises UserError when there are none.

    corpora: the names that could have been given instead, for that error.
    Hidden files are passed over: macOS puts a `._book.txt` of its own beside a book.txt on a disk of another system.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            texts = [file for file in path.iterdir() if file.suffix.lower() == ".txt" and file.is_file()]
            files = sorted(file for file in texts if not file.name.startswith("."))
            if not files:
                raise UserError(
                    f"{path} holds no .txt file: put the texts there as UTF-8 files whose names end in .txt"
                )
            return files
        if path.is_file():
            return [path]
        there = path.exists()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    if there:
        raise UserError(f"{path} is neither a file nor a folder: give a UTF-8 text file or a folder of .txt files")
    raise UserError(f"there is no corpus, file or folder {path}: the corpora are {', '.join(corpora)}")


def read(files, block_bytes=BLOCK_BYTES):
    """The Text of UTF-8 files joined with a blank line, in memory that does not grow with their size.

    A byte order mark is dropped and line ends become "\\n". From MAPPED_CHARACTERS on the codes are a read-only
    np.memmap of a temporary file that goes with the process. Raises UserError for what is not a text.
    """
    text = index(lambda: blocks(files, block_bytes))
    n = len(text.codes) if text.characters.strip() else 0  # spaces and line ends alone are nothing
    if n < FEWEST_CHARACTERS:
        name = files[0] if len(files) == 1 else files[0].parent
        raise UserError(f"{name} {too_short(n)}")
    return text


def too_short(n):
    """What to say about a text of so few characters."""
    return (
        f"has only {n:,} characters: a text to learn from needs at least {FEWEST_CHARACTERS:,}, better a million"
        if n
        else "is empty: give a text of a million characters or so"
    )


def blocks(files, block_bytes=BLOCK_BYTES):
    """Yield the files' text piece by piece, with a blank line between files. Raises UserError as `read` does."""
    total = sum(path.stat().st_size for path in files)
    quick = total < 20 * BLOCK_BYTES or not sys.stderr.isatty()
    with tqdm(desc="reading the text", total=total, unit="B", unit_scale=True, disable=quick, leave=False) as bar:
        for i, path in enumerate(files):
            if i:
                yield "\n\n"
            try:
                yield from _blocks_of(path, block_bytes, bar)
            except OSError as error:
                raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions") from None


def _blocks_of(path, block_bytes, bar):
    decoder = codecs.getincrementaldecoder("utf-8")()
    line_ends = io.IncrementalNewlineDecoder(None, translate=True)
    place, first = 0, True  # the number of bytes decoded, and whether no character has come yet
    with path.open("rb") as file:
        while True:
            block = file.read(block_bytes)
            waiting = len(decoder.getstate()[0])  # the first bytes of a character that the last block cut
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                byte = place - waiting + error.start + 1
                raise UserError(
                    f"{path} is not UTF-8 text (byte {byte:,} cannot be read): save it again in the encoding UTF-8"
                ) from None
            place += len(block)
            if "\0" in text:
                raise UserError(f"{path} holds NUL bytes, so it is a binary file or UTF-16: save it as UTF-8 text")
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            yield line_ends.decode(text, final=not block)
            bar.update(len(block))
            if not block:
                return


def index(pieces):
    """The Text whose pieces (strings) come from every call of `pieces()`: once to count, once to write the codes."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for piece in pieces():
        found = np.bincount(_points(piece))
        counts[: len(found)] += found
    n, distinct = int(counts.sum()), np.flatnonzero(counts)
    if len(distinct) > MOST_DISTINCT:
        raise UserError(f"the text has {len(distinct):,} distinct characters: at most {MOST_DISTINCT:,} can be learned")
    by_frequency = distinct[np.argsort(-counts[distinct], kind="stable")]  # ties stay in the order of code points
    characters = "".join(map(chr, by_frequency))
    chinese = sum(int(counts[ord(character)]) for character in characters if is_chinese(character))
    spaces = sum(int(counts[ord(character)]) for character in characters if character.isspace())
    table = np.zeros(CODE_POINTS, _dtype(characters))
    table[by_frequency] = np.arange(len(by_frequency))
    codes = (table[_points(piece)] for piece in pieces())
    codes = _mapped(codes, n, table.dtype) if n >= MAPPED_CHARACTERS else np.concatenate([*codes, table[:0]])
    return Text(codes, characters, "chinese" if 2 * chinese > n - spaces else "english")


def is_chinese(character):
    """Whether it is one Chinese character (no punctuation)."""
    return bool(re.fullmatch(CHINESE, character))


def _mapped(arrays, n, dtype):
    """The arrays in a row, as a memory map of a temporary file without a name.

    They are written to the file, not through the map, whose pages would count as this process's memory.
    """
    try:
        with tempfile.TemporaryFile(prefix="hw3-codes-") as file:
            for array in arrays:
                file.write(array)
            file.flush()
            return np.memmap(file, dtype, mode="r", shape=(n,))  # keeps the file open; it is gone with the process
    except OSError as error:
        raise UserError(
            f"no room for {n * np.dtype(dtype).itemsize / 1e6:,.0f} MB of codes in {tempfile.gettempdir()} "
            f"({error.strerror}): set TMPDIR to a folder that has it"
        ) from None


def without_licence(text):
    """The book in a text of Project Gutenberg: what stands between its two marks (the whole text without them)."""
    _, mark, rest = text.partition("*** START OF TH")  # "THE" or "THIS PROJECT GUTENBERG EBOOK ..."
    if mark:
        text = rest.partition("\n")[2].partition("*** END OF TH")[0]
    return text.strip("\n") + "\n"


def _points(text):
    """The code points of a text, uint32 (len(text),)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _dtype(characters):
    return np.dtype("uint8" if len(characters) <= 256 else "uint16")
