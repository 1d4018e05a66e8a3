"""Models of the Hugging Face hub: downloaded once, and read from the disk from then on."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub.errors import (
    GatedRepoError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from bot.engine import ModelError
from bot.engine.models.progress import Progress, above_bars

_FILES = ["*.json", "model*.safetensors", "adapter_model.safetensors", "*.model", "*.txt", "*.jinja"]


class _Downloading(Progress):
    """One bar for all files: of those that the hub has, the one of the bytes that are on the disk."""

    def __init__(self, *args: Any, name: str | None = None, **options: Any) -> None:
        hidden = options.get("unit") != "B" or (name or "").endswith(".transfer")
        super().__init__("Downloading", options.get("total") or 0, *args, hidden=hidden)

    def set_description(self, *args: Any, **options: Any) -> None:
        """Keep ours."""

    set_description_str = set_postfix_str = set_description


def download(name: str) -> Path:
    """Download a model and return its folder; `name` may end in @ and a revision: a branch, a tag or a commit.

    An interrupted download is resumed. Without a network, or with HF_HUB_OFFLINE=1, the folder is that of an earlier
    download. Progress goes to standard error. Raises ModelError when there is none, or only in another
    form.
    """
    repository, _, revision = name.partition("@")
    try:
        with above_bars():
            folder = Path(
                huggingface_hub.snapshot_download(
                    repository, revision=revision or None, allow_patterns=_FILES, tqdm_class=_Downloading
                )
            )
        if any(folder.glob("*.safetensors")):
            return folder
        files = huggingface_hub.HfApi().model_info(repository, revision=revision or "main").siblings or []
        names = sorted(file.rfilename for file in files)
        in_gguf = [file for file in names if file.endswith(".gguf")]
        pickled = [file for file in names if fnmatch(file, "pytorch_model*.bin") or file == "adapter_model.bin"]
        if in_gguf:
            reason = (
                f"{name} on the hub has its model in GGUF files. Set MODEL_PATH to one of them when you have downloaded"
                f" it, for example with: hf download {repository} {in_gguf[0]} --local-dir ."
            )
        elif pickled:
            reason = _convert(repository, revision, pickled[0])
        else:
            return folder
    except GatedRepoError:
        reason = (
            f"{name} is only for those who have accepted its terms. Do so on https://huggingface.co/{repository}, then"
            " run: hf auth login"
        )
    except RepositoryNotFoundError:
        reason = (
            f"There is no model {name} on the hub, and no such folder here. If it is a private one, run: hf auth login"
        )
    except RevisionNotFoundError:
        reason = f"The model {repository} on the hub has no revision {revision}. Set MODEL_PATH to one that it has."
    except IncompleteSnapshotError:
        reason = f"The download of {name} was interrupted, and the hub cannot be reached to go on. Try again later."
    except LocalEntryNotFoundError:
        reason = (
            f"There is no folder {name} here, and the hub, where a model of that name may be, cannot be reached. Set"
            " MODEL_PATH to a folder, or try again when the machine is online (and HF_HUB_OFFLINE is not set)."
        )
    except Exception as error:  # a network and a server can fail in any way
        reason = f"The model {name} could not be downloaded from the hub, try again later: {first_sentence(error)}"
    raise ModelError(reason)


def _convert(repository: str, revision: str, file: str) -> str:
    """The sentence about weights in pickle form."""
    target = f"./{repository.partition('/')[2]}"
    if file == "adapter_model.bin":
        option = f" --revision {revision}" if revision else ""
        command = f"hf download {repository}{option} --local-dir {target}"
        reason = f"The adapter {repository} on the hub is in pickle form ({file}). Download it with: {command}"
    else:
        source = f"'{repository}', revision='{revision or 'main'}'"
        reason = (
            f"{repository} on the hub has no weights in safetensors form, only {file}. Convert it with: python -c"
            ' "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T;'
            f" [kind.from_pretrained({source}).save_pretrained('{target}') for kind in (M, T)]\""
        )
    return f"{reason} and set MODEL_PATH to {target}"


def first_sentence(error: Exception) -> str:
    """The first line of an error's text, as a sentence; with the second, where that one announces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    sentence = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return sentence if sentence.endswith(".") else f"{sentence}."
