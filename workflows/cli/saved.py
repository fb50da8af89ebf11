"""A saved plan: which manifest it is about, and a print of what it foresaw. `run` does exactly that, or refuses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from workflows.cli.failures import Refusal
from workflows.cli.options import Changing

KEY = "headway_plan"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What `plan -o` writes."""

    manifest: str
    defaults: str | None
    only: list[str]
    exclude: list[str]
    replace: bool
    delete_data: bool
    refresh: bool
    print_of: str

    def check(self, file: str, options: Changing, defaults: Path | None) -> None:
        """A plan says itself which sources it is about, and what may be done: nothing else may be asked for with it.
        Raises `Refusal`, also where what it was made of is not here."""
        missing = [name for name in (self.manifest, self.defaults) if name and not Path(name).exists()]
        if missing:
            raise Refusal(
                f"{file} was made from {' and '.join(missing)}, which {'are' if missing[1:] else 'is'} not here",
                "run it in the folder in which the plan was made; nothing was sent",
            )
        asked = {
            "--defaults": (defaults and str(defaults), self.defaults),
            "--only": (options.only, self.only),
            "--exclude": (options.exclude, self.exclude),
            "--replace": (options.replace, self.replace),
            "--refresh": (options.refresh, self.refresh),
            "--delete-data": (options.delete_data, self.delete_data),
        }
        other = [name for name, (wanted, planned) in asked.items() if wanted and wanted != planned]
        if other:
            raise Refusal(
                f"{file} was planned without this {' '.join(other)}, and does exactly what it says",
                f"make another plan, or run {self.manifest} itself; nothing was sent",
            )

    def rest(self, options: Changing, *, wait: bool) -> str:
        """The command that goes on with a plan that was begun: what is left of it is another plan."""
        flags = {
            "--replace": self.replace,
            "--delete-data": self.delete_data,
            "--refresh": self.refresh,
            "--wait": wait,
            "--yes": options.yes,
        }
        chosen = [word for name in self.only for word in ("--only", name)]
        chosen += [word for name in self.exclude for word in ("--exclude", name)]
        words = ["run", self.manifest, *chosen, *(name for name, given in flags.items() if given)]
        return options.headway(*words, defaults=Path(self.defaults) if self.defaults else None)

    def write(self, file: Path) -> None:
        """One line of JSON."""
        file.write_bytes(orjson.dumps({KEY: VERSION, **asdict(self)}) + b"\n")

    @classmethod
    def read(cls, file: str) -> Self | None:
        """The plan in a file; None: it holds something else, a manifest by all means. What is no file is left alone:
        a pipe can be read but once. Raises `Refusal` for a plan that cannot be understood."""
        try:
            if not Path(file).is_file():
                return None
            with Path(file).open("rb") as lines:
                start = lines.read(64)
                if not start.startswith(b'{"%s":' % KEY.encode()):
                    return None
                found: dict[str, Any] = orjson.loads(start + lines.read())
            if found.pop(KEY) == VERSION:
                return cls(**found)
        except OSError:
            return None
        except (orjson.JSONDecodeError, TypeError):
            pass  # half of a plan, or one with other fields
        raise Refusal(f"{file} is no plan of this headway, or not all of one", "make it again with headway plan -o")


def refuse_plan(file: str) -> None:
    """Say of a saved plan what it is for, where a manifest is asked for. Raises `Refusal`."""
    if Saved.read(file):
        raise Refusal(f"{file} is a saved plan, not a manifest", f"`headway run {file}` does what it says")
