"""Gives discord.py the commands' names and descriptions in other languages."""

from discord import Locale, app_commands

from bot.translations import translated


class Translator(app_commands.Translator):
    """Looks texts up in `bot.translations`."""

    async def translate(
        self, string: app_commands.locale_str, locale: Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Return the text in that language, or None if there is none."""
        return translated(string.message, locale.value)
