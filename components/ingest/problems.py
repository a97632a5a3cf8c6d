"""The problems of an archive, collected so that all are reported at once."""

from salt_pipeline.components.core.errors import SaltError, SaltErrors
from salt_pipeline.components.core.grouped import grouped

SHOWN = 50
"""Most problems that are listed; further ones are only counted."""

MOST = 25_000
"""Most problems that are collected, before those of one cause are merged; the real archive has 22,000 images."""


class TooManyProblems(Exception):
    """An archive has so many problems that it is not read to its end; `Problems` has recorded that."""


class Problems:
    """The problems found in one archive, each with the id of its image if it concerns one image."""

    def __init__(self) -> None:
        self._found: list[tuple[str | None, SaltError]] = []

    def add(self, error: SaltError, image_id: str | None = None) -> None:
        """Adds a problem; without an id it concerns the entire archive.

        Raises:
            TooManyProblems: If there are more than `MOST`; that is then the last problem.
        """
        if len(self._found) >= MOST:
            self._found.append((None, SaltError(f"after {MOST:,} problems, the rest is not checked")))
            raise TooManyProblems
        self._found.append((image_id, error))

    @property
    def errors(self) -> list[SaltError]:
        """All problems, one per cause; those of the entire archive first, as they may be the cause of the others."""
        return grouped(error for _, error in sorted(self._found, key=lambda item: item[0] is not None))

    @property
    def of_archive(self) -> bool:
        """Whether any problem remains after dropping the named images."""
        return any(image_id is None for image_id, _ in self._found)

    def reasons(self) -> dict[str, str]:
        """The problems of each named image, sorted by id."""
        reasons: dict[str, list[str]] = {}
        for image_id, error in self._found:
            if image_id is not None:
                reasons.setdefault(image_id, []).append(str(error))
        return {image_id: "; ".join(reasons[image_id]) for image_id in sorted(reasons)}

    def as_error(self, data: str) -> SaltErrors:
        """One error with all problems."""
        errors = self.errors
        listed = errors[:SHOWN]
        if len(errors) > SHOWN:
            listed.append(SaltError(f"and {len(errors) - SHOWN:,} more"))
        noun = "problem" if len(errors) == 1 else "problems"
        return SaltErrors(f"{data}: {len(errors):,} {noun} found", listed)
