"""Discord messages, in and out.

In:
- `incoming_text`: the text that the model reads of a question
- `channel_context`: what was said in a channel before a question
- `content`: what can be read in one message, and the files in it
- `mentions`: names for what a text mentions
- `lookups`: what a question needs that Discord does not send along
- `placeholders`: what stands for {channel} and the like in a persona
- `addressing`: whether a message is meant for the bot
- `auto_threads`: threads that the bot opens for the talk that begins with a question
- `wake_words`: words by which the bot is called
- `access`: who may talk to the bot, and where it may write

Out:
- `live_reply`: one answer, as messages that grow while people read them
- `destinations`: where an answer goes: below a message, to a command, in place of another answer
- `replies`: makes live replies
- `active_replies`: the live replies under way, by their messages
- `pages`: a long text as messages of at most 2000 characters
- `pacing`: how often Discord is written to
- `refusals`: how often people are told why they are not answered
- `buttons`: Stop, Regenerate and votes
- `consent`: asks people whether what they write may be kept
- `corrections`: puts a correction in the place of an answer
- `review`: the review channel
- `forms`: what every form has in common
- `recovery`: completes after a restart what a killed process left unfinished
- `explanations`: the sentence that a person is told of an error
- `transient_errors`: what requests to Discord fail with, what may be over at the next attempt, and what never is
"""
