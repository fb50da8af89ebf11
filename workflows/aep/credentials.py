"""Who calls the platform, read from flags, variables and a file, in that order of precedence.

What files there are: `credential_files`. OAuth fields: contract 2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workflows.aep.credential_files import CredentialsInvalid, CredentialsMissing, read_credentials_file

BASE_URL = "https://platform.adobe.io"
IMS_URL = "https://ims-na1.adobelogin.com"

_NAMES = {
    "AEP_ACCESS_TOKEN": "access_token",
    "AEP_API_KEY": "api_key",
    "AEP_CLIENT_SECRET": "client_secret",
    "AEP_SCOPES": "scopes",
    "AEP_IMS_ORG": "ims_org",
    "AEP_SANDBOX_NAME": "sandbox",
    "AEP_BASE_URL": "base_url",
    "AEP_IMS_URL": "ims_url",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """Everything a call needs to be let in. Either `access_token`, or `client_secret` and `scopes` to fetch one."""

    access_token: str | None = None
    api_key: str
    client_secret: str | None = None
    scopes: str | None = None
    ims_org: str
    sandbox: str
    base_url: str = BASE_URL
    ims_url: str = IMS_URL

    def __repr__(self) -> str:
        return (
            f"Credentials(access_token={_hidden(self.access_token)}, api_key={self.masked_key!r}, "
            f"client_secret={_hidden(self.client_secret)}, scopes={self.scopes!r}, ims_org={self.ims_org!r}, "
            f"sandbox={self.sandbox!r}, base_url={self.base_url!r}, ims_url={self.ims_url!r})"
        )

    @property
    def masked_key(self) -> str:
        """The client id as people are shown it: `3f9c…a1`."""
        return f"{self.api_key[:4]}…{self.api_key[-2:]}" if len(self.api_key) > 8 else "…"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(secret for secret in (self.access_token, self.client_secret) if secret)


def load_credentials(environ: Mapping[str, str], file: Path | None, overrides: Mapping[str, str]) -> Credentials:
    """Merge `overrides` (flags, by the name of the variable), `environ` and `file`; empty values count as absent.

    Raises `CredentialsMissing` or `CredentialsInvalid`, each naming all faults at once.
    """
    layers = (read_credentials_file(file) if file else {}, environ, overrides)
    values = {
        field: value.strip()
        for layer in layers
        for name, field in _NAMES.items()
        if (value := layer.get(name, "")).strip()
    }
    mistakes = _mistakes(values)
    if mistakes:
        raise CredentialsInvalid(mistakes)
    missing = _missing(values)
    if missing:
        raise CredentialsMissing(missing)
    for field in ("base_url", "ims_url"):
        if field in values:
            values[field] = values[field].rstrip("/")
    return Credentials(**values)


def _missing(values: Mapping[str, str]) -> list[str]:
    names = [name for name in ("AEP_API_KEY", "AEP_IMS_ORG", "AEP_SANDBOX_NAME") if _NAMES[name] not in values]
    if "access_token" not in values:
        oauth = [name for name in ("AEP_CLIENT_SECRET", "AEP_SCOPES") if _NAMES[name] not in values]
        if oauth:
            names.append(f"{' and '.join(oauth)} (or AEP_ACCESS_TOKEN)")
    return names


def _mistakes(values: Mapping[str, str]) -> list[str]:
    mistakes = [
        f"{name} holds characters that it cannot have: only printable ASCII is sent"
        for name, field in _NAMES.items()
        if not (value := values.get(field, "")).isascii() or not value.isprintable()
    ]
    sandbox = values.get("sandbox", "")
    if sandbox != sandbox.lower():
        mistakes.append(f"AEP_SANDBOX_NAME: names of sandboxes are lower case, so not {sandbox!r}")
    mistakes.extend(
        f"{name} must be http:// or https:// and a host, without user, query or fragment"
        for name in ("AEP_BASE_URL", "AEP_IMS_URL")
        if (url := values.get(_NAMES[name])) is not None and not _is_base(url)
    )
    return mistakes


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and parts.username is None
        and not parts.query
        and not parts.fragment
        and not re.search(r"\s", url)
    )


def _hidden(secret: str | None) -> str:
    return "None" if secret is None else "'***'"
