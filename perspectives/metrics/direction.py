"""Which way each metric points."""

# Names after the family and without `_seen`, `_unseen`: a name means the same in every family.
LOWER_IS_BETTER = {
    *("aurc", "brier", "cross_entropy", "exact_match_error", "jsd", "mae", "manhattan", "rmse", "wasserstein"),
    "entropy_bound",  # of the data alone: the least cross-entropy anyone could have
}
HIGHER_IS_BETTER = {
    *("accuracy", "f1", "macro_f1", "micro_f1", "precision", "recall", "qwk", "pearson"),
    *("entropy_pearson", "entropy_spearman", "variance_pearson"),
}


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of `family/metric` is better. Raises KeyError for a metric that stands in neither set."""
    name = metric.rpartition("/")[2].removesuffix("_unseen").removesuffix("_seen")
    if name not in LOWER_IS_BETTER | HIGHER_IS_BETTER:
        raise KeyError(f"metric {metric!r} has no direction; add {name!r} to perspectives/metrics/direction.py")
    return name in LOWER_IS_BETTER
