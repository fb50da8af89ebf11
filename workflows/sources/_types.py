"""What headway has to know about a kind of source: data only, one value per connector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ADHOC = "adhoc"
TABULAR = "tabular"
CHAINS = (ADHOC, TABULAR)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a base connection that anybody may see (contract 4.1)."""

    name: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Secret(Param):
    """A parameter that must never be written down: the manifest names it only by reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceType:
    """One connector, as contract 4.1, 4.5, 4.6, 6.1 and 9.1 describe it.

    `key` is the word in the manifest. A flow spec is looked up by `flow_spec`, its name, or by
    `flow_spec_id` where the platform's documentation prints no name; exactly one of them is set.
    `copies` says whether its flow has a Copy transformation, which needs a delta column.
    `explore` is the object type to ask for when looking at a table, `data_format` the format
    of a source connection in the `tabular` chain. The first of `chains` is the default.
    """

    key: str
    title: str
    connection_spec_id: str
    auth_spec: str
    auth_params: tuple[Param, ...]
    flow_spec: str | None = None
    flow_spec_id: str | None = None
    copies: bool = True
    explore: Literal["table", "rest"] = "table"
    data_format: Literal["tabular", "json"] = "tabular"
    chains: tuple[str, ...] = CHAINS

    def param(self, name: str) -> Param | None:
        """The auth parameter of that name, or None."""
        return next((param for param in self.auth_params if param.name == name), None)

    def public(self, auth: Mapping[str, str]) -> dict[str, str]:
        """What of `auth` anybody may see: where the system is, and as whom."""
        return {name: value for name, value in auth.items() if not isinstance(self.param(name), Secret)}
