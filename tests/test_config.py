"""Composing, checking and building from configuration."""

import functools
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from perspectives.config import (
    changes_results,
    check_config,
    choices,
    compose,
    conf_dir,
    describe_choice,
    groups,
    groups_of,
    instantiate,
    options_of_sweeps,
    quote_paths,
    quote_texts,
    run_identity,
)
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError

HERE = __name__
SINGLE_CHOICES = [(group, name) for group in groups() if group != "experiment" for name in choices(group)]


# Things to build. --------------------------------------------------------------------------------------------------


@dataclass
class Data:
    """A dataclass, which Hydra would turn into configuration if it were handed over as a keyword."""

    rows: list


class Base:
    def __init__(self, data, seed=0):
        self.data, self.seed = data, seed


class Model(Base):
    def __init__(self, data, width: int = 1, layers=(), **options):
        super().__init__(data, **options)
        self.width, self.layers = width, layers


def part(size):
    return {"size": size}


def fails():
    raise DataError("the file is damaged")


@pytest.fixture(autouse=True)
def _trusted(monkeypatch):
    """The targets of these tests are their own classes."""
    monkeypatch.setenv("PERSPECTIVES_TARGETS", HERE.partition(".")[0])


def node(target: str, **options):
    return OmegaConf.create({"_target_": f"{HERE}.{target}", **options})


# What there is. ----------------------------------------------------------------------------------------------------


def test_every_choice_composes():
    assert len(SINGLE_CHOICES) >= 20
    for group, name in SINGLE_CHOICES:
        verb = "jury" if group == "composition" else "train"
        assert group in compose(verb, [f"{group}={name}"]) or group == "debug", (group, name)


def test_every_choice_says_what_it_is():
    nameless = [(group, name) for group, name in SINGLE_CHOICES if len(describe_choice(group, name)) < 10]
    assert nameless == []
    assert not any(describe_choice(*choice).startswith(("#", "@")) for choice in SINGLE_CHOICES)


def test_choices_are_the_files():
    assert choices("logger") == ["csv", "wandb"]
    assert choices("nothing") == []
    assert "hydra" not in groups()
    with pytest.raises(ConfigError, match="logger=tsv is not available; choose one of csv, wandb"):
        describe_choice("logger", "tsv")


def test_a_corpus_chooses_its_split_and_the_command_line_wins():
    assert compose(overrides=["data=synthetic"]).split._target_.endswith(".items")
    assert compose(overrides=["data=hs_brexit"]).split._target_.endswith(".official")
    assert compose(overrides=["data=hs_brexit", "split=items"]).split._target_.endswith(".items")
    assert compose(overrides=["split=items", "data=hs_brexit"]).split._target_.endswith(".items")


def test_debug_makes_any_choice_small():
    cfg = compose(overrides=["debug=tiny", "trainer=finetune", "trainer.precision=bf16-mixed"])
    assert (cfg.encoder.name, cfg.data.reader["items"], cfg.trainer.max_epochs) == ("tiny", 60, 2)
    assert cfg.trainer.precision == "bf16-mixed"


def test_defaults_pass_their_own_check():
    check_config(compose(), {"model": ("encoder", "schema", "optimization", "seed"), "split": ("annotations",)})


# Errors. -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.batchsize=3", "there is no option trainer.batchsize; did you mean trainer.batch_size? `persp"),
        ("max_epoch=3", "there is no option max_epoch; did you mean trainer.max_epochs?"),
        ("modle=majority", "there is no option modle; did you mean model?"),
        (
            "model=multitsk",
            "model=multitsk is not available; did you mean multitask? choose one of ",
        ),
        ("logger=zzz", "logger=zzz is not available; choose one of csv, wandb"),
        ("seed=0,1", "seed=0,1 gives several values; add -m to run once for each, or write seed=[0,1]"),
        ("model.tie={a=b}", "the option 'model.tie={a=b}' cannot be parsed; write group=choice or option=value"),
        ("+seed=3", "An item is already at 'seed'; leave out the +"),
        ("~trainer.foo", "there is no option trainer.foo"),
    ],
)
def test_mistakes_are_named_with_what_to_do(override, message):
    with pytest.raises(ConfigError) as caught:
        compose(overrides=["debug=tiny", override])
    assert message in str(caught.value)
    assert "append" not in str(caught.value) or "leave out the +" in str(caught.value)
    assert "+trainer" not in str(caught.value)
    assert str(conf_dir()) not in str(caught.value)


