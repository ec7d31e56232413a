"""The application with a fake pipeline, to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes import FakePipeline
from tests.service.asking import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture
def fake() -> FakePipeline:
    return FakePipeline(max_characters=100_000)


@pytest.fixture
def client(fake: FakePipeline) -> Iterator[TestClient]:
    made = client_of(fake, max_body_bytes=1 << 20)
    yield made
    made.__exit__(None, None, None)
