"""Parley's tiny demo model: what `MODEL_PATH=demo` loads.

A Qwen2 of about two million parameters that answers at once, offline, on any machine. It knows only what it
is told in the conversation, so it shows that the last five turns really reach the model. `values` are the
things people tell, `phrases` the ways they say them, `dialogues` the conversations made of both; `tokenizer`
and `train` make the model of them, and `evaluate` measures it on names and phrasings it has never seen.
"""

from pathlib import Path

MODEL = Path(__file__).parent / "model"
