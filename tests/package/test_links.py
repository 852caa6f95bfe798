"""The links of the pages that no site builds lead to files of the repository."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_every_link_leads_to_a_file(page: str) -> None:
    text = (REPOSITORY / page).read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    assert targets
    assert [target for target in targets if not (REPOSITORY / target).is_file()] == []
