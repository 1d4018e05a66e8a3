"""Find a model by its name, or say clearly why not. Imports no torch, so a wrong name is reported at once."""

import difflib
import re
from pathlib import Path

from bot import demo
from bot.engine import ModelError

ADAPTER_CONFIG = "adapter_config.json"
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?")
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5")
_GGUF = b"GGUF"  # how such a file begins


def locate(name: str) -> str:
    """`demo`, a folder, a GGUF file or a hub name, which may end in @ and a revision → its path; a hub name unchanged.

    Checks the disk only. Raises ModelError when a folder or file is missing, cannot be read or holds no model.
    """
    if name == "demo":
        return str(demo.MODEL)
    try:
        return _locate_path(name)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"The model {name} cannot be read: {error}. Set MODEL_PATH to one that can.") from error


def _locate_path(name: str) -> str:
    folder = Path(name).expanduser()
    if not folder.exists():
        is_file = folder.suffix == ".gguf"
        if _HUB_NAME.fullmatch(name) and not is_file:
            return name
        raise ModelError(
            f"There is no model {'file' if is_file else 'folder'} {name}.{_did_you_mean(folder)} Set MODEL_PATH to a"
            " model's folder, to a GGUF file or to a hub name such as Qwen/Qwen2-1.5B-Instruct, or try Parley with"
            " --model demo."
        )
    if folder.is_file():
        with folder.open("rb") as file:
            if file.read(len(_GGUF)) == _GGUF:
                return str(folder)
        raise ModelError(
            f"The file {name} is no GGUF file. Set MODEL_PATH to a model's folder or to a GGUF file; if this should be"
            " one, download it again."
        )
    if not any(folder.iterdir()):
        raise ModelError(f"The folder {name} is empty. Set MODEL_PATH to the folder that save_pretrained() wrote.")
    if is_adapter(folder):
        return _locate_adapter(folder)
    has_weights = any(folder.glob("*.safetensors"))
    if not has_weights and (files := sorted(folder.glob("*.gguf"))):
        raise ModelError(f"The folder {name} has its model in a GGUF file. Set MODEL_PATH to the file: {files[0]}.")
    if not (folder / "config.json").is_file():
        checkpoint = _newest_checkpoint(folder)
        raise ModelError(
            f"The folder {name} holds no model: it has no config.json. "
            + (
                f"It is where a training left its checkpoints; set MODEL_PATH to the newest, {checkpoint}."
                if checkpoint
                else "Set MODEL_PATH to the folder that save_pretrained() wrote."
            )
        )
    if not has_weights:
        others = sorted(file.name for pattern in _OTHER_WEIGHTS for file in folder.glob(pattern))
        raise ModelError(
            f"The folder {name} has no weights in safetensors form"
            + (f", and {others[0]} may run code when it is opened. " if others else ". ")
            + (
                'Convert it with: python -c "from transformers import AutoModelForCausalLM as M;'
                f" M.from_pretrained('{folder}').save_pretrained('{folder}')\""
                if any(folder.glob("pytorch_model*.bin"))
                else "Save it with save_pretrained(), or download it in that form."
            )
        )
    return str(folder)


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter, and not also the model that it was merged into."""
    return (folder / ADAPTER_CONFIG).is_file() and not any(folder.glob("model*.safetensors"))


def _locate_adapter(folder: Path) -> str:
    old, new = folder / "adapter_model.bin", folder / "adapter_model.safetensors"
    if new.is_file():
        return str(folder)
    if not old.is_file():
        raise ModelError(f"The adapter {folder} has no adapter_model.safetensors. Save or download it again.")
    raise ModelError(
        f"The adapter {folder} is in pickle form, which may run code when it is opened. Convert it with:"
        ' python -c "import torch; from safetensors.torch import save_file;'
        f" save_file(torch.load('{old}', weights_only=True, map_location='cpu'), '{new}')\""
    )


def _did_you_mean(folder: Path) -> str:
    """A suggestion: what lies beside the missing folder or file, and has the most similar name."""
    if not folder.parent.is_dir():
        return ""
    beside = {other.name: other for other in folder.parent.iterdir() if other.is_dir() or other.suffix == ".gguf"}
    close = difflib.get_close_matches(folder.name, beside, n=1)
    return f" Did you mean {beside[close[0]]}?" if close else ""


def _newest_checkpoint(folder: Path) -> Path | None:
    """The `checkpoint-N` with the largest N in a folder that a trainer wrote to."""
    numbered = {path: path.name.removeprefix("checkpoint-") for path in folder.glob("checkpoint-*")}
    steps = {path: int(number) for path, number in numbered.items() if number.isdecimal()}
    return max(steps, key=steps.__getitem__, default=None)
