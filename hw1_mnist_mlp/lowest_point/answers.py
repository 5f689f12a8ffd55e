"""What people type, read with suspicion: numbers, names, passwords. Every refusal is a sentence in both languages."""

import math
import re
import unicodedata

from common.errors import UserError
from hw1_mnist_mlp.lowest_point.functions import HIGH, LOW

LONGEST_NUMBER, LONGEST_NAME, LONGEST_PASSWORD = 40, 30, 40  # characters
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
# １．５ and −1 as input methods write them. Not the whole of NFKC: it makes 32 of 3².
PLAIN = {code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)} | {ord("−"): "-", ord("。"): "."}


class Refused(UserError):
    """What a player or a teacher may not do; the message is the English sentence."""

    def __init__(self, english, chinese):
        super().__init__(english)
        self.chinese = chinese


def number(text):
    """The float that `text` says, in digits of any script and width: "1.5", "１．５", "-2e-1"; 1e999 is infinite."""
    plain = str(text if text is not None else "").strip().translate(PLAIN)
    if not plain:
        raise Refused("Type a number: x.", "請輸入一個數 x。")
    if len(plain) > LONGEST_NUMBER:
        raise Refused(
            f"That is too long: a number has at most {LONGEST_NUMBER} characters.",
            f"太長了，最多 {LONGEST_NUMBER} 個字元。",
        )
    if not NUMBER.fullmatch(plain.lower()):
        raise Refused(
            "That is not a number: write it in digits, such as 1.5 or -2.",
            "這不是一個數，請用數字輸入，例如 1.5 或 -2。",
        )
    return float(plain)


def place(text):
    """The x that `text` says, within the range of the game."""
    x = number(text)
    if not LOW <= x <= HIGH:
        raise Refused(f"x lies between {LOW:g} and {HIGH:g}.", f"x 必須在 {LOW:g} 和 {HIGH:g} 之間。")
    return x + 0.0  # -0.0 is 0


def amount(text, low, high, english, chinese, whole=False):
    """The number that `text` says of a setting, from low to high; the last two texts name the setting."""
    found = math.nan if text is None or not str(text).strip() else number(text)
    if not low <= found <= high or (whole and found != int(found)):
        kind, kind_chinese = ("a whole number", "整數") if whole else ("a number", "數")
        raise Refused(
            f"{english}: {kind} from {low:g} to {high:g}.", f"{chinese}：必須是 {low:g} 到 {high:g} 的{kind_chinese}。"
        )
    return int(found) if whole else found


def name(text):
    """A team's name as it is shown: one line, without invisible characters except the one that joins emoji."""
    shown = " ".join(unicodedata.normalize("NFC", str(text or "")).split())
    shown = "".join(c for c in shown if c.isprintable() or c == "\u200d").strip(" \u200d")
    if not shown:
        raise Refused("Give your team a name.", "請為你們的隊伍取個名字。")
    if len(shown) > LONGEST_NAME:
        raise Refused(
            f"A name has at most {LONGEST_NAME} characters; yours has {len(shown):,}.",
            f"隊名最多 {LONGEST_NAME} 個字，你輸入了 {len(shown):,} 個字。",
        )
    return shown


def alike(text):
    """What two texts have in common that people take for the same: case, width and spaces do not count."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def password(text):
    """A password of a round as it is compared: phones write the first letter large."""
    found = alike(str(text or "")[: LONGEST_PASSWORD + 1])
    if not found:
        raise Refused("Type the password of the round.", "請輸入這一回合的密碼。")
    if len(found) > LONGEST_PASSWORD:
        raise Refused(f"A password has at most {LONGEST_PASSWORD} characters.", f"密碼最多 {LONGEST_PASSWORD} 個字元。")
    return found
