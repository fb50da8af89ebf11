"""The requests of a run, in order, as the client would send them; ids and secrets are named, not filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
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
from workflows.resources import Connections, FlowSpec, all_resources

BASE = "/data/foundation"
NAMED = {
    "authorization": "Bearer {{ACCESS_TOKEN}}",
    "x-api-key": "{{API_KEY}}",
    "x-gw-ims-org-id": "{{IMS_ORG}}",
    "x-sandbox-name": "{{SANDBOX_NAME}}",
}
"""The headers that say who asks, with variables for what they say."""
UNKNOWN = "-"
BASE_CONNECTION = "base_connection"
"""The variable for a base connection that the manifest names by id: no step makes or adopts it."""
START, LEAD = "START", 600
"""The variable for a start that nobody named, and how many seconds it lies ahead of when the requests are sent."""
_REFERENCE = re.compile(r"\$\{(?:env|file):([^{}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an answer has the id, in the languages of those who send."""

    jq: str
    javascript: str
    """An expression of `answer`."""


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
    found_at: Place
    """Where the answer has the id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests of one run; `values`: where it is, and the ids that it adopts."""

    source: str
    gateway: str
    made: tuple[Request, ...]
    values: Mapping[str, str]
    secrets: tuple[str, ...]


async def requests_of(workflow: Workflow[Any], run: RunState, shared: Mapping[str, StepState], now: float) -> Requests:
    """What each step of the run sends, or would send now (epoch seconds). Adopted steps send nothing."""
    inputs, base_id = _unbound(workflow.decode(run.inputs))
    plan = workflow.plan(inputs)
    states = {name: (shared if name in plan.shared else run.steps).get(name) for name in plan.steps}
    known = {name: state.receipt for name, state in states.items() if state and state.receipt}
    stand_ins = {name: _stand_in(name, known.get(name)) for name in plan.steps}
    found, values = list[Request](), {"SANDBOX_NAME": run.scope.sandbox, "IMS_ORG": run.scope.org}
    for name, step in plan.steps.items():
        spec = workflow.spec(step, inputs, stand_ins)
        if isinstance(spec, Adopt):
            values[name] = known[name].id if name in known else spec.ref
            continue
        named = _named(plan, run, name, states[name])
        for sent in await record(_nobody(run.scope.gateway), partial(_send, step, spec, named, now)):
            found.append(_request(name, sent, known[name].id if name in known else None))
    if any(BASE_CONNECTION in _variables(request.body) for request in found) and base_id is not None:
        values[BASE_CONNECTION] = base_id
    secrets = sorted(
        {name for request in found for name in _variables(request.body)} - values.keys() - {START, *states}
    )
    return Requests(
        source=run.source, gateway=run.scope.gateway + BASE, made=tuple(found), values=values, secrets=tuple(secrets)
    )


def _unbound(inputs: Any) -> tuple[Any, str | None]:
    """Inputs that name a variable for the id of an existing base connection, and that id."""
    base = inputs.base_connection
    if base.id is None:
        return inputs, None
    return replace(inputs, base_connection=replace(base, id=f"{{{{{BASE_CONNECTION}}}}}")), base.id


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
        body = codec.canonical(_startable(spec, resource.body(spec, label, now), now))
        await resource.create(_REFERENCE.sub(_variable, body) if step.resource is Connections else body, 60.0)


def _startable(spec: Any, body: Any, now: float) -> Any:
    """The body; of a flow whose start nobody named, or has passed, with a variable for it."""
    if not isinstance(spec, FlowSpec) or (spec.start is not None and spec.start + spec.offset > now):
        return body
    return {**body, "scheduleParams": {**body["scheduleParams"], "startTime": f"{{{{{START}}}}}"}}


def _variable(reference: re.Match[str]) -> str:
    return "{{" + re.sub(r"\W+", "_", reference[1]).strip("_") + "}}"


def _variables(text: str) -> Iterator[str]:
    yield from re.findall(r"\{\{(\w+)\}\}", text)


def _request(name: str, sent: Recorded, id: str | None) -> Request:
    headers = {key: NAMED.get(key, value) for key, value in sent.headers}
    path = sent.path.removeprefix(BASE)
    body = orjson.dumps(orjson.loads(sent.content), option=orjson.OPT_INDENT_2).decode() if sent.content else ""
    return Request(
        step=name,
        method=sent.method,
        path=path,
        headers=headers,
        body=body.replace(f'"{{{{{START}}}}}"', f"{{{{{START}}}}}"),
        id=id,
        found_at=_found_at(path, sent.method),
    )


