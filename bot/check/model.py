"""Checks the model on this machine: that it loads, what it is, the memory it takes, a prompt, and an answer."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bot.check.findings import Finding, Findings, ok, size, skipped, wrong
from bot.conversation.placeholders import Placeholders
from bot.engine import Description, Engine, OutOfReach, Sampling, Thought
from bot.engine.models import memory
from bot.engine.models.locate import locate
from bot.engine.prompt import Exchange, Prompt
from bot.errors import UserError

if TYPE_CHECKING:
    from bot.engine.local.engine import LocalEngine

log = logging.getLogger(__name__)

_EARLIER = Exchange("Alice", "Hello, my name is Alice.", "Hello Alice! Nice to meet you.")
_QUESTION = "What is my name?"
_PLACEHOLDERS = Placeholders("Your server", "general")
_SHORT = 40  # tokens
_ONLY_THOUGHT = "(It thinks for longer than this first. MAX_NEW_TOKENS must have room for thoughts and answer.)"
_MORE = "With --debug you see where it fails, and with --model demo whether the rest works."
_SHORTEN = "Make SYSTEM_PROMPT shorter or MAX_PROMPT_TOKENS larger."
_OTHER_FORM = (
    "See whether the conversation above is written down as the model was trained to read it; if not, set PROMPT_FORMAT,"
    " or repair the chat template in its tokenizer_config.json."
)


async def look_at_model(
    name: str,
    open_engine: Callable[[], AbstractAsyncContextManager["LocalEngine"]],
    *,
    system_prompt: str,
    sampling: Sampling,
) -> Findings:
    """Find the model, load it, and have it give one short answer."""
    try:
        place = locate(name)
    except UserError as error:
        yield wrong(f"The model {name} is not there", str(error), name=name)
        return
    yield ok(f"Found {name}: {_place(place)}", name=name)
    free = memory.available()
    try:
        async with open_engine() as engine:
            await engine.ready()
            yield _what_it_is(engine.description())
            yield _what_it_takes(engine.description(), free)
            async for finding in _converse(engine, a_conversation(system_prompt), sampling):
                yield finding
    except UserError as error:
        log.debug("The model cannot be used.", exc_info=True)
        yield wrong(f"The model {name} cannot be used", f"{error}\n{_MORE}")


def a_conversation(system_prompt: str) -> Prompt:
    """A short conversation with an earlier turn and a name, as in Discord."""
    return Prompt(_PLACEHOLDERS.fill(system_prompt, date.today()), (_EARLIER,), "Alice", _QUESTION)


def _place(found: str) -> str:
    path = Path(found).absolute()
    return str(path) if path.exists() else "a name on the hub, from which it is downloaded the first time"


def _what_it_is(model: Description) -> Finding:
    return ok(
        f"Loaded: {model.architecture}, {_count(model.parameters)} parameters, in {model.precision} ({model.library})",
        architecture=model.architecture,
        parameters=model.parameters,
        precision=model.precision,
        library=model.library,
    )


def _what_it_takes(model: Description, free: int) -> Finding:
    needed = model.weight_bytes + model.cache_bytes
    cache = (
        f"{size(model.cache_bytes)} of KV cache, {model.max_batch} answers of up to {model.max_length} tokens at once"
    )
    alone = "one answer at a time, as it cannot be batched"
    return ok(
        f"Memory: {size(needed)} of {size(free)} that are free ({size(model.weight_bytes)} of weights;"
        f" {cache if model.cache_bytes else alone})",
        weight_bytes=model.weight_bytes,
        cache_bytes=model.cache_bytes,
        free_bytes=free,
    )


async def _converse(engine: "LocalEngine", prompt: Prompt, sampling: Sampling) -> Findings:
    """Show the prompt of a conversation, and the answer."""
    try:
        text, tokens = engine.render(prompt)
    except UserError as error:
        yield wrong(f"A short conversation does not fit: {error}", _SHORTEN)
        yield skipped("No answer, as there is no prompt")
        return
    template = engine.description().template
    form = "form of its chat template" if template else "plain form"
    yield ok(f"A conversation as the model reads it, in the {form} ({tokens} tokens):", shown=text, tokens=tokens)
    for remark in template.remarks() if template else ():
        yield ok(f"Its chat template {remark}")
    async for finding in answer(engine, prompt, sampling, todo=_OTHER_FORM):
        yield finding


async def answer(engine: Engine, prompt: Prompt, sampling: Sampling, *, todo: str) -> Findings:
    """Have the engine give a short answer, and show it and its pace; `todo` is what to do if there is none."""
    log.info("Waiting for a short answer.")
    asked = time.perf_counter()
    pieces: list[tuple[float, str]] = []
    try:
        async for piece in engine.submit(
            prompt, replace(sampling, max_new_tokens=min(_SHORT, sampling.max_new_tokens))
        ):
            pieces.append((time.perf_counter() - asked, piece))
    except UserError as error:
        # A reasoning model may have no tokens left here for an answer.
        if not any(isinstance(piece, Thought) for _, piece in pieces):
            log.debug("There is no answer.", exc_info=True)
            if isinstance(error, OutOfReach):
                yield wrong(f"It does not answer that: {error.__cause__}", error.todo or todo)
            else:
                yield wrong(f"It does not answer that: {error}", todo)
            return
    first, last = pieces[0][0], pieces[-1][0]
    # Nearly every token is a piece of its own.
    speed = (len(pieces) - 1) / (last - first) if last > first else None
    pace = "" if speed is None else f", then about {speed:.3g} tokens per second"
    yield ok(
        f"Its answer (at most {_SHORT} tokens here), begun after {first:.2f} s{pace}:",
        shown="".join(piece for _, piece in pieces if not isinstance(piece, Thought)) or _ONLY_THOUGHT,
        first_text_s=first,
        tokens_per_s=speed,
    )


def _count(number: int) -> str:
    return f"{number / 1e9:.2f} billion" if number >= 1e9 else f"{number / 1e6:.1f} million"