def test_a_verb_is_offered_its_own_groups_only():
    with pytest.raises(ConfigError) as caught:
        compose("jury", ["run=x", "model=multitask"])
    assert str(caught.value) == "there is no option model; `perspectives jury --cfg job` prints all options"
    with pytest.raises(ConfigError, match=r"there is no option compositoin; did you mean composition\?"):
        compose("jury", ["run=x", "compositoin=balanced"])
    assert groups_of("jury") == ["composition", "paths"]
    assert groups_of("train") == sorted({*groups()} - {"composition"})  # experiment and debug, too: none by default


@pytest.mark.parametrize("file", ["mine.csv", "./mine.csv", "/there/mine.csv", "sub/mine.parquet"])
def test_a_file_given_as_a_corpus_is_told_where_it_belongs(file):
    with pytest.raises(ConfigError) as caught:
        compose(overrides=[f"data={file}"])
    said = f"data={file} is a file; to read a table of your own, use data=table data.reader.path={file}"
    assert str(caught.value) == said
    assert compose(overrides=said.rpartition(", use ")[2].split()).data.reader.path == file


@pytest.mark.parametrize(
    ("typed", "sweep", "read"),
    [
        ('rule=[majority,"supermajority 2/3"]', False, ["majority", "supermajority 2/3"]),
        ("rule=[ majority , 'supermajority 2/3' ]", False, ["majority", "supermajority 2/3"]),
        ("event=['label=a,b', label=c]", False, ["label=a,b", "label=c"]),
        ("event=[label=don't,label=won't]", False, ["label=don't", "label=won't"]),
        ("event=[label>=3]", False, ["label>=3"]),
        ("event='label=a,b'", False, "label=a,b"),
        ("rule='supermajority 2/3',majority", True, ["supermajority 2/3", "majority"]),
        ('event=label=a|b,"label=c,d"', True, ["label=a|b", "label=c,d"]),
    ],
)
def test_elements_of_lists_arrive_as_typed_quoted_or_not(typed, sweep, read):
    [quoted] = quote_texts([typed], sweep)
    parsed = OverridesParser.create().parse_override(quoted)
    came = [one.text for one in parsed.value().list] if parsed.is_sweep_override() else parsed.value()
    assert came == read


def test_all_problems_are_listed_at_once_with_their_place():
    cfg = OmegaConf.create(
        {
            "seed": -1,
            "trainer": {"batch_size": "many", "precision": "16"},
            "optim": {"decay": "cosine", "warmup": 1.5},
            "model": {"_target_": f"{HERE}.Model", "widht": 3, "layers": [{"_target_": f"{HERE}.part"}]},
            "data": {"reader": {"_target_": "perspectives.data.readers.nothing.read"}, "name": "${nowhere}"},
            "split": {"_target_": f"{HERE}.part", "size": "???"},
        }
    )
    with pytest.raises(ConfigError) as caught:
        check_config(cfg, {"model": ["data"]})
    first, *problems = str(caught.value).splitlines()
    expected = [
        f"model: {HERE}.Model has no option widht; did you mean width?",
        f"model.layers[0]: {HERE}.part needs size, which has no value; set model.layers[0].size=…",
        "data.reader: _target_ perspectives.data.readers.nothing.read cannot be imported: ",
        "data.name cannot be resolved: Interpolation key 'nowhere' not found",
        f"split: {HERE}.part needs size, which has no value; set split.size=…",
        "seed is -1; expected a whole number from 0",
        "trainer.batch_size is 'many'; expected a whole number from 1",
        "trainer.precision is '16'; expected one of 32-true, bf16-mixed",
        "optim.warmup is 1.5; expected a number from 0 to 1",
        "optim.decay is 'cosine'; expected one of none, linear, exponential",
    ]
    assert first == f"the configuration has {len(expected)} problem(s)"
    for problem, text in zip(problems, expected, strict=True):
        assert problem.startswith(f"  - {text}")


