"""Parley's tiny demo model, which `MODEL_PATH=demo` loads, and how it was made.

A Qwen2 model of about two million parameters: it answers at once, offline, on any machine. It knows only what it
is told in the conversation, so it shows that the last five turns really reach the model.

    model/           the weights and the tokenizer, as `from_pretrained` reads them
    phrases/         what people say and what the model answers, as text files
    phrasebook.py    reads them, and holds some phrases out of training
    values.py        the names, places and numbers that people tell, split in the same way
    facts.py         a fact, and the sentences in which the model answers
    variation.py     one phrase as different people type it
    conversation.py  one conversation, which knows the right answer to every question
    dialogues.py     endless random dialogues for training
    tokenizer.py     the tokenizer: whole words for frequent phrases, bytes for everything else
    train.py         trains the model: python -m bot.demo.train
    evaluate.py      measures it on unseen values and phrases: python -m bot.demo.evaluate
"""

from pathlib import Path

MODEL = Path(__file__).parent / "model"
