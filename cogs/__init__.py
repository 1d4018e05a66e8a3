"""What the bot hears in Discord, an event or a command each: a call into `bot`, and a reply."""
