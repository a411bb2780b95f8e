"""Runs on rented machines of EC2: moto's API, and a real sshd for each instance."""

from __future__ import annotations

import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.clouds import fake_ec2
from tests.clouds.fake_ec2 import IMAGE, FakeEc2
from tests.clouds.web_page import serving
from tests.running import User

EXPERIMENT = f"""
name: rented
hosts:
  provider: ec2
  ec2:
    region: {fake_ec2.REGION}
    boot: false
    user: root
    image: {IMAGE}
    ssh_from: 127.0.0.0/8
    types: [TYPES]
benchmark:
  command: [sh, -c, 'echo "{{n}} {{host_word}}" >> EXECUTIONS; echo value={{n}}']
  metrics: {{value: {{key_value: value, unit: "1"}}}}
factors: {{n: [1, 2, 3], host_word: [x]}}
"""


def experiment(user: User, types: str = "m5.metal", more: str = "") -> Path:
    return user.file(EXPERIMENT.replace("TYPES", types) + more)


@pytest.mark.short
def test_a_run_rents_a_machine_and_gives_it_back(ec2: FakeEc2, user: User) -> None:
    seen: list[str] = []

    def look(action: str) -> None:
        if action == "TerminateInstances":
            (machine,) = ec2.machines.values()
            seen.append(machine.user_data)
            seen.append(machine.host_key)

    ec2.before = look
    ended = user.run(experiment(user))
    assert ended.code == 0, ended.err
    user.assert_complete(9)
    assert ec2.left() == {}
    user_data, host_key_at_end = seen
    first_key = user_data.split("ed25519_private: |")[1].split("ed25519_public")[0]
    assert host_key_at_end.split() != first_key.split()
    secret = first_key.split()[4]
    texts = [
        path.read_text()
        for path in (user.folder / "results").rglob("*")
        if path.suffix in (".log", ".json", ".jsonl")
    ]
    assert texts
    for text in texts:
        assert secret not in text
        assert fake_ec2.CREDENTIALS["aws_secret_access_key"] not in text
    assert not list((user.folder / "cache").rglob("identity"))


def test_the_plan_has_type_duration_and_price(user: User) -> None:
    printed = user.orchestrate("plan", experiment(user)).out
    assert "m5.metal for about" in printed
    assert "USD" in printed or "price unknown" in printed


def test_without_capacity_the_next_type_is_tried(ec2: FakeEc2, user: User) -> None:
    zones = len(ec2.client("ec2").describe_subnets()["Subnets"])
    ec2.refuse["RunInstances"] = [("InsufficientInstanceCapacity", "none left")] * zones
    ended = user.run(experiment(user, "m5.metal, m6i.metal"))
    assert ended.code == 0, ended.err
    user.assert_complete(9)


@pytest.mark.parametrize(
    ("action", "code", "words"),
    [
        ("DescribeInstances", "ExpiredToken", "expired"),
        ("DescribeInstances", "AuthFailure", "does not accept the credentials"),
        ("DescribeInstances", "UnauthorizedOperation", "does not permit DescribeInstances"),
        ("RunInstances", "UnauthorizedOperation", "does not permit RunInstances"),
        ("RunInstances", "InvalidAMIID.NotFound", "no such image"),
        ("GetRole", "NoSuchEntity", "no IAM role 'orchestrate-terminate'"),
        ("RunInstances", "InvalidInstanceType", "no such instance type"),
    ],
)
def test_a_refusal_of_the_api_is_one_line(
    ec2: FakeEc2, user: User, action: str, code: str, words: str
) -> None:
    ec2.refuse[action] = [(code, "in the words of AWS")]
    ended = user.run(experiment(user))
    assert ended.code in (2, 3)
    (line,) = ended.complaints
    assert words in line


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("RequestExpired", "Request has expired."),
        ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z"),
    ],
)
def test_a_clock_that_is_wrong(ec2: FakeEc2, user: User, code: str, message: str) -> None:
    ec2.refuse["DescribeInstances"] = [(code, message)] * 9
    ended = user.run(experiment(user))
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith(f"AWS does not accept the time of the request: {message}")
    assert "date -u" in line


