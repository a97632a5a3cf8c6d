"""A range that settings draw the values of an option from: `uniform(0,0.5)`, `log(1e-4,1e-2)` or `int(2,8)`."""

import math
import random
import re
from dataclasses import dataclass

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.numbers import SHOWN, plain_number

KINDS = ("uniform", "log", "int")

EXAMPLE = "log(1e-4,1e-2), uniform(0,0.5) or int(2,8), the smaller bound first"
"""What a range looks like, for messages."""

_BOUNDS = re.compile(r"[a-z]+\(([^,()]+),([^,()]+)\)")


@dataclass(frozen=True)
class Range:
    """A range of values.

    Attributes:
        kind: `uniform`; `log`, uniform in the logarithm; or `int`, the whole numbers with both bounds.
        low: Lower bound.
        high: Upper bound.
    """

    kind: str
    low: float
    high: float

    @property
    def examples(self) -> tuple[str, ...]:
        """Both bounds as an option's values, and one between them: 2.0 is taken for a whole number, 3.91 is not."""
        bounds = self._text(self.low), self._text(self.high)
        between = self.low + (self.high - self.low) / math.pi
        return bounds if self.kind == "int" else (*bounds, self.rounded(between))

    def draw(self, draw: random.Random) -> str:
        """Draws a value, as the text of an option."""
        if self.kind == "int":
            return str(draw.randint(int(self.low), int(self.high)))
        if self.kind == "log":
            value = math.exp(draw.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = draw.uniform(self.low, self.high)
        return self.rounded(value)

    def rounded(self, value: float) -> str:
        """A value between the bounds as the text of an option, to four digits."""
        return self._text(min(max(float(f"{value:.4g}"), self.low), self.high))

    def _text(self, value: float) -> str:
        return str(int(value)) if self.kind == "int" else repr(value)


def parse_range(key: str, text: str) -> Range | None:
    """Reads the range of an option.

    Args:
        key: The option, for messages.
        text: Its value.

    Returns:
        The range; None if the value is none.

    Raises:
        SaltError: If a range is misspelt, a bound is not a plain number, or the bounds have the wrong order.
    """
    kind = text.partition("(")[0].strip()
    if "(" not in text or kind not in KINDS:
        return None
    wrong = SaltError("is not a range", file="--set", field=key, found=repr(text[:SHOWN]), expected=EXAMPLE)
    if not (found := _BOUNDS.fullmatch(text)):
        raise wrong
    try:
        low, high = (plain_number(bound.strip()) for bound in found.groups())
    except SaltError:
        raise wrong from None
    whole = low.is_integer() and high.is_integer() and max(abs(low), abs(high)) < 2**53
    if not low < high or (kind == "log" and low <= 0) or (kind == "int" and not whole):
        raise wrong
    return Range(kind, low, high)
