"""Find a model by its name, or say clearly why not. Needs no torch, so a wrong name is told at once."""

import re
from pathlib import Path

from bot import demo
from bot.engine import ModelError

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")


def find(name: str) -> str:
    """`demo`, a folder or a hub name → what transformers loads from.

    Looks only at the disk. Raises ModelError when a folder is missing, cannot be read or holds no model.
    """
    if name == "demo":
        return str(demo.MODEL)
    try:
        return _find_folder(name)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"The model folder {name} cannot be read: {error}. Set MODEL_PATH to one that can.") from error


def _find_folder(name: str) -> str:
    folder = Path(name).expanduser()
    if not folder.exists():
        if _HUB_NAME.fullmatch(name):
            return name
        raise ModelError(
            f"There is no model folder {name}. Set MODEL_PATH to a model's folder or to a hub name such as"
            " Qwen/Qwen2-1.5B-Instruct, or try Parley with --model demo."
        )
    if not folder.is_dir():
        raise ModelError(f"{name} is a file; MODEL_PATH must name the folder that holds the model.")
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"The folder {name} holds no model: it has no config.json. Set MODEL_PATH to the folder that"
            " save_pretrained() wrote."
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The folder {name} has no weights in safetensors form, the only form that is safe to load. Save"
            " the model again with save_pretrained()."
        )
    return str(folder)