@pytest.mark.parametrize(
    ("region", "code", "words"),
    [
        ("us east 1", 2, "hosts.ec2.region: no such region: 'us east 1'"),
        ("mars-west-1", 3, "boto3 knows no such region, check hosts.ec2.region"),
    ],
)
def test_a_region_that_does_not_exist(user: User, region: str, code: int, words: str) -> None:
    user.environment |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    ended = user.run(user.file(EXPERIMENT.replace("TYPES", "m5.metal").replace(fake_ec2.REGION, region)))
    assert ended.code == code
    (line,) = ended.complaints
    assert words in line


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_instead_of_aws(user: User, status: int) -> None:
    with serving(status, b"<html>log in to the network</html>") as url:
        user.environment |= {"AWS_ENDPOINT_URL": url, "AWS_REGION": fake_ec2.REGION}
        for ended in (user.run(experiment(user)), user.orchestrate("hosts", "down", "--orphans")):
            assert ended.code == 3
            assert f"AWS {fake_ec2.REGION}: no answer of the API: " in ended.complaints[0]


@pytest.mark.parametrize("code", ["InsufficientInstanceCapacity", "VcpuLimitExceeded"])
def test_no_capacity_anywhere(ec2: FakeEc2, user: User, code: str) -> None:
    ec2.refuse["RunInstances"] = [(code, "none left")] * 100
    ended = user.run(experiment(user))
    assert ended.code == 3
    assert "none left" in ended.err
    assert "no machine type is left to try" in ended.err


def test_the_region_of_the_environment(ec2: FakeEc2, user: User) -> None:
    file = user.file(
        EXPERIMENT.replace("TYPES", "m5.metal").replace(f"region: {fake_ec2.REGION}", "address: public")
    )
    refused = user.run(file)
    assert refused.code == 2
    assert refused.complaints == ["no AWS region; set hosts.ec2.region or AWS_REGION"]
    user.environment["AWS_REGION"] = fake_ec2.REGION
    ec2.refuse["DescribeInstances"] = [("ExpiredToken", "in the words of AWS")]
    assert "expired" in user.run(file).err


@pytest.mark.parametrize("words", [("validate",), ("plan",), ("run", "--dry-run")])
def test_a_plan_needs_no_account(user: User, words: tuple[str, ...]) -> None:
    text = EXPERIMENT.replace("TYPES", "m5.metal").replace(f"region: {fake_ec2.REGION}", "address: public")
    user.environment = {"AWS_CONFIG_FILE": "/dev/null", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    ended = user.orchestrate(*words, user.file(text))
    assert (ended.code, ended.complaints) == (0, [])


def test_no_credentials(user: User) -> None:
    for name in fake_ec2.CREDENTIALS:
        user.environment[name.upper()] = ""
    ended = user.run(experiment(user))
    assert ended.code == 3
    (line,) = ended.complaints
    assert line.startswith("no AWS credentials")


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"max_cost": 0.01}, "limits.max_cost is 0.01 USD"), ({"max_hours": 0.1}, "limits.max_hours is 0.1")],
)
def test_limits_refuse_before_anything_is_created(
    ec2: FakeEc2, user: User, limits: dict[str, float], words: str
) -> None:
    file = user.file(EXPERIMENT.replace("TYPES", "m5.metal"), **limits)  # type: ignore[arg-type]
    ended = user.run(file)
    assert ended.code == 2
    assert words in ended.err
    assert ec2.actions == []


def kill_after(ec2: FakeEc2, number: int) -> tuple[list[subprocess.Popen[str]], list[str]]:
    """Kill a controller after its ``number``-th action."""
    victims: list[subprocess.Popen[str]] = []
    seen: list[str] = []

    def after(action: str) -> None:
        seen.append(action)
        if len(seen) == number and victims:
            victims[0].send_signal(signal.SIGKILL)

    ec2.after = after
    return victims, seen


def end_at(ec2: FakeEc2, deadline: datetime) -> str:
    """Let the machine's tag say another deadline, as if it had been created earlier; return its schedule."""
    tag = {"Key": "orchestrate:deadline", "Value": f"{deadline:%Y-%m-%dT%H:%M:%SZ}"}
    ec2.client("ec2").create_tags(Resources=ec2.rented, Tags=[tag])
    return f"at({deadline:%Y-%m-%dT%H:%M:%S})"


