"""The texts that the machine learns to write: those that have a name, and any others."""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.data import corpus, poems, sample_texts
from common.data.download import Remote
from common.data.source import Source, Spec, copy, path_of, read, source_of
from common.errors import UserError
from common.files import sha256


@dataclass
class Corpus:
    """A text as character codes: code i stands for characters[i]. The codes of a large file are a read-only memmap."""

    codes: np.ndarray  # uint8 or uint16 (n,)
    characters: str  # of the whole text, the most frequent first
    kind: str  # "english", "chinese" or "poems"
    x_train: np.ndarray  # the codes of the first 90 %, or the last --limit of them
    x_test: np.ndarray  # the codes of the last 10 %
    source: Source


def load(name, config):
    """A text as a Corpus: a name of TEXTS, or the path of a UTF-8 file or of a folder of .txt files.

    config: as for data.load; data="sample" puts the Chinese sample in place of a Chinese name, the English one in place
    of everything else. x_test is one part, the last 10 % (of poems: whole ones); limit leaves the last characters
    before it. Raises UserError with one sentence when there is no such text or it cannot be used.
    """
    spec = TEXTS.get(str(name))
    if spec is None and config.data != "sample":
        files = corpus.files_of(name, TEXTS)
        codes, characters, kind = corpus.read(files)
        cut = 9 * len(codes) // 10
        source = Source("full", Path(name), sha256(files), f"the text of {name}", own=True)
    else:
        spec = spec or TEXTS["shakespeare"]
        path = path_of(spec, config)
        text = read(spec, path) if path else spec.sample()
        codes, characters, kind = corpus.index(lambda: [text])
        cut = 9 * len(codes) // 10
        if path and str(name) == "tang":
            kind, cut = "poems", text.rfind("\n\n", 0, cut) + 2
        source = source_of(spec, path, [text.encode()])
    if len(characters) == 1:
        raise UserError(
            f"{source.path} holds the one character {characters!r} again and again: give a text to learn from"
        )
    x_train, x_test = codes[:cut], codes[cut:]
    if config.limit:
        x_train = x_train[-config.limit :]
    line = (
        f"{source.line}, {len(x_train):,} training and {len(x_test):,} test characters, {len(characters):,} of them "
        "distinct"
    )
    return Corpus(codes, characters, kind, x_train, x_test, source._replace(line=line))


def _read_text(path, change=lambda text: text):
    """The text of a staged file, changed as its corpus needs it."""
    text = "".join(corpus.blocks([path]))
    if "<html" in text[:1000].lower():
        raise ValueError("it is a web page, not the text")
    text = change(text)
    n = len(text) if text.strip() else 0
    if n < corpus.FEWEST_CHARACTERS:
        raise ValueError(f"it {corpus.too_short(n)}")
    return text


def copy_edition(files, path, known):
    """For a file that its publisher makes anew at times: other bytes than the known ones are worth a warning only."""
    if sha256(files) != known:
        print(f"warning: {files[0].name} is not the edition known here (other SHA-256)", file=sys.stderr)
    copy(files, path)


ENGLISH = {"sample": sample_texts.english, "sample_title": "the help texts of Python"}
CHINESE = {"sample": sample_texts.chinese, "sample_title": "Chinese sentences written by a small grammar"}

TEXTS = {
    "shakespeare": Spec(
        title="tinyshakespeare",
        file="tinyshakespeare.txt",
        remotes=(
            Remote(
                "tinyshakespeare.txt",
                (
                    "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
                    "/data/tinyshakespeare/input.txt",
                ),
                "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ),
        ),
        convert=copy,
        read=_read_text,
        **ENGLISH,
    ),
    "nietzsche": Spec(
        title="Nietzsche",
        file="nietzsche.txt",
        remotes=(Remote("nietzsche.txt", ("https://s3.amazonaws.com/text-datasets/nietzsche.txt",), None),),
        convert=copy,
        read=_read_text,
        **ENGLISH,
    ),
    "tang": Spec(
        title="a collection of Tang poems",
        file="tang_poems.txt",
        remotes=(),  # no public file holds them in one piece
        convert=copy,
        read=lambda path: _read_text(path, poems.from_staged),
        **CHINESE,
    ),
    "hongloumeng": Spec(
        title="紅樓夢",
        file="hongloumeng.txt",
        remotes=(Remote("pg24264.txt", ("https://www.gutenberg.org/cache/epub/24264/pg24264.txt",), None),),
        convert=functools.partial(
            copy_edition, known="ff1526996bf4b81807651921a85e5c1c0f1d1d123c9fa4553057ba6a3ec72011"
        ),
        read=lambda path: _read_text(path, corpus.without_licence),
        **CHINESE,
    ),
}
