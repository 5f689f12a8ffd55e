"""Homework 3, the chatbot: what it learns from, the network, answers, rewards, metrics, both trainings, talks."""

import io
import json
import shutil
import sys
from argparse import Namespace

import keras
import numpy as np
import pytest

from common import bars
from common.data import conversations
from common.errors import UserError
from common.run.predictor import Local
from hw3_lstm_text.chatbot import analyze, evaluate, generate, others, pairs, pieces, reinforce, rewards, talk, train
from hw3_lstm_text.chatbot.model import Player, build_chatbot
from hw3_lstm_text.chatbot.speaker import Speaker
from tests.helpers import assert_drawn, assert_one_sentence, assert_resumes_exactly, history, metrics

THINGS = ("music", "pizza", "snow", "movies", "dogs", "books")
CHINESE_THINGS = ("音樂", "電影", "下雨天", "小狗", "看書", "跑步")
TINY = [
    "--precision",
    "float32",
    "--batch-size",
    "16",
    "--epochs",
    "2",
    "--set",
    "units=16",
    "--set",
    "embedding_dim=8",
]
TINY += ["--set", "pieces=90", "--set", "longest_context=16", "--set", "longest_answer=9"]
PRACTICE = ["--precision", "float32", "--updates", "4", "--set", "parts=2", "--set", "starts=3", "--set", "copies=2"]
PRACTICE += ["--set", "answers=3", "--batch-size", "8"]