def kill_new_machine(ec2: FakeEc2, user: User, file: Path) -> None:
    """Kill a controller when it has a machine, but no schedule for it yet."""
    victims, seen = kill_after(ec2, 12)
    victims.append(user.begin_run(file))
    user.end(victims[0])
    assert seen[-1] == "RunInstances"


def test_a_resumed_machine_keeps_its_deadline(ec2: FakeEc2, user: User) -> None:
    kill_new_machine(ec2, user, file := experiment(user))
    expected = end_at(ec2, datetime.now(UTC) + timedelta(minutes=40))
    schedules: list[str] = []

    def look(action: str) -> None:
        if action == "TerminateInstances":
            client = ec2.client("scheduler")
            names = [one["Name"] for one in client.list_schedules()["Schedules"]]
            schedules.extend(client.get_schedule(Name=name)["ScheduleExpression"] for name in names)

    ec2.before = look
    assert user.run(file).code == 0
    assert schedules == [expected]
    assert len(ec2.rented) == 1


def test_a_machine_that_ends_soon_is_replaced(ec2: FakeEc2, user: User) -> None:
    kill_new_machine(ec2, user, file := experiment(user))
    end_at(ec2, datetime.now(UTC) + timedelta(minutes=5))
    ended = user.run(file)
    assert ended.code == 0, ended.err
    assert "renting another machine" in ended.err
    assert len(ec2.rented) == 2


def test_a_resumed_run_ends_before_its_machine(ec2: FakeEc2, user: User) -> None:
    text = EXPERIMENT.replace("TYPES", "m5.metal").replace("echo value", "sleep 1; echo value")
    file = user.file(text, max_hours=8, trial="11min")
    kill_new_machine(ec2, user, file)
    end_at(ec2, datetime.now(UTC) + timedelta(minutes=11))
    ended = user.run(file)
    assert ended.code == 3
    assert ended.complaints[0].startswith("stopped by limits.max_hours")
    assert "resume with: " in ended.err
    assert ec2.left() == {}


def test_a_start_that_takes_long_is_not_silent(ec2: FakeEc2, user: User) -> None:
    ec2.boot_time = 12.0
    ended = user.run(experiment(user))
    assert ended.code == 0, ended.err
    lines = [line for line in ended.err.splitlines() if "no answer by SSH yet" in line]
    assert len(lines) >= 2, ended.err
    assert "(m5.metal, us-east-1" in lines[0]
    assert lines[0].endswith(" s of at most 2400 s")


def test_ctrl_c_while_a_machine_starts(ec2: FakeEc2, user: User) -> None:
    ec2.boot_time = 300.0
    process = user.begin_run(experiment(user))
    user.wait_for(lambda: ec2.rented, process)
    ended = user.kill(process, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert "stopped by SIGINT\nresume with: " in ended.err
    assert ec2.left() == {}


def test_orphans_of_a_killed_controller_are_removed(ec2: FakeEc2, user: User) -> None:
    victims, _ = kill_after(ec2, 12)
    victims.append(user.begin_run(experiment(user)))
    user.end(victims[0])
    assert ec2.left()["machines"]
    removed = user.orchestrate("hosts", "down", "--orphans")
    assert removed.code == 0, removed.err
    assert "instance" in removed.out
    assert ec2.left() == {}
    assert user.orchestrate("hosts", "down", "--orphans").out == "no orphans\n"


def test_the_removal_of_orphans_is_not_silent(ec2: FakeEc2, user: User) -> None:
    kill_new_machine(ec2, user, experiment(user))
    ec2.before = lambda action: time.sleep(17 * (action == "TerminateInstances"))
    removed = user.orchestrate("hosts", "down", "--orphans")
    assert removed.code == 0, removed.err
    lines = [line for line in removed.err.splitlines() if ": being removed, " in line]
    assert len(lines) == 2
    assert lines[0].startswith(f"{fake_ec2.REGION}: {user.run_folders[0].name}: ")


def test_what_another_machine_has_rented_is_kept(ec2: FakeEc2, user: User) -> None:
    victims, _ = kill_after(ec2, 12)
    victims.append(user.begin_run(experiment(user)))
    user.end(victims[0])
    user.environment["XDG_CACHE_HOME"] = str(user.folder / "another cache")
    assert "kept" in user.orchestrate("hosts", "down", "--orphans").out
    assert ec2.left()["machines"]
    assert "removed instance" in user.orchestrate("hosts", "down", "--orphans", "--all").out
