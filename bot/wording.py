"""What Parley itself says to people, apart from the model's answers: short, friendly, exact."""

ONLY_TEXT = "I only understand text, so I can't see what you sent. Tell me about it in words."
UNREADABLE_REPLY = "Discord shows me a reply only when it pings me. Switch its @ on, or mention me."
NO_ANSWER = "The model had nothing to say to that. Please put it another way."
UNEXPECTED = "Something went wrong while I was answering; it is in my log. Please try again."
NO_MODEL = "My model can't be loaded, so I can't answer. Whoever runs me finds the reason in my log."
OUT_OF_TIME = "That took longer than the 15 minutes that Discord gives me for a command. Mention me instead."
SHUTTING_DOWN = "I am just shutting down, so I can't answer that now. Please ask again when I am back."
QUITTING = "I am shutting down."
NOT_YOURS = "Only the person who asked, or somebody who may manage messages here, can do that."
STALE = "That answer has moved on, so there is nothing to do here any more."
OWNER_ONLY = "Only my owner can shut me down."


def question_too_long(tokens: int, limit: int) -> str:
    """`tokens` is the length of the question, `limit` what there is room for."""
    if limit <= 0:
        return (
            "My system prompt leaves no room for a question. Whoever runs me can shorten it or raise MAX_PROMPT_TOKENS."
        )
    return f"That message is too long for me: it has {tokens} tokens and may have at most {limit}. Please shorten it."


def forgotten(turns: int) -> str:
    """After a clear; `turns` is how many there were."""
    return f"I have forgotten our conversation here: {turns} turn{'' if turns == 1 else 's'}."
