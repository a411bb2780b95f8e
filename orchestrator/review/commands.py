"""The commands of a dry run that no other section has: those of this program itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import BadInput, OrchestratorError
from orchestrator.execution.dry_run import dry_run
from orchestrator.hosts.provider import Provider
from orchestrator.plan import Plan
from orchestrator.provision.bounds import TooMuch, bounded
from orchestrator.review.model import Entry

_STDIN = "    < "


def entries(
    plan: Plan, where: Sequence[str], provider: Provider, cache: Path, told: frozenset[str]
) -> Iterator[Entry]:
    """Yield each command once, of one trial with each kernel. ``BadInput`` if the templates of roles take too much.

    :param told: commands of other sections.
    """
    commands: dict[str, None] = {}
    for kernel in dict.fromkeys(block.kernel for block in plan.blocks()):
        selected = (*where, f"kernel == {json.dumps(kernel)}")
        one = Plan(plan.experiment, selected, 1, plan.hosts)
        lines: list[str] = []
        ended = ""
        try:
            with bounded("the commands of its roles"):
                dry_run(one, provider, cache, lines.append, provider.hosts[:1])
        except OrchestratorError as error:
            ended = str(error)
        except TooMuch as error:
            raise BadInput(f"{plan.experiment.file}: {error}") from None
        commands |= dict.fromkeys(_whole(lines))
        if ended:
            yield Entry(f"a dry run ends here: {ended}")
    for command in commands:
        if command not in told:
            yield Entry("", commands=(command,))


def _whole(lines: Sequence[str]) -> Iterator[str]:
    """Yield each command with its stdin, without comments."""
    command = ""
    for line in lines:
        if command and line.startswith(_STDIN):
            command += f"\n{line}"
            continue
        if command:
            yield command
        command = "" if line.startswith("# ") else line
    if command:
        yield command
