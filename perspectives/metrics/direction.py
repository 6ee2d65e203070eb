"""Whether lower or higher values of each metric are better."""

# Names without the family before `/` and without `_seen`, `_unseen`; a name means the same in every family.
LOWER_IS_BETTER = {
    *("aurc", "brier", "cross_entropy", "exact_match_error", "jsd", "mae", "manhattan", "rmse", "wasserstein"),
    *("dist_ce", "entropy_ce"),
    *("absolute_distance", "error_rate"),
    "entropy_bound",  # depends on the data alone: the lowest cross-entropy possible
}
HIGHER_IS_BETTER = {
    *("accuracy", "f1", "macro_f1", "majority_f1", "micro_f1", "precision", "recall", "qwk", "pearson"),
    *("entropy_pearson", "entropy_spearman", "variance_pearson", "rank_cs"),
}
SIGNED = {"bias", "entropy_bias"}  # and `bias_<level>`; these are best at 0


def signed(metric: str) -> bool:
    """Whether `family/metric` is best at 0 and worse the further it is from 0 on either side."""
    name = metric.rpartition("/")[2]
    return name in SIGNED or name.startswith("bias_")


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of `family/metric` is better; of a signed metric, a smaller absolute value.

    Raises KeyError for a metric that is in none of the sets above.
    """
    if signed(metric):
        return True
    name = metric.rpartition("/")[2].removesuffix("_unseen").removesuffix("_seen")
    if name not in LOWER_IS_BETTER | HIGHER_IS_BETTER:
        raise KeyError(f"metric {metric!r} has no direction; add {name!r} to perspectives/metrics/direction.py")
    return name in LOWER_IS_BETTER
