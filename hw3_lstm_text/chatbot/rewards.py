"""What an answer in a talk is worth (Li et al. 2016, arXiv:1606.01541, section 3.2).

ease         easy to answer: how unlikely the network, as it was before, is to give a dull answer to it, nats per
             piece (their r1)
new          the share of its words that the same speaker has not said in one of the earlier answers; 0 for a dull
             answer (in place of r2, the angle between two states)
fit          the mutual information of the answer and what was said before it, nats per piece (their r3; the answer
             by itself takes the place of a second network that guesses the question)
likelihood   of the answer by the network as it was, nats per piece: is it language?
"""

import numpy as np

from hw3_lstm_text.chatbot import talk
from hw3_lstm_text.chatbot.pairs import context_of

NAMES = ("ease", "new", "fit", "likelihood")
DULL = {  # answers that the next one should not be
    "english": (
        "i don't know",
        "i'm not sure",
        "yeah",
        "haha yeah",
        "that's true",
        "me too",
        "lol",
        "what do you mean?",
    ),
    "chinese": ("我不知道", "不知道", "是啊", "對啊", "我也是", "哈哈", "嗯", "真的嗎"),
}


class Rewards:
    """The four rewards of talks, by a network that does not change: a Speaker. kind: "english" or "chinese"."""

    def __init__(self, speaker, kind):
        self.speaker, self.pieces, config = speaker, speaker.pieces, speaker.config
        self.nothing = context_of([], self.pieces, config.longest_context)
        rows = [[*self.pieces.encode(text)[: config.longest_answer], self.pieces.end] for text in DULL[kind]]
        longest = max(map(len, rows))
        self.dull = np.array([row + [0] * (longest - len(row)) for row in rows], "int32")

    def __call__(self, seen, answers):
        """{name: float32 (turns, talks)} of the contexts and the answers of talk.play."""
        turns, talks = len(answers), len(answers[0])
        contexts, said = np.concatenate(seen), np.concatenate(answers)
        lengths = (said > 0).sum(axis=1)
        given = -self.speaker.nats(contexts, said).sum(axis=1) / lengths
        alone = -self.speaker.nats(np.repeat(self.nothing[None], len(said), axis=0), said).sum(axis=1) / lengths
        found = {"ease": self.ease(contexts, said), "new": self.new(answers), "fit": given - alone, "likelihood": given}
        return {name: np.asarray(value, "float32").reshape(turns, talks) for name, value in found.items()}

    def ease(self, contexts, said):
        """Minus the mean of log p(dull answer | the talk with this answer), per piece: (n,)."""
        codes = [[code for code in row if code not in (0, self.pieces.end)] for row in said]
        turns, longest = self.speaker.config.turns, self.speaker.config.longest_context
        after = [
            context_of([*talk.split(context, self.pieces), row][-turns:], self.pieces, longest)
            for context, row in zip(contexts, codes, strict=True)
        ]
        costs = self.speaker.nats_of_each(np.stack(after), self.dull)
        return (costs / (self.dull > 0).sum(axis=1)).mean(axis=1)

    def new(self, answers):
        """1 less the overlap with the earlier answers of the same speaker, 0 for a dull one: (turns, talks)."""
        texts = [[self.pieces.decode(row) for row in rows] for rows in answers]
        found = np.zeros((len(answers), len(answers[0])))
        for turn, row in enumerate(texts):
            for i, text in enumerate(row):
                earlier = [texts[before][i] for before in range(turn % 2, turn, 2)]
                found[turn, i] = 0 if talk.is_dull(text) else 1 - talk.overlap(text, earlier)
        return found


def advantages(rewards, copies, discount):
    """How much better each talk went on from each turn than the other talks from the same start: (turns, talks).

    rewards: (turns, talks), the `copies` talks of a start side by side. A later reward counts `discount` for each turn
    that it is later. The baseline is the mean of the other copies: it does not depend on what is drawn here, so it
    changes no expectation, and takes away most of the noise (Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline
    for free!").
    """
    returns = np.array(rewards, "float64")
    for turn in range(len(returns) - 2, -1, -1):
        returns[turn] += discount * returns[turn + 1]
    groups = returns.reshape(len(returns), -1, copies)
    others = (groups.sum(axis=2, keepdims=True) - groups) / (copies - 1)
    return (groups - others).reshape(returns.shape).astype("float32")