def _found_at(path: str, method: str) -> Place:
    """Where each service has the id (contract 3.1, 5.3, 7.1, 8.1); a flow spec is in a list or alone (conflict 37)."""
    if method == "GET":
        return Place(jq="(.items[0] // .).id", javascript="(answer.items ? answer.items[0] : answer).id")
    if path.startswith("/schemaregistry"):
        return Place(jq='.["$id"]', javascript='answer["$id"]')
    if path.startswith("/catalog"):
        return Place(jq='.[0] | split("/") | last', javascript='answer[0].split("/").pop()')
    return Place(jq=".id", javascript="answer.id")


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
            *({"key": key, "value": ""} for key in (START, *(request.step for request in requests.made))),
        ],
        "event": [
            _script("prerequest", f'pm.collectionVariables.set("{START}", Math.floor(Date.now() / 1000) + {LEAD});')
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
    keep = f'pm.collectionVariables.set("{request.step}", {request.found_at.javascript});'
    return {
        "name": request.step,
        "request": sent,
        "event": [_script("test", "const answer = pm.response.json();", keep)],
    }


def _script(listen: str, *lines: str) -> Json:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": list(lines)}}


_SEND = """\
# json TEXT: as it stands within quotes in JSON
json() { printf '%s' "$1" | jq -Rrs 'tojson | .[1:-1]'; }

# send STEP PLACE ARGUMENT...: sends with curl, and keeps as $id what the answer has at that place
send() {
  step=$1 place=$2
  shift 2
  answer=$(curl -sS --fail-with-body "$@") || { echo "$step: $answer" >&2; exit 1; }
  id=$(printf '%s' "$answer" | jq -er "$place") || { echo "$step: no id in $answer" >&2; exit 1; }
  echo "$step=$id"
}"""


def as_curl(requests: Requests) -> str:
    """A shell script, which ends at the first refusal. Each id comes from the answer of its own request; who asks, and
    every secret, from the environment, which may also name another sandbox and other objects to adopt."""
    needed = ["ACCESS_TOKEN", "API_KEY", *requests.secrets]
    lines = [
        "#!/bin/sh",
        f"# The requests of {requests.source}, which make new objects; another sandbox is named by SANDBOX_NAME.",
        "# Ends at the first that is refused: where the run was, its titles are taken.",
        f"# Needs curl (7.76 or newer), jq, and in the environment: {' '.join(needed)}",
        "set -eu",
        ": " + " ".join(f'"${{{name}:?}}"' for name in needed),
        f"GATEWAY=${{GATEWAY:-{shlex.quote(requests.gateway)}}}",
        *(f"{key}=${{{key}:-{shlex.quote(value)}}}" for key, value in requests.values.items()),
        f"{START}=${{{START}:-$(($(date +%s) + {LEAD}))}}",
        "",
        _SEND,
    ]
    for request in requests.made:
        lines += ["", f"# {request.step}" + (f": {request.id} where it was exported" if request.id else "")]
        lines += [_as_call(request, requests.secrets), f"{request.step}=$id"]
    return "\n".join(lines) + "\n"


def _as_call(request: Request, secrets: Collection[str]) -> str:
    parts = [f"send {request.step} '{request.found_at.jq}' -X {request.method} \"$GATEWAY{request.path}\""]
    parts += [f'  -H "{_expanded(f"{name}: {value}")}"' for name, value in request.headers.items()]
    if not request.body:
        return " \\\n".join(parts)
    body = _expanded(request.body, secrets)
    return " \\\n".join([*parts, "  --data-binary @- <<JSON"]) + f"\n{body}\nJSON"


def _expanded(text: str, secrets: Collection[str] = ()) -> str:
    """Text of the shell in which only our variables are expanded, secrets as they stand within JSON's quotes."""
    safe = re.sub(r"([\\$`])", r"\\\1", text)
    return re.sub(
        r"\{\{(\w+)\}\}", lambda found: f'$(json "${found[1]}")' if found[1] in secrets else f"${{{found[1]}}}", safe
    )
