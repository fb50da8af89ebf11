"""What can go wrong, as frozen data: rules, rates, outages, lags. What applies them is `chaos.py`.

Rules are tried in their order; the first that matches a request and wins its draw is carried out. All draws come from
one generator, seeded with `seed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar, get_args

Kind = Literal["status", "reset", "late", "hang", "truncate", "empty", "malformed", "expire", "delay", "echo"]
SERVICES = ("ims", "sandbox-management", "schemaregistry", "catalog", "conversion", "flowservice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of fault and the requests that it befalls.

    Kinds:
        status: answer `status`; with `after`, the request takes effect first.
        reset: the connection is reset; with `after`, once the request has taken effect (a lost reply).
        late: no answer; the connection is reset after `cut` seconds (None: it stays open until the client goes or the
            effect happens), and the request takes effect `delay` seconds after it arrived, whoever is still there.
        hang: no answer, ever; with `after`, the request takes effect.
        truncate, empty, malformed: the request takes effect; half of the answer, none of it, or no JSON comes back.
        expire: every token issued so far is void from now on.
        echo: an error of the vendor, with `status`, that quotes the credentials of the connection that was asked about.
        delay: the request waits `delay` seconds in the gateway, then all is well.
        With `delay_max` the seconds are drawn, from `delay` up to it.
    Selection:
        method, service: alternatives parted by `|`; path: a regular expression searched in the path below the
        service; op: `list`, `read`, `create`, `update`, `delete`, `action` or `token`. What is None matches all.
        p: probability; skip: let the first so many matching requests pass; times: then befall at most so many.
    Retry-After:
        retry_after: seconds to name in the header of a `status` fault; date: as an HTTP date instead of seconds.
    """

    kind: Kind
    p: float = 1.0
    method: str | None = None
    service: str | None = None
    path: str | None = None
    op: str | None = None
    skip: int = 0
    times: int | None = None
    after: bool = False
    status: int = 500
    retry_after: float | None = None
    date: bool = False
    delay: float = 0.0
    delay_max: float | None = None
    cut: float | None = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind of fault {self.kind!r}; known: {', '.join(get_args(Kind))}")
        re.compile(self.path or "")

    @classmethod
    def parse(cls, text: str) -> Rule:
        """A rule from `kind=reset,after=true,method=POST,p=0.05`; raises ValueError with the reason."""
        return cls.from_json(_pairs(text))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Rule:
        """A rule from an object with the fields' names; texts are converted; raises ValueError."""
        return cls(**_typed(cls, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A token bucket for one service and organisation: beyond it 429 with `Retry-After`."""

    service: str
    per_second: float
    burst: float = 10.0
    date: bool = False

    @classmethod
    def parse(cls, text: str) -> Rate:
        """A rate from `flowservice=60` or `flowservice=60/20` (burst 20)."""
        service, _, rate = text.partition("=")
        per_second, _, burst = rate.partition("/")
        return cls(service=_service(service), per_second=_figure(per_second), burst=_figure(burst or per_second))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A window, in seconds since the start, in which a service (None: all) answers 503 or resets connections."""

    start: float
    end: float
    service: str | None = None
    reset: bool = False
    retry_after: float | None = None

    @classmethod
    def parse(cls, text: str) -> Outage:
        """An outage from `2-5`, `2-5:reset` or `2-5:503:flowservice`."""
        window, _, rest = text.partition(":")
        how, _, service = rest.partition(":")
        if how not in {"", "503", "reset"}:
            raise ValueError(f"an outage is 503 or reset, not {how!r}")
        start, dash, end = window.partition("-")
        if not dash:
            raise ValueError(f"an outage lasts from second to second, as in 2-5, not {window!r}")
        return cls(
            start=_figure(start), end=_figure(end), reset=how == "reset", service=_service(service) if service else None
        )


_Part = TypeVar("_Part", Rule, Rate, Outage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """All faults of an emulator. Times are seconds.

    Fields:
        seed: of every draw and every id; None takes a random one.
        rules: see Rule.
        rates: token buckets per service; concurrency: (service, n): more than n at once answer 500 (contract 1.4).
        outages: see Outage.
        latency: every request waits so long in the gateway; tail: the share that waits up to tail_latency instead.
        list_lag: lists show the state of so many seconds ago, deleted objects too.
        replica_lag: one of two replicas, drawn per list, is so far behind.
        index_lag: each change reaches the lists on its own, up to so much later.
        read_lag: reading by id shows the state of so many seconds ago.
    """

    seed: int | None = None
    rules: tuple[Rule, ...] = ()
    rates: tuple[Rate, ...] = ()
    concurrency: tuple[tuple[str, int], ...] = ()
    outages: tuple[Outage, ...] = ()
    latency: float = 0.0
    tail: float = 0.0
    tail_latency: float = 5.0
    list_lag: float = 0.0
    replica_lag: float = 0.0
    index_lag: float = 0.0
    read_lag: float = 0.0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Faults:
        """Faults from an object with the fields' names; rules, rates and outages may be texts. Raises ValueError."""
        return cls.from_options(**value)

    @classmethod
    def from_options(
        cls,
        *,
        rules: Sequence[str | Mapping[str, Any]] = (),
        rates: Sequence[str | Mapping[str, Any]] = (),
        concurrency: Sequence[str | Sequence[Any]] = (),
        outages: Sequence[str | Mapping[str, Any]] = (),
        lost: float = 0.0,
        errors: float = 0.0,
        late: float = 0.0,
        **plain: Any,
    ) -> Faults:
        """Faults as a command line names them; raises ValueError with the reason.

        `lost` is the probability that a reply is lost after the effect, `errors` that a request is answered 500, 503
        or 504 (half of them after the effect), `late` that an effect happens up to 5 s after its connection died.
        """
        short = [Rule(kind="reset", after=True, p=lost)] if lost else []
        short += [
            Rule(kind="status", status=status, after=after, p=errors / 6)
            for status in (500, 503, 504)
            for after in (False, True)
            if errors
        ]
        short += [Rule(kind="late", delay=0.5, delay_max=5.0, p=late, method="POST|PUT|PATCH|DELETE")] if late else []
        return cls(
            rules=(*(_parsed(Rule, rule) for rule in rules), *short),
            rates=tuple(_parsed(Rate, rate) for rate in rates),
            concurrency=tuple(_limit(limit) for limit in concurrency),
            outages=tuple(_parsed(Outage, outage) for outage in outages),
            **_typed(cls, plain),
        )


def _parsed(cls: type[_Part], value: str | Mapping[str, Any]) -> _Part:
    return cls.parse(value) if isinstance(value, str) else cls(**_typed(cls, value))


def _limit(value: str | Sequence[Any]) -> tuple[str, int]:
    service, number = value.split("=", 1) if isinstance(value, str) else (str(value[0]), value[1])
    return _service(service), int(number)


def _service(name: str) -> str:
    if name not in SERVICES:
        raise ValueError(f"unknown service {name!r}; known: {', '.join(SERVICES)}")
    return name


def _figure(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"a fault is key=value,…, not {part!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def _typed(cls: type[Rule | Rate | Outage | Faults], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with texts converted to what the fields of `cls` hold; unknown names are refused."""
    kinds = {field.name: str(field.type) for field in fields(cls)}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise ValueError(f"unknown {', '.join(unknown)}; known: {', '.join(kinds)}")
    return {name: _value(kinds[name], value) for name, value in values.items()}


def _value(kind: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if kind.endswith("None") and value.lower() == "none":
        return None
    if kind.startswith("bool"):
        return value.lower() in {"true", "yes", "1"}
    if kind.startswith("float"):
        return _figure(value)
    return int(value) if kind.startswith("int") else value
