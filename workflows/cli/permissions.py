"""What the credentials may do in each service, found out without creating anything; and what time it is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from workflows.aep import AepClient, AepError, Forbidden, Lost, NotSent, Refused, Unauthorized, http_date
from workflows.cli.failures import Exit, explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: a small read of it, and a request to create with an empty body. That creates nothing, and tells all
    the same: a service refuses whoever may not create before it reads the body.

    `reads`, `creates` name objects; `view`, `manage` the permissions as the product profile does.
    """

    family: str
    path: str
    params: Mapping[str, str]
    reads: str
    view: str
    headers: Mapping[str, str] = field(default_factory=dict)
    creates: str = ""
    at: str = ""
    manage: str = ""
    only_validate: Mapping[str, str] = field(default_factory=dict)


QUESTION = b"{ }"
"""A body that says nothing, so that nothing can be created, and that no serialiser writes, so that the emulator's books
can tell the question from a request whose body was forgotten."""

SERVICES = (
    Service(
        family="flowservice",
        path="/flows",
        params={"limit": "1"},
        reads="flows",
        view="View Sources",
        creates="connections",
        at="/connections",
        manage="Manage Sources",
    ),
    Service(
        family="schemaregistry",
        path="/tenant/schemas",
        params={"limit": "1", "orderby": "title"},
        headers={"accept": "application/vnd.adobe.xed-id+json"},
        reads="schemas",
        view="View Schemas",
        creates="schemas",
        at="/tenant/schemas",
        manage="Manage Schemas",
    ),
    Service(
        family="catalog",
        path="/dataSets",
        params={"limit": "1"},
        reads="datasets",
        view="View Datasets",
        creates="datasets",
        at="/dataSets",
        manage="Manage Datasets",
        only_validate={"pragma": "validate-only"},  # contract 1.1
    ),
    Service(
        family="conversion",
        path="/mappingSets",
        params={"limit": "1", "start": "0"},
        reads="mapping sets",
        view="View Sources",
    ),
)


@dataclass(slots=True)
class Rights:
    """What was found out.

    `denied`: what does not work, in words; `asked_for`: the permissions that would mend it; `allowed`, `untold`: what
    may be created, and of what nobody said. `ahead`: between how many
    seconds this machine's clock is ahead of the platform's, None when no answer was dated.
    """

    denied: list[str] = field(default_factory=list)
    codes: list[Exit] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    _least: float = -inf
    _most: float = inf

    @property
    def ahead(self) -> float | None:
        """The middle of what the answers' dates leave possible."""
        return None if self._most == inf else (self._least + self._most) / 2

    def deny(self, what: str, error: AepError, permission: str) -> None:
        """Note that something does not work."""
        problem = error.problem
        name = problem.code or (str(problem.status) if problem.status else "no answer")
        self.denied.append(f"{what} does not work ({name}: {problem.message})")
        self.codes.append(explain(error)[0])
        if isinstance(error, Forbidden | Unauthorized) and permission not in self.asked_for:
            self.asked_for.append(permission)

    def dated(self, date: str | None, sent: float, received: float) -> None:
        """Learn from an answer's date, which has whole seconds; `sent`, `received` by this machine's clock."""
        there = http_date(date)
        if there is not None:
            self._least = max(self._least, sent - there - 1)
            self._most = min(self._most, received - there)


async def look_around(client: AepClient) -> Rights:
    """Read a little of each service, and try to create nothing in it."""
    look = Rights()
    for service in SERVICES:
        try:
            sent = time.time()
            answer = await client.read(
                "GET", service.family, service.path, params=service.params, headers=service.headers
            )
            look.dated(answer.headers.get("date"), sent, time.time())
        except AepError as error:
            look.deny(f"reading {service.reads}", error, service.view)
            continue
        if service.creates:
            await _try_to_create(client, service, look)
    return look


async def _try_to_create(client: AepClient, service: Service, look: Rights) -> None:
    try:
        await client.effect("POST", service.family, service.at, headers=service.only_validate, content=QUESTION)
    except (Forbidden, Unauthorized) as error:
        works = f"reading {service.reads} works, " if service.reads != service.creates else ""
        look.deny(f"{works}creating {service.creates}", error, service.manage)
    except (Lost, NotSent, Refused):
        look.untold.append(service.creates)
    except AepError:  # refused for what it says, so that who says it may create
        look.allowed.append(service.creates)
    else:
        look.allowed.append(service.creates)
