"""The pieces of words that talks are made of, learned from the training talks by SentencePiece; or characters."""

import io
from pathlib import Path

import sentencepiece

from common import files
from common.errors import UserError

FILE = "pieces.model"  # in the folder of the run
TURN = "<turn>"  # ends what somebody has said


class Pieces:
    """Text to codes and back. content: the bytes of a SentencePiece model, which holds tables only, and no code.

    0 is nothing. unknown, begin, end, turn: the codes of the marks, which nobody can type.
    """

    def __init__(self, content):
        self.content = content
        self.model = sentencepiece.SentencePieceProcessor(model_proto=content)
        self.unknown, self.begin, self.end = self.model.unk_id(), self.model.bos_id(), self.model.eos_id()
        self.turn = self.model.piece_to_id(TURN)
        if self.model.pad_id() != 0 or self.turn == self.unknown:
            raise ValueError("it has not the marks of a talk")

    def __len__(self):
        return self.model.get_piece_size()

    @property
    def never_said(self):
        """The codes that no answer holds."""
        return [0, self.unknown, self.begin, self.turn]

    def encode(self, text):
        """The codes of a text, a list; of a list of texts, a list of lists. Capitals become small letters."""
        return self.model.encode(text, num_threads=1)  # to start threads takes longer than a few sentences

    def decode(self, codes):
        """The text of codes; marks and nothing are left out."""
        marks = {*self.never_said, self.end}
        return self.model.decode([int(code) for code in codes if int(code) not in marks])

    def name(self, code):
        """How a piece is shown: "▁" stands for the space before a word."""
        return self.model.id_to_piece(int(code))

    def save(self, folder):
        with files.atomic(Path(folder) / FILE) as part:
            part.write_bytes(self.content)


def learn(texts, n, kind):
    """Pieces of the texts (an iterable of str): at most `n`, of kind "chinese" the most frequent characters.

    Subwords by byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909): the pair that stands side by side most
    often becomes one piece, again and again. Raises UserError where there is no text, or n is too small.
    """
    written = io.BytesIO()
    settings = {
        "vocab_size": n,
        "hard_vocab_limit": False,  # a small text has fewer
        "model_type": "char" if kind == "chinese" else "bpe",
        "character_coverage": 0.9995,  # the rest, as emojis, are unknown
        "normalization_rule_name": "nmt_nfkc_cf",  # small letters, and one form of each character
        "pad_id": 0,
        "unk_id": 1,
        "bos_id": 2,
        "eos_id": 3,
        "control_symbols": [TURN],
        "num_threads": 1,
        "minloglevel": 2,
    }
    try:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=written, **settings)
    except RuntimeError as error:
        raise UserError(
            f"{n} pieces cannot be learned of the conversations ({str(error).strip()}): give more text, or a larger "
            "--set pieces=..."
        ) from None
    return Pieces(written.getvalue())


def read(folder):
    """The Pieces of the run in `folder`. Raises UserError when they are not there or damaged."""
    path = Path(folder) / FILE
    try:
        return Pieces(path.read_bytes())
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise UserError(f"{path} is not what training writes ({reason}): train again") from None