def test_options_passed_on_to_the_parent_class_are_checked_too():
    check_config(OmegaConf.create({"a": {"_target_": f"{HERE}.Model", "data": 1, "seed": 3}}))
    with pytest.raises(ConfigError, match=r"a: .*Model has no option sead; did you mean seed\?"):
        check_config(OmegaConf.create({"a": {"_target_": f"{HERE}.Model", "data": 1, "sead": 3}}))


# Building. ---------------------------------------------------------------------------------------------------------


def test_extra_arguments_arrive_as_they_are_and_options_as_plain_python():
    data = Data([1, 2])
    built = instantiate(node("Model", width=2, layers=[{"_target_": f"{HERE}.part", "size": 4}]), data=data, seed=5)
    assert built.data is data
    assert built.layers == [{"size": 4}]
    assert type(built.layers) is list
    assert (built.width, built.seed) == (2, 5)


def test_partial_binds_options_and_extra():
    build = instantiate(node("Model", width=2, _partial_=True), seed=5)
    assert isinstance(build, functools.partial)
    assert (build(data=1).data, build(data=1).width, build(data=1).seed) == (1, 2, 5)


def test_extra_wins_over_the_option_and_fills_a_missing_one():
    assert instantiate(node("part", size=1), size=2) == {"size": 2}
    assert instantiate(node("part", size="???"), size=2) == {"size": 2}


def test_nothing_is_built_when_something_does_not_fit():
    with pytest.raises(ConfigError) as caught:
        instantiate(node("Model", zzz=3), nonsense=1)
    assert "has no option zzz; it takes data, seed, width, layers" in str(caught.value)
    assert "has no option nonsense" in str(caught.value)
    assert "needs data, which has no value" in str(caught.value)
    with pytest.raises(ConfigError, match="the configuration has no _target_; add one that names what to build"):
        instantiate({"size": 3})


def test_a_name_is_a_label_where_the_target_takes_none():
    cfg = OmegaConf.create({"model": {"name": "m", "_target_": f"{HERE}.part", "size": "${size}"}, "size": 7})
    check_config(cfg)
    assert instantiate(cfg.model) == {"size": 7}
    assert cfg.model.name == "m"
    with pytest.raises(ConfigError, match=r"data\.reader: .*part has no option name"):
        check_config(OmegaConf.create({"data": {"reader": {"name": "m", "_target_": f"{HERE}.part", "size": 1}}}))


def test_our_own_errors_come_through_unwrapped():
    with pytest.raises(DataError, match=r"^the file is damaged$"):
        instantiate(node("fails"))
    with pytest.raises(DataError, match=r"^the file is damaged$"):
        instantiate(node("Model", data={"_target_": f"{HERE}.fails"}))
    scale = {"_target_": "perspectives.data.scale.Scale", "kind": "ordinal", "levels": ["1", "2"]}
    assert instantiate(scale) == Scale("ordinal", ("1", "2"))


# Paths. ------------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="\\$"), min_size=1, max_size=12))
@example("a b/(c)=d,e")
@example('it\'s #1 & "two"')
@example("2023")
@example("true")
def test_paths_reach_the_configuration_as_typed(name):
    path = f"/data/{name}"
    for typed in (f"data.reader.path={path}", f"paths.runs={path}", f"encoder.name={path}"):
        [quoted] = quote_paths([typed])
        assert OverridesParser.create().parse_override(quoted).value() == path


