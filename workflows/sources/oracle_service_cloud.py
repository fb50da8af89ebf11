"""Oracle Service Cloud (contract 4.1)."""

from workflows.sources._types import Param, Secret, SourceType

SOURCE = SourceType(
    key="oracle-service-cloud",
    title="Oracle Service Cloud",
    connection_spec_id="ba5126ec-c9ac-11eb-b8bc-0242ac130003",
    auth_spec="Basic Authentication",
    auth_params=(Param("host"), Param("username"), Secret("password")),
    flow_spec="CRMToAEP",
)
