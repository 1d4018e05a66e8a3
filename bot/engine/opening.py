"""Opens the engine that the settings ask for. The engines are imported only then: each needs packages of its own."""

import signal
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from bot.engine import Sampling
from bot.engine.models.locate import locate
from bot.engine.prompt import PromptFormat
from bot.settings import Settings
from bot.signals import on_ctrl_c

if TYPE_CHECKING:
    from bot.engine.local.engine import LocalEngine
    from bot.engine.remote.engine import RemoteEngine


def sampling(settings: Settings) -> Sampling:
    """How the settings have tokens chosen."""
    return Sampling(settings.max_new_tokens, settings.temperature, settings.top_p, settings.top_k, settings.seed)


def locate_model(settings: Settings) -> None:
    """Raise ModelError at once when there is no such model, before torch is imported or a database created."""
    if not settings.engine_url:
        locate(settings.model_path)


def open_engine(settings: Settings) -> AbstractAsyncContextManager["LocalEngine | RemoteEngine"]:
    """The engine of the settings: ENGINE_URL's servers, else the model on this machine."""
    return remote_engine(settings) if settings.engine_url else local_engine(settings)


def remote_engine(settings: Settings) -> "RemoteEngine":
    """The engine for ENGINE_URL. Imports openai, which only those who have such servers need."""
    from bot.engine.remote.engine import RemoteEngine

    return RemoteEngine(
        settings.engine_url,
        model=settings.engine_model,
        api_key=settings.engine_api_key,
        max_prompt_tokens=settings.max_prompt_tokens,
        max_batch=settings.max_batch,
        repetition_penalty=settings.repetition_penalty,
        timeout=settings.engine_timeout,
    )


def local_engine(settings: Settings) -> "LocalEngine":
    """The engine for MODEL_PATH. Imports torch, which takes seconds."""
    # Ctrl+C cannot cancel an import as it cancels a task of the event loop, but it can break it off.
    with on_ctrl_c(signal.default_int_handler):
        from bot.engine.local.engine import LocalEngine

    return LocalEngine(
        settings.model_path,
        max_prompt_tokens=settings.max_prompt_tokens,
        max_new_tokens=settings.max_new_tokens,
        max_batch=settings.max_batch,
        precision=settings.model_precision,
        repetition_penalty=settings.repetition_penalty,
        base=settings.base_model,
        digested=settings.feedback,
        form=PromptFormat(settings.prompt_format, settings.plain_user, settings.plain_assistant),
    )
