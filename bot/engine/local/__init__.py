"""How a token is made: a language model on this machine's CPU, many requests in one forward pass.

engine         LocalEngine: one thread that loads the model, admits requests and runs the scheduler
scheduler      Scheduler: which tokens of which sequences go into the next forward pass (continuous batching)
sequence       Sequence: one request from its prompt to the end of its stream
attention      attention of a forward pass over several sequences, and transformers' way to it
kv_cache       KVCache: a slot of keys and values for each sequence, with prefix reuse
sampler        Sampler: logits → the next token
detokenizer    Detokenizer: token ids → text, up to a stop string
compatibility  whether a model can be batched, and what its layers cache
sequential     SequentialRunner: models that cannot be batched, one request at a time
"""