def written(path, things, chinese=False):
    """A made file of conversations: an answer repeats the thing that was asked for."""
    rng, blocks = np.random.default_rng(0), []
    for _ in range(60):
        one, two = rng.choice(things, 2)
        lines = [f"do you like {one}?", f"i love {one}!", f"and what about {two}?", f"{two} is not for me."]
        if chinese:
            lines = [f"你喜歡{one}嗎？", f"我最喜歡{one}了。", f"那{two}呢？", f"我不喜歡{two}。"]
        blocks.append("\n".join(lines))
    path.write_text("\n\n".join(blocks), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def short_talks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(talk, "MOST", 4)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    path = written(folder / "talks.txt", THINGS)
    assert train.main([*TINY, "--corpus", str(path), "--out", str(folder / "english")]) == 0
    return folder / "english"


@pytest.fixture(scope="module")
def reinforced(trained):
    out = trained.with_name("reinforced")
    assert reinforce.main([*PRACTICE, "--start", str(trained), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def learned():
    return pieces.learn([f"do you like {each}? i love {each}! yeah" for each in THINGS] * 5, 60, "english")


@pytest.fixture(scope="module")
def speaker(learned):
    config = Namespace(turns=2, longest_context=10, longest_answer=4, units=6)
    keras.utils.set_random_seed(0)
    return Speaker(Local(build_chatbot(len(learned), 5, 6, 0.0, 10)), learned, config)


# What it learns from


def test_conversations_of_a_file_are_split_as_wholes(tmp_path):
    path = written(tmp_path / "talks.txt", THINGS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\nalone\r\n \r\n")
    found = conversations.load(path, Namespace(data="auto", limit=None))
    parts = [found.x_train, found.x_validation, found.x_test]
    assert [len(part) for part in parts] == [51, 3, 6]
    every = conversations.of_text(path.read_text(encoding="utf-8-sig"))
    assert found.x_validation == every[::20]
    assert found.x_test[:2] == every[1:3]
    assert found.x_train[0] == every[3]
    assert all(len(utterances) == 4 for part in parts for utterances in part)
    assert found.kind == "english"
    assert len(conversations.load(path, Namespace(data="auto", limit=7)).x_train) == 7


@pytest.mark.parametrize(
    ("utterance", "why"),
    [
        ("see www.example.com", "a link or an address"),
        ("write to me@home", "a link or an address"),
        ("call 555 1234", "a long number"),
        ("Hi, my name is Bob", "somebody's name"),
        ("我叫小明", "somebody's name"),
        ("oh shit", "abuse"),
        (":) 12", "no letter"),
        ("I saw Zorblax there", "a rare name"),
        ("I saw London there", None),
        ("I have 12 dogs. Really!", None),
        ("his name was long, the class is hard", None),
    ],
)
def test_what_is_left_out(utterance, why):
    talks = [["we saw Zorblax"], *[["we saw London", "It is Nice. nice"]] * 5]
    assert pairs.rare_names(talks) == {"Zorblax"}
    assert pairs.why_left_out(utterance, pairs.rare_names(talks)) == why


def test_a_talk_ends_where_something_is_left_out():
    found, left_out = pairs.clean([["a b", "c", "at www.x.org", "d", "e"], ["no 12345"]], set())
    assert found == [["a b", "c"], ["d", "e"]]
    assert left_out == {"a link or an address": 1, "a long number": 1}


def test_pairs(learned):
    utterances = ["do you like music?", "yeah! i love music! i love dogs! i love movies!", "yeah"]
    found = pairs.pairs_of([utterances], learned, 2, 12, 8)
    assert len(found.answers) == 2
    first, last = found.answers
    assert learned.decode(first) == "yeah! i love music!"  # whole sentences, as many as there is room for
    assert list(first).index(learned.end) == np.count_nonzero(first) - 1
    assert learned.decode(last) == "yeah"
    assert found.contexts.shape == (2, 12)
    assert found.contexts[0][-1] == found.contexts[1][-1] == learned.turn
    assert [learned.decode(each) for each in talk.split(found.contexts[0], learned)] == ["do you like music?"]
    assert found.contexts[0][0] == 0
    assert learned.decode(found.contexts[1]).endswith("i love movies!")  # the last pieces of two utterances
    assert found.asked == utterances[:2]
    assert pairs.pairs_of([[*utterances, "do you like dogs?"]], learned, 2, 12, 3).too_long == 1


def test_batches(learned):
    utterances = [[f"do you like {each}?", f"i love {each}!"] for each in THINGS]
    found = pairs.pairs_of(utterances, learned, 2, 12, 8)
    batches = pairs.PairBatches(found, learned, 4, 0, 0.5)
    (contexts, before), answers, weights = batches[0]
    assert contexts.shape == (4, 12)
    assert before.shape == answers.shape == weights.shape == (4, 9)
    assert (before[:, 0] == learned.begin).all()
    np.testing.assert_array_equal(before[:, 1:], answers[:, :-1])
    np.testing.assert_array_equal(weights, answers > 0)
    alone = pairs.PairBatches(found, learned, 6, 0, 1.0)[0][0][0]
    assert (np.count_nonzero(alone, axis=1) == 1).all()
    np.testing.assert_array_equal(batches[1][0][0], pairs.PairBatches(found, learned, 4, 0, 0.5)[1][0][0])


def test_pieces(learned, tmp_path):
    assert learned.decode(learned.encode("Do you LIKE music?")) == "do you like music?"
    assert learned.turn not in learned.encode("<turn> </s> <pad>")  # nobody can type a mark
    learned.save(tmp_path)
    assert pieces.read(tmp_path).content == learned.content
    chinese = pieces.learn(["你喜歡音樂嗎", "我喜歡"] * 9, 50, "chinese")
    assert [chinese.name(code) for code in chinese.encode("喜歡音樂")] == ["▁", "喜", "歡", "音", "樂"]
    for content in (b"", b"no model", learned.content[:100]):
        (tmp_path / pieces.FILE).write_bytes(content)
        with pytest.raises(UserError, match="train again"):
            pieces.read(tmp_path)


# The network and its answers


def test_shapes(learned, speaker):
    chatbot = speaker.predictor.model
    contexts, before = np.ones((3, 10), "int32"), np.ones((3, 5), "int32")
    assert chatbot.predict_on_batch([contexts, before]).shape == (3, 5, len(learned))
    memory, state = chatbot.get_layer("encoder").predict_on_batch(contexts)
    assert (memory.shape, state.shape) == ((3, 10, 6), (3, 6))


def test_attention_sees_no_empty_place(speaker):
    context = speaker.context(["do you like"])
    answers, weights = speaker.answer(context, np.random.default_rng(0))
    assert answers.shape == (1, 5)
    assert weights.shape == (1, 5, 10)
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)
    assert weights[0][:, context[0] == 0].max() < 1e-6


def test_answers_cost_what_their_pieces_do(learned, speaker):
    contexts = np.concatenate([speaker.context(["yeah"]), speaker.context(["i love", "dogs"])])
    answers = np.array([[9, 8, learned.end, 0, 0], [10, 11, 12, 13, learned.end]], "int32")
    logits = speaker.predictor.model.predict_on_batch([contexts, pairs.before(answers, learned.begin)])
    chances = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    expected = -np.log(np.take_along_axis(chances, answers[..., None], axis=2))[..., 0] * (answers > 0)
    np.testing.assert_allclose(speaker.nats(contexts, answers), expected, rtol=1e-4)
    each = speaker.nats_of_each(contexts, answers)
    np.testing.assert_allclose(np.diag(each), expected.sum(axis=1), rtol=1e-4)
    assert each.shape == (2, 2)


def test_a_beam_finds_the_likeliest_answer(learned, speaker):
    context = speaker.context(["do you like dogs?"])
    greedy = [code for code in speaker.answer(context, None, 0)[0][0] if code]
    assert speaker.beam(context, 1)[: len(greedy) - 1] == greedy[:-1]

    def cost(codes):
        row = np.array([[*codes, *[0] * (5 - len(codes))]], "int32")
        return speaker.nats(context, row).sum() / len(codes)

    assert cost(speaker.beam(context, 8)) <= cost(speaker.beam(context, 1)) + 1e-6


def player_of(speaker):
    never = np.zeros(len(speaker.pieces), "float32")
    never[speaker.pieces.never_said] = -1e9
    return Player(speaker.predictor.model, never, speaker.pieces.begin, speaker.pieces.end)


def test_a_player_draws_by_the_chances_of_the_network(learned, speaker):
    n = 512
    context = np.repeat(speaker.context(["do you like"]), n, axis=0)
    chances = np.random.default_rng(0).random((n, 5), "float32")
    chances[:, 0] = (np.arange(n) + 0.5) / n  # evenly: each piece comes first as often as it is likely
    answers = np.asarray(player_of(speaker).predict_on_batch([context, chances]))
    logits, _, _ = speaker.step([learned.begin], speaker.listen(context[:1]))
    expected = np.exp(logits[0]) / np.exp(logits[0]).sum()
    np.testing.assert_allclose(np.bincount(answers[:, 0], minlength=len(learned)) / n, expected, atol=2 / n)
    assert not np.isin(answers[:, 0], learned.never_said).any()
    for row in answers:
        ends = list(row).index(learned.end)
        assert not row[ends + 1 :].any()
        assert 0 not in row[:ends]


# Talks and their measures


def test_dull_answers():
    for text in ("I don't know.", "haha yeah", "Hahahaha", "yeah, that's true!", "", "我不知道。", "哈哈哈，對啊"):
        assert talk.is_dull(text), text
    for text in ("i don't know about pizza", "yeah i love it", "no way out", "我不知道你喜歡音樂"):
        assert not talk.is_dull(text), text


def test_length_of_a_talk():
    assert talk.length(["we ski a lot", "where do you ski?", "in the alps", "yeah"]) == 3
    assert talk.length(["we ski a lot", "we ski a lot"]) == 2  # two speakers may say the same
    assert talk.length(["we ski a lot of days", "oh where", "We ski, a lot of days!", "me"]) == 2
    assert talk.length(["one two three four five", "x y", "one two three four six", "z"]) == 4  # 80 % is not above it
    assert talk.length(["haha"]) == 0


def test_distinct():
    assert talk.distinct(["the cat", "the dog the cat"], 1) == 3 / 6
    assert talk.distinct(["the cat", "the dog the cat"], 2) == 3 / 4  # the cat, the dog, dog the
    assert talk.distinct(["貓和狗"], 2) == 1
    assert talk.distinct([], 2) == 0


def test_a_talk_goes_on_from_what_was_said(learned, speaker):
    contexts = np.concatenate([speaker.context(["yeah", "do you like"]), speaker.context(["i love"])])
    given = [np.array([[7, 8, learned.end, 0, 0]] * 2), np.array([[9, learned.end, 0, 0, 0]] * 2)]
    seen, answers = talk.play(lambda _: given.pop(0), contexts, learned, 2, 2)
    np.testing.assert_array_equal(seen[0], contexts)
    assert talk.split(seen[1][0], learned) == [learned.encode("do you like"), [7, 8]]
    assert talk.split(seen[1][1], learned) == [learned.encode("i love"), [7, 8]]
    assert len(answers) == 2


def test_ranking():
    scores = np.arange(40.0).reshape(2, 20)
    assert others.among_first(scores, np.array([10, 9])) == 0.5  # the tenth from above, the eleventh
    assert others.among_first(np.zeros((1, 30)), np.array([0])) == pytest.approx(10 / 30)  # by lot
    assert others.among_first(np.r_[np.ones(8), np.zeros(22)][None], np.array([20])) == pytest.approx(2 / 22)
    known = ["i like cats a lot", "cats are fun", "i like dogs", "dogs are fun"]
    alike = others.tfidf_scores(["do you like cats?"], ["dogs are fun", "cats!"], known)
    assert alike[0, 1] > alike[0, 0] == 0


def test_ngrams_know_what_they_have_counted(learned):
    rows = np.array([[7, 8, 9, learned.end, 0], [7, 8, 10, learned.end, 0]] * 50, "int32")
    often = others.ngram_perplexity(rows, rows, learned)
    assert 1 < often < 2.5  # one of two at the third piece, hardly any doubt elsewhere
    other = np.array([[11, 12, 13, learned.end, 0]], "int32")
    assert 10 < others.ngram_perplexity(rows, other, learned) < 1e4


# Reinforcement


def test_one_copy_has_nothing_to_be_compared_with(trained, tmp_path, capsys):
    assert reinforce.main(["--start", str(trained), "--set", "copies=1", "--out", str(tmp_path)]) == 2
    assert_one_sentence(capsys.readouterr().err, "copies=1")


def test_advantages():
    """Two starts, two talks each, two turns, by hand: returns 1 + 0.5 x 4 = 3, 2, 0, 1 at the first turn."""
    found = rewards.advantages(np.array([[1, 2, 0, 0], [4, 0, 0, 2]]), 2, 0.5)
    np.testing.assert_allclose(found, [[1, -1, -1, 1], [4, -4, -2, 2]])


def test_rewards(learned, speaker):
    worth = rewards.Rewards(speaker, "english")
    contexts = speaker.context(["do you like dogs?"])
    first, same = learned.encode("i love"), learned.encode("yeah")
    answers = [np.array([[*codes, learned.end, *[0] * (4 - len(codes))]], "int32") for codes in (first, same, first)]
    seen = [contexts, speaker.context(["do you like dogs?", "i love"]), speaker.context(["i love", "yeah"])]
    found = worth(seen, answers)
    assert set(found) == set(rewards.NAMES)
    np.testing.assert_allclose(found["new"], [[1], [0], [0]])  # new, dull, said before
    n = len(first) + 1
    given = -speaker.nats(contexts, answers[0]).sum() / n
    alone = -speaker.nats(pairs.context_of([], learned, 10)[None], answers[0]).sum() / n
    assert found["likelihood"][0, 0] == pytest.approx(given, rel=1e-4)
    assert found["fit"][0, 0] == pytest.approx(given - alone, abs=1e-4)
    after = speaker.context(["do you like dogs?", "i love"])
    costs = [speaker.nats(after, row[None]).sum() / np.count_nonzero(row) for row in worth.dull]
    assert found["ease"][0, 0] == pytest.approx(np.mean(costs), rel=1e-4)


def test_the_policy_gradient_is_that_of_the_expected_reward(learned):
    """The expected reward of one drawn piece is known exactly. A small update of the weighted cross-entropy, a step of
    the rate times the gradient, must raise it by the squared length of the step over the rate."""
    keras.utils.set_random_seed(1)
    n, rate = len(learned), 1e-3
    chatbot = build_chatbot(n, 5, 6, 0.0, 10)
    chatbot.compile(
        keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    )
    context = pairs.context_of([learned.encode("do you like")], learned, 10)
    contexts, before = np.repeat(context[None], n, axis=0), np.full((n, 1), learned.begin, "int32")
    reward = 10 * np.random.default_rng(0).random(n)

    def chances():
        logits = chatbot.predict_on_batch([contexts, before])[0, 0].astype("float64")
        return np.exp(logits) / np.exp(logits).sum()

    was, weights = chances(), [np.array(each, "float64") for each in chatbot.get_weights()]
    every = np.arange(n, dtype="int32")[:, None]  # each answer, as often as it is drawn
    chatbot.train_on_batch((contexts, before), every, (was * (reward - was @ reward))[:, None].astype("float32"))
    step = sum(((np.array(now) - old) ** 2).sum() for now, old in zip(chatbot.get_weights(), weights, strict=True))
    gained = (chances() - was) @ reward
    assert gained > 0
    assert gained == pytest.approx(step / rate, rel=0.05)


# Both trainings


def test_training(trained):
    rows = history(trained)
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    found = metrics(trained)
    assert {"perplexity", "ngram_perplexity", "first_ten", "distinct_2", "dull_share", "talk_length_drawn"} <= set(
        found
    )
    assert found["passed"] is None
    assert found["perplexity"] == pytest.approx(np.exp(found["nats_per_piece"]))
    assert 0 < found["distinct_2_of_people"] <= 1
    assert_drawn(trained, {"curves"})


def test_the_metrics_are_those_of_the_saved_network(trained):
    options = Namespace(run=trained, data_dir=None)
    speaker, config = generate.open_speaker(options)
    given = Namespace(**config["options"])
    found = evaluate.score(speaker.predictor, trained, evaluate.load(given, trained))
    for name in ("nats_per_piece", "first_ten", "distinct_2", "talk_length"):
        assert found[name] == pytest.approx(metrics(trained)[name], rel=1e-4), name


def test_reinforcement(reinforced, trained):
    rows = history(reinforced)
    assert [row["updates"] for row in rows] == ["2", "4"]
    assert {*rewards.NAMES, "reward", "val_loss", "talk_length"} <= set(rows[0])
    assert_drawn(reinforced, {"rewards"})
    changed = [
        np.abs(mine - theirs).max() for mine, theirs in zip(*map(weights_of, (reinforced, trained)), strict=True)
    ]
    assert max(changed) > 0


def weights_of(run):
    return keras.saving.load_model(run / "model.keras").get_weights()


@pytest.mark.slow  # as every kind of training does
def test_a_stopped_training_goes_on_exactly(tmp_path, monkeypatch):
    path = written(tmp_path / "talks.txt", THINGS)
    monkeypatch.setattr(evaluate, "score", lambda *_: {})
    assert_resumes_exactly(train, [*TINY, "--corpus", str(path)], tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_stopped_reinforcement_goes_on_exactly(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "score", lambda *_: {})
    assert_resumes_exactly(reinforce, [*PRACTICE, "--start", str(trained)], tmp_path, monkeypatch)


# Talks and pictures


def test_one_answer_and_a_talk_with_itself(trained, reinforced, capsys):
    line = "do you like music?"
    for run in (trained, reinforced):
        for how in (["--seed", "3"], ["--beam", "3"], ["--temperature", "0", "--top-p", "0.9"]):
            assert generate.main(["--run", str(run), "--say", line, *how]) == 0
        said = capsys.readouterr().out
        assert generate.main(["--run", str(run), "--say", line, "--seed", "3"]) == 0
        assert said.startswith(capsys.readouterr().out)  # the same seed answers the same
    assert generate.main(["--run", str(trained), "--say", line, "--itself", "4"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.slow
def test_chinese_talks(tmp_path, capsys):
    path, out = written(tmp_path / "talks.txt", CHINESE_THINGS, chinese=True), tmp_path / "chinese"
    assert train.main([*TINY, "--set", "learning_rate=0.03", "--corpus", str(path), "--out", str(out)]) == 0
    rows = history(out)
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    known = pieces.read(out)
    assert {known.name(code) for code in known.encode("你喜歡音樂嗎？")} >= set("你喜歡音樂嗎")
    capsys.readouterr()
    assert generate.main(["--run", str(out), "--say", "你喜歡音樂嗎？", "--seed", "1"]) == 0
    assert set(capsys.readouterr().out.strip()) <= set("".join(CHINESE_THINGS) + "你喜歡嗎?我最了。.那呢不! ")
    speaker, _ = generate.open_speaker(Namespace(run=out))
    dull = rewards.Rewards(speaker, "chinese").dull
    assert [known.decode(row) for row in dull[:2]] == [
        known.decode(known.encode(each)) for each in ("我不知道", "不知道")
    ]


def test_a_talk(trained, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\ndo you like music?\n\nnot read"))
    assert generate.main(["--run", str(trained), "--talk", "--seed", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_talker_remembers(speaker):
    talker = generate.Talker(speaker, 0)
    answer = talker.answer("do you like dogs?")
    talker.answer("yeah")
    assert talker.said[:3] == ["do you like dogs?", answer, "yeah"]
    np.testing.assert_array_equal(speaker.context(talker.said[:3]), speaker.context([answer, "yeah"]))


def test_analysis(trained, reinforced):
    for run in (trained, reinforced):
        assert analyze.main(["--run", str(run)]) == 0
        assert_drawn(run, {"attention", "words"}, contrast=5)
        assert len((run / "talks.txt").read_text(encoding="utf-8").strip().split("\n\n")) == analyze.TALKS
        assert len(json.loads((run / "analysis.json").read_text())["talks"]) == analyze.TALKS


# Wrong inputs


def test_wrong_files(tmp_path, capsys):
    few, latin = tmp_path / "few.txt", tmp_path / "latin.txt"
    few.write_text("hi\nhello\n\nhow are you?\nfine\n")
    latin.write_bytes("é\nà\n\n".encode("latin-1") * 30)
    for path, words in ((few, "2 conversations"), (latin, "not UTF-8"), (tmp_path / "none.txt", "there is no corpus")):
        assert train.main([*TINY, "--corpus", str(path), "--out", str(tmp_path / "out")]) == 1
        assert_one_sentence(capsys.readouterr().err, path, words)


def test_wrong_runs(trained, reinforced, tmp_path, capsys):
    for main, given, words in (
        (generate.main, ["--run", str(tmp_path), "--say", "hi"], "there is no finished run"),
        (generate.main, ["--run", str(trained), "--say", "  "], "nothing to answer"),
        (analyze.main, ["--run", str(tmp_path)], "there is no finished run"),
        (reinforce.main, ["--start", str(tmp_path), "--out", str(tmp_path / "a")], "there is no finished run"),
        (reinforce.main, ["--start", str(reinforced), "--out", str(tmp_path / "b")], "was reinforced already"),
    ):
        assert main(given) == 1
        assert_one_sentence(capsys.readouterr().err, words)
    start = ["--start", str(trained), "--out", str(tmp_path / "c")]
    for main, given, words in (
        (reinforce.main, ["--start", str(trained), "--out", str(trained)], "--out is the folder of --start"),
        (reinforce.main, [*start, "--limit", "3"], "leave them out"),
        (reinforce.main, [*start, "--data", "sample"], "leave them out"),
        (train.main, ["--set", "units=15", "--out", str(tmp_path / "d")], "units must be even"),
        (generate.main, ["--run", str(trained), "--talk", "--itself", "3"], "--itself goes with --say"),
    ):
        assert main(given) == 2
        assert_one_sentence(capsys.readouterr().err, words)
    assert (trained / "metrics.json").exists()
    for given in ([], ["--talk", "--say", "hi"]):
        assert generate.main(given) == 2
        assert_one_sentence(capsys.readouterr().err, "either --talk or --say")


def test_a_start_that_was_trained_anew_is_noticed(trained, reinforced, tmp_path, capsys):
    other, practised = tmp_path / "other", tmp_path / "practised"
    shutil.copytree(trained, other)
    shutil.copytree(reinforced, practised)
    config = json.loads((practised / "config.json").read_text(encoding="utf-8"))
    config["options"]["start"] = str(other)
    (practised / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(reinforced / "model.keras", other)
    assert analyze.main(["--run", str(practised)]) == 1
    assert_one_sentence(capsys.readouterr().err, other, "trained anew")
    assert reinforce.main(["--resume", "--out", str(practised)]) == 1
    assert_one_sentence(capsys.readouterr().err, other, "trained anew")


def test_talks_that_leave_nothing_to_learn(tmp_path, capsys):
    path = tmp_path / "years.txt"
    path.write_text("\n\n".join(["in 2018?\nno, in 2019"] * 30), encoding="utf-8")
    assert train.main([*TINY, "--corpus", str(path), "--out", str(tmp_path / "out")]) == 1
    assert_one_sentence(capsys.readouterr().err, "pieces cannot be learned")


# The bar


@pytest.mark.slow
def test_a_short_training_on_the_sample_passes_the_bar(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "ASKED", 20)
    monkeypatch.setattr(evaluate, "RANKED", 20)
    options = ["--data", "sample", "--precision", "float32", "--epochs", "2", "--batch-size", "32"]
    options += ["--set", "units=64", "--set", "embedding_dim=32", "--set", "pieces=1000", "--set", "learning_rate=1e-2"]
    assert train.main([*options, "--limit", "150", "--out", str(tmp_path / "out")]) == 0
    found = metrics(tmp_path / "out")
    assert found["data"] == "sample"
    assert bars.SUBSET["hw3_chatbot", "sample"].passes(found), found
