"""The trials over time, boot by boot, with their outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from markupsafe import Markup
from msgspec import Struct, field

from orchestrator import timestamps
from orchestrator.experiment.model import Status
from orchestrator.report import text
from orchestrator.report.html import svg
from orchestrator.report.html.figure import Figure, Row
from orchestrator.report.model import Report
from orchestrator.results.records import BlockRecord
from orchestrator.results.store import TrialRow
from orchestrator.units import plural

ROWS = 80
"""Most boots drawn."""
MARKS = 4000
"""Most trials drawn one by one; with more, ok trials are drawn in bins."""
NOT_OK = 500
"""Most trials of a boot that are not ok and have a mark of their own."""
BINS = 400

_HEIGHT = 26.0
_UNITS = ((7200.0, 3600.0, "h"), (180.0, 60.0, "min"), (0.0, 1.0, "s"))
_STATUSES = tuple(status.value for status in Status if status is not Status.OK)


class _Lane(Struct):
    """The trials of one boot: start and end of ok trials in seconds, and the other trials."""

    ok: list[tuple[float, float]] = field(default_factory=list)
    not_ok: list[tuple[float, TrialRow]] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    ends: float = 0.0


def draw(report: Report) -> Figure | None:
    """Draw a row for each boot."""
    blocks: dict[str, BlockRecord] = {}
    for block in report.blocks:
        blocks.setdefault(block.boot, block)
    lanes, omitted = _lanes(report, list(blocks)[:ROWS])
    started = {boot: lane for boot, lane in lanes.items() if lane.ok or lane.not_ok}
    if not started:
        return None
    first = min(_starts(lane) for lane in started.values())
    scale = svg.Scale(0.0, max(lane.ends for lane in started.values()) - first, 1.0, 99.0)
    kernels = {name: index for index, name in enumerate(dict.fromkeys(b.kernel for b in blocks.values()))}
    binned = report.trial_count > MARKS
    unit = next((size, word) for least, size, word in _UNITS if scale.high >= least)
    return Figure(
        key="timeline",
        title=f"Trials over time, in {unit[1]} from the first",
        described="A row for each boot: the trials along time, and marks for those that are not ok.",
        rows=tuple(
            Row(
                f"boot {number}, {_boot(blocks[boot])}",
                _track(lane, first, scale, kernels[blocks[boot].kernel], binned),
                _words(lane),
            )
            for number, (boot, lane) in enumerate(started.items(), 1)
        ),
        axis=_axis(scale, unit[0]),
        axis_title=f"time from the first trial, {unit[1]}",
        legend=tuple(_legend(started, kernels)),
        notes=tuple(_notes(len(blocks), omitted, binned, started)),
    )


def _lanes(report: Report, boots: list[str]) -> tuple[Mapping[str, _Lane], int]:
    lanes = {boot: _Lane() for boot in boots}
    omitted = 0
    for trial in report.read_trials(()):
        lane = lanes.get(trial.boot)
        start, end = timestamps.seconds(trial.started), timestamps.seconds(trial.ended)
        if start is None or lane is None:
            omitted += 1
            continue
        end = max(start, end or start)  # the host tells both, and its clock may be set back between them
        lane.statuses[trial.status if trial.final else "repeated"] += 1
        lane.ends = max(lane.ends, end)
        if trial.status == "ok":
            lane.ok.append((start, end))
        elif len(lane.not_ok) < NOT_OK:
            lane.not_ok.append((start, trial))
    return lanes, omitted


def _starts(lane: _Lane) -> float:
    return min([start for start, _ in lane.ok] + [start for start, _ in lane.not_ok])


def _boot(block: BlockRecord) -> str:
    return text.plain(f"kernel {block.kernel} on {block.host}")


def _words(lane: _Lane) -> str:
    return ", ".join(
        f"{count} {status}" for status, count in sorted(lane.statuses.items(), key=lambda s: -s[1])
    )


def _notes(boots: int, omitted: int, binned: bool, lanes: Mapping[str, _Lane]) -> Iterator[str]:
    yield "Times are those of the hosts' clocks. Band: from the first to the last trial of the boot."
    if binned:
        yield f"More than {MARKS} trials: ok trials are drawn in {BINS} bins of time per row, darker for more trials."
    if any(len(lane.not_ok) == NOT_OK for lane in lanes.values()):
        yield f"The first {NOT_OK} trials of a boot that are not ok have a mark; the text beside the row counts all."
    if boots > ROWS:
        yield f"The first {ROWS} of {boots} boots are drawn."
    if omitted:
        yield f"{plural(omitted, 'record')} not drawn: the trial never started, or its boot is not drawn."


def _track(lane: _Lane, first: float, scale: svg.Scale, kernel: int, binned: bool) -> Markup:
    middle = _HEIGHT / 2
    left, right = scale(_starts(lane) - first), scale(lane.ends - first)
    parts = [
        svg.element("rect", x=svg.percent(left), y=1, width=svg.percent(max(0.2, right - left)), height=_HEIGHT - 2,
                    class_=f"band s{kernel % svg.SERIES}")
    ]  # fmt: skip
    if binned:
        parts += _bins(lane, first, scale)
    else:
        parts += [
            svg.line(
                scale(start - first),
                middle,
                max(scale(end - first), scale(start - first) + 0.1),
                middle,
                "ran",
            )
            for start, end in lane.ok
        ]
    for start, trial in lane.not_ok:
        status = trial.status if trial.final else f"repeated after {trial.status}"
        tooltip = f"{status}, trial {trial.id}: {trial.reason}"
        parts.append(svg.mark(_series(trial), scale(start - first), middle, text.plain(tooltip)))
    return svg.track(parts, _HEIGHT)


def _bins(lane: _Lane, first: float, scale: svg.Scale) -> Iterator[Markup]:
    counts = Counter(min(BINS - 1, int((start - first) / (scale.high or 1.0) * BINS)) for start, _ in lane.ok)
    most = max(counts.values(), default=1)
    width = (scale.end - scale.start) / BINS
    for n, count in sorted(counts.items()):
        yield svg.element(
            "rect", svg.element("title", f"{count} ok"), x=svg.percent(scale.start + n * width), y=6,
            width=svg.percent(width), height=_HEIGHT - 12, class_="bin", opacity=0.25 + 0.75 * count / most,
        )  # fmt: skip


def _series(trial: TrialRow) -> int:
    """Return the series of a mark: one for each status, hollow if the trial was repeated."""
    return 1 + _STATUSES.index(trial.status) % (svg.SERIES - 1) + svg.SERIES * (not trial.final)


def _legend(lanes: Mapping[str, _Lane], kernels: Mapping[str, int]) -> Iterator[tuple[Markup, str]]:
    for kernel, index in kernels.items():
        yield svg.band_key(index), text.plain(f"kernel {kernel}")
    statuses = {
        _series(trial): f"{trial.status}" + ("" if trial.final else ", repeated")
        for lane in lanes.values()
        for _, trial in lane.not_ok
    }
    yield from ((svg.key(series, False), words) for series, words in sorted(statuses.items()))


def _axis(scale: svg.Scale, unit: float) -> Markup:
    inner = svg.Scale(scale.low / unit, scale.high / unit, scale.start, scale.end)
    return svg.axis(inner)
