"""Synthetic seismic sections: layered, folded and faulted sediments, and salt bodies in them.

They are not geological models: they only give a network something of the right shape to learn. Salt is quieter than the
layers around it and has a bright boundary, as on real sections.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from salt_pipeline.components.core.schemas import SIDE

Kind = Literal["empty", "black", "dome", "flank", "body", "vertical", "tiny", "full"]
"""What a section holds: no salt, nothing at all, salt from below, beside, enclosed, in columns, a speck, all over."""

_Array = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.uint8]


def section(
    rng: np.random.Generator, kind: Kind, height: int = SIDE, width: int = SIDE
) -> tuple[npt.NDArray[np.uint8], _Mask]:
    """Draws one section.

    Args:
        rng: Source of all randomness.
        kind: What the section holds.
        height: Pixels down.
        width: Pixels across.

    Returns:
        Grey levels (height, width), uint8, and the salt mask of the same shape, 0 or 1.
    """
    if kind == "black":
        return np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    layers_HW = _layers(rng, height, width)
    if kind == "empty":
        return _grey(layers_HW, rng), np.zeros((height, width), np.uint8)
    level_HW = _salt_level(rng, kind, height, width)
    inside_HW = level_HW > 0
    dy_HW, dx_HW = np.gradient(level_HW)
    distance_HW = level_HW / np.maximum(np.hypot(dy_HW, dx_HW), 1e-3)
    quiet_HW = rng.uniform(0.1, 0.4) * _noise(rng, height, width, rng.uniform(2, 6)) + rng.uniform(-0.3, 0.6)
    blend_HW = np.clip(0.5 + distance_HW / 2, 0, 1)
    boundary_HW = rng.uniform(1.5, 3) * _ricker(distance_HW, rng.uniform(1.5, 3))
    return _grey(layers_HW * (1 - blend_HW) + quiet_HW * blend_HW + boundary_HW, rng), inside_HW.astype(np.uint8)


def _layers(rng: np.random.Generator, height: int, width: int) -> _Array:
    """Reflectors that dip, fold and break, with noise; unit deviation."""
    y_HW, x_HW = _grid(height, width)
    time_HW = y_HW + rng.uniform(-0.6, 0.6) * x_HW + rng.uniform(2, 10) * _wave(rng, x_HW + 0.3 * y_HW)
    for _ in range(rng.integers(0, 3)):  # faults: the part beyond the line has slipped
        beyond_HW = x_HW + rng.uniform(-0.8, 0.8) * y_HW > rng.uniform(0, width)
        time_HW += rng.uniform(-12, 12) * beyond_HW
    thickness = rng.uniform(2, 7)
    time_HW = (time_HW - time_HW.min()) / thickness
    reflectors = rng.normal(size=int(time_HW.max()) + 3)
    smooth = np.interp(np.arange(0, len(reflectors), 0.125), np.arange(len(reflectors)), reflectors)
    smooth = np.convolve(smooth, np.hanning(11) / np.hanning(11).sum(), mode="same")
    layers_HW = np.interp(time_HW * 8, np.arange(len(smooth)), smooth)
    noisy_HW = layers_HW / layers_HW.std() + rng.uniform(0.1, 0.7) * _noise(rng, height, width, rng.uniform(1.5, 4))
    return np.asarray(noisy_HW / noisy_HW.std())


def _salt_level(rng: np.random.Generator, kind: Kind, height: int, width: int) -> _Array:
    """A smooth function that is above 0 where there is salt."""
    y_HW, x_HW = _grid(height, width)
    if kind == "vertical":
        edge = rng.uniform(0.1, 0.9) * width
        return np.asarray((x_HW - edge) * rng.choice([-1, 1]))
    if kind == "dome":
        peak, spread = rng.uniform(0.2, 0.8) * width, rng.uniform(0.15, 0.5) * width
        base, rise = rng.uniform(0.7, 1.1) * height, rng.uniform(0.3, 0.9) * height
        top_HW = base - rise * np.exp(-(((x_HW - peak) / spread) ** 2))
        return y_HW - top_HW + rng.uniform(1, 5) * _wave(rng, x_HW)
    if kind == "flank":
        angle = rng.uniform(0, 2 * np.pi)
        across_HW = (x_HW - width / 2) * np.cos(angle) + (y_HW - height / 2) * np.sin(angle)
        along_HW = (y_HW - height / 2) * np.cos(angle) - (x_HW - width / 2) * np.sin(angle)
        return np.asarray(across_HW + rng.uniform(-0.35, 0.35) * SIDE + rng.uniform(2, 7) * _wave(rng, along_HW))
    if kind == "full":
        corner_HW = x_HW + y_HW if rng.random() < 0.5 else (width - 1 - x_HW) + y_HW
        return corner_HW - rng.uniform(3, 13)
    # an enclosed body; a tiny one is a speck
    radius = rng.uniform(1.2, 3) if kind == "tiny" else rng.uniform(0.15, 0.4) * min(height, width)
    centre_y, centre_x = rng.uniform(0.1, 0.9, 2) * (height - 1, width - 1)
    down_HW, right_HW = (y_HW - centre_y) * rng.uniform(0.8, 1.6), (x_HW - centre_x) * rng.uniform(0.6, 1.2)
    lobes_HW = 0.15 * np.sin(rng.integers(2, 6) * np.arctan2(down_HW, right_HW) + rng.uniform(0, 6.3))
    return np.asarray(radius * (1 + lobes_HW) - np.hypot(down_HW, right_HW))


def _grid(height: int, width: int) -> tuple[_Array, _Array]:
    """Row and column of each pixel."""
    y_HW, x_HW = np.mgrid[:height, :width].astype(np.float64)
    return y_HW, x_HW


def _wave(rng: np.random.Generator, x: _Array) -> _Array:
    """A gentle random curve within -1 and 1."""
    curve = np.zeros_like(x)
    for weight in (0.5, 0.3, 0.2):
        curve += weight * np.sin(2 * np.pi * x * rng.uniform(0.5, 3) / SIDE + rng.uniform(0, 2 * np.pi))
    return curve


def _noise(rng: np.random.Generator, height: int, width: int, grain: float) -> _Array:
    """Noise of unit deviation with spots about `grain` pixels wide."""
    coarse = rng.normal(size=(int(height / grain) + 2, int(width / grain) + 2)).astype(np.float32)
    noise_HW = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=float)
    return np.asarray(noise_HW / noise_HW.std())


def _ricker(distance: _Array, width: float) -> _Array:
    """The Ricker wavelet, the usual model of a reflection."""
    square = (distance / width) ** 2
    return np.asarray((1 - square) * np.exp(-square / 2))


def _grey(signal_HW: _Array, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Scales a signal of about unit deviation to grey levels."""
    level, contrast = rng.normal(120, 8), rng.uniform(25, 48)
    return np.clip(np.rint(level + contrast * signal_HW), 1, 255).astype(np.uint8)