@pytest.mark.parametrize(
    ("option", "changes"),
    [
        *(("seed=1", True), ("+data.reader.path=x", True), ("data=gwsd", True), ("trainer.max_epochs=3", True)),
        *(("paths.runs=x", False), ("trainer.checkpoint_every=200", False), ("logger=wandb", False)),
        ("loggers=1", True),
    ],
)
def test_which_options_change_results(option, changes):
    assert changes_results(option) is changes


def test_only_paths_are_quoted():
    untouched = [
        "seed=3",
        "model=a,b",
        "-m",
        "--config-dir=/a b",
        "data.reader.path='a b'",
        "paths.runs=/x/${seed}",
        "model.tie={a: 1}",
    ]
    assert quote_paths(untouched) == untouched
    assert quote_paths(["data.reader.path=2023"]) == ["data.reader.path='2023'"]
    assert quote_paths(["paths.runs=a,b"]) == ["paths.runs='a,b'"]
    assert quote_paths(["paths.runs=a,b"], sweep=True) == ["paths.runs=a,b"]
    assert quote_paths(["paths.runs=~/x (1)"]) == [f"paths.runs='{Path.home()}/x (1)'"]


def test_what_a_strange_configuration_names_is_neither_imported_nor_called(monkeypatch, tmp_path):
    """A run folder may come from anybody, and `compare` reads its configuration."""
    monkeypatch.delenv("PERSPECTIVES_TARGETS")
    (tmp_path / "payload.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    reachable = ("perspectives.files.os.system", "perspectives.files.shutil.rmtree")
    for target in ("payload.read", "pandas.read_pickle", "subprocess.getoutput", "perspectives_of_us.read", *reachable):
        with pytest.raises(ConfigError, match=rf"_target_ {target} is outside perspectives; set PERSPECTIVES_TARGETS="):
            instantiate({"_target_": target})
    monkeypatch.setenv("PERSPECTIVES_TARGETS", "other,payload")
    with pytest.raises(SystemExit, match="executed"):
        instantiate({"_target_": "payload.read"})


# Identity. ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "override",
    [
        *("paths.runs=/x", "paths.cache=/y", "logger=wandb", "trainer.progress=false", "trainer.checkpoint_every=5"),
        *("predictions.max_bytes=5", "data.duplicates=first", "data.reader.items=70"),  # the checksum sees the data
    ],
)
def test_identity_ignores_what_no_result_depends_on(override):
    assert run_identity(compose(overrides=[override])) == run_identity(compose())


@pytest.mark.parametrize(
    "override", ["seed=1", "model.dropout=0.1", "split.fold=1", "predictions.everyone=true", "calibrate=false"]
)
def test_identity_sees_what_results_depend_on(override):
    assert run_identity(compose(overrides=[override])) != run_identity(compose())


def test_identity_leaves_out_the_path_of_the_data_and_what_lies_under_paths():
    cfg = OmegaConf.create(
        {
            "paths": {"data": "/x"},
            "logger": 1,
            "data": {"name": "d", "reader": {"path": "/x/y", "target": "${data.target}"}, "target": "t"},
            "encoder": {"store": "${paths.data}/e", "size": 3},
            "copy": "${encoder}",
        }
    )
    assert run_identity(cfg) == {
        "data": {"name": "d"},
        "encoder": {"size": 3},
        "copy": {"store": "/x/e", "size": 3},
    }


def test_identity_is_plain_and_complete():
    identity = run_identity(compose())
    assert yaml.safe_load(yaml.safe_dump(identity)) == identity
    with pytest.raises(ConfigError, match=r"split\.column has no value; set split\.column=…"):
        run_identity(compose(overrides=["split=column"]))


def test_options_of_a_swept_group_wait_for_its_choices():
    given = ["-m", "model=jury,jury_id", "model.rank=8", "model.groups=joint,per_attribute", "seed=1", "optim.lr=1e-3"]
    waiting = ["-m", "model=jury,jury_id", "model.rank=choice(8)", *given[3:]]
    assert options_of_sweeps(given) == waiting
    single = ["-m", "model=jury", "model.rank=8", "seed=0,1"]
    assert options_of_sweeps(single) == single
