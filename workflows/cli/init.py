"""`init`: a manifest to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def init(
    file: Annotated[Path, Argument(metavar="FILE", help="Where to write it.")] = Path("sources.yaml"),
    schema: Annotated[bool, Option("--schema", help="Print the JSON Schema of manifests, for editors.")] = False,
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
) -> int:
    """Write a commented sources.yaml, and say what to do next. An existing file is left alone.

    Example:
      headway init
      headway init --schema > manifest.schema.json
    """
    from workflows.onboarding.manifest import TEMPLATE, manifest_schema

    if schema:
        import json

        print(json.dumps(manifest_schema(), indent=2))
        return 0
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(TEMPLATE)
    except FileExistsError:
        from workflows.cli.failures import Refusal

        raise Refusal(f"{file} exists already", "name another file, or edit that one") from None
    print(f"""\
{file} is written: one source, with comments on everything else.

Next   edit it: which tables, which columns, where they go
       set AEP_API_KEY, AEP_CLIENT_SECRET, AEP_SCOPES, AEP_IMS_ORG, AEP_SANDBOX_NAME
       (the Adobe Developer Console shows them; or put them into a file: --credentials FILE)
       set SERVICENOW_PASSWORD, or whatever it names for the source's own password
       headway doctor              are they right?
       headway plan {file}   what would be made?
       headway run {file}    make it""")
    return 0
