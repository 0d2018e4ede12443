"""How the C library holds the memory of this process."""

from __future__ import annotations

import ctypes

# Parameters of glibc's mallopt(3) and what they are set to, in bytes.
M_TRIM_THRESHOLD, KEPT = -1, 1 << 28
M_MMAP_THRESHOLD, LARGEST = -3, 1 << 25  # the most that glibc takes


def keep_freed_memory() -> None:
    """Have up to 256 MiB of freed memory kept for the next arrays (glibc; others stay as they are).

    The large arrays of a frame otherwise go back to the system and come again page by page, each
    zeroed first: for IQNet's filter at 1080p a fifth of its time.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, LARGEST)
