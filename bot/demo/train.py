"""Trains the demo model: `python -m bot.demo.train [--out DIR]`.

Deterministic: the same seed and the same torch, on two cores of the same kind of processor, make the same weights.
At the end it evaluates the new model with `bot.demo.evaluate`.
"""

import argparse
import ctypes
import itertools
import math
import random
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from bot.demo import MODEL, evaluate, tokenizer
from bot.demo.dialogues import dialogues

SEED = 20
STEPS = 7500
BATCH_TOKENS = 4096
LESSONS = 18_000  # short dialogues at the beginning
POOL = 1024  # dialogues sorted by length together, to keep padding low
STRIDE = 32  # lengths are rounded up to a multiple of this: kernels take time to prepare for each new shape
WARM_UP = 200  # steps
MUON_RATE = 4e-3  # for the weight matrices of the layers
ADAM_RATE = 3e-3  # for the embedding, norms and biases
CONTEXT = 4096

Row = tuple[list[int], list[bool]]
Batch = tuple[Tensor, Tensor]


def config(tokens: Qwen2Tokenizer) -> Qwen2Config:
    """The model's shape: 2.4 million parameters, 4.9 MB in bfloat16."""
    return Qwen2Config(
        vocab_size=len(tokens),
        hidden_size=192,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=448,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
        attn_implementation="eager",  # faster than the fused kernels at this size, mostly in the backward pass
    )


def batch_of(rows: list[Row], pad: int) -> Batch:
    """Token ids and targets, both (batch, length): the next token, or -100 where it does not count."""
    length = -(-max(len(ids) for ids, _ in rows) // STRIDE) * STRIDE
    ids = torch.full((max(BATCH_TOKENS // length, 1), length), pad)
    targets = torch.full(ids.shape, -100)
    for i, (row, learn) in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        targets[i, : len(row) - 1] = torch.tensor(row[1:]).masked_fill(~torch.tensor(learn[1:]), -100)
    return ids, targets


def batched(rows: Iterable[Row], pad: int) -> list[Batch]:
    """The rows in batches of about `BATCH_TOKENS` tokens, shortest rows first."""
    groups: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: len(row[0])):
        length = -(-len(row[0]) // STRIDE) * STRIDE
        if not groups or (len(groups[-1]) + 1) * length > BATCH_TOKENS:
            groups.append([])
        groups[-1].append(row)
    return [batch_of(group, pad) for group in groups]


def batches(tokens: Qwen2Tokenizer, seed: int) -> Iterator[Batch]:
    """Endless training batches; no dialogue is used twice."""
    rng = random.Random(seed)
    encoded = (tokenizer.encode(tokens, dialogue) for dialogue in dialogues(seed, "train", LESSONS))
    while True:
        ready = batched(itertools.islice(encoded, POOL), tokens.pad_token_id)
        rng.shuffle(ready)
        yield from ready


def losses(model: Qwen2ForCausalLM, batch: Batch) -> tuple[Tensor, Tensor]:
    """The mean loss over a batch's targets, and where (batch, length) the most likely token is wrong."""
    ids, targets = batch
    learnt = targets != -100
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[learnt]).float()  # only where there are targets: a third of all tokens
    loss = functional.cross_entropy(logits, targets[learnt])
    return loss, torch.zeros_like(learnt).masked_scatter(learnt, logits.argmax(-1) != targets[learnt])


@torch.no_grad()
def answers_right(model: Qwen2ForCausalLM, held_out: list[Batch]) -> float:
    """The share of held-out dialogues in which every target is the most likely token."""
    right = total = 0
    for batch in held_out:
        used = (batch[1] != -100).any(1)
        right += int((used & ~losses(model, batch)[1].any(1)).sum())
        total += int(used.sum())
    return right / total


def train(tokens: Qwen2Tokenizer) -> Qwen2ForCausalLM:
    """The trained model, in float32."""
    torch.manual_seed(SEED)
    model = Qwen2ForCausalLM(config(tokens))
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers" in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "layers" not in name]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=MUON_RATE, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]

    def rate(step: int) -> float:
        return min((step + 1) / WARM_UP, 0.02 + 0.98 * (1 + math.cos(math.pi * step / STEPS)) / 2)

    schedules = [torch.optim.lr_scheduler.LambdaLR(optimizer, rate) for optimizer in optimizers]
    unseen = itertools.islice(dialogues(SEED, "held out"), 96)
    held_out = batched((tokenizer.encode(tokens, dialogue) for dialogue in unseen), tokens.pad_token_id)
    began, recent = time.monotonic(), 0.0
    for step, batch in enumerate(itertools.islice(batches(tokens, SEED), STEPS), start=1):
        loss, _ = losses(model, batch)
        torch.autograd.backward(loss)
        recent = 0.97 * recent + 0.03 * loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        if step % 200 == 0:
            right = answers_right(model, held_out)
            minutes = (time.monotonic() - began) / 60
            print(f"step {step:5}  {minutes:5.1f} min  loss {recent:.4f}  unseen right {right:.1%}", flush=True)
    return model


def save(model: Qwen2ForCausalLM, tokens: Qwen2Tokenizer, out: Path) -> None:
    """Writes a folder for `from_pretrained`, with the weights in bfloat16."""
    model.to(torch.bfloat16)
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_p=0.9,
        top_k=50,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
    )
    model.save_pretrained(out)
    tokens.save_pretrained(out)


def keep_memory() -> None:
    """Makes glibc keep freed memory: getting it from the kernel again in every step takes half of the time."""
    if sys.platform == "linux":
        mmap_threshold, trim_threshold = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
        libc = ctypes.CDLL(None)
        libc.mallopt(mmap_threshold, 2**30)
        libc.mallopt(trim_threshold, 2**31 - 1)


def main() -> None:
    """Trains, saves and evaluates the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=MODEL, help="the folder to write the model to")
    out = parser.parse_args().out
    keep_memory()
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    # Nothing reads uninitialized memory here, and filling it takes 7 % of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    tokens = tokenizer.build()
    save(train(tokens), tokens, out)
    evaluate.main(out)


if __name__ == "__main__":
    main()
