"""The HTTP client of Adobe Experience Platform: knows HTTP and the platform's words, nothing of engines or workflows.

credentials   who calls: flags, variables, credential_files errors      what happened to a request, one tree
auth          the access token, fetched and renewed         paging      four ways to hand out a list, without I/O
client        read, pages, effect: start here               exchange    a request and its answer, over any transport
transport     httpx's interface: what left, and when        connecting  name lookup, TCP, proxies, TLS
connection    one connection of HTTP/1.1                    address     URLs, and the secrets in bodies
masks         secrets hidden in whatever others say
recorder      what would be sent                            platform_time   a clock that answers set
retry         pauses between safe requests                  seams       the gate and the clock
"""

from workflows.aep.calls import Answer, Sandbox
from workflows.aep.client import AepClient
from workflows.aep.credential_files import CredentialsError, CredentialsInvalid, CredentialsMissing
from workflows.aep.credentials import Credentials, load_credentials
from workflows.aep.errors import (
    AepError,
    BadRequest,
    Forbidden,
    Lost,
    NotFound,
    NotReady,
    NotSent,
    PreconditionFailed,
    Problem,
    Refused,
    SandboxMissing,
    TitleTaken,
    Unauthorized,
    WindowClosed,
    http_date,
)
from workflows.aep.paging import CATALOG, DATA_PREP, FLOW_SERVICE, REGISTRY, SANDBOXES
from workflows.aep.platform_time import PlatformTime
from workflows.aep.recorder import Recorded, record
from workflows.aep.seams import Clock, Gate, OpenGate, SystemClock
from workflows.aep.transport import make_transport

__all__ = [
    "CATALOG",
    "DATA_PREP",
    "FLOW_SERVICE",
    "REGISTRY",
    "SANDBOXES",
    "AepClient",
    "AepError",
    "Answer",
    "BadRequest",
    "Clock",
    "Credentials",
    "CredentialsError",
    "CredentialsInvalid",
    "CredentialsMissing",
    "Forbidden",
    "Gate",
    "Lost",
    "NotFound",
    "NotReady",
    "NotSent",
    "OpenGate",
    "PlatformTime",
    "PreconditionFailed",
    "Problem",
    "Recorded",
    "Refused",
    "Sandbox",
    "SandboxMissing",
    "SystemClock",
    "TitleTaken",
    "Unauthorized",
    "WindowClosed",
    "http_date",
    "load_credentials",
    "make_transport",
    "record",
]
