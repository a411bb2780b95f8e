"""What an experiment needs of a machine that exists, by the judgements of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator import architectures
from orchestrator.doctor import controller, fixes
from orchestrator.doctor.finding import Finding, reason_of
from orchestrator.doctor.state import HostState
from orchestrator.errors import BadInput, HostError
from orchestrator.execution import needs, placement
from orchestrator.execution.check_mode import NO_RUN, without_mode
from orchestrator.execution.rights import needs_root
from orchestrator.execution.visit import NO_PROGRAM
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.command import script
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.remote import lock
from orchestrator.hosts.remote.folder import SCRIPTS, HostFolder
from orchestrator.plan import Plan
from orchestrator.provision.loading import changes_host, load
from orchestrator.units import format_size, parse_size

ABSENT = """
for pattern; do
    for file in $pattern; do [ ! -e "$file" ] || continue 2; done
    printf '%s\\n' "$pattern"
done
"""
"""Prints those of the files that do not exist; they may have wildcards."""


def findings(
    plan: Plan, provider: Provider, machine: Machine, host: Host, facts: Facts, state: HostState
) -> Iterator[Finding]:
    """Yield a finding for each requirement; installs nothing and changes nothing."""
    experiment = plan.experiment
    asked = without_mode(experiment) if machine.files_survive_boot else experiment
    yield _judged(
        host,
        "needs",
        lambda: needs.require(host.name, asked, provider, facts, machine.differences(facts)),
        "the host meets them",
    )
    if needs_root(experiment) and not facts.root:
        reason = "the experiment changes settings of the host, which requires root"
        yield Finding(host.name, "changes", "missing", reason, fixes.SUDO, needed=True)
    else:
        yield _judged(host, "lock", lambda: _check_free(host, experiment), "the host is free")
    yield _runner(host, facts, state)
    yield from _programs(plan, host)
    yield from _settings(experiment, host)
    yield from _huge_pages(experiment, host, facts, state)
    if experiment.tuning.cpus or experiment.tuning.settings:
        yield _judged(
            host, "placement", lambda: placement.check(host, experiment.tuning), "the CPUs are there"
        )


def _judged(host: Host, subject: str, judge: Callable[[], None], well: str) -> Finding:
    """Return the judgement of a function that raises ``HostError`` where a run would."""
    try:
        judge()
    except HostError as error:
        return Finding(host.name, subject, "missing", reason_of(error, host.name), needed=True)
    return Finding(host.name, subject, "ok", well)


def _check_free(host: Host, experiment: Experiment) -> None:
    """Raise ``HostError`` if a run has the host."""
    folder = HostFolder(host, root=needs_root(experiment))
    if not folder.exists():
        return
    lock.check_free(folder, NO_RUN)
    runner = folder.runner()
    if runner is not None:
        raise HostError(runner.refusal(host.name))


def _runner(host: Host, facts: Facts, state: HostState) -> Finding:
    architecture = architectures.of_machine(facts.machine)
    if (architecture and controller.has_runner(architecture)) or {"make", "cc"} <= state.programs:
        return Finding(host.name, "runner", "ok", "there, or it can be built")
    reason = "the program that runs trials cannot be built: no make and C compiler here or there"
    command = fixes.compiler(facts, state)
    return Finding(host.name, "runner", "missing", reason, command, needed=True)


def _programs(plan: Plan, host: Host) -> Iterator[Finding]:
    """Programs that are not built by a role; a role that changes the host may install them."""
    names = [name for name in plan.programs if "/" not in name]
    names += ["taskset"] if plan.experiment.tuning.cpus else []
    text = SCRIPTS.files["program.sh"].decode()
    missing = [
        name
        for name in names
        if host.run(script(text, "/", name, accept=(0, NO_PROGRAM))).exit_code == NO_PROGRAM
    ]
    if not missing:
        if names:
            yield Finding(host.name, "programs", "ok", ", ".join(names))
        return
    reason = f"{', '.join(missing)}: command not found"
    if _may_change(plan.experiment):
        yield Finding(host.name, "programs", "warning", f"{reason}; a role may install what is missing")
    else:
        yield Finding(host.name, "programs", "missing", f"{reason}; install with a role", needed=True)


def _settings(experiment: Experiment, host: Host) -> Iterator[Finding]:
    required = [
        setting.path
        for setting in experiment.tuning.settings
        if setting.path.startswith("/") and not setting.optional and not setting.off_if_missing
    ]
    if not required:
        return
    absent = host.run(script(ABSENT, *required)).stdout.splitlines()
    if not absent:
        yield Finding(host.name, "tuning", "ok", "the files of all settings exist")
        return
    reason = "; ".join(f"{path}: No such file or directory" for path in absent)
    if _may_change(experiment):
        yield Finding(
            host.name, "tuning", "warning", f"{reason}; a role may load the kernel module that has it"
        )
    else:
        yield Finding(host.name, "tuning", "missing", reason, needed=True)


def _may_change(experiment: Experiment) -> bool:
    return any(changes_host(load(role)) for role in experiment.roles)


def _huge_pages(experiment: Experiment, host: Host, facts: Facts, state: HostState) -> Iterator[Finding]:
    """Pools for benchmarks with the options ``memory`` and ``page_size`` that use hugetlb."""
    if "hugetlb" not in _texts(experiment, "memory"):
        return
    words = {"base": facts.page_size, "huge": facts.default_huge_page}
    for text in sorted(_texts(experiment, "page_size") or {"huge"}):
        try:
            size = words.get(text) or parse_size(text)
        except BadInput:
            continue
        if size <= facts.page_size:
            continue
        subject, pages = f"huge pages of {format_size(size)}", state.huge_pages.get(size)
        file = f"hugepages-{size // 1024}kB/nr_hugepages"
        is_tuned = any(setting.path.endswith(file) for setting in experiment.tuning.settings)
        if pages is None:
            yield Finding(host.name, subject, "missing", "the host has no pages of this size", needed=True)
        elif pages.free or is_tuned:
            how = "the experiment sets their number" if is_tuned else f"{pages.free} free"
            yield Finding(host.name, subject, "ok", how)
        else:
            reason = "none is free, and the experiment sets no number (tuning.hugepages)"
            command = fixes.huge_pages(size, pages.total, facts)
            yield Finding(host.name, subject, "missing", reason, command, needed=True)


def _texts(experiment: Experiment, name: str) -> set[str]:
    """Return the levels of an option of the benchmark."""
    if name not in experiment.benchmark.options:
        return set()
    factors = [factor for axis in experiment.sweep.axes for factor in axis.factors if factor.name == name]
    fixed = experiment.benchmark.arguments.get(name)
    levels = [level for factor in factors for level in factor.levels] or ([fixed] if fixed else [])
    return {level.text for level in levels}
