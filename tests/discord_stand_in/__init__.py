"""A Discord on the loopback interface, for tests.

The real discord.py connects to it over real sockets, from this process or another. The stand-in stores what Discord
stores, refuses what Discord refuses, and lets tests act as people do:

    async with Discord() as discord:
        guild = discord.guild("Home")
        channel, alice = guild.channel("general"), guild.member("Alice")
        async with discord.running(bot):
            question = await alice.say(channel, f"{discord.bot.mention} hello")
            answer = await channel.reply_to(question)
"""

from .channels import Channel
from .errors import NotPossible
from .faults import Fault
from .guilds import Guild, Role
from .interactions import Interaction
from .messages import Button, Message, Version
from .people import User
from .permissions import Permission
from .server import Discord

__all__ = [
    "Button",
    "Channel",
    "Discord",
    "Fault",
    "Guild",
    "Interaction",
    "Message",
    "NotPossible",
    "Permission",
    "Role",
    "User",
    "Version",
]
