"""The names of encoders that people read."""

import re


def short_name(encoder: str) -> str:
    """An encoder's short name for people, as `lite1` for `tu-tf_efficientnet_lite1`; most names stay as they are."""
    return re.sub(r"^tu-(tf_)?(efficientnet_)?|_32x4d$", "", encoder)
