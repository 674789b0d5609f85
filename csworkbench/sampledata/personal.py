"""Names and addresses of the simulated people: `contact_pii`, with domains and numbers that belong to nobody."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from csworkbench.sampledata.names import CHINESE_SPELLING
from csworkbench.sampledata.people import People
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, only

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.world import Floats, Texts

# A name, and how it is spelled in an address.
_FAMILY = {
    "王": "wang", "李": "li", "张": "zhang", "刘": "liu", "陈": "chen", "杨": "yang",
    "赵": "zhao", "黄": "huang", "周": "zhou", "吴": "wu", "徐": "xu", "孙": "sun",
    "胡": "hu", "朱": "zhu", "高": "gao", "林": "lin", "何": "he", "郭": "guo",
    "马": "ma", "罗": "luo",
}  # fmt: skip
_GIVEN = {
    "伟": "wei", "芳": "fang", "娜": "na", "敏": "min", "静": "jing", "磊": "lei",
    "强": "qiang", "洋": "yang", "艳": "yan", "勇": "yong", "杰": "jie", "娟": "juan",
    "涛": "tao", "明": "ming", "超": "chao", "秀英": "xiuying", "建国": "jianguo", "晓东": "xiaodong",
    "雨桐": "yutong", "子涵": "zihan", "思源": "siyuan", "浩然": "haoran", "佳怡": "jiayi", "文博": "wenbo",
}  # fmt: skip
_SWEDISH_GIVEN = (
    "Anna Lars Åsa Björn Karin Göran Märta Erik Sofia Håkan Linnéa Johan Elin Östen Maja Nils Ingrid Pär Saga Oskar "
    "Ylva Sven Tove Gustav"
)
_SWEDISH_FAMILY = (
    "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Lindström Bergqvist "
    "Sjöberg Åkesson Öhman Wallin Hedström Löfgren"
)
_IRISH_GIVEN = (
    "Aoife Ciarán Emma Declan Grace Liam Niamh Oisín Sarah Patrick Róisín James Zainab Tomasz Chloe Daniel Fiona Sean "
    "Maeve Peter Orla Kevin Sinéad Mark"
)
_IRISH_FAMILY = (
    "Murphy Kelly O'Sullivan Walsh Smith O'Brien Byrne Ryan O'Connor Doyle McCarthy Gallagher Kennedy Lynch Murray "
    "Quinn Moore Okafor Nowak Fitzgerald"
)
# Numbers kept for fiction by the regulators of Sweden (PTS) and Ireland (ComReg); no Chinese number begins with 100.
_SWEDISH_NUMBERS = ("+463139006", "+464062804", "+468465004", "+469803192")
_DIGITS = {"China": ("+861000", 7), "Ireland": ("+3532091", 5)}
HAS_EMAIL = {"China": 0.45, "Sweden": 0.94, "Ireland": 0.90}  # and everybody who has got one
HAS_PHONE = {"China": 0.6, "Sweden": 0.3, "Ireland": 0.45}
HAS_WECHAT = 0.75  # of the people in China


def contact_pii_table(people: People, accounts: pd.DataFrame, mailed: pd.Series[str]) -> pd.DataFrame:
    """Return `contact_pii`: one row per contact, with blanks where an address was never collected.

    The second record of a person has the same name and e-mail address as the first.

    Args:
        people: Contacts of the block.
        accounts: Table `accounts` of the block.
        mailed: Contacts who have got an e-mail: their address is known.
    """
    import numpy as np
    import pandas as pd

    rng, count = people.world.stream("contacts", 1), len(people.contacts)
    region = people.world.traits["region"].to_numpy(object)[people.account]
    spoken, spelled = _names(region, rng.random(count))
    local = pd.Series(spelled)
    again = local.groupby([people.account, spelled]).cumcount()
    local = local.where(again == 0, local + (again + 1).astype(str))
    email = local + "@" + pd.Series(domains(people.world.number, accounts)[people.account])
    has_email, has_phone = (
        rng.random(count) < pd.Series(region).map(share).to_numpy(float) for share in (HAS_EMAIL, HAS_PHONE)
    )
    has_email |= people.contacts["contact_id"].isin(mailed).to_numpy()
    has_wechat = (rng.random(count) < HAS_WECHAT) & (region == "China")
    table = pd.DataFrame(
        {
            "contact_id": people.contacts["contact_id"],
            "name": spoken,
            "email": email.where(has_email, None),
            "phone": only(has_phone, _phones(region, rng.random(count))),
            "wechat_id": only(has_wechat, np.array([f"wxid_{number:08d}" for number in rng.integers(0, 10**8, count)])),
        }
    )
    second, first = people.second_records
    table.loc[second, ["name", "email"]] = table.loc[first, ["name", "email"]].to_numpy()
    return table


def _names(region: Texts, share: Floats) -> tuple[Texts, Texts]:
    """Return the name of each person and how it is spelled in an address."""
    import numpy as np

    chinese = [(f"{family}{given}", f"{_GIVEN[given]}.{_FAMILY[family]}") for family in _FAMILY for given in _GIVEN]
    western = {
        place: [(f"{one} {two}", f"{_plain(one)}.{_plain(two)}") for one in given.split() for two in family.split()]
        for place, given, family in (
            ("Sweden", _SWEDISH_GIVEN, _SWEDISH_FAMILY),
            ("Ireland", _IRISH_GIVEN, _IRISH_FAMILY),
        )
    }
    options = {"China": chinese, **western}
    both = [options[place][int(where * len(options[place]))] for place, where in zip(region, share, strict=True)]
    names = np.array(both, dtype=object).reshape(-1, 2)
    return names[:, 0], names[:, 1]


def _plain(word: str) -> str:
    """Return a word in the lower-case letters a to z that addresses have."""
    parts = unicodedata.normalize("NFKD", word.lower())
    return "".join(letter for letter in parts if "a" <= letter <= "z")


def domains(number: int, accounts: pd.DataFrame) -> Texts:
    """Return the e-mail domain of each account, such as `bergstrom-12.example`: reserved, so no mail ever arrives.

    Args:
        number: Number of the block.
        accounts: Table `accounts` of the block.
    """
    import numpy as np

    words = [CHINESE_SPELLING.get(name[2:4], _plain(name.split()[0])) for name in accounts["name"]]
    first = number * BLOCK_ACCOUNTS + 1
    return np.array([f"{word}-{place}.example" for place, word in enumerate(words, first)], dtype=object)


def _phones(region: Texts, share: Floats) -> Texts:
    """Return a number per person; people share some, as they share a switchboard."""
    import numpy as np

    swedish = [f"{head}{number:02d}" for head in _SWEDISH_NUMBERS for number in range(100)]
    return np.array(
        [
            swedish[int(where * len(swedish))]
            if place == "Sweden"
            else f"{_DIGITS[place][0]}{int(where * 10 ** _DIGITS[place][1]):0{_DIGITS[place][1]}d}"
            for place, where in zip(region, share, strict=True)
        ],
        dtype=object,
    )
