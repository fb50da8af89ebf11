"""The manifest: what a person writes, read with all its mistakes told at once.

yaml_events, yaml_file   YAML and JSON documents, one source at a time     sniff      which of them it is
line_files               CSV and JSON lines                                schema     keys and types
shape                    pydantic's verdict in the manifest's words        merge      defaults, inputs
check, inspected, schedule, existing   mistakes within one source          across     mistakes between sources
reader, spool            the whole way, from a file to batches of inputs   mistakes   what is told, and where
template                 for `headway init`                                insert     more sources at the end
"""

from workflows.onboarding.manifest.mistakes import Flaw, ManifestErrors, Mistake, Path
from workflows.onboarding.manifest.reader import examined, read_manifest
from workflows.onboarding.manifest.schema import manifest_schema
from workflows.onboarding.manifest.spool import Spool, Spooled, check_and_spool
from workflows.onboarding.manifest.template import TEMPLATE

__all__ = [
    "TEMPLATE",
    "Flaw",
    "ManifestErrors",
    "Mistake",
    "Path",
    "Spool",
    "Spooled",
    "check_and_spool",
    "examined",
    "manifest_schema",
    "read_manifest",
]
