"""How the stages of a local run run."""

from typing import Literal

Runner = Literal["subprocess", "docker"]
"""As processes, or in their containers."""
