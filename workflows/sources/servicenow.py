"""ServiceNow (contract 4.1)."""

from workflows.sources._types import Param, Secret, SourceType

SOURCE = SourceType(
    key="servicenow",
    title="ServiceNow",
    connection_spec_id="eb13cb25-47ab-407f-ba89-c0125281c563",
    auth_spec="Basic Authentication",
    auth_params=(Param("endpoint"), Param("username"), Secret("password")),
    flow_spec="CRMToAEP",
)
