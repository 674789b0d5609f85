"""Names of simulated companies and people in Chinese, Swedish and English; none is meant to be a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from csworkbench.sampledata.world import Texts

INDUSTRIES = ("education", "finance", "healthcare", "logistics", "manufacturing", "media", "retail", "software")

_CITIES = [
    "上海",
    "北京",
    "杭州",
    "深圳",
    "广州",
    "成都",
    "苏州",
    "南京",
    "武汉",
    "厦门",
    "青岛",
    "西安",
    "宁波",
    "长沙",
    "天津",
    "重庆",
]
CHINESE_SPELLING = {  # word of a company's name: how an address spells it
    "云帆": "yunfan", "启明": "qiming", "瑞丰": "ruifeng", "博远": "boyuan",
    "星海": "xinghai", "恒信": "hengxin", "华创": "huachuang", "天一": "tianyi",
    "远航": "yuanhang", "佳禾": "jiahe", "明德": "mingde", "鼎盛": "dingsheng",
    "新程": "xincheng", "智联": "zhilian", "安泰": "antai", "金石": "jinshi",
    "和润": "herun", "卓越": "zhuoyue", "飞鸿": "feihong", "宏图": "hongtu",
    "青禾": "qinghe", "百川": "baichuan", "联诚": "liancheng", "思源": "siyuan",
    "汇通": "huitong", "朗月": "langyue", "东篱": "dongli", "知行": "zhixing",
    "锦程": "jincheng", "晨光": "chenguang", "万象": "wanxiang", "云栖": "yunqi",
    "若水": "ruoshui", "千寻": "qianxun", "致远": "zhiyuan", "立方": "lifang",
    "乐山": "leshan", "同舟": "tongzhou", "景行": "jingxing", "拾光": "shiguang",
}  # fmt: skip
_CHINESE_KIND = {
    "education": "教育科技",
    "finance": "金融信息服务",
    "healthcare": "医疗科技",
    "logistics": "物流",
    "manufacturing": "精密制造",
    "media": "文化传媒",
    "retail": "商贸",
    "software": "软件",
}
_SWEDISH = [
    "Åkerlund",
    "Bergström",
    "Björklund",
    "Dahlqvist",
    "Ekström",
    "Forsberg",
    "Granqvist",
    "Hagström",
    "Isaksson",
    "Järvholm",
    "Källgren",
    "Lindahl",
    "Månsson",
    "Nyström",
    "Öberg",
    "Palmgren",
    "Rosén",
    "Sjöberg",
    "Törnqvist",
    "Wallander",
    "Ahlgren",
    "Bäckman",
    "Engström",
    "Hedlund",
    "Kjellberg",
    "Norrby",
    "Östman",
    "Sandelin",
    "Strömvall",
    "Västberg",
]
_SWEDISH_PARTNER = ["Holm", "Lind", "Ek", "Berg", "Ström", "Dahl", "Vik", "Hed", "Fors", "Näs", "Ås", "Sjö"]
_SWEDISH_KIND = {
    "education": "Utbildning",
    "finance": "Finans",
    "healthcare": "Vård",
    "logistics": "Logistik",
    "manufacturing": "Industri",
    "media": "Media",
    "retail": "Handel",
    "software": "Programvara",
}
_ENGLISH = [
    "Kilbride",
    "Ashgrove",
    "Dunmore",
    "Larkhill",
    "Rathmoor",
    "Clonbeg",
    "Harrowgate",
    "Fernleigh",
    "Oakmere",
    "Brackenfield",
    "Carrigwood",
    "Thornbury",
    "Glenmallow",
    "Westhaven",
    "Millstream",
    "Stonebridge",
    "Ravensdale",
    "Corriemore",
    "Blackwater",
    "Highfield",
    "Marlowe",
    "Wexcombe",
    "Tullyvale",
    "Ballinard",
    "Northgate",
    "Summerhill",
    "Killowen",
    "Fairmount",
    "Lisdoran",
    "Greystead",
]
_ENGLISH_PARTNER = ["Partners", "Group", "Brothers", "Works", "Collective", "House", "Union", "Associates"]
_ENGLISH_KIND = {
    "education": "Learning",
    "finance": "Finance",
    "healthcare": "Health",
    "logistics": "Freight",
    "manufacturing": "Engineering",
    "media": "Media",
    "retail": "Retail",
    "software": "Systems",
}

CSM_NAMES = {
    "China": ("王敏", "李晓峰", "张婷婷", "陈思远", "刘洋", "赵雅琴"),
    "Sweden": ("Åsa Lindqvist", "Björn Ekdahl", "Märta Sjögren"),
    "Ireland": ("Aoife Brennan", "Conor Whelan", "Grace Okafor", "Niamh Doyle", "Tom Farrelly"),
}

NPS_COMMENTS = {
    "China": ("查询速度很快", "报表导出太慢", "客户经理响应及时", "功能很多，但不太会用", "希望支持更多数据源"),
    "Sweden": (
        "Snabb support",
        "För dyrt för oss",
        "Fungerar bra i vardagen",
        "Svårt att hitta rätt rapport",
        "Saknar export till Excel",
    ),
    "Ireland": (
        "Does what we need",
        "Queries got slower this spring",
        "Great help at onboarding",
        "Too many clicks",
        "Hard to justify the price",
    ),
}


def company_names(rng: np.random.Generator, regions: Texts, industries: Texts) -> list[str]:
    """Return a company name per account in the language of its region.

    Names repeat only where a region and industry have more accounts than the parts can combine to.

    Args:
        rng: Source of chance.
        regions: Region per account.
        industries: Industry per account.
    """
    import numpy as np

    names = np.empty(len(regions), dtype=object)
    for region, combine in _COMBINE.items():
        for industry in INDUSTRIES:
            rows = np.flatnonzero((regions == region) & (industries == industry))
            options = combine(industry)
            order = rng.permutation(len(options))
            names[rows] = [options[order[place % len(order)]] for place in range(len(rows))]
    return [str(name) for name in names]


def _chinese(industry: str) -> list[str]:
    return [f"{city}{word}{_CHINESE_KIND[industry]}有限公司" for city in _CITIES for word in CHINESE_SPELLING]


def _swedish(industry: str) -> list[str]:
    return [f"{one} & {two} {_SWEDISH_KIND[industry]} AB" for one in _SWEDISH for two in _SWEDISH_PARTNER]


def _english(industry: str) -> list[str]:
    return [f"{one} {_ENGLISH_KIND[industry]} {two}" for one in _ENGLISH for two in _ENGLISH_PARTNER]


_COMBINE = {"China": _chinese, "Sweden": _swedish, "Ireland": _english}
