"""Forms of poems, the corpus that names them, rhyme and tones."""

import argparse
import collections
import math

import numpy as np
import pytest

from common.data import poems, texts
from common.data.corpus import decode, is_chinese
from common.errors import UserError
from hw3_lstm_text import sound
from tests.helpers import STAGED, assert_one_sentence

QUATRAIN = "破落三間屋，蕭條一旅人。\n不知負何事，生死厄於陳。"
SEVEN = "獨臥經秋墮鬢蟬，白楊風起不成眠。\n尋思往日椒房寵，淚濕衣襟損翠鈿。"
REGULATED = "國破山河在，城春草木深。\n感時花濺淚，恨別鳥驚心。\n烽火連三月，家書抵萬金。\n白頭搔更短，渾欲不勝簪。"
MIXED = "君不見，黃河之水天上來。\n奔流到海不復回，高堂明鏡悲白髮。"


# Forms


@pytest.mark.parametrize(
    ("poem", "form"),
    [
        (QUATRAIN, "五言四句"),
        (SEVEN, "七言四句"),
        (REGULATED, "五言八句"),
        (REGULATED + "\n" + QUATRAIN, "五言十二句"),
        (QUATRAIN.split("\n")[0], "五言二句"),
        ("\n".join([SEVEN] * 5), "七言二十句"),
        ("\n".join([QUATRAIN] * 26), "五言一百零四句"),
        ("\n".join([QUATRAIN] * 28), "五言一百一十二句"),
        ("\n".join([QUATRAIN] * 50), "五言二百句"),
        (MIXED, "雜言"),
        (QUATRAIN + "\n" + SEVEN, "雜言"),
        ("", "雜言"),
    ],
)
def test_form_of(poem, form):
    assert poems.form_of(poem) == form
    assert poems.form_of(f"{form}\n{poem}\n\n") == form  # with the header that it has in the corpus
    assert poems.has_form(poem, form)
    assert poems.HEADER.fullmatch(form)


@pytest.mark.parametrize("mark", "。？！；")
def test_the_marks_that_may_end_a_couplet(mark):
    assert poems.has_form(QUATRAIN.replace("。", mark), "五言四句")


