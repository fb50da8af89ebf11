"""`python -m workflows.emulator`: the emulator without the rest of headway; see `--help`."""

from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from workflows.emulator.config import DEFAULT_PORT, EmulatorConfig
from workflows.emulator.faults import Faults
from workflows.emulator.server import run, serve

_SECONDS = {
    "latency": "that every request takes",
    "list-lag": "that lists are behind",
    "replica-lag": "that one of two replicas is behind",
    "index-lag": "by which a change reaches the lists at the latest",
    "read-lag": "that reads by id are behind",
}
_SHARES = {
    "lost": "replies lost after the effect",
    "errors": "answers 500, 503, 504",
    "late": "effects after the connection is gone",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workflows.emulator", description="A strict local Adobe Experience Platform.")
    parser.add_argument(
        "--config", metavar="FILE", help="a whole configuration as JSON; -: a line of stdin, whose end ends it"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--json", action="store_true", help="announce the URL as one JSON line")
    parser.add_argument("--dialect", choices=["today", "2020"], default="today", help="which flow specs are shown")
    parser.add_argument("--seed-compat", action="store_true", help="accept the slips of the tutorial of 2020")
    parser.add_argument("--token-life", type=float, default=86399.0, metavar="SECONDS")
    parser.add_argument("--run-delay", type=float, default=150.0, metavar="SECONDS", help="until a due run is seen")
    parser.add_argument("--seed", type=int, help="of every draw and id")
    parser.add_argument("--fault", action="append", default=[], metavar="KEY=VALUE,…", help="a rule, see faults.Rule")
    parser.add_argument("--rate", action="append", default=[], metavar="SERVICE=N[/BURST]", help="requests per second")
    parser.add_argument("--concurrency", action="append", default=[], metavar="SERVICE=N", help="requests at once")
    parser.add_argument("--outage", action="append", default=[], metavar="FROM-TO[:503|reset[:SERVICE]]")
    for name, text in _SECONDS.items():
        parser.add_argument(f"--{name}", type=float, default=0.0, metavar="SECONDS", help=text)
    for name, text in _SHARES.items():
        parser.add_argument(f"--{name}", type=float, default=0.0, metavar="SHARE", help=text)
    return parser


def _config(given: argparse.Namespace) -> EmulatorConfig:
    if given.config is not None:
        return EmulatorConfig.from_json(orjson.loads(Path(given.config).read_bytes()))
    plain = {name.replace("-", "_") for name in (*_SECONDS, *_SHARES, "seed")}
    faults = Faults.from_options(
        rules=given.fault,
        rates=given.rate,
        concurrency=given.concurrency,
        outages=given.outage,
        **{name: value for name, value in vars(given).items() if name in plain},
    )
    kept = ("host", "port", "dialect", "seed_compat", "token_life", "run_delay")
    return EmulatorConfig(**{name: getattr(given, name) for name in kept}, faults=faults)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = _parser()
    given = parser.parse_args()
    if given.config == "-":
        with open(0, "rb", buffering=0, closefd=False) as stdin:  # unbuffered: what follows is the guard's
            config = EmulatorConfig.from_json(orjson.loads(stdin.readline()))
        run(serve(config, announce=False, guarded=True))
        return
    try:
        config = _config(given)
    except (OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    run(serve(config, announce=not given.json))


if __name__ == "__main__":
    main()
