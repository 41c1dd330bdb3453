"""A new room: the skeleton is green as it stands, and is refused where it cannot be one."""

from pathlib import Path
from typing import Any

import fake_rooms as fake
import pytest
from refusals import refused

from layerpeel.theorems.new_room import new_room


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "theory" / "layer_peeled").mkdir(parents=True)
    return tmp_path


def test_the_skeleton_is_a_green_room_of_its_name(checkout: Path) -> None:
    place = new_room("sharp-law", "layer-peeled", checkout=checkout)
    assert place == checkout / "theory" / "layer_peeled" / "sharp_law.py"
    module: dict[str, Any] = {}
    exec(place.read_text(encoding="utf-8"), module)
    room = module["ROOM"]
    assert room.statement.name == "sharp-law"
    result = fake.run(room)
    assert result.green
    assert [control.verdict for control in result.controls] == ["refuted"]


def test_what_can_be_no_new_room_is_refused(checkout: Path) -> None:
    refused(lambda: new_room("Sharp Law", "layer-peeled", checkout=checkout), "'Sharp Law' is not kebab-case")
    refused(lambda: new_room("sharp-law", "peeled", checkout=checkout), "family 'peeled' is unknown", "layer-peeled")
    refused(lambda: new_room("sharp-law", "locally-elastic", checkout=checkout), "is no folder", "go to its top folder")
    refused(lambda: new_room("balanced-etf", "layer-peeled", checkout=checkout), "room 'balanced-etf' exists already")
    new_room("sharp-law", "layer-peeled", checkout=checkout)
    refused(lambda: new_room("sharp-law", "layer-peeled", checkout=checkout), "room 'sharp-law' exists already")
