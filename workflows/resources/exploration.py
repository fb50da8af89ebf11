"""The systems behind base connections: whether they answer, which tables they have, what a table holds (contract 4.4
to 4.6). Everything here only reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import anyio

from engine.errors import NotReady, Rejected
from engine.model import Failure
from workflows.aep import FLOW_SERVICE, AepClient, Answer, BadRequest, NotFound, Problem
from workflows.resources._columns import Field, misfits, read_columns
from workflows.resources._json import dig, rows, text
from workflows.resources._translate import answers, code_number

REST_TABLE = "json"
"""What a REST source has in place of tables (contract 4.6)."""
_REST = {"objectType": "rest", "object": REST_TABLE, "fileType": "json", "preview": "true", "sourceParams": "e30"}
_UNREACHABLE = frozenset({"1100", "1302", "1308"})
_NO_TABLE = frozenset({"1330", "1336", "1337"})
_TRIES = 3
"""So often a new connection may be unknown to its own test, because reads lag; then it goes untested."""
_LOOK = (
    "Look at the credentials and the address, and at whether the account may log in there. A connection keeps those "
    "that it was made with, until `auth` in the manifest says others or `headway destroy` takes it down."
)
_KEPT = 4096
"""Verdicts that are kept; an older one is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table behind a base connection, by its path; `rest` where the source is one of JSON, not of tables."""

    base_id: str
    path: str
    rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A table as the system lists it: `path` is its identifier, `name` is for people (contract 4.5)."""

    path: str
    name: str


class Explorer:
    """Looks behind base connections. What `check` found out is asked once for each process."""

    def __init__(self, client: AepClient) -> None:
        self._client = client
        self._verdicts: OrderedDict[object, Rejected | None] = OrderedDict()
        self._locks: dict[object, anyio.Lock] = {}
        self._unknown: dict[str, int] = {}

    async def tables(self, base_id: str, *, rest: bool = False) -> list[Listed]:
        """Every table. Raises `Rejected`, of kind `unreachable` where the vendor refused, and other answers."""
        if rest:
            return [Listed(path=REST_TABLE, name=REST_TABLE)]
        with answers(passing=(BadRequest,)):
            try:
                answer = await self._explore(base_id, {"objectType": "root"})
            except BadRequest as refused:
                raise unreachable(base_id, refused.problem) from refused
        listed = [(text(item, "path") or text(item, "name"), item) for item in rows(answer.body)]
        return [Listed(path=path, name=text(item, "name") or path) for path, item in listed if path]

    async def columns(self, table: Table) -> tuple[Field, ...] | None:
        """The table's columns; None where the platform does not show them. Raises `Rejected`, of kind `no_table` where
        there is no such table and `unreachable` where the vendor refused, and other answers."""
        query = _REST if table.rest else {"objectType": "table", "object": table.path}
        with answers(passing=(BadRequest, NotFound)):
            try:
                answer = await self._explore(table.base_id, query)
            except (BadRequest, NotFound) as refused:
                number = code_number(refused.problem.code)
                if number in _UNREACHABLE:
                    raise unreachable(table.base_id, refused.problem) from refused
                if number in _NO_TABLE:
                    raise _no_table(table, refused.problem) from refused
                return None
        return read_columns(answer.body)

    async def test(self, base_id: str) -> None:
        """Whether the connection's address and credentials work. Raises `Rejected`, of kind `unreachable`, when they do
        not: any refusal counts as that (contract 17, A16)."""
        with answers(passing=(BadRequest, NotFound)):
            try:
                answer = await self._client.read("GET", FLOW_SERVICE, f"/connections/{quote(base_id, safe='')}/test")
            except NotFound as unknown:
                self._unknown[base_id] = tries = self._unknown.get(base_id, 0) + 1
                if tries < _TRIES:
                    raise NotReady(f"the base connection {base_id} is not there yet") from unknown
                return
            except BadRequest as refused:
                raise unreachable(base_id, refused.problem) from refused
        if dig(answer.body, "result") is False:
            raise unreachable(base_id)

    # for steps that write down what a table holds, over a base connection that a run made

    def checked(self, table: Table, columns: Sequence[Field]) -> bool:
        """Whether `check` found nothing wrong with this before."""
        return self._verdicts.get(_key(table, columns), True) is None

    async def check(self, table: Table, columns: Sequence[Field]) -> None:
        """Test the base connection, then hold `columns` against the live table. Raises `Rejected` for what is wrong."""
        await self._once(table.base_id, lambda: self.test(table.base_id))
        await self._once(_key(table, columns), lambda: self._compare(table, columns))

    async def _compare(self, table: Table, columns: Sequence[Field]) -> None:
        live = await self.columns(table)
        found = () if live is None else misfits(columns, live, table.path)
        wrong = [f'{one.message}; did you mean "{one.meant}"?' if one.meant else one.message for one in found]
        if wrong:
            hint = "Mend the columns in the manifest and run again; `headway explore` shows the table."
            raise Rejected(Failure(kind="invalid", message="; ".join(wrong), hint=hint))

    async def _once(self, key: object, ask: Callable[[], Awaitable[None]]) -> None:
        """One question at a time; a refusal is remembered, too, and told to all who ask."""
        async with self._locks.setdefault(key, anyio.Lock()):
            if key not in self._verdicts:
                try:
                    await ask()
                    self._verdicts[key] = None
                except Rejected as refused:
                    self._verdicts[key] = refused
            verdict = self._verdicts[key]
            if len(self._verdicts) > _KEPT:
                self._verdicts.popitem(last=False)
        self._locks.pop(key, None)
        if verdict is not None:
            raise Rejected(verdict.failure)

    async def _explore(self, base_id: str, query: Mapping[str, str]) -> Answer:
        path = f"/connections/{quote(base_id, safe='')}/explore"
        return await self._client.read("GET", FLOW_SERVICE, path, params=query)


def unreachable(base_id: str, problem: Problem | None = None) -> Rejected:
    """The system behind a base connection does not answer it."""
    said = f": {problem.message}" if problem else ""
    return Rejected(
        Failure(
            kind="unreachable",
            message=f"the system behind the base connection {base_id} refuses it, or cannot be reached{said}",
            code=problem.code if problem else None,
            status=problem.status if problem else None,
            hint=_LOOK,
            request_id=problem.request_id if problem else None,
        )
    )


def _no_table(table: Table, problem: Problem) -> Rejected:
    return Rejected(
        Failure(
            kind="no_table",
            message=f"there is no table {table.path} behind the base connection {table.base_id}",
            code=problem.code,
            status=problem.status,
            hint="`headway explore` lists the tables.",
            request_id=problem.request_id,
        )
    )


def _key(table: Table, columns: Sequence[Field]) -> tuple[Table, int]:
    return table, hash(tuple(columns))
