"""What people think of answers, turned into data for training, and what a training has changed. Knows no Discord.

- `names`: ids and display names leave an example, invented names take their place
- `dataset`: python -m bot dataset: the examples as JSON Lines that TRL trains on
- `questions`: questions with the answers that are expected, from the examples or from a file
- `compare`: python -m bot compare: the same questions to two models
- `side_by_side`: two texts beside each other, in a terminal of any width
"""
