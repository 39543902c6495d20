"""Sentences that a person should read, as Python warnings that point at the line that called."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings

from ._errors import NoticeWarning


def _folders() -> tuple[str, ...]:
    """Where the code between the caller and us lies: this package, and Optuna."""
    optuna = importlib.util.find_spec("optuna")
    files = [__file__] + ([optuna.origin] if optuna is not None and optuna.origin else [])
    return tuple(os.path.dirname(file) + os.sep for file in files)


_FOLDERS = _folders()


def warn(sentence: str) -> None:
    """Warns in the name of the innermost caller that is neither this package nor Optuna."""
    level, frame = 2, sys._getframe(1)
    while frame.f_code.co_filename.startswith(_FOLDERS) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, NoticeWarning, stacklevel=level)
