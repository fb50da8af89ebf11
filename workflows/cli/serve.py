"""`emulator`: a local platform to develop and test against, without an Adobe account."""

from __future__ import annotations

from typing import Annotated

from typer import BadParameter, Option


def emulator(
    *,
    host: Annotated[str, Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, Option("--port", help="0 takes a free one.", min=0, max=65535)] = 8089,
    dialect: Annotated[str, Option("--dialect", metavar="today|2020", help="Which flow specs are shown.")] = "today",
    seed_compat: Annotated[
        bool, Option("--seed-compat", help="Accept the slips of the tutorial of February 2020.")
    ] = False,
    seed: Annotated[int | None, Option("--seed", help="Of every draw and every id.")] = None,
    lost: Annotated[float, Option("--lost", min=0, max=1, help="Share of replies lost after the effect.")] = 0.0,
    errors: Annotated[float, Option("--errors", min=0, max=1, help="Share of answers 500, 503, 504.")] = 0.0,
    late: Annotated[float, Option("--late", min=0, max=1, help="Share of effects after the connection is gone.")] = 0.0,
    fault: Annotated[
        list[str], Option("--fault", metavar="KEY=VALUE,…", help="A rule, e.g. kind=hang,after=true,p=0.1.")
    ] = [],  # noqa: B006
    rate: Annotated[
        list[str], Option("--rate", metavar="SERVICE=N[/BURST]", help="Requests per second, beyond them 429.")
    ] = [],  # noqa: B006
    outage: Annotated[
        list[str], Option("--outage", metavar="FROM-TO[:503|reset[:SERVICE]]", help="Seconds since the start.")
    ] = [],  # noqa: B006
    latency: Annotated[float, Option("--latency", min=0, help="Seconds that every request takes.")] = 0.0,
    list_lag: Annotated[float, Option("--list-lag", min=0, help="Seconds that lists are behind.")] = 0.0,
    json: Annotated[bool, Option("--json", help="Say where it is as one JSON line.")] = False,
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> int:
    """Serve a strict local Adobe Experience Platform until Ctrl-C; everything is kept in memory.

    It refuses what the platform refuses, keeps the books of what was created, and breaks on demand. At the start it
    prints the variables to set, at the end the account: created, twice, unreferenced, mistakes.

    Example:
      headway emulator
      headway emulator --port 0 --lost 0.08 --errors 0.05 --rate flowservice=60
    """
    from workflows.cli.failures import Refusal
    from workflows.emulator import EmulatorConfig, Faults
    from workflows.emulator.server import run, serve

    if dialect not in ("today", "2020"):
        raise BadParameter(f"{dialect!r} is neither today nor 2020", param_hint="--dialect")
    try:
        faults = Faults.from_options(
            seed=seed,
            rules=fault,
            lost=lost,
            errors=errors,
            late=late,
            rates=rate,
            outages=outage,
            latency=latency,
            list_lag=list_lag,
        )
    except (TypeError, ValueError) as error:
        raise BadParameter(str(error)) from error
    config = EmulatorConfig(
        host=host, port=port, dialect="2020" if dialect == "2020" else "today", seed_compat=seed_compat, faults=faults
    )
    try:
        run(serve(config, announce=not json))
    except OSError as error:
        hint = "choose another --port; 0 takes a free one"
        raise Refusal(f"cannot listen on {host}:{port}: {error.strerror}", hint) from error
    return 0
