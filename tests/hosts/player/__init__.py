"""Plays dialogues of host programs, and of vendor documents, against a device on a pseudo-terminal."""
