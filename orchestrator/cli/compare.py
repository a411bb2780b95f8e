"""``orchestrate compare``: two runs, kernels of one run, or a run and published figures."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli import complete
from orchestrator.cli.defaults import is_default
from orchestrator.cli.options import Command
from orchestrator.cli.output import echo
from orchestrator.cli.program import as_started
from orchestrator.cli.results import emit, output_option, results_option
from orchestrator.errors import BadInput, ExitCode
from orchestrator.report.comparison_formats import names
from orchestrator.units import parse_share


class Percent(click.ParamType):  # type: ignore[type-arg]
    """A share such as ``5%``; becomes 0.05."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share; a usage error unless it is from 0 % to less than 100 %.

        ``0.05`` may mean 5 % or 0.05 %, so it needs a sign.
        """
        if isinstance(value, float):
            return value
        try:
            share = parse_share(str(value))
            if 0 < share < 0.01 and "%" not in str(value):
                raise BadInput(f"'{value}' is ambiguous; write {share * 10_000:g}% or {share * 100:g}%")
            return share
        except BadInput as error:
            self.fail(str(error), param, ctx)


@click.command(cls=Command, synopses=("BASELINE NEW", "--by kernel RUN", "--published RUN"))
@click.argument("base", metavar="BASELINE", shell_complete=complete.runs)
@click.argument("new", metavar="[NEW]", required=False, shell_complete=complete.runs)
@click.option("--by", type=click.Choice(["kernel"]), help="Compare the kernels of RUN.")
@click.option(
    "--published",
    is_flag=True,
    help="Compare RUN with published figures.",
)
@click.option(
    "--baseline",
    default="",
    metavar="NAME",
    help="With --by kernel: compare the other kernels with kernel NAME; default: the first kernel of the run.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Compare metric NAME; default: the headline metric. May be repeated.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(names()),
    default="text",
    show_default=True,
    help="Print the comparison in this format.",
)
@click.option(
    "--fail-on-regression",
    "fail_on",
    type=Percent(),
    help="Exit with code 5 if a cell is slower by more than PERCENT, fell to 0, or has no figure any more. "
    "Exit with code 6 if none is, but a cell could not be judged.",
)
@click.option(
    "--allow-unjudged",
    is_flag=True,
    help="With --fail-on-regression: exit with code 0 instead of 6.",
)
@click.option(
    "--margin",
    type=Percent(),
    default="2%",
    show_default=True,
    help="Report a difference of up to PERCENT as no difference.",
)
@click.option(
    "--confidence",
    type=Percent(),
    default="95%",
    show_default=True,
    help="Confidence level of intervals and verdicts: at 95%, the chance of any false verdict is at most 5%.",
)
@click.option(
    "--unit",
    type=click.Choice(["boot", "trial"]),
    default="boot",
    show_default=True,
    help="Sampling unit of the statistics; trial: for runs of one boot.",
)
@click.option(
    "--force-mixed-environments",
    "mix",
    is_flag=True,
    help="Also compare results of different environments, such as a guest and a machine, and label them.",
)
@output_option
@results_option
def compare(
    base: str,
    new: str | None,
    by: str | None,
    published: bool,
    baseline: str,
    metrics: tuple[str, ...],
    format_name: str,
    fail_on: float | None,
    allow_unjudged: bool,
    margin: float,
    confidence: float,
    unit: str,
    mix: bool,
    target: Path | None,
    results_path: Path,
) -> None:
    """Compare two runs, or the kernels of one run.

    With --published, compare a run with the published figures that its experiment names. BASELINE, NEW and RUN are
    runs: an id, the name of an experiment, a prefix of these, a directory, or `latest`. A ratio above 1 means that NEW
    is better than BASELINE.
    """
    if [by is not None, new is not None, published].count(True) != 1:
        raise click.UsageError("give two runs, or one run and either --by kernel or --published")
    if published and is_default(click.get_current_context(), "metrics"):
        metrics = ()
    if published and metrics:
        raise click.UsageError("--metric cannot be used with --published: published figures have one metric")
    if baseline and by is None:
        raise click.UsageError("--baseline needs --by; of two runs the first is the baseline")
    if allow_unjudged and fail_on is None:
        raise click.UsageError("--allow-unjudged needs --fail-on-regression")
    if not 0.5 <= confidence <= 0.9999:
        raise click.BadParameter("expected 50% to 99.99%", param_hint="--confidence")
    from orchestrator.analysis.comparison import Rules
    from orchestrator.report import comparison, comparison_formats, comparison_text
    from orchestrator.results import runs

    rules = Rules(confidence, margin, "trial" if unit == "trial" else "boot", mix)
    first = runs.find(results_path, base)
    if published:
        compared = comparison.with_published(results_path, first, rules, fail_on)
    elif new is None:
        compared = comparison.by_kernel(results_path, first, baseline, metrics, rules, fail_on)
    else:
        second = runs.find(results_path, new)
        compared = comparison.two_runs(results_path, first, second, metrics, rules, fail_on)
    rendered = comparison_formats.render(compared, format_name)
    emit(as_started(rendered) if format_name == "text" else rendered, target)
    code = compared.exit_code(allow_unjudged)
    if code is ExitCode.NOT_JUDGED:
        echo(f"orchestrate: {comparison_text.not_judged(compared)}; --allow-unjudged accepts that", err=True)
    sys.exit(code)
