"""Files with credentials, as people have them already.

NAME=value lines         like a shell's, with the names of the variables (`AEP_API_KEY=…`)
the project JSON         that the Adobe Developer Console lets one download
a Postman environment    of the request collections that Adobe publishes
an aepp configuration    of the Python library
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(["'])(.*)\1\s*(?:#.*)?""")
_POSTMAN = {
    "API_KEY": "AEP_API_KEY",
    "CLIENT_SECRET": "AEP_CLIENT_SECRET",
    "SCOPES": "AEP_SCOPES",
    "IMS_ORG": "AEP_IMS_ORG",
    "SANDBOX_NAME": "AEP_SANDBOX_NAME",
}
_AEPP = {
    "client_id": "AEP_API_KEY",
    "secret": "AEP_CLIENT_SECRET",
    "scopes": "AEP_SCOPES",
    "org_id": "AEP_IMS_ORG",
    "sandbox-name": "AEP_SANDBOX_NAME",
}


class CredentialsError(ValueError):
    """The credentials cannot be used; the message says what to do and shows no value of a secret."""


class CredentialsMissing(CredentialsError):
    """`names` lists every variable that is still needed."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        super().__init__(
            f"missing: {', '.join(names)}. Set them as variables, or give a file with --credentials "
            "(NAME=value lines, the project JSON of the Adobe Developer Console, a Postman environment of Adobe's, "
            "or a configuration of aepp)"
        )


class CredentialsInvalid(CredentialsError):
    """`mistakes` lists everything that is wrong with what was given."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(mistakes))


def read_credentials_file(file: Path) -> Mapping[str, str]:
    """What a file says, by the names of the variables. Raises `CredentialsInvalid` for one that is of no known kind."""
    try:
        text = file.read_text("utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsInvalid(
            [f"{file}: cannot be read ({getattr(error, 'strerror', None) or 'not text'})"]
        ) from None
    return _from_json(file, text) if text.lstrip().startswith("{") else _from_lines(file, text)


def _from_json(file: Path, text: str) -> Mapping[str, str]:
    try:
        content: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CredentialsInvalid([f"{file}:{error.lineno}: not JSON"]) from None
    for key, read in _KINDS.items():
        if key in content:
            return read(file, content)
    known = "the project JSON of the Adobe Developer Console, a Postman environment, a configuration of aepp"
    raise CredentialsInvalid([f"{file}: none of the files with credentials that are known: {known}"])


def _from_lines(file: Path, text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    mistakes: list[str] = []
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            mistakes.append(f"{file}:{number}: not a NAME=value line")
            continue
        name, value = match.groups()
        quoted = _QUOTED.fullmatch(value)
        values[name] = quoted.group(2) if quoted else re.sub(r"(^|\s)#.*", "", value).strip()
    if mistakes:
        raise CredentialsInvalid(mistakes)
    return values


def _from_postman(file: Path, content: dict[str, Any]) -> dict[str, str]:
    """An environment of Adobe's Postman collections (github.com/adobe/experience-platform-postman-samples); IMS is a
    host there. Its own current token is left out: it may have expired, and a new one can be fetched."""
    try:
        said = {entry["key"]: _said(entry["value"]) for entry in content["values"] if entry.get("enabled", True)}
    except (LookupError, TypeError, AttributeError):
        raise CredentialsInvalid([f"{file}: not a Postman environment"]) from None
    values = {name: said.get(key, "") for key, name in _POSTMAN.items()}
    if ims := said.get("IMS"):
        values["AEP_IMS_URL"] = ims if "://" in ims else f"https://{ims}"
    if not values["AEP_CLIENT_SECRET"]:
        values["AEP_ACCESS_TOKEN"] = said.get("ACCESS_TOKEN", "")
    return values


def _from_aepp(file: Path, content: dict[str, Any]) -> dict[str, str]:
    """A configuration of aepp (github.com/pitchmuc/aepp, docs/main.md), for OAuth server to server."""
    if not content.get("scopes"):
        raise CredentialsInvalid(
            [f"{file}: a configuration of aepp without scopes; of its kinds only OAuth server-to-server is supported"]
        )
    said = {key: _said(value) for key, value in content.items()}
    values = {name: said.get(key, "") for key, name in _AEPP.items()}
    values["AEP_API_KEY"] = values["AEP_API_KEY"] or said.get("api_key", "")
    environment = said.get("environment") or "prod"
    if environment != "prod":
        values["AEP_BASE_URL"] = f"https://platform-{environment}.adobe.io"
        values["AEP_IMS_URL"] = "https://ims-na1-stg1.adobelogin.com"
    return values


def _said(value: object) -> str:
    return "" if value is None else str(value).strip()


def _from_console(file: Path, content: dict[str, Any]) -> dict[str, str]:
    """The console's project JSON: `project.org` and one OAuth entry of `project.workspace.details.credentials`."""
    try:
        project = content["project"]
        found = [
            entry["oauth_server_to_server"]
            for entry in project["workspace"]["details"]["credentials"]
            if "oauth_server_to_server" in entry
        ]
        values = [_oauth(project, entry) for entry in found]
    except (LookupError, TypeError, AttributeError):
        raise CredentialsInvalid([f"{file}: not the project JSON of the Adobe Developer Console"]) from None
    if len(values) != 1:
        raise CredentialsInvalid(
            [f"{file}: holds {len(values)} OAuth server-to-server credentials; exactly one can be used"]
        )
    return values[0]


def _oauth(project: dict[str, Any], entry: dict[str, Any]) -> dict[str, str]:
    values = {
        "AEP_API_KEY": entry["client_id"],
        "AEP_CLIENT_SECRET": entry["client_secrets"][0],
        "AEP_SCOPES": ",".join(entry["scopes"]),
        "AEP_IMS_ORG": project["org"]["ims_org_id"],
    }
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError
    return values


_KINDS: Mapping[str, Callable[[Path, dict[str, Any]], Mapping[str, str]]] = {
    "project": _from_console,
    "values": _from_postman,
    "org_id": _from_aepp,
}
"""By the key that tells a kind of JSON file."""