BROKEN = {
    "a character too many": QUATRAIN.replace("破落", "破破落"),
    "a character too few": QUATRAIN.replace("於陳", "陳"),
    "a line of another length": QUATRAIN + "\n" + SEVEN.split("\n")[0],
    "a couplet missing": QUATRAIN.split("\n")[0],
    "a couplet too many": QUATRAIN + "\n" + QUATRAIN.split("\n")[1],
    "half a couplet at the end": QUATRAIN + "\n破落三間屋，",
    "no full stop at the end": QUATRAIN[:-1],
    "a comma at the end": QUATRAIN[:-1] + "，",
    "a full stop in place of a comma": QUATRAIN.replace("，", "。", 1),
    "no comma": QUATRAIN.replace("，", "", 1),
    "an English comma": QUATRAIN.replace("，", ",", 1),
    "all in one line": QUATRAIN.replace("\n", ""),
    "a line per clause": QUATRAIN.replace("，", "，\n"),
    "a blank line inside": QUATRAIN.replace("\n", "\n\n"),
    "a space inside": QUATRAIN.replace("三", " "),
    "a Latin letter": QUATRAIN.replace("三", "x"),
    "a gap": QUATRAIN.replace("三", "□"),
    "another header": "七言四句\n" + QUATRAIN.replace("破落", "破"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_quatrains_do_not_have_the_form(fault):
    assert poems.has_form(QUATRAIN, "五言四句")
    assert not poems.has_form(BROKEN[fault], "五言四句")


def test_forms_are_told_apart():
    assert not poems.has_form(QUATRAIN, "七言四句")
    assert not poems.has_form(SEVEN, "五言四句")
    assert not poems.has_form(REGULATED, "五言四句")
    assert not poems.has_form("五言八句\n" + QUATRAIN, "五言八句")  # what the header says does not count


def test_is_chinese():
    assert all(map(is_chinese, "破郎𥫗〇\u3400\u9fff"))
    assert not any(map(is_chinese, "，。？「 \na1あ한○□"))


# The corpus

STAGED_FILE = f"孔廟口號\n{QUATRAIN}\n\n葬後見形詩 二\n{SEVEN}\n\n將進酒\n{MIXED}\n"
CORPUS = f"五言四句\n{QUATRAIN}\n\n七言四句\n{SEVEN}\n\n雜言\n{MIXED}\n"


def test_from_staged():
    assert poems.from_staged(STAGED_FILE) == CORPUS
    untidy = "\n\n" + STAGED_FILE.replace("\n\n", "\n \n\n\n") + "\n只有題目\n\n"
    assert poems.from_staged(untidy) == CORPUS


@pytest.mark.parametrize("text", ["題目\n\n題目", QUATRAIN.replace("\n", ""), f"題目\n{QUATRAIN}"])
def test_a_file_without_poems(text):
    with pytest.raises(ValueError, match="does not hold poems"):
        poems.from_staged(text)


def test_is_header():
    mask = poems.is_header(CORPUS)
    assert mask.shape == (len(CORPUS),)
    assert mask.dtype == bool
    marked = "".join(character for character, is_header in zip(CORPUS, mask, strict=True) if is_header)
    assert marked == "五言四句\n七言四句\n雜言\n"
    assert not poems.is_header(f"{QUATRAIN}\n雜言\n{QUATRAIN}\n").any()  # only at the beginning of a poem
    assert not poems.is_header("五言詩\n四言四句\n雜言詩").any()
    assert poems.is_header("\n\n五言十二句").tolist() == [False] * 2 + [True] * 5
    assert poems.is_header("").shape == (0,)


def load(folder, kind="full"):
    return texts.load("tang", argparse.Namespace(data=kind, data_dir=folder, limit=None, seed=0))


def test_tang_is_cut_between_two_poems(tmp_path):
    rng = np.random.default_rng(0)
    many = [sound.shuffled(rng.choice([QUATRAIN, SEVEN, REGULATED]), rng) for _ in range(100)]
    (tmp_path / "tang_poems.txt").write_text("\n\n".join(f"題{i}\n{p}" for i, p in enumerate(many)), encoding="utf-8")
    text = load(tmp_path)
    assert text.kind == "poems"
    train, test = (decode(part, text.characters) for part in (text.x_train, text.x_test))
    assert train + test == decode(text.codes, text.characters)
    assert train.endswith("。\n\n")
    assert poems.HEADER.match(test)
    assert 0.1 <= len(test) / len(text.codes) < 0.1 + 60 / len(text.codes)
    found = [poem.split("\n", 1) for poem in (train + test).rstrip("\n").split("\n\n")]
    assert [poem for _, poem in found] == many  # the titles are gone
    assert all(poems.has_form(poem, form) for form, poem in found)


def test_a_staged_file_without_poems_is_broken(tmp_path):
    path = tmp_path / "tang_poems.txt"
    path.write_text("題目\n\n" * 1000, encoding="utf-8")
    for kind in ("auto", "full"):
        with pytest.raises(UserError) as error:
            load(tmp_path, kind)
        assert_one_sentence(str(error.value), path, "broken", "does not hold poems")
        assert "download" not in str(error.value)  # there is none


# Rhyme and tones


def test_rhymes():
    assert sound.rhymes(QUATRAIN) == 1  # 人 rén, 陳 chén
    assert sound.rhymes(SEVEN) == 1  # 眠 mián, 鈿 diàn
    assert sound.rhymes(REGULATED) == pytest.approx(2 / 3)  # 深 心 金 簪: the last one rhymes no longer today
    assert sound.rhymes(QUATRAIN.replace("厄於陳", "厄於山")) == 0
    assert sound.rhymes(f"五言四句\n{QUATRAIN}\n") == 1
    assert math.isnan(sound.rhymes(QUATRAIN.split("\n")[0]))
    assert math.isnan(sound.rhymes(""))


def test_what_the_network_is_told_of_sounds():
    people, rain, mark = sound.sounds("人雨，")  # rén: level; yǔ: oblique
    assert people.sum() == rain.sum() == 2 and not mark.any()
    assert people[-2:].tolist() == [1, 0] and rain[-2:].tolist() == [0, 1]
    np.testing.assert_array_equal(sound.sounds("人陳")[0], sound.sounds("人陳")[1])


def test_the_rhyme_of_the_couplet_before():
    text = f"五言四句\n{QUATRAIN}\n\n雜言\n人。\n陳。\n\n七言四句\n{SEVEN}\n"
    rhymes = sound.last_rhymes(text)
    group, _ = sound.reading("人")
    line = text.index("\n", 5) + 1  # the second couplet of the first poem
    assert (rhymes[:line] == sound.NO_RHYME).all()
    assert (rhymes[line : text.index("\n\n")] == group).all()
    assert (rhymes[text.index("\n\n") + 2 : text.index("七言")] == sound.NO_RHYME).all()
    assert rhymes[-2] == sound.reading("眠")[0]


def test_a_rhyme_is_asked_for_at_the_end_of_a_couplet_from_the_second_on():
    couplet, characters = "破落三間屋，蕭條一旅人。", "人陳山，"
    for poem in ("", couplet, couplet + "\n", couplet + "\n不知負何", couplet + "\n不知負何事，生死厄", couplet[:10]):
        assert sound.rhyme_asked(poem, 5, characters) is None
    asked = couplet + "\n不知負何事，生死厄於"
    assert sound.rhyme_asked(asked, 5, characters).tolist() == [True, True, False, False]
    assert sound.rhyme_asked(asked, 7, characters) is None


@pytest.mark.parametrize("rhyme", ["家花", "歌多國", "月別", "書無", "衣知時雨兒", "來開懷", "飛回", "高朝", "流樓",
                                   "山天園官", "人心春雲", "香光王", "風情中兄翁"])  # fmt: skip
def test_the_thirteen_groups(rhyme):
    (group,) = {sound.reading(character)[0] for character in rhyme}
    assert group is not None
    assert sum(sound.reading(other)[0] == group for other in "家歌月書衣來飛高流山人香風") == 1


def test_tones_agree():
    assert sound.tones_agree("天地山水人，月日水山地。") == pytest.approx(0.5)  # 地日 both oblique; 水山 contrast
    assert sound.tones_agree("平平仄仄平，仄仄平平仄。") == 1
    assert sound.tones_agree("平平仄仄平平仄，仄仄平平仄仄平。") == 1
    assert sound.tones_agree("平平仄仄平平仄，仄平平平仄平平。") == pytest.approx(1 / 3)
    assert sound.tones_agree("平平平平平，平平平平平。") == 0
    assert math.isnan(sound.tones_agree("君不見，黃河之水天上來。"))


def test_shuffled_keeps_characters_and_lines():
    poem = sound.shuffled(f"七言四句\n{SEVEN}\n", np.random.default_rng(0))
    assert poem != SEVEN
    assert sorted(poem) == sorted(SEVEN)
    assert poems.has_form(poem, "七言四句")
    assert poem == sound.shuffled(SEVEN, np.random.default_rng(0))


# Real poems

if (STAGED / "tang_poems.txt").exists():

    def test_the_real_poems():
        text = load(STAGED)
        poem_list = decode(text.codes, text.characters).rstrip("\n").split("\n\n")
        assert len(poem_list) == 38_995
        assert len(text.characters) == 7_688
        forms = collections.Counter(poem.split("\n")[0] for poem in poem_list)
        assert (forms["五言四句"], forms["七言四句"], forms["五言八句"]) == (2_002, 5_707, 14_169)
        quatrains = [poem for poem in poem_list if poem.count("，") + poem.count("。") == 4]
        regular = [poem for poem in quatrains if not poem.startswith(poems.IRREGULAR)]
        assert len(regular) == len(quatrains) == 2_002 + 5_707
        rng = np.random.default_rng(0)
        some = [regular[i] for i in rng.permutation(len(regular))[:500]]
        other = [sound.shuffled(poem, rng) for poem in some]
        assert np.mean([sound.rhymes(poem) for poem in some]) > 0.75
        assert np.mean([sound.rhymes(poem) for poem in other]) < 0.2
        assert np.mean([sound.tones_agree(poem) for poem in some]) > 0.7
        assert np.mean([sound.tones_agree(poem) for poem in other]) < 0.57
