"""What is wrong with an archive, gathered so that all of it is reported at once."""

from salt_pipeline.components.core.errors import SaltError, SaltErrors

SHOWN = 50
"""Problems that are listed; further ones are only counted."""


class Problems:
    """The mistakes found in one archive, each with the id of the image it is about, if it is about one."""

    def __init__(self) -> None:
        self._found: list[tuple[str | None, SaltError]] = []

    def add(self, error: SaltError, image_id: str | None = None) -> None:
        """Keeps a problem; without an id it is one of the whole archive."""
        self._found.append((image_id, error))

    @property
    def errors(self) -> list[SaltError]:
        """All of them, those of the whole archive first, as they may be the cause of the others."""
        return [error for _, error in sorted(self._found, key=lambda item: item[0] is not None)]

    @property
    def of_archive(self) -> bool:
        """Whether any of them cannot be mended by leaving images out."""
        return any(image_id is None for image_id, _ in self._found)

    def reasons(self) -> dict[str, str]:
        """Why each named image is bad, sorted by id."""
        reasons: dict[str, list[str]] = {}
        for image_id, error in self._found:
            if image_id is not None:
                reasons.setdefault(image_id, []).append(str(error))
        return {image_id: "; ".join(reasons[image_id]) for image_id in sorted(reasons)}

    def as_error(self, data: str) -> SaltErrors:
        """One error over all of them."""
        errors = self.errors
        listed = errors[:SHOWN]
        if len(errors) > SHOWN:
            listed.append(SaltError(f"and {len(errors) - SHOWN:,} more"))
        noun = "problem" if len(errors) == 1 else "problems"
        return SaltErrors(f"{data}: {len(errors):,} {noun} found", listed)
