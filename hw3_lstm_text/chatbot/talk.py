"""Talks of the network with itself, and what is said of them: is an answer dull, does somebody repeat themselves?"""

import itertools
import re
from collections import Counter

import numpy as np

from common.data.corpus import CHINESE
from hw3_lstm_text.chatbot.pairs import context_of

MOST = 20  # answers of a talk with itself
SAME = 0.8  # share of the words of an answer that an earlier one of the same speaker has too: above, it is a repetition
# An answer is dull if nothing is left of it without these.
DULL = """
    i don't know, i do not know, i dont know, idk, i'm not sure, im not sure, not sure, i have no idea, yes, yeah,
    yea, yep, yup, ya, no, nope, nah, ok, okay, oh, ah, um, hmm, wow, lol, haha, true, right, sure, same,
    same here, me too, me neither, you too, really, definitely, nice, cool, good, great, awesome, interesting,
    exactly, of course, i agree, i see, i know, i guess, i guess so, i think so, i think so too, i hope so, i do,
    i am, so do i, i do too, that's true, thats true, that's cool, thats cool, that's awesome, that's good,
    that's great, that's nice, that's interesting, that's a good point, that makes sense, sounds good, thanks,
    thank you, what, hi, hey, hello, so, well, very, too, and, but, like,
    我不知道, 不知道, 不太清楚, 是, 是的, 是啊, 對, 對啊, 不是, 沒有, 好, 好的, 好啊, 嗯, 喔,
    哦, 哈哈, 真的, 真的嗎, 我也是, 我也這麼覺得, 謝謝, 還好, 沒事
"""
WORD = re.compile(rf"{CHINESE}|[^\W_]+(?:['’][^\W_]+)*")


def words(text):
    """The words of a text in small letters, without punctuation; of Chinese, the characters. hahahaha is haha."""
    return WORD.findall(
        re.sub(r"\b(?:ha){2,}h?\b|哈{2,}", lambda laugh: "haha" if laugh[0][0] == "h" else "哈哈", text.lower())
    )


_DULL = {tuple(words(phrase)) for phrase in DULL.split(",")}
_LONGEST = max(map(len, _DULL))


def is_dull(text):
    """Whether a text consists of phrases of DULL, and nothing else."""
    said = tuple(words(text))
    reached = {0}  # the places up to which phrases fill it
    for start in range(len(said)):
        if start in reached:
            reached |= {start + n for n in range(1, _LONGEST + 1) if said[start : start + n] in _DULL}
    return len(said) in reached


def overlap(text, earlier):
    """The share of the words of `text` that one of the texts `earlier` has too: of the one that has most."""
    mine = Counter(words(text))
    shares = [(mine & Counter(words(each))).total() / max(1, mine.total()) for each in earlier]
    return max(shares, default=0.0)


def length(answers):
    """How many answers of a talk with itself come before one that is dull or that its speaker has nearly said before.

    The end of a talk is that of Li et al. 2016, arXiv:1606.01541, section 4.1, with every earlier answer of the speaker
    in place of the last one. answers: str, by two speakers in turn.
    """
    for i, answer in enumerate(answers):
        if is_dull(answer) or overlap(answer, answers[i % 2 : i : 2]) > SAME:
            return i
    return len(answers)


def distinct(texts, n):
    """The different sequences of n words, as a share of all in the texts (Li et al. 2016a, arXiv:1510.03055)."""
    found = [tuple(said[i : i + n]) for said in map(words, texts) for i in range(len(said) - n + 1)]
    return len(set(found)) / max(1, len(found))


def split(context, pieces):
    """The utterances (lists of codes) of a context, see pairs.context_of."""
    ends = [-1, *np.flatnonzero(context == pieces.turn)]
    return [[int(code) for code in context[a + 1 : b] if code] for a, b in itertools.pairwise(ends)]


def play(answer, contexts, pieces, turns, n):
    """(contexts, answers) of n answers each to talks that begin with `contexts` (talks, time): lists of n arrays.

    answer: a function contexts -> answers int32 (talks, longest answer + 1). The network plays both speakers.
    """
    said = [split(context, pieces) for context in contexts]
    seen, answers = [], []
    for _ in range(n):
        seen.append(np.stack([context_of(each[-turns:], pieces, contexts.shape[1]) for each in said]))
        answers.append(answer(seen[-1]))
        for each, codes in zip(said, answers[-1], strict=True):
            each.append([code for code in codes if code not in (0, pieces.end)])
    return seen, answers
