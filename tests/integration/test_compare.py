"""A run that compares: its report says how much better a cell is, and how much was published, also much later."""

from __future__ import annotations

import csv
import io
import json
import re

from tests.running import User

#: a mover whose threads are worth what the 2017 series published, and half as much for many pages
MOVER = """
name: mover
benchmark:
  command:
    - sh
    - -c
    - |
      case {mode},{pages} in
      serial,*) call=800 copy=700 ;;
      parallel,1) call=200 copy=150 ;;
      parallel,*) call=400 copy=350 ;;
      *) exit 3 ;;
      esac
      echo rate=$((8000 / call)); echo call=$call; echo copy=$copy; echo shootdowns={pages}
  metrics:
    rate: {key_value: rate, unit: GiB/s, better: higher}
    call: {key_value: call, unit: us, better: lower}
    copy: {key_value: copy, unit: us, better: lower}
    shootdowns: {key_value: shootdowns, unit: count, better: lower}
  breakdown: {total: call, phases: {copying: copy}, beside: [shootdowns]}
  exit_codes: {3: unsupported}
factors:
  mode: [serial, parallel, dma]
  threads: [1, 8]
  pages: [1, 16]
exclude:
  - (mode == 'serial') != (threads == 1)
compare:
  metric: call
  baseline: {mode: serial, threads: 1}
  published:
    dataset: rfc2017-cover
    columns: {mechanism: mode, threads: threads, page_bytes: "'2MiB'", pages: pages}
allow_unsupported: [dma]
repetitions: 2
"""


def table(text: str, heading: str) -> list[list[str]]:
    """Return the words of the table whose heading line starts so."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(heading))
    rule = next(at for at, line in enumerate(lines) if at > start and line.startswith("---"))
    rows = lines[rule + 1 : lines.index("", rule)]
    return [re.split(r"\s{2,}", line.strip()) for line in rows]


def test_from_the_file_to_measured_and_published_speed_ups(local_user: User) -> None:
    file = local_user.file(MOVER)
    ended = local_user.run(file)
    assert ended.code == 0, ended.err
    main = table(ended.out, "mode      threads  pages  n")
    assert [[row[0], row[2], *row[-3:]] for row in main] == [
        ["serial", "1", "baseline", "1.000", "-"],
        ["serial", "16", "baseline", "1.000", "-"],
        ["parallel", "1", "4.000", "2.867", "-"],
        ["parallel", "16", "2.000", "-", "-"],
        ["dma", "1", "-", "-", "unsupported 2"],
        ["dma", "16", "-", "-", "unsupported 2"],
    ]
    assert table(ended.out, "mode      threads  pages  total") == [
        ["serial", "1", "1", "800.0", "700.0", "100.0", "1"],
        ["serial", "1", "16", "800.0", "700.0", "100.0", "16"],
        ["parallel", "8", "1", "200.0", "150.0", "50.00", "1"],
        ["parallel", "8", "16", "400.0", "350.0", "50.00", "16"],
    ]
    environment = local_user.trials[0]["environment"]
    lines = local_user.orchestrate("report", "latest").out.splitlines()
    assert f"speed-up in {environment}: measured, from call." in lines
    (published,) = [line for line in lines if line.startswith("published:")]
    for detail in ("rfc2017-cover", "2017-02-17", "linux-mm", "E5-2640v3", "mmotm-2017-02-07"):
        assert detail in published


def test_the_report_needs_the_folder_of_the_run_alone(local_user: User) -> None:
    file = local_user.file(MOVER)
    local_user.run(file)
    first = local_user.orchestrate("report", "latest")
    file.unlink()
    (folder,) = local_user.run_folders
    moved = folder.rename(local_user.folder / "sent-by-mail")
    again = local_user.orchestrate("report", moved)
    assert (again.code, again.out) == (0, first.out)
    table = local_user.orchestrate("report", moved, "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(table.out, newline="")))
    parallel = next(
        line for line in lines if line["factor.mode"] == "parallel" and line["factor.pages"] == "1"
    )
    assert float(parallel["speedup_ratio"]) == 4.0


def test_a_journal_from_before_there_were_comparisons_still_reads(local_user: User) -> None:
    local_user.run(local_user.file(MOVER))
    (folder,) = local_user.run_folders
    journal = folder / "journal.jsonl"
    first, *others = journal.read_text().splitlines(keepends=True)
    opening = json.loads(first)
    del opening["compare"], opening["breakdown"]
    for metric in opening["metrics"]:
        del metric["models"]
    journal.write_text(json.dumps(opening) + "\n" + "".join(others))
    again = local_user.orchestrate("report", folder)
    assert again.code == 0
    assert "speed-up" not in again.out
    assert table(again.out, "mode ")[0][:3] == ["serial", "1", "1"]


def test_a_part_of_the_run_without_its_baseline_says_so(local_user: User) -> None:
    ended = local_user.run(local_user.file(MOVER), "--where", "mode != 'serial'")
    assert ended.code == 0, ended.err
    assert table(ended.out, "mode ")[0][-3:-1] == ["-", "2.867"]
    report = local_user.orchestrate("report", "latest").out
    for text in (ended.out, report):
        assert "No speed-up for 2 rows: --where or --first leaves the baseline out." in text


def test_validate_finds_what_cannot_be_compared(local_user: User) -> None:
    file = local_user.file(MOVER.replace("rfc2017-cover", "rfc2017-cower"))
    ended = local_user.orchestrate("validate", file.name)
    assert ended.code == 2
    (complaint,) = ended.complaints
    assert re.match(
        r"sweep\.yaml:\d+:14: dataset 'rfc2017-cower' not found; did you mean 'rfc2017-cover'\?", complaint
    )
