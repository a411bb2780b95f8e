"""A reservation of Slurm, read on the login host: its nodes, its time, and who may use it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script
from orchestrator.hosts.slurm.commands import call, columns, key_values
from orchestrator.nearest import did_you_mean

LIST = ("env", "SLURM_TIME_FORMAT=%s", "scontrol", "--oneliner", "show", "reservation")
ACTIVE_JOBS = "RUNNING,COMPLETING,CONFIGURING,SUSPENDED,STOPPED"
NOTHING = "(null)"
EVER, NEVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Reservation(Struct, frozen=True):
    """What ``scontrol show reservation`` prints.

    :ivar nodes: a list of Slurm such as ``node[1-3,7]``, see :func:`expand`; empty: it has no nodes.
    :ivar users: names; one that begins with ``-`` may not use it. ``groups``, ``accounts``: the same.
    """

    name: str
    nodes: str
    start: datetime
    end: datetime
    users: tuple[str, ...]
    groups: tuple[str, ...]
    accounts: tuple[str, ...]

    @property
    def period(self) -> str:
        """When it begins and ends, in words."""
        return f"from {shown(self.start)} until {shown(self.end)}"

    def admits(self, user: str, groups: Iterable[str]) -> bool:
        """Whether a user may use it, as far as names tell: accounts are known to Slurm only."""
        if f"-{user}" in self.users:
            return False
        named = [name for name in (*self.users, *self.groups) if not name.startswith("-")]
        return not named or user in self.users or any(group in self.groups for group in groups)

    def obstacle(self, now: datetime, seconds: float) -> str:
        """Return why a run of so many seconds cannot be in it now, with the next step; empty: it can."""
        if not self.nodes:
            return f"reservation {self.name} has no nodes"
        if now < self.start:
            return f"reservation {self.name} begins at {shown(self.start)}; repeat the command then"
        left = (self.end - now).total_seconds()
        if left <= 0:
            return f"reservation {self.name} ended at {shown(self.end)}; reserve the nodes again"
        if left < seconds:
            command = f"scontrol update ReservationName={self.name} EndTime=…"
            return (
                f"reservation {self.name} ends at {shown(self.end)}, {(seconds - left) / 3600:.1f} hours too early: "
                f"the run takes about {seconds / 3600:.1f} hours; extend it with `{command}`, "
                "or run less with --where, --first or --set repetitions=N"
            )
        return ""


def shown(time: datetime) -> str:
    """Return a time for messages."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def reservations(login: Host) -> dict[str, Reservation]:
    """Return the reservations that the user can see, by name."""
    found = {}
    for line in call(login, *LIST, name="scontrol").splitlines():
        if line.startswith("ReservationName="):
            one = _parse(key_values(line))
            found[one.name] = one
    return found


def find(login: Host, name: str, seconds: float = 0.0) -> Reservation:
    """Return a reservation that a run of so many seconds can use now; ``HostError`` says why it cannot."""
    known = reservations(login)
    if name not in known:
        hint = did_you_mean(name, known)
        raise HostError(f"hosts.slurm.reservation: no reservation {name!r} on {login.name}; {hint}")
    found = known[name]
    user, groups = who(login)
    if not found.admits(user, groups):
        allowed = ", ".join((*found.users, *found.groups))
        raise HostError(
            f"reservation {name} is not for user {user}, but for {allowed}; ask an administrator for "
            f"`scontrol update ReservationName={name} Users+={user}`"
        )
    if obstacle := found.obstacle(datetime.now(UTC), seconds):
        raise HostError(obstacle)
    return found


def who(login: Host) -> tuple[str, list[str]]:
    """Return the user's name and groups on the login host."""
    words = login.run(script("id -un; id -Gn")).stdout.split()
    if not words:
        raise HostError(f"{login.name}: id prints no name of the user")
    return words[0], words[1:]


def require_no_jobs(login: Host, nodes: Sequence[str]) -> None:
    """Raise ``HostError`` if jobs are on nodes: booting the nodes would kill them."""
    listed = ("--noheader", f"--nodelist={','.join(nodes)}", f"--states={ACTIVE_JOBS}", "--format=%A|%u|%N")
    jobs = list(columns(call(login, "squeue", *listed), 3))
    if jobs:
        job, user, node = jobs[0]
        others = f" (and {len(jobs) - 1} more)" if len(jobs) > 1 else ""
        raise HostError(
            f"{node}: job {job} of {user}{others} is running there; wait until it has ended, or cancel it with "
            f"`scancel {job}`: a reservation with Flags=MAINT has no jobs of others"
        )
    for line in call(login, "scontrol", "--oneliner", "show", "node", ",".join(nodes)).splitlines():
        words = key_values(line)
        if words.get("CPUAlloc", "0") != "0":
            raise HostError(
                f"{words.get('NodeName', 'a node')}: a job that squeue does not show is running there "
                "(PrivateData=jobs); wait until it has ended, or ask an administrator"
            )


class NodeState(Struct, frozen=True):
    """A node as slurmctld sees it.

    :ivar words: state and flags, such as ``IDLE`` and ``NOT_RESPONDING``.
    :ivar reason: why it is down or drained.
    :ivar started: when its slurmd was started, as Slurm prints it.
    """

    words: tuple[str, ...]
    reason: str
    started: str

    @property
    def is_away(self) -> bool:
        """Whether no job could run on it."""
        return bool({"DOWN", "DRAIN", "NOT_RESPONDING"} & {*self.words})


def node_state(login: Host, node: str) -> NodeState:
    """Return the state of a node."""
    printed = call(login, "scontrol", "--oneliner", "show", "node", node)
    words = key_values(printed)
    _, _, reason = printed.partition(" Reason=")
    return NodeState(
        tuple(words.get("State", "").split("+")),
        reason.partition(" [")[0].strip(),
        words.get("SlurmdStartTime", ""),
    )


def expand(login: Host, nodes: str) -> tuple[str, ...]:
    """Return the names that a list of Slurm such as ``node[1-3,7]`` stands for."""
    return tuple(call(login, "scontrol", "show", "hostnames", nodes).split())


def _parse(words: dict[str, str]) -> Reservation:
    def names(key: str) -> tuple[str, ...]:
        return () if words.get(key, NOTHING) == NOTHING else tuple(words[key].split(","))

    nodes = words.get("Nodes", NOTHING)
    return Reservation(
        words["ReservationName"],
        "" if nodes == NOTHING else nodes,
        _time(words.get("StartTime", ""), EVER),
        _time(words.get("EndTime", ""), NEVER),
        names("Users"),
        names("Groups"),
        names("Accounts"),
    )


def _time(seconds: str, default: datetime) -> datetime:
    """Return a time, or the default for one that Slurm does not know or that has no limit."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return default
