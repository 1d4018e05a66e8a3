"""Draws the pictures of the documentation from real runs: `python -m tests.pictures [FOLDER]`.

It needs Chromium and fonts; on Debian: `apt-get install chromium fonts-noto-core fonts-noto-mono
fonts-noto-color-emoji`.

    conversation  people and the bot talk in the stand-in
    feedback      an answer is disliked, and shown in the review channel
    terminal      a chat with the demo model
    pages         what happened → HTML, by discord.html or terminal.html
    markdown      a message's content → HTML
    browser       HTML → PNG
"""
