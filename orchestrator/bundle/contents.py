"""The manifest and the journal of a run, read once for its bundle."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.results import codec, journal, manifest
from orchestrator.results.codec import plain_text
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import BlockRecord, RunRecord, TrialRecord, is_complete
from orchestrator.results.runs import RunFolder


class RunContents(Struct, frozen=True):
    """A run's directory, its manifest and a summary of its journal.

    :ivar blocks: the boots of the run.
    :ivar hosts: names of the run's hosts and of the machine that ran the orchestrator.
    :ivar environments: environments in which the run measured, sorted.
    :ivar planned_trials: number of trials in the plan; ``ended_trials``: of those that have ended.
    :ivar complete: whether the run has ended with all of its trials.
    :ivar damage: file, line and fault of each damaged line of the journal; these are left out.
    """

    folder: RunFolder
    manifest: Manifest
    blocks: tuple[BlockRecord, ...]
    hosts: frozenset[str]
    environments: tuple[str, ...]
    planned_trials: int
    ended_trials: int
    complete: bool
    damage: tuple[str, ...] = ()

    def moved(self, folder: RunFolder) -> RunContents:
        """Return the same contents for a copy of the directory."""
        return replace(self, folder=folder)


def read(run: RunFolder) -> RunContents:
    """Read a run in one pass, without damaged lines; ``BadInput`` if its manifest or journal cannot be read."""
    provenance = manifest.load(run.path)
    blocks: list[BlockRecord] = []
    hosts = {str(provenance.controller.get("host", ""))}
    environments: set[str] = set()
    planned = ended = 0
    record = None
    damage: list[str] = []
    for record in journal.read(run.journal, damage.append):
        if isinstance(record, RunRecord):
            planned = planned or record.trials
            hosts.update(codec.in_unicode(record).hosts)
        elif isinstance(record, BlockRecord):
            blocks.append(codec.in_unicode(record))
            hosts.add(blocks[-1].host)
        elif isinstance(record, TrialRecord):
            environments.add(plain_text(record.environment))
            hosts.add(plain_text(record.host))
            ended += record.final
    return RunContents(
        folder=run,
        manifest=provenance,
        blocks=tuple(blocks),
        hosts=frozenset(hosts - {""}),
        environments=tuple(sorted(environments)),
        planned_trials=planned,
        ended_trials=ended,
        complete=is_complete(record, ended, planned, bool(damage)) and bool(provenance.complete),
        damage=tuple(damage),
    )
