"""Connectors are found by themselves, and secrets are only ever references."""

from pathlib import Path

import pytest

from workflows.sources import Param, Secret, SecretError, discover, is_reference, resolve_secret


def test_every_connector_is_found_with_the_data_of_the_contract() -> None:
    """Contract 4.1."""
    assert {key: source.connection_spec_id for key, source in discover().items()} == {
        "oracle-service-cloud": "ba5126ec-c9ac-11eb-b8bc-0242ac130003",
        "salesforce-service-cloud": "cb66ab34-8619-49cb-96d1-39b37ede86ea",
        "servicenow": "eb13cb25-47ab-407f-ba89-c0125281c563",
        "zendesk": "0a27232b-2c6e-4396-b8c6-c9fc24e37ba4",
    }
    assert discover() is discover()


@pytest.mark.parametrize("key", sorted(discover()))
def test_a_connector_is_complete(key: str) -> None:
    source = discover()[key]
    assert source.key == key
    assert source.title
    assert source.auth_spec
    assert any(isinstance(param, Secret) for param in source.auth_params)
    assert (source.flow_spec is None) != (source.flow_spec_id is None)


def test_a_parameter_is_found_by_name() -> None:
    servicenow = discover()["servicenow"]
    assert servicenow.param("endpoint") == Param("endpoint")
    assert servicenow.param("password") == Secret("password")
    assert servicenow.param("server") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:SERVICENOW_PASSWORD}", True),
        ("${file:/run/secrets/my password}", True),
        ("${env:}", False),
        ("${env:A B}", False),
        ("x${env:A}", False),
        ("${env:A}${env:B}", False),
        ("${secret:A}", False),
        ("hunter2", False),
    ],
)
def test_a_reference_is_a_whole_text(text: str, expected: bool) -> None:
    assert is_reference(text) is expected


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret \r\n")
    assert resolve_secret("${env:PASSWORD}", {"PASSWORD": "s3cret"}) == "s3cret"
    assert resolve_secret(f"${{file:{tmp_path}/password}}", {}) == "s3cret "


def test_an_error_names_the_reference_and_never_a_value(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"s3cret\xff")
    expected = {
        "${env:MISSING}": "${env:MISSING}: the variable is not set",
        "${env:EMPTY}": "${env:EMPTY}: the variable is not set",
        f"${{file:{tmp_path}/no}}": f"${{file:{tmp_path}/no}}: the file cannot be read (No such file or directory)",
        f"${{file:{tmp_path}/empty}}": f"${{file:{tmp_path}/empty}}: the file is empty",
        f"${{file:{tmp_path}/binary}}": f"${{file:{tmp_path}/binary}}: the file is not UTF-8 text",
        "s3cret": "a secret must be given as ${env:NAME} or ${file:PATH}",
    }
    for reference, message in expected.items():
        with pytest.raises(SecretError) as caught:
            resolve_secret(reference, {"EMPTY": "", "OTHER": "s3cret"})
        assert str(caught.value) == message
