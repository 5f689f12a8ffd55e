"""Names of files as people read them, whatever system wrote them."""

import re
import unicodedata

# Where the everyday characters of each encoding lie, by the first of the two bytes: a text that is read in the wrong
# one is made of rare characters.
CHINESE = {"cp950": range(0xA4, 0xC7), "gbk": range(0xB0, 0xD8)}  # Big5 first: Taiwan's


def decoded(raw):
    """The text that the bytes of a name probably are: UTF-8, else Big5 or GBK, else cp437, which every zip may have."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    found = {}
    for encoding, everyday in CHINESE.items():
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        firsts = [character.encode(encoding)[0] for character in text if not character.isascii()]
        found.setdefault(sum(first in everyday for first in firsts) / max(1, len(firsts)), text)
    best = max(found, default=0)
    return found[best] if best >= 0.5 else raw.decode("cp437")


def shown(name):
    """A name of a file as text that can be printed and written anywhere."""
    try:
        text = decoded(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # no name that a system gave
        text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def safe_names(names):
    """A name for a report per name: letters, digits, . _ - and no two alike, whatever the case."""
    found = []
    for name in names:
        base = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFKC", shown(name))).strip("._")[:60] or "student"
        taken, number = {other.casefold() for other in found}, 1
        candidate = base
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{base}-{number}"
        found.append(candidate)
    return found
