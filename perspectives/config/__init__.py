"""Configuration: find `conf/`, compose and check configurations, and build objects from them."""

from perspectives.config.building import check_config, instantiate
from perspectives.config.choices import choices, conf_dir, describe_choice, groups, groups_of
from perspectives.config.composing import compose
from perspectives.config.hydra_composition import VERSION_BASE
from perspectives.config.identity import LATER_OPTIONS, NO_RESULT_DEPENDS_ON, changes_results, run_identity
from perspectives.config.overrides import PATH_OPTIONS, literal, options_of_sweeps, quote_paths, quote_texts

__all__ = [
    "LATER_OPTIONS",
    "NO_RESULT_DEPENDS_ON",
    "PATH_OPTIONS",
    "VERSION_BASE",
    "changes_results",
    "check_config",
    "choices",
    "compose",
    "conf_dir",
    "describe_choice",
    "groups",
    "groups_of",
    "instantiate",
    "literal",
    "options_of_sweeps",
    "quote_paths",
    "quote_texts",
    "run_identity",
]
