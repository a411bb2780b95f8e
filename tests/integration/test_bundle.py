"""Bundles as authors and evaluators use them: a run is exported, verified and reproduced."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.parse import unquote

from tests.integration.bundle_maker import MOVER, ROLE, export, reproduce
from tests.running import Ended, User

RECORDED = Path(__file__).parents[1] / "recorded" / "0.1.0-bundle.tar"


def claims(ended: Ended) -> dict[str, str]:
    return {claim["claim"]: claim["verdict"] for claim in json.loads(ended.out)["claims"]}


def test_a_run_is_exported_verified_and_reproduced_by_another_user(maker: User, user: User) -> None:
    bundle = export(maker)
    verified = maker.orchestrate("verify", bundle)
    assert verified.code == 0, verified.err
    assert re.search(r": OK, \d+ files, id [0-9a-f]{64}", verified.out)
    sent = Path(shutil.copy(bundle, user.folder))
    shutil.rmtree(maker.folder / "roles")  # only the bundle is needed
    ended = reproduce(user, sent)
    assert ended.code == 0, (ended.out, ended.err)
    assert "Claims: 13 hold." in ended.out
    assert re.search(r"orchestrator +(\S+, source [0-9a-f]{12}) +\1 +same", ended.out)
    (again,) = user.folder.glob("again/*/*/reproduction.json")
    assert json.loads(again.read_text())["mode"] == "short"
    manifest = json.loads((again.parent / "manifest.json").read_text())
    assert manifest["overrides"] == ["order.seed=5", "repetitions=2"]
    assert manifest["where"] == ["pages > 0"]


def test_a_claim_that_does_not_hold_ends_with_exit_code_5(maker: User, made: User) -> None:
    bundle = export(maker)
    made.executions.touch()
    try:
        ended = reproduce(maker, bundle, "--format", "json")
        text = reproduce(maker, bundle, "--new")
    finally:
        made.executions.unlink()
    assert ended.code == 5, ended.err
    judged = claims(ended)
    assert judged["parallel works"] == "holds"
    assert judged["where scaling ends: parallel at pages=1"] == "does not hold"
    assert judged["order of modes at pages=16"] == "does not hold"
    assert judged["parallel, threads=8 at pages=16 over serial"] == "does not hold"
    assert text.code == 5
    assert "10 do not hold" in text.out


def test_a_bundle_recorded_by_0_1_0_is_reproduced_and_its_run_exported_again(user: User) -> None:
    sent = Path(shutil.copy(RECORDED, user.folder))
    ended = user.orchestrate("reproduce", sent, "--mode", "short", "--format", "json", "--host", "local")
    assert ended.code == 0, ended.err
    outcomes = [claim for claim in json.loads(ended.out)["claims"] if claim["kind"] == "outcome"]
    assert [(claim["claim"], claim["verdict"]) for claim in outcomes] == [
        ("serial works", "holds"),
        ("parallel works", "holds"),
        ("dma is not supported", "holds"),
    ]
    subprocess.run(["tar", "-C", user.folder, "--one-top-level=old", "-xf", sent], check=True)
    (unpacked,) = (user.folder / "old").iterdir()
    run = user.folder / "recorded" / "mover" / "20261128T152219461Z-8994"
    shutil.copytree(unpacked / "run", run)
    experiment = unpacked / "experiment" / "mover.yaml"
    exported = user.orchestrate("export", run, "--experiment", experiment, "-o", "again.tar")
    assert exported.code == 0, exported.err
    assert user.orchestrate("verify", "again.tar").code == 0


def test_two_exports_are_identical_and_an_archive_unpacks_to_the_directory(maker: User) -> None:
    first, second = export(maker), export(maker, "--output", "second.tar")
    assert first.read_bytes() == second.read_bytes()
    assert maker.orchestrate("verify", second, "--id", "0" * 64).code == 2
    folder = export(maker, "--directory", "--output", "made")
    subprocess.run(["tar", "-C", maker.folder, "--one-top-level=out", "-xf", first], check=True)
    (unpacked,) = (maker.folder / "out").iterdir()
    subprocess.run(["diff", "-r", folder, unpacked], check=True)
    for sums in ("SHA256SUMS.sha256", "SHA256SUMS"):
        subprocess.run(["sha256sum", "--quiet", "--strict", "-c", sums], cwd=unpacked, check=True)
    assert maker.orchestrate("verify", unpacked).code == 0
    assert (export(maker, "--folder", "--output", "made-by-0.1") / "README.md").is_file()


def test_verify_names_the_file_of_a_modified_byte(maker: User) -> None:
    bundle = export(maker)
    whole = bundle.read_bytes()
    with tarfile.open(bundle) as archive:
        members = archive.getmembers()
    last = members[-1]
    end = last.offset_data + -(-last.size // 512) * 512
    random_bytes = random.Random(20170217)
    for _ in range(10):
        position = random_bytes.randrange(len(whole))
        bundle.write_bytes(
            whole[:position]
            + bytes([whole[position] ^ 1 << random_bytes.randrange(8)])
            + whole[position + 1 :]
        )
        owner = next((m.name.partition("/")[2] for m in reversed(members) if m.offset <= position), "")
        ended = maker.orchestrate("verify", bundle)
        assert ended.code == 2
        (complaint,) = ended.complaints
        assert complaint.startswith(f"{owner if position < end else bundle.name}: "), position
    assert reproduce(maker, bundle).code == 2


def test_scrubbing_replaces_every_occurrence_of_a_name(maker: User) -> None:
    manifest = maker.run_folders[0] / "manifest.json"
    document = json.loads(manifest.read_text())
    document["controller"]["host"] = "lab-7f3q.corp.example"
    document["command_line"][0] = "/home/jdoe42/orchestrate"
    manifest.write_text(json.dumps(document))
    (maker.run_folders[0] / "lab-7f3q.console.log").write_text(
        "lab-7f3q login: jdoe42@lab-7f3q.corp.example 10.20.30.40\n"
    )
    bundle = export(maker, "--scrub", "--scrub-word", "Pretends", "--directory", "--output", "scrubbed")
    originals = [b"lab-7f3q", b"corp.example", b"jdoe42", b"10.20.30.40", b"s3cr3t-k3y", b"Pretends"]
    for path in [*bundle.rglob("*"), bundle]:
        content = path.read_bytes() if path.is_file() else b""
        for original in originals:
            assert original not in content, path
            assert original not in path.name.encode()
    assert (
        bundle / "run" / "host-2.console.log"
    ).read_text() == "host-2 login: person-1@example.invalid 198.18.0.1\n"
    assert 'contact: "198.18.0.1"' in (bundle / "experiment" / "sweep.yaml").read_text()
    assert "Scrubbed names" in (bundle / "README.md").read_text()
    ended = reproduce(maker, bundle)
    assert ended.code == 0, ended.err
    assert "The bundle was scrubbed" in ended.out


def test_a_bundle_is_scrubbed_in_a_directory_named_like_one_of_its_parts(maker: User) -> None:
    (maker.folder / "experiment").mkdir()
    bundle = export(maker, "--scrub", "--directory", "--output", "experiment/scrubbed")
    assert 'contact: "198.18.0.1"' in (bundle / "experiment" / "sweep.yaml").read_text()


def test_without_scrub_nothing_is_replaced(maker: User) -> None:
    bundle = export(maker, "--directory")
    assert socket.gethostname() in (bundle / "run" / "manifest.json").read_text()
    assert (bundle / "experiment" / "sweep.yaml").read_text() == (maker.folder / "sweep.yaml").read_text()


def test_every_file_that_the_readme_names_exists(maker: User) -> None:
    bundle = export(maker, "--directory")
    readme = (bundle / "README.md").read_text()
    assert "| where scaling ends: parallel at pages=1 | ends at 4 (" in readme
    for part in re.findall(r"^\| `([^`]+)`", readme, re.MULTILINE):
        assert (bundle / part).exists(), part
    reports = ("report/report.md", "report/report.csv", "report/report.json", "report/report.tex")
    for name in (*reports, "program/docs/bundles.md"):
        assert (bundle / name).is_file()
    assert (bundle / "report" / "report.txt").read_text() == maker.orchestrate("report", "latest").out
    assert (bundle / "experiment/roles/site/tasks.yaml").read_text() == ROLE
    assert subprocess.run(["sh", bundle / "reproduce", "half"], capture_output=True).returncode == 2
    assert re.search(r"^paramiko==\d", (bundle / "requirements.txt").read_text(), re.MULTILINE)


def test_the_bundle_lists_what_the_run_was_made_with(maker: User) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    file = maker.run_folders[0] / "manifest.json"
    manifest = json.loads(file.read_text())
    assert manifest["licences"]["click"] == {"expression": "BSD-3-Clause"}
    del manifest["packages"]["rich"]
    manifest["python"] = "3.99.1"
    manifest["packages"] |= {"click": "8.0+ours", "Not_Here": "1!2"}
    manifest["licences"]["Not_Here"] = {"name": "Beer"}
    linux, patch = "a" * 64, "b" * 64
    manifest["kernels"]["built"] = {
        "release": "6.12.1",
        "build_id": "0123",
        "ingredients": {
            "source": "package linux-source-6.12=6.12.1-1",
            "package": {"sha256": {"linux-source-6.12=6.12.1-1": linux}},
            "patches": [{"name": "0001-one.patch", "sha256": patch}],
            "compiler": "gcc 12",
        },
    }
    manifest["programs"]["fio"] = {"path": "/usr/bin/fio", "sha256": "no\nhash", "package": "fio 3.33-3"}
    file.write_text(json.dumps(manifest))
    bundle = export(maker, "--directory")
    assert maker.orchestrate("verify", bundle).code == 0
    text = (bundle / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert {"serialNumber", "timestamp"}.isdisjoint({*document, *document["metadata"]})
    own = document["metadata"]["component"]
    assert (own["name"], own["version"]) == ("migration-orchestrator", manifest["version"])
    found = {component["name"]: component for component in document["components"]}
    assert found["Python"]["version"] == "3.99.1"
    assert not {"rich", "migration-orchestrator"} & found.keys()
    assert found["click"]["purl"] == "pkg:pypi/click@8.0%2Bours"
    assert found["click"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert found["Not_Here"]["purl"] == "pkg:pypi/not-here@1%212"
    assert found["Not_Here"]["licenses"] == [{"license": {"name": "Beer"}}]
    (kernel,) = (one for one in document["components"] if one.get("version") == "6.12.1")
    assert [(part["name"], part["hashes"][0]["content"]) for part in kernel["components"]] == [
        ("linux-source-6.12", linux), ("0001-one.patch", patch),
    ]  # fmt: skip
    assert {"name": "orchestrate:compiler", "value": "gcc 12"} in kernel["properties"]
    assert "hashes" not in found["fio"]


def test_the_bundle_is_an_ro_crate(maker: User, tmp_path: Path) -> None:
    from rocrate.rocrate import ROCrate

    from tests.ro_crate import faults

    bundle = export(maker, "--directory")
    crate = ROCrate(bundle)
    assert crate.mainEntity.id == "experiment/sweep.yaml"
    (action,) = (entity for entity in crate.contextual_entities if entity.type == "CreateAction")
    assert action["instrument"].id == "experiment/sweep.yaml"
    assert "run/journal.jsonl" in {entity.id for entity in action["result"]}
    for entity in crate.data_entities:
        assert (bundle / entity.id).exists(), entity.id
    # Recommended by RO-Crate, but only the author knows it: who made the run, where the program is published.
    unknown = re.compile(r"agent|author|publisher|SHOULD have a url|SHOULD be an absolute URI")
    assert [fault for fault in faults(bundle, tmp_path) if not unknown.search(fault)] == []


def test_a_host_that_is_called_like_a_key_of_the_manifest_is_scrubbed(maker: User) -> None:
    manifest = maker.run_folders[0] / "manifest.json"
    document = json.loads(manifest.read_text())
    document["controller"]["host"] = "controller"
    manifest.write_text(json.dumps(document))
    bundle = export(maker, "--scrub", "--folder", "--output", "scrubbed")
    scrubbed = json.loads((bundle / "run" / "manifest.json").read_text())
    assert re.fullmatch(r"host-\d", scrubbed["controller"]["host"])
    assert maker.orchestrate("verify", bundle).code == 0


ODD_FILES = (
    "a b.txt",
    "50%#x.txt",
    "x&y?.txt",
    'it\'s "5".txt',
    "ünï-面试.txt",
    "a:b;c=d,e+f@g!(h)[i]{j}^k`l|m~n$o",
)


def test_a_bundle_with_odd_names_below_an_odd_path(tmp_path: Path) -> None:
    from tests.ro_crate import faults

    folder = tmp_path / 'it\'s a "größe" of 100%'
    folder.mkdir()
    user = User(folder)
    files = folder / "roles" / "site" / "files"
    files.mkdir(parents=True)
    for name in ODD_FILES:
        (files / name).write_text(name)
    (files.parent / "tasks.yaml").write_text(ROLE)
    (files.parent / "defaults.yaml").write_text("contact: nobody\napi_key: nothing\n")
    try:
        file = user.file(MOVER.replace("EXECUTIONS", "/nowhere"), "exp with space.yaml")
        ended = user.run(file, "--where", "pages == 1")
        assert ended.code == 0, ended.err
        sent, bundle = export(user), export(user, "--folder", "--output", "ein Bündel")
        assert user.orchestrate("verify", bundle).code == 0
        graph = json.loads((bundle / "ro-crate-metadata.json").read_text())["@graph"]
        described = [entity["@id"] for entity in graph if "File" in entity["@type"]]
        assert all(re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})+", name) for name in described)
        assert "experiment/roles/site/files/ünï-面试.txt" in described
        names = {unquote(name) for name in described}
        assert {f"experiment/roles/site/files/{name}" for name in ODD_FILES} < names
        assert "experiment/exp with space.yaml" in names
        assert [name for name in names if not (bundle / name).is_file()] == []
        unknown = re.compile(r"agent|author|publisher|SHOULD have a url|SHOULD be an absolute URI")
        plain = shutil.copytree(bundle, tmp_path / "plain")  # the validator takes the path for a URI
        assert [fault for fault in faults(plain, tmp_path) if not unknown.search(fault)] == []
        again = reproduce(user, sent)
        assert again.code == 0, (again.out, again.err)
        check_script(bundle, tmp_path)
    finally:
        user.close()


def check_script(bundle: Path, folder: Path) -> None:
    """Run ``reproduce`` with a ``make`` that installs this Python, and a pip that only looks at what it is given."""
    programs = folder / "programs"
    programs.mkdir()
    make = programs / "make"
    make.write_text(
        '#!/bin/sh\nset -eu\ncd "$3"\nmkdir -p .venv/bin\ncat >.venv/bin/python <<"END"\n'
        '#!/bin/sh\n[ "$1 $2" != "-m pip" ] || exec grep -q ^fabric== "$7"\n'
        f'exec {sys.executable} "$@"\nEND\nchmod +x .venv/bin/python\n'
        "echo 'import sys; print(sys.argv[1:])' >.venv/bin/orchestrate\n"
    )
    make.chmod(0o755)
    ended = subprocess.run(
        ["sh", bundle / "reproduce", "short", "--host", "local"],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    words = [
        "reproduce",
        str(bundle),
        "--mode",
        "short",
        "--results",
        f"{bundle}.work/results",
        "--host",
        "local",
    ]
    assert ended.stdout == f"{words}\n"
