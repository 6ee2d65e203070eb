"""The files of the sets with gold labels: where they are published, their sizes and checksums."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from perspectives.data.catalog import PublishedFile
from perspectives.data.readers.common import MissingData
from perspectives.errors import ConfigError

ZHENG = "https://github.com/zhydhkcws/zhydhkcws.github.io/raw/a9d529c10b919e54844b715383f357b2f7f3bca3/crowd_truth_inference/datasets.zip"
MACE = "https://github.com/dirkhovy/MACE/tree/10f231ee2d43d6e38c777cbbed299f9ecd1c2d07/data"
TOOLKIT = "https://github.com/orchidproject/active-crowd-toolkit/tree/2c0c194e85ca126545bd830d811ec39151bdd448/Data"
HATECHECK = "https://github.com/paul-rottger/hatecheck-data"


class GoldSet(NamedTuple):
    """folder: below the data folder. source: where the files are published, in words. files: by name."""

    folder: str
    source: str
    files: Mapping[str, PublishedFile]


def files_of(data: Path, name: str) -> list[Path]:
    """The files of a set below the data folder.

    Raises ConfigError for an unknown name, and MissingData, which names the files to put there, for missing files.
    """
    if name not in SETS:
        raise ConfigError(f"set {name!r} is unknown; choose one of {', '.join(SETS)}")
    found = SETS[name]
    folder = data / found.folder
    absent = {file: facts for file, facts in found.files.items() if not (folder / file).is_file()}
    if absent:
        lines = [f"{folder} holds no {', '.join(absent)}"]
        lines += [f"put these files from {found.source} into {folder.absolute()}:"]
        lines += [f"  - {file} ({facts.describe()})" for file, facts in absent.items()]
        raise MissingData("\n".join(lines))
    return [folder / file for file in found.files]


def _zheng(folder: str, archived: str, *facts: tuple[int, str]) -> GoldSet:
    files = zip(("answer.csv", "truth.csv"), facts, strict=True)
    return GoldSet(folder, f"datasets/{archived} in {ZHENG}", _known(dict(files)))


def _mace(folder: str, name: str, *facts: tuple[int, str]) -> GoldSet:
    files = zip((f"{name}.csv", f"{name}.key"), facts, strict=True)
    return GoldSet(f"mace/{folder}", f"{MACE}/{folder}", _known(dict(files)))


def _toolkit(name: str, size: int, sha256: str) -> GoldSet:
    return GoldSet("active_crowd_toolkit", TOOLKIT, _known({f"{name}.csv": (size, sha256)}))


def _known(files: Mapping[str, tuple[int, str]]) -> dict[str, PublishedFile]:
    return {file: PublishedFile(bytes=size, sha256=sha256) for file, (size, sha256) in files.items()}


def _unread(folder: str, archived: str) -> GoldSet:
    """A set whose sizes and checksums are not known."""
    return GoldSet(
        folder, f"datasets/{archived} in {ZHENG}", dict.fromkeys(("answer.csv", "truth.csv"), PublishedFile())
    )


SETS: dict[str, GoldSet] = {
    "D_Duck": _zheng(
        "truthinf_d_duck",
        "d_Duck Identification",
        (58_020, "0d5e423652c079361a4cbc0adbee0945d40f02a9dedcfb6b068e8f2af63b24f0"),
        (988, "04c6d8b6cdc298b63c05dc87d28ceebd018d4207e0ced7c1229ca3593a74983a"),
    ),
    "D_Product": _unread("truthinf_d_product", "d_jn-product"),
    "D_PosSent": _unread("truthinf_d_possent", "d_sentiment"),
    "S_Face": _zheng(
        "truthinf_s_face",
        "s4_Face Sentiment Identification",
        (111_830, "9e98c7c56ea1967ca9d3e2396b9abd469e96ee47a52a0103c917397adbb98f9b"),
        (3_996, "c324c79fd7196d16cb638d956ec90209e405b0010741ffb5ecb1b6316f48cc4c"),
    ),
    "S_Dog": _zheng(
        "truthinf_s_dog",
        "s4_Dog data",
        (78_378, "db11159198f59fa2af87450b008f860ca2e9e04e3f15c697ef254af40fb6763a"),
        (5_557, "2a641fa31e80526164d956da4228f80d31b303c2691ab1855c76fef72d04b746"),
    ),
    "S_Rel": _zheng(
        "truthinf_s_rel",
        "s4_Relevance",
        (3_920_259, "a5dd7a79e491d119234d12be81d2ff7b0a93310362ed694adaeffafee48cc38d"),
        (156_044, "1ebae4ae9f6b146d55f398cf488077172c52d45e6c7d5c4bd95b29934f30e013"),
    ),
    "S_Adult": _zheng(
        "truthinf_s_adult",
        "s5_AdultContent",
        (3_685_097, "7615fa2f2fccf2a6ed1c07896f1bf764dba550da8ca841d9847240e6096cd893"),
        (63_772, "7823e02850fdab752b79e0c1e9b84e71ccc038c6b21f85b90208f9962d7831eb"),
    ),
    "N_Emotion": _zheng(
        "truthinf_n_emotion",
        "f201_Emotion_FULL",
        (146_791, "8a33684760a7fc51980ddc2d19d157f9d0197bcc3611cc4a2c8cdb65fdaf1d1b"),
        (4_505, "0fdfa983818a3524ba572c7eb7a3fd6b314844105ae9449b630425faa3176be4"),
    ),
    "rte": _mace(
        "test",
        "rte",
        (139_200, "2b8767c19a5e0e79cdfb31ffbf61d7dd3dedb0eeaa71eb8230dba6ac80efdc2c"),
        (1_600, "2d158af98a589ae2e0d746b1a5aed1f20f1683090f844bd41ff5392333f1e45d"),
    ),
    "temporal": _mace(
        "test",
        "temporal",
        (39_732, "8522a03615ec59baa56edae210db745426886c1f8a29f83fc48e6367e72875f5"),
        (924, "10771e02de6ba6a3b80cb7b2fbc06c62b610bffd55a7422d497e5e0659cb7bdc"),
    ),
    "wsd": _mace(
        "test",
        "wsd",
        (7_788, "1f88aa1a3024562d708aa8aaa38f742817b0e2219ebd4fbda0fc2c56630d58f3"),
        (354, "a7a75f4cd46200b7c95369a0ee60674d466cddb6c3d213dcb0d73d6da7b912e9"),
    ),
    "example": _mace(
        "examples",
        "example",
        (3_000, "2427a0518d56795a6460508b12afdee3b59797c77affed97f98d19b7549ec464"),
        (200, "d0f5309869e869b59a2a92c3d153ffd8b090656e1f3c08c909d7c44b14dd5a53"),
    ),
    "CF": _toolkit("CF", 29_989, "18bc4dc1780ce1f2b2f9ffedc493f4b8f9a4590a3fde8dce2e5d3367bcc8686e"),
    "CF_amt": _toolkit("CF_amt", 182_225, "c44d4bf3cbf08f343072d86a10e9085ab91885a2b4bbb1d0d03eb2cd461f6c5b"),
    "MS": _toolkit("MS", 103_419, "fb9e0b146723c93dac71d1ed601a736cf94fed3b444f4921d6c4e57b4505c06a"),
    "SP": _toolkit("SP", 655_310, "a83cf48092dc61bbb8986fdb0c1a17f658ba8555bddffc9e9ca26b95d514236f"),
    "SP_amt": _toolkit("SP_amt", 262_246, "fec6f3027202d33016b8b06083c83118d6d237e671b8bd4c22d0aa979e41ba0a"),
    "ZenCrowd_all": _toolkit(
        "ZenCrowd_all", 1_645_473, "88dff5161ab4c13951ef7c211745eca8a602884f75be55085aec44beda005ca9"
    ),
    "HateCheck": GoldSet(
        "hatecheck",
        HATECHECK,
        _known({"all_annotations.csv": (591_987, "080b5a57327829a4ea27219a22acc7b6eee8f3af1074424e49e116225d53264f")}),
    ),
}
