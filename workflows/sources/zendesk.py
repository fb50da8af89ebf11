"""Zendesk (contract 4.1): a REST source of JSON, with a flow spec of its own and no ad hoc chain (6.1, 9.1)."""

from workflows.sources._types import TABULAR, Param, Secret, SourceType

SOURCE = SourceType(
    key="zendesk",
    title="Zendesk",
    connection_spec_id="0a27232b-2c6e-4396-b8c6-c9fc24e37ba4",
    auth_spec="OAuth2 Refresh Code",
    auth_params=(Param("subdomain"), Secret("accessToken")),
    flow_spec_id="6499120c-0b15-42dc-936e-847ea3c24d72",
    copies=False,
    explore="rest",
    data_format="json",
    chains=(TABULAR,),
)
