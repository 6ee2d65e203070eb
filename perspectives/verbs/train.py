"""`perspectives train`: fit what the configuration says, then print where the run is and its main numbers."""

from omegaconf import DictConfig

from perspectives.runs.run import Run
from perspectives.training.fit import fit

SHOWN = ("individual/macro_f1", "individual/mae", "soft/cross_entropy", "soft/manhattan")


def main(config: DictConfig) -> None:
    print(report(fit(config)))


def report(run: Run) -> str:
    """The run's folder, then one line of test metrics per set of predictions."""
    lines = [str(run.folder)]
    for name, parts in run.metrics["predictions"].items():
        metrics = parts["test"]["metrics"]
        shown = [f"{metric} {metrics[metric]['value']:.4f}" for metric in SHOWN if metric in metrics]
        lines.append(f"  {name:<16} " + "  ".join(shown))
    return "\n".join(lines)
