"""Newswires written from a seed by a small topic model: the sample in the place of Reuters."""

import numpy as np

from common.data.wires import Wires

# Of every topic: its wires in the real data, and words that its wires use, the most frequent first.
TOPIC_WORDS = """\
cocoa 67 cocoa buffer icco beans ghana ivory delegates tonnes harvest
grain 537 grain corn tonnes usda farmers crop export maize barley agriculture
veg-oil 94 oil palm soybean rapeseed tonnes malaysia edible refined tender
earn 3972 net shr cts vs loss profit revs quarter year dividend record qtr earnings
acq 2423 shares acquisition company merger stake offer stock buy holders tender bid takeover
wheat 22 wheat tonnes bushels winter export subsidy soft harvest
copper 62 copper cathode mine cents pound smelter ore strike
housing 19 housing starts homes units permits building family annual
money-supply 177 money supply m1 reserves fed billion week seasonally borrowings
coffee 126 coffee ico quotas bags colombia brazil producers export frost
sugar 154 sugar beet cane white raw tonnes intervention tender rebate
trade 473 trade japan tariffs deficit surplus exports imports reagan congress semiconductors
reserves 62 reserves foreign currency gold bank month rose exchange convertible
ship 209 ship port vessel cargo gulf seamen tanker strike freight crew
cotton 28 cotton bales acreage cents upland staple crop mill
carcass 29 beef pork meat carcass imports slaughter inspection tonnes
crude 543 oil crude opec barrels bpd price saudi output petroleum exploration
nat-gas 51 gas natural pipeline cubic feet field well contract
cpi 86 inflation consumer prices index cost living pct rose
money-fx 682 dollar yen mark currency intervention bank exchange market stg treasury
interest 339 rate interest prime bank discount cut pct lending money bundesbank
gnp 127 growth gnp gdp economy forecast real domestic product expansion
meal-feed 22 meal soymeal feed pellets protein tonnes cake tapioca
alum 54 aluminium smelter bauxite alumina primary tonnes ingot
oilseed 81 soybean oilseed rapeseed crush sunflower tonnes seed acreage
gold 123 gold ounces mine ore troy bullion assay vein
tin 32 tin buffer council malaysia producers stockpile smelting
strategic-metal 19 uranium cobalt titanium metal tungsten lithium tonnes
livestock 58 cattle hogs livestock head slaughter feedlot placements
retail 23 retail sales stores department consumer adjusted goods
ipi 57 industrial production output manufacturing index factory seasonally
iron-steel 51 steel iron mill ore works crude tonnes plant
rubber 41 rubber natural inra buffer producers latex pact tyre
heat 12 heating oil gallon cts distillate raised posting
jobs 60 unemployment jobless workers jobs labour employment force
lei 17 leading indicators index composite commerce economy signal
bop 60 current account deficit payments surplus balance services
zinc 21 zinc lead smelter cominco metal ore concentrate
orange 22 orange juice citrus frozen concentrate florida grove
pet-chem 41 petrochemical ethylene plant plastics chemical polymer resin
dlr 46 dollar yen intervention paris accord central banks support
gas 38 gasoline unleaded octane lead refinery pump stocks
silver 16 silver ounces comex mine bullion coins
wpi 19 wholesale producer prices index rose inflation adjusted
hog 17 hog pigs farrow pork herd iowa breeding
lead 19 lead zinc battery refined smelter metal
"""
COMMON_WORDS = """the of to in said and a for it on from is that its by at be with will was which as has an not but had
would or this were their he been new also last up have about one market more company bank government year officials some
after they two other expected week there than report spokesman if when made under current before against told statement
first added increase no end agreement talks source told time world major state united made due since decision today plan
"""


def wires(n_train=2800, n_test=1200):
    """Newswires written from a seed by a small topic model: what Reuters is replaced by without network.

    Returns x_train (reuters.Wires), y_train uint8, x_test, y_test. 46 topics as unbalanced as the real ones; every
    topic has its words, denser at the beginning of a wire, and every wire touches a second topic; all words follow
    Zipf's law. As in the real data some wires carry the text of the next one, so that their label is wrong.
    """
    rng = np.random.default_rng(0)
    table = [line.split() for line in TOPIC_WORDS.splitlines()]
    common, topical = COMMON_WORDS.split(), [(row[2:] * 3)[:12] for row in table]
    syllables = [c + v for c in "bcdfglmnprstv" for v in ("a", "e", "i", "o", "u", "an", "el", "or")]
    invented = ["".join(rng.choice(syllables, rng.integers(2, 5))) for _ in range(2500)]  # names, for the long tail
    vocabulary = np.array(sorted({*common, *invented, *np.ravel(topical).tolist()}))
    background = np.searchsorted(vocabulary, common + invented)
    ranks = np.arange(1, len(background) + 1)

    n, n_topics = n_train + n_test, len(table)
    sizes = np.array([int(row[1]) for row in table])
    # two of each topic to train on, two to test on, the others as they come
    each = np.tile(np.arange(n_topics, dtype="uint8"), 2)
    drawn = rng.choice(n_topics, n - 2 * len(each), p=sizes / sizes.sum()).astype("uint8")
    labels = np.concatenate([each, drawn[: n_train - len(each)], drawn[n_train - len(each) :], each])
    labels[:n_train] = rng.permutation(labels[:n_train])

    lengths = rng.lognormal(4.2, 0.7, n).astype(int).clip(12, 500)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    wire = np.repeat(np.arange(n), lengths)
    place = np.arange(offsets[-1]) - offsets[wire]
    second = rng.choice(n_topics, n, p=sizes / sizes.sum())
    topic = np.where(rng.random(offsets[-1]) < 0.75, labels[wire], second[wire])
    words_of = np.searchsorted(vocabulary, topical)
    weights = 1 / np.arange(1, 13)
    topic_word = words_of[topic, rng.choice(12, offsets[-1], p=weights / weights.sum())]
    any_word = background[rng.choice(len(background), offsets[-1], p=(1 / ranks) / (1 / ranks).sum())]
    talkative = rng.uniform(0.1, 0.6, n)[wire]  # the share of topic words at the beginning
    tokens = np.where(rng.random(offsets[-1]) < talkative / (1 + place / 30), topic_word, any_word)
    carried = np.arange(n) + (rng.random(n) < 0.08)
    texts = Wires(tokens, offsets, vocabulary)[np.minimum(carried, n - 1)]

    # number the words by how often they occur, from 1
    counts = np.bincount(texts.tokens, minlength=len(vocabulary))
    by_frequency = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    number = np.zeros(len(vocabulary), "int32")
    number[by_frequency] = np.arange(1, len(by_frequency) + 1)
    texts = Wires(number[texts.tokens], texts.offsets, vocabulary[by_frequency])
    return texts[:n_train], labels[:n_train], texts[n_train:], labels[n_train:]
