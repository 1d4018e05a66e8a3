"""One turn, from the question to the stored answer. Knows no Discord.

- `conversations`: the order of answers in a channel, and what is stored of each
- `admission`: who may ask now, and how long they will wait
- `answer`: one answer, filled by its conversation and read by whoever shows it
- `summary`: folds turns that are too old into their channel's summary
"""
