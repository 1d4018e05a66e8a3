"""A digest of a model's weights, which tells one fine-tune from the next of the same name."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_LENGTH = 16  # hexadecimal digits


def digest(sources: Iterable[Path]) -> str:
    """The digest of GGUF files, and of all safetensors files of folders; the files' names do not matter."""
    whole = hashlib.sha256()
    for source in sources:
        for file in sorted(source.glob("*.safetensors")) if source.is_dir() else [source]:
            with file.open("rb") as weights:
                whole.update(hashlib.file_digest(weights, "sha256").digest())
    return whole.hexdigest()[:_LENGTH]
