"""The API keeps to its own description, whatever it is asked: no answer of 500 or above."""

import pytest
from hypothesis import HealthCheck, settings

from ipse.web.app import routed

schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)

# Streams do not end, and an upload is a process's work: both have tests of their own.
schema = (
    schemathesis.openapi.from_dict(routed().openapi())
    .exclude(path="/api/v1/events")
    .exclude(path="/api/v1/pictures", method="POST")
)


@schema.parametrize()
@settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case, page):
    case.call_and_validate(
        base_url=page.address, checks=[getattr(schemathesis.checks, name) for name in CHECKS]
    )
