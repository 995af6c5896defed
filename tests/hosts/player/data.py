"""The data files of this folder."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]


def programs():
    """The dialogues of host programs."""
    return [json.loads(file.read_text("utf-8")) for file in sorted((FOLDER / "programs").glob("*.json"))]


def documents():
    """The dialogues of vendor documents."""
    return json.loads((FOLDER / "documents.json").read_text("utf-8"))["dialogues"]


def unbuilt():
    """Features that are not built, each with a description."""
    return json.loads((FOLDER / "unbuilt.json").read_text("utf-8"))
