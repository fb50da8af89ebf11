"""What contradicts another source: names that are taken, and different descriptions of what sources share.

A hash and a line are kept for each source, so that 100,000 sources cost some megabytes.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from workflows.onboarding.inputs import BaseConnection, Inputs, Target
from workflows.onboarding.manifest.merge import SCHEMA_IDS, is_dataset_id
from workflows.onboarding.manifest.mistakes import Notes, Path, quoted
from workflows.onboarding.manifest.yaml_events import Place
from workflows.sources import discover

Locate = Callable[[Path], Place]


class Across:
    """Compares each source with those before it."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._shared: dict[tuple[str, int], tuple[int, int]] = {}
        self._former: dict[str, Place] = {}
        self.lines: dict[int, int] = {}

    def name(self, name: str, locate: Locate) -> None:
        """A source by its name; also one in which something else is wrong."""
        if first := self.lines.get(hash(name)):
            self._notes.add(locate(("name",)), f"source {quoted(name)} is there already, in line {first}")
        else:
            self.lines[hash(name)] = locate(())[0]

    def source(self, inputs: Inputs, locate: Locate) -> None:
        """A source in which nothing is wrong."""
        self._target(inputs.target, locate)
        self._connection(inputs.connector, inputs.base_connection, locate)
        former = inputs.previously
        if former is not None:
            place = locate(("previously",))
            if first := self._former.get(former):
                self._notes.add(place, f"previously {quoted(former)} is said in line {first[0]}, too")
            else:
                self._former[former] = place

    def finish(self) -> None:
        """What can be seen only after the last source."""
        for former, place in self._former.items():
            if line := self.lines.get(hash(former)):
                self._notes.add(place, f"previously {quoted(former)} is still a source, in line {line}")

    def _target(self, target: Target, locate: Locate) -> None:
        schema, dataset = target.schema, target.dataset
        if schema is not None and not schema.startswith(SCHEMA_IDS):
            what = (target.klass, tuple(sorted(target.field_groups)))
            if line := self._differs("schema", schema, what, locate):
                self._note(
                    locate(("target", "schema")), f"schema {quoted(schema)}", line, "its class or field groups differ"
                )
        if (
            dataset is not None
            and not is_dataset_id(dataset)
            and (line := self._differs("dataset", dataset, schema, locate))
        ):
            self._note(locate(("target", "dataset")), f"dataset {quoted(dataset)}", line, "its schema differs")

    def _connection(self, connector: str, base: BaseConnection, locate: Locate) -> None:
        """Base connections that are shared: by name, or by all that anybody may see of them."""
        if base.id is not None:
            return
        if base.name is not None:
            what = (connector, tuple(sorted(base.auth.items())))
            if line := self._differs("base_connection", base.name, what, locate):
                place = locate(("base_connection", "name"))
                self._note(place, f"base connection {quoted(base.name)}", line, "its connector or auth differs")
            return
        public = sorted(discover()[connector].public(base.auth).items())
        key = orjson.dumps([connector, public]).decode()
        if line := self._differs("nameless", key, tuple(sorted(base.auth.items())), locate):
            place = locate(("base_connection", "auth"))
            self._note(place, "this base connection", line, "its secrets differ: give one of them a name")

    def _differs(self, kind: str, name: str, what: object, locate: Locate) -> int | None:
        """The line of the first source that shares this, if it describes it otherwise."""
        mine = hash(what)
        first, line = self._shared.setdefault((kind, hash(name)), (mine, locate(())[0]))
        return None if first == mine else line

    def _note(self, place: Place, what: str, line: int, differing: str) -> None:
        self._notes.add(place, f"{what} is shared with the source in line {line}, but {differing}")
