"""One turn, from the question to the stored answer. Knows no Discord.

- `conversations`: the way of a question to its stored answer
- `answer`: one answer, filled by its conversation and read by whoever shows it
- `text_filter`: what of a growing answer may be shown
- `speakers`: keeps an answer from speaking for others
- `blocked_words`: words and regular expressions that no answer shows
- `admission`: who may ask now, and the order of answers in a channel
- `wait_estimate`: what an answer waits for, and about how long
- `personas_file`: the personas that /persona use offers
- `placeholders`: what stands for {channel} and the like in a persona
- `summary`: folds turns that are too old into their channel's summary
"""
