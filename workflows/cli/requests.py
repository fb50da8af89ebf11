"""The requests of a run, in order, as the client would send them; ids and secrets are named, not filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from engine import codec, labels
from engine.errors import Answer
from engine.model import Json, Receipt, RunState, StepState, replace
from engine.prints import source_of
from engine.resource import Adopt
from engine.workflow import Plan, Step, Workflow
from workflows.aep import AepClient, Credentials, Recorded, record
from workflows.resources import Connections, all_resources

BASE = "/data/foundation"
NAMED = {
    "authorization": "Bearer {{ACCESS_TOKEN}}",
    "x-api-key": "{{API_KEY}}",
    "x-gw-ims-org-id": "{{IMS_ORG}}",
    "x-sandbox-name": "{{SANDBOX_NAME}}",
}
"""The headers that say who asks, with variables for what they say."""
UNKNOWN = "-"
_REFERENCE = re.compile(r"\$\{(?:env|file):([^{}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One step's request. In `body` every id that another step gave is `{{step}}`, and every secret a variable."""

    step: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    id: str | None
    """The id of the object that the run has for it."""
    answer: str
    """Where the answer has the id, as a JavaScript expression of `answer`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of one run; `values`: what its variables are, as far as they are no secrets."""

    source: str
    gateway: str
    made: tuple[Request, ...]
    values: Mapping[str, str]
    secrets: tuple[str, ...]


async def requests_of(workflow: Workflow[Any], run: RunState, shared: Mapping[str, StepState], now: float) -> Requests:
    """What each step of the run sends, or would send now (epoch seconds). Adopted steps send nothing."""
    inputs = workflow.decode(run.inputs)
    plan = workflow.plan(inputs)
    states = {name: (shared if name in plan.shared else run.steps).get(name) for name in plan.steps}
    known = {name: state.receipt for name, state in states.items() if state and state.receipt}
    stand_ins = {name: _stand_in(name, known.get(name)) for name in plan.steps}
    found, values = list[Request](), {"SANDBOX_NAME": run.scope.sandbox, "IMS_ORG": run.scope.org}
    for name, step in plan.steps.items():
        spec = workflow.spec(step, inputs, stand_ins)
        id = known[name].id if name in known else ""
        values[name] = spec.ref if isinstance(spec, Adopt) else id
        if isinstance(spec, Adopt):
            continue
        named = _named(plan, run, name, states[name])
        for sent in await record(_nobody(run.scope.gateway), partial(_send, step, spec, named, now)):
            found.append(_request(name, sent, id or None))
    secrets = sorted({name for request in found for name in _variables(request.body)} - values.keys())
    return Requests(
        source=run.source, gateway=run.scope.gateway + BASE, made=tuple(found), values=values, secrets=tuple(secrets)
    )


def _named(plan: Plan, run: RunState, name: str, state: StepState | None) -> RunState:
    """The run as the step's object is named after it: what is shared after its key, each in its own generation."""
    key, generation = plan.shared.get(name), state.generation if state else run.generation
    source = key or (source_of(run, state) if state else run.source)
    return replace(run, source=source, generation=generation, shared=key is not None)


def _stand_in(name: str, receipt: Receipt | None) -> Receipt:
    """What a step gives those that need it: a variable for its id, the rest as it is known."""
    return Receipt(
        id=f"{{{{{name}}}}}", version=receipt.version if receipt else "0", data=receipt.data if receipt else {}
    )


def _nobody(gateway: str) -> Credentials:
    return Credentials(access_token=UNKNOWN, api_key=UNKNOWN, ims_org=UNKNOWN, sandbox=UNKNOWN, base_url=gateway)


async def _send(step: Step, spec: Any, run: RunState, now: float, client: AepClient) -> None:
    resource: Any = next(one for one in all_resources(client) if type(one) is step.resource)
    with suppress(Answer):  # there is no answer to be had
        if hasattr(resource, "fetch"):
            await resource.fetch(spec)
            return
        label = labels.label(run, step.name, "export", unique=resource.unique, sentinel_of=None)
        body = codec.canonical(resource.body(spec, label, now))
        await resource.create(_REFERENCE.sub(_variable, body) if step.resource is Connections else body, 60.0)


