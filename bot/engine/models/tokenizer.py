"""A model's tokenizer: whether it belongs to the model, and which of its tokens mean more than text."""

import importlib
import logging
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import transformers

from bot.engine import ModelError
from bot.engine.chat_template import Tokenizer
from bot.engine.models import CausalLM, gguf
from bot.engine.models.hub import first_sentence
from bot.engine.prompt import Exchange, Prompt, PromptFormat, encode
from bot.engine.reasoning import BEGIN, END

log = logging.getLogger(__name__)

# What reads a tokenizer of either form: packages → their modules
_SENTENCEPIECE = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
_TIKTOKEN = {"tiktoken": "tiktoken"}
_RANK = re.compile(rb"[A-Za-z0-9+/=]+ \d+\s*")  # a line of tiktoken's form
_MARK = re.compile(r"<\|.*\|>")
_WORDS = re.compile(r"[^<>\[\]{}|#:]+|.", re.DOTALL)  # a single character is no mark, whatever it is
_COPY_FILES = "Copy the tokenizer's files of the model that it was trained from into the folder."
_SAMPLE = Prompt("Be kind.", (Exchange("Ann", "hi", "Hello!"),), "Ben", "hi")


def load_tokenizer(path: Path, config: transformers.PreTrainedConfig, adapter: Path | None) -> Tokenizer:
    """The tokenizer of a model, or the adapter's own: a fine-tune may have added tokens or a chat template."""
    source, options = path, {"config": config}
    if adapter and (adapter / "tokenizer_config.json").is_file():
        source, options = adapter, {}
    elif path.is_file():
        return gguf.read_tokenizer(path)
    try:
        return transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False, **options)
    except Exception:
        _require_packages(source)
        raise


def _require_packages(folder: Path) -> None:
    """Raise ModelError where the tokenizer is only stored in a form that takes packages which are not installed."""
    for file in () if (folder / "tokenizer.json").is_file() else folder.glob("*.model"):
        with file.open("rb") as lines:
            packages = _TIKTOKEN if _RANK.fullmatch(lines.readline()) else _SENTENCEPIECE
        try:
            for module in packages.values():
                importlib.import_module(module)
        except ImportError:
            raise ModelError(
                f"{file} is a tokenizer that takes further packages. Run: pip install {' '.join(packages)}"
            ) from None


def check_tokenizer(tokenizer: Tokenizer, model: CausalLM, name: str, form: PromptFormat) -> PromptFormat:
    """The format with how the tokenizer's chat template is used.

    Raises ModelError where the tokenizer is not the model's, or cannot render a conversation in this format.
    """
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # Where files are missing, transformers creates a tokenizer without a vocabulary.
        raise ModelError(
            f"The model {name} has no tokenizer. Copy the tokenizer's files (tokenizer.json and tokenizer_config.json)"
            " of the model that it was trained from into the folder."
        )
    if form.kind == "chat" and not tokenizer.chat_template:
        raise ModelError(
            f"PROMPT_FORMAT is chat, but the tokenizer of {name} has no chat template. Set PROMPT_FORMAT to plain."
        )
    try:
        form = form.resolve(tokenizer)
        sample = encode(_SAMPLE, tokenizer, sys.maxsize, form)
    except Exception as error:  # a template can raise anything
        raise ModelError(
            f"The chat template of {name} cannot be used: {first_sentence(error)} Repair it, or set PROMPT_FORMAT to"
            " plain."
        ) from error
    if not sample:
        raise ModelError(f"The tokenizer of {name} makes no tokens of text: its vocabulary is another's. {_COPY_FILES}")
    embedded = model.get_input_embeddings().num_embeddings
    added = tokenizer.added_tokens_decoder
    if max([*sample, *(id_ for id_ in tokenizer.get_vocab().values() if id_ not in added)]) >= embedded:
        raise ModelError(
            f"The tokenizer of {name} knows {len(tokenizer)} tokens, and the model only {embedded}: they do not belong"
            f" together. {_COPY_FILES}"
        )
    # An added token that no text becomes, such as one for padding, does no harm.
    written = " ".join(token.content for id_, token in added.items() if id_ >= embedded)
    ids = encode(replace(_SAMPLE, question=written), tokenizer, sys.maxsize, form)
    if unknown := sorted({id_ for id_ in ids if id_ >= embedded}):
        raise ModelError(
            f"The tokenizer of {name} has added tokens that the model does not know, such as"
            f" {added[unknown[0]].content!r}, as its embeddings were not resized. {_COPY_FILES}"
        )
    if form.template:
        for remark in form.template.remarks():
            log.warning("The chat template of %s %s.", name, remark)
    return form


def end_tokens(tokenizer: Tokenizer, eos: Iterable[int]) -> tuple[int, ...]:
    """The ids that end an answer: `eos` and the tokenizer's own, and every mark, such as one that begins a turn.

    Padding and unknown text are no end, unless their token has the form of a mark, as Qwen's <|endoftext|>.
    """
    added = tokenizer.added_tokens_decoder
    no_end = {*_special_text(tokenizer), tokenizer.pad_token_id, tokenizer.unk_token_id}
    # A fine-tune's <|im_end|> is often added without being declared special.
    marks = {
        id_ for id_, token in added.items() if _MARK.fullmatch(token.content) or (token.special and id_ not in no_end)
    }
    return tuple(sorted(marks.union(eos, {tokenizer.eos_token_id} - {None})))


def hidden_tokens(tokenizer: Tokenizer) -> frozenset[int]:
    """The special tokens, which are left out of an answer, but for those that are text."""
    special = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
    return frozenset(special.union(tokenizer.all_special_ids) - _special_text(tokenizer))


def _special_text(tokenizer: Tokenizer) -> set[int]:
    """The tokens that are text even if declared special: marks around reasoning, words, a character for padding."""
    return {
        id_
        for id_, token in tokenizer.added_tokens_decoder.items()
        if token.content in (BEGIN, END) or (_WORDS.fullmatch(token.content) and id_ != tokenizer.eos_token_id)
    }
