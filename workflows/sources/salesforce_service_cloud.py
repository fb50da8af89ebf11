"""Salesforce Service Cloud (contract 4.1; its documentation prints the spec id without the first letter)."""

from workflows.sources._types import Param, Secret, SourceType

SOURCE = SourceType(
    key="salesforce-service-cloud",
    title="Salesforce Service Cloud",
    connection_spec_id="cb66ab34-8619-49cb-96d1-39b37ede86ea",
    auth_spec="Basic Authentication",
    auth_params=(
        Param("environmentUrl", required=False),
        Param("username"),
        Secret("password"),
        Secret("securityToken"),
    ),
    flow_spec="CRMToAEP",
)