def _variable(reference: re.Match[str]) -> str:
    return "{{" + re.sub(r"\W+", "_", reference[1]).strip("_") + "}}"


def _variables(text: str) -> Iterator[str]:
    yield from re.findall(r"\{\{(\w+)\}\}", text)


def _request(name: str, sent: Recorded, id: str | None) -> Request:
    headers = {key: NAMED.get(key, value) for key, value in sent.headers}
    path = sent.path.removeprefix(BASE)
    body = orjson.dumps(orjson.loads(sent.content), option=orjson.OPT_INDENT_2).decode() if sent.content else ""
    return Request(
        step=name, method=sent.method, path=path, headers=headers, body=body, id=id, answer=_answer(path, sent.method)
    )


def _answer(path: str, method: str) -> str:
    """Where each service has the id (contract 3.1, 5.3, 7.1, 8.1)."""
    if method == "GET":
        return "answer.items[0].id"
    if path.startswith("/schemaregistry"):
        return 'answer["$id"]'
    return 'answer[0].split("/").pop()' if path.startswith("/catalog") else "answer.id"


def as_postman(requests: Requests) -> Json:
    """A Postman collection, version 2.1: each answer gives the requests after it their ids."""
    secret = ("ACCESS_TOKEN", "API_KEY", *requests.secrets)
    return {
        "info": {
            "name": f"headway {requests.source}",
            "description": "The requests of one source. Sending them again makes second objects.",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "variable": [
            {"key": "GATEWAY", "value": requests.gateway},
            *({"key": key, "value": value} for key, value in requests.values.items()),
            *({"key": key, "value": "", "type": "secret"} for key in secret),
        ],
        "item": [_as_item(request) for request in requests.made],
    }


def _as_item(request: Request) -> Json:
    path, _, query = request.path.partition("?")
    url: dict[str, Json] = {
        "raw": "{{GATEWAY}}" + request.path,
        "host": ["{{GATEWAY}}"],
        "path": list(path.strip("/").split("/")),
    }
    if query:
        url["query"] = [dict(zip(("key", "value"), part.split("=", 1), strict=True)) for part in query.split("&")]
    sent: dict[str, Json] = {
        "method": request.method,
        "header": [{"key": key, "value": value} for key, value in request.headers.items()],
        "url": url,
    }
    if request.body:
        sent["body"] = {"mode": "raw", "raw": request.body, "options": {"raw": {"language": "json"}}}
    keep = ["const answer = pm.response.json();", f'pm.collectionVariables.set("{request.step}", {request.answer});']
    return {
        "name": request.step,
        "request": sent,
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": keep}}],
    }


def as_curl(requests: Requests) -> str:
    """A shell script: who asks and every secret come from the environment; ids are those of the run, where known."""
    needed = ["ACCESS_TOKEN", "API_KEY", *requests.secrets]
    lines = [
        "#!/bin/sh",
        f"# The requests of {requests.source}. Sending them again makes second objects.",
        f"# Needs in the environment: {' '.join(needed)}",
        f"GATEWAY={shlex.quote(requests.gateway)}",
        *(f"{key}={shlex.quote(value)}" for key, value in requests.values.items()),
    ]
    for request in requests.made:
        lines += ["", f"# {request.step}" + (f": {request.id}" if request.id else ""), _as_call(request)]
    return "\n".join(lines) + "\n"


def _as_call(request: Request) -> str:
    parts = [f'curl -sS -X {request.method} "$GATEWAY{request.path}"']
    parts += [f'  -H "{_expanded(f"{name}: {value}")}"' for name, value in request.headers.items()]
    if not request.body:
        return " \\\n".join(parts)
    return " \\\n".join([*parts, "  --data-binary @- <<JSON"]) + f"\n{_expanded(request.body)}\nJSON"


def _expanded(text: str) -> str:
    """Text of the shell in which only our variables are expanded."""
    safe = re.sub(r"([\\$`])", r"\\\1", text)
    return re.sub(r"\{\{(\w+)\}\}", r"${\1}", safe)
