"""What people do in Discord: an event or a command each, a call into `bot`, and a reply.

- `chat`: messages to the bot
- `ask`: /ask and "Ask about this message"
- `buttons`: the buttons under an answer, pressed
- `votes`: 👍, 👎 and /privacy
- `feedback`: corrections, reviews and /feedback
- `context`: /clear
- `channel`: /persona and /settings
- `privacy`: /forget and /export, and what is deleted or edited in Discord
- `about`: /help and /status
- `admin`: /quit
"""
