"""`python -m bot check`: what is well, what is wrong, and what to do about it. It changes nothing.

- `findings`: one thing that was looked at, and how it is printed
- `options`: the settings
- `database`: the SQLite file
- `application`: the token, the intents, the shards, and the invite link
- `guilds`: the servers that the bot is in, and its permissions there
- `model`: the model on this machine
- `remote`: the servers of ENGINE_URL
"""
