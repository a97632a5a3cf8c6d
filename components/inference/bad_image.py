"""The error of a single image."""

from salt_pipeline.components.core.errors import SaltError


class BadImage(SaltError):
    """A file that cannot be predicted; others can."""
