"""Conversations between people: those of a package, or a user's file with an utterance a line."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import chitchat_dataset

from common.data import corpus
from common.data.source import Source
from common.errors import UserError
from common.files import sha256

CHITCHAT = "chitchat"  # the Chit-Chat Challenge of Brigham Young University, 2018: students talk about anything
SAMPLE = 400  # conversations of it are the built-in sample: the package is always there
FEWEST = 20


@dataclass
class Conversations:
    """Lists of conversations, each a list of utterances (str) by two people in turn, and their source."""

    x_train: list
    x_validation: list
    x_test: list
    kind: str  # "english" or "chinese"
    source: Source


def load(name, config):
    """The Conversations of a name (CHITCHAT), or of the path of a UTF-8 file or of a folder of .txt files.

    config: as for data.load; data="sample" puts the built-in sample in place of everything. A file has an utterance a
    line, and a blank line between two conversations. They are split as wholes: of every 20, one is for validation and
    two for the test. limit: conversations to train on, the first ones. Raises UserError with one sentence when there
    is no such file or it holds too little.
    """
    path = Path(chitchat_dataset.__file__).with_name("dataset.json")
    if config.data == "sample":
        found, source = _chitchat(path)[:SAMPLE], Source("sample", "built in", sha256([path]), "")
        title = f"the BUILT-IN SAMPLE, {SAMPLE} conversations of the package chitchat-dataset"
    elif str(name) == CHITCHAT:
        found, source = _chitchat(path), Source("full", path, sha256([path]), "")
        title = "the conversations of the package chitchat-dataset"
    else:
        files = corpus.files_of(name, [CHITCHAT])
        found, source = of_text("".join(corpus.blocks(files))), Source("full", Path(name), sha256(files), "", own=True)
        title = f"the conversations of {name}"
    if len(found) < FEWEST:
        raise UserError(
            f"{name} holds {len(found)} conversations of two utterances or more, and at least {FEWEST} are needed: "
            "put an utterance on a line, and a blank line between two conversations"
        )
    places = {"x_validation": (0,), "x_test": (1, 2), "x_train": range(3, 20)}
    parts = {part: [each for i, each in enumerate(found) if i % 20 in places[part]] for part in places}
    parts["x_train"] = parts["x_train"][: config.limit]
    line = f"{title}, {len(parts['x_train']):,} to train on and {len(parts['x_test']):,} for the test"
    return Conversations(**parts, kind=kind_of(found), source=source._replace(line=line))


def of_text(text):
    """The conversations of a text: a blank line ends one. Those of a single utterance are left out."""
    blocks = re.split(r"\n\s*\n", text.strip())
    found = [[line.strip() for line in block.split("\n") if line.strip()] for block in blocks]
    return [utterances for utterances in found if len(utterances) > 1]


def kind_of(conversations):
    """ "chinese" when most characters of the first thousand conversations are, else "english"."""
    text = "".join(part for utterances in conversations[:1000] for each in utterances for part in each.split())
    return "chinese" if 2 * len(re.findall(corpus.CHINESE, text)) > len(text) else "english"


def _chitchat(path):
    """The conversations of the package. What somebody has sent in one go is one utterance, a line a message."""
    found = []
    for content in json.loads(path.read_text(encoding="utf-8")).values():
        turns = [[" ".join(message["text"].split()) for message in turn] for turn in content["messages"]]
        utterances = ["\n".join(message for message in turn if message) for turn in turns]
        found.append([utterance for utterance in utterances if utterance])
    return [utterances for utterances in found if len(utterances) > 1]
