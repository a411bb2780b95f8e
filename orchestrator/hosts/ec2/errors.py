"""Errors of boto3 as one line with the next step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import BadInput, HostError, OrchestratorError
from orchestrator.hosts.rented.cloud import NoCapacity, NotConfigured

NO_CAPACITY = frozenset(
    {"InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity", "Unsupported"}
)
QUOTA = frozenset({"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded"})
SPOT_PRICE = frozenset({"SpotMaxPriceTooLow"})
SPOT_ROLE = frozenset({"AuthFailure.ServiceLinkedRoleCreationNotPermitted"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
WRONG_TIME = re.compile("Signature expired|not yet current|Request has expired|RequestTimeTooSkewed")
"""In messages of requests that are signed with another time than that of AWS."""
NOT_ACCEPTED = frozenset(
    {"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)
NOT_ALLOWED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
NO_IMAGE = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"})
NO_TYPE = frozenset({"InvalidInstanceType"})


def code_of(error: BaseException | None) -> str:
    """Return the code of an error of the API; empty for other errors."""
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


@contextmanager
def explained(region: str) -> Iterator[None]:
    """Raise errors of boto3 as errors of this program."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _explain(error, region) from error
    except ResponseParserError as error:
        raise _no_api(region, str(error).partition("\n")[0].rstrip(":")) from error
    except KeyError as error:  # boto3 takes any XML, such as a web page, for an answer
        raise _no_api(region, f"{error} is missing") from error


def _is_known(region: str) -> bool:
    import boto3

    session = boto3.session.Session(region_name="us-east-1")
    partitions = session.get_available_partitions()
    return any(region in session.get_available_regions("ec2", one) for one in partitions)


def _no_api(region: str, reason: str) -> HostError:
    """Return the error of something that answers and is not AWS."""
    return HostError(
        f"AWS {region}: no answer of the API: {reason}; check AWS_ENDPOINT_URL, and the proxy if there is one"
    )


def _explain(error: BaseException, region: str) -> OrchestratorError:
    from botocore.exceptions import (
        ConnectionError,
        HTTPClientError,
        InvalidRegionError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        TokenRetrievalError,
    )

    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound):
        return NotConfigured(
            f"no AWS credentials: {error}; set AWS_PROFILE, or configure them with: aws configure"
        )
    if isinstance(error, TokenRetrievalError):
        return HostError(f"AWS credentials: {error}; log in again with: aws sso login")
    if isinstance(error, InvalidRegionError):
        return BadInput(f"hosts.ec2.region: no such region: {region!r}; see: aws ec2 describe-regions")
    if isinstance(error, ConnectionError | HTTPClientError):
        hint = "" if _is_known(region) else "; boto3 knows no such region, check hosts.ec2.region"
        return HostError(f"cannot reach AWS in {region}: {error}{hint}")
    response: Any = getattr(error, "response", {})
    message = str(response.get("Error", {}).get("Message", error))
    action = getattr(error, "operation_name", "request")
    code = code_of(error)
    if code in NO_CAPACITY:
        return NoCapacity(f"no capacity: {message}")
    if code in QUOTA:
        return NoCapacity(
            f"quota reached: {message} Request an increase in Service Quotas, or use another type or region"
        )
    if code in SPOT_PRICE:
        return NoCapacity(f"spot instances cost more than on-demand ones now: {message}")
    if code in SPOT_ROLE:
        return HostError(
            "AWS: this account has no role for spot instances; "
            "create it with: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"
        )
    if code == "RequestExpired" or WRONG_TIME.search(f"{code} {message}"):
        return HostError(
            f"AWS does not accept the time of the request: {message}; compare the clock of this machine (date -u); "
            "if it is right, log in again, for example with: aws sso login"
        )
    if code in EXPIRED:
        return HostError("AWS credentials have expired; log in again, for example with: aws sso login")
    if code in NOT_ACCEPTED:
        return HostError(f"AWS does not accept the credentials: {message}; see: aws sts get-caller-identity")
    if code in NOT_ALLOWED:
        return HostError(f"AWS does not permit {action}: {message}; docs/clouds.md lists the permissions")
    if code in NO_IMAGE:
        return BadInput(f"hosts.ec2.image: no such image in {region}: {message}")
    if code in NO_TYPE:
        return BadInput(f"hosts.ec2.types: no such instance type in {region}: {message}")
    if not code:
        return _no_api(region, str(error)) if response else HostError(f"AWS {region}: {message}")
    return HostError(f"AWS {region}: {action}: {code}: {message}")
