"""The connection to Discord.

- `client`: the discord.py client: intents, events, presence, errors of commands
- `presses`: presses on the bot's buttons
- `command_sync`: registers the slash commands where Discord knows others
- `login`: what Discord refuses for good, and pauses between attempts
- `resume`: how a shard connects, and comes back without losing messages
- `identify`: when a shard may begin a session
- `translator`: the commands in other languages
- `status`: what is known of the connection, for those who watch it
"""
