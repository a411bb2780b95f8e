"""What a provider cannot or must not do for an experiment, found before any host is contacted."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import BadInput
from orchestrator.execution.jobs.roles import check_roles
from orchestrator.execution.rights import needs_root
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.provider import Provider
from orchestrator.plan import Plan
from orchestrator.plan.estimate import Estimate


def check_provider(plan: Plan, provider: Provider) -> None:
    """Refuse, before any host is contacted, all that the provider cannot or must not do."""
    faults = _refused(lambda: check_changes(plan.experiment, provider))
    if provider.batch is not None:  # each boot is a job
        faults += _refused(lambda: check_roles(plan.experiment))
    else:
        faults += _boot_faults(plan, provider)
        faults += _refused(lambda: check_limits(plan, provider))
    if faults:
        raise BadInput(*faults)


def _refused(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except BadInput as error:
        return [str(fault) for fault in error.faults]
    return []


def _boot_faults(plan: Plan, provider: Provider) -> list[str]:
    boots, until = plan.experiment.repetitions.boots, plan.experiment.repetitions.until
    if boots > 1 and not provider.boots_kernels and until is None:
        return [
            f"repetitions.boots is {boots}, but the {provider.name} provider cannot reboot its hosts; "
            "run with --set repetitions.boots=1, or use hosts whose kernel can be booted"
        ]
    if until is not None and plan.experiment.hosts.fleet == "shard" and not provider.boots_kernels:
        return [
            f"repetitions.until with fleet: shard requires reboots, and the {provider.name} provider cannot reboot "
            "hosts; use repetitions.count, or set fleet: replicate"
        ]
    return []


def estimate(plan: Plan, provider: Provider) -> Estimate:
    """Return the estimated time of a run on the provider's hosts. Starts nothing."""
    is_sharded = plan.experiment.hosts.fleet == "shard"
    return plan.estimate(
        boot_s=provider.boot_estimate,
        hosts=max(provider.host_count, len(provider.hosts) if is_sharded else 1),
        at_once=provider.expected_at_once,
        environment=provider.expected_environment,
    )


def check_changes(experiment: Experiment, provider: Provider) -> None:
    """Refuse an experiment that changes settings where this is not allowed."""
    if needs_root(experiment) and not provider.changes_allowed:
        raise BadInput(
            f"the experiment changes settings of this machine ({provider.location}); "
            "allow it with --allow-local-changes or hosts.local.allow_changes: true"
        )


def seconds_left(plan: Plan, provider: Provider, finished: int) -> float:
    """Return the estimated seconds of a run of which some trials are finished."""
    return estimate(plan, provider).seconds * (1 - finished / max(1, plan.trial_count))


def check_limits(plan: Plan, provider: Provider | None) -> None:
    """Refuse a run that is expected to exceed ``limits.max_hours`` or ``limits.max_cost``.

    :param provider: None: not known yet. The duration of boots and the cost are then not known either.
    """
    limits = plan.experiment.limits
    hours = (estimate(plan, provider) if provider else plan.estimate()).seconds / 3600
    if limits.max_hours is not None and hours > limits.max_hours:
        raise BadInput(
            f"limits.max_hours is {limits.max_hours:g}, but the run takes about {hours:.1f} hours; "
            "raise the limit, or run less with --where, --first or --set repetitions=N"
        )
    quote = provider.quote(hours * 3600) if provider else None
    if quote is None or limits.max_cost is None:
        return
    if quote.cost is None:
        reason = (
            f"limits.max_cost is set, but the price of {quote.machine_type} is unknown; use limits.max_hours"
        )
        raise BadInput("; ".join([reason, *quote.hints]))
    if quote.cost > limits.max_cost:
        raise BadInput(
            f"limits.max_cost is {limits.max_cost:g} USD, but the run costs about {quote.cost:.2f} USD ({quote})"
        )
