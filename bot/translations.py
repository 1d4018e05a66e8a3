"""The names and descriptions of the commands in other languages; what the bot says itself is English."""

from discord import Locale, app_commands

from bot import wording

_LANGUAGES = (
    (Locale.german,),
    (Locale.french,),
    (Locale.spain_spanish, Locale.latin_american_spanish),
    (Locale.japanese,),
)
_TEXTS = {
    "ask": ("fragen", "demander", "preguntar", "質問"),
    "prompt": ("frage", "question", "pregunta", "質問文"),
    "private": ("privat", "privé", "privado", "非公開"),
    "clear": ("vergessen", "oublier", "olvidar", "忘れる"),
    "forget": ("alles_vergessen", "tout_oublier", "olvidar_todo", "全部忘れる"),
    "export": ("exportieren", "exporter", "exportar", "書き出し"),
    "format": ("format", "format", "formato", "形式"),
    "quit": ("beenden", "quitter", "salir", "終了"),
    "help": ("hilfe", "aide", "ayuda", "ヘルプ"),
    "status": ("zustand", "état", "estado", "状態"),
    wording.ASK: (
        "Eine einzelne Frage stellen, ohne das Gespräch in diesem Kanal",
        "Poser une seule question, sans la conversation de ce salon",
        "Hacer una sola pregunta, sin la conversación de este canal",
        "このチャンネルの会話とは別に、質問をひとつします",
    ),
    wording.ASK_PROMPT: ("Deine Frage", "Ta question", "Tu pregunta", "質問の内容"),
    wording.ASK_PRIVATE: (
        "Die Antwort nur dir zeigen",
        "Montrer la réponse à toi seul",
        "Mostrarte la respuesta solo a ti",
        "回答を自分だけに表示します",
    ),
    wording.ABOUT_MESSAGE: (
        "Nach dieser Nachricht fragen",
        "Interroger sur ce message",
        "Preguntar por este mensaje",
        "このメッセージについて質問",
    ),
    wording.CLEAR: (
        "Das Gespräch in diesem Kanal vergessen",
        "Oublier la conversation de ce salon",
        "Olvidar la conversación de este canal",
        "このチャンネルの会話を忘れます",
    ),
    wording.HELP: (
        "Was ich tue, meine Befehle und was ich mir merke",
        "Ce que je fais, mes commandes et ce que je retiens",
        "Qué hago, mis comandos y qué recuerdo",
        "できること、コマンド、覚えている内容について",
    ),
    wording.STATUS: (
        "Wie es mir geht: das Modell, was es tut und wie schnell",
        "Comment je vais : le modèle, ce qu'il fait et à quelle vitesse",
        "Cómo estoy: el modelo, qué hace y a qué velocidad",
        "現在の状態：モデル、処理の内容、速さ",
    ),
    wording.FORGET: (
        "Alles vergessen, was du mich gefragt hast, in allen Kanälen",
        "Oublier tout ce que tu m'as demandé, dans tous les salons",
        "Olvidar todo lo que me preguntaste, en todos los canales",
        "すべてのチャンネルで、あなたの質問をすべて忘れます",
    ),
    wording.EXPORT: (
        "Als Datei bekommen, was ich von diesem Kanal weiß",
        "Obtenir en fichier ce que je retiens de ce salon",
        "Obtener en un archivo lo que recuerdo de este canal",
        "このチャンネルについて覚えている内容をファイルで受け取ります",
    ),
    wording.EXPORT_FORMAT: (
        "JSON, oder CSV für eine Tabelle",
        "JSON, ou CSV pour un tableur",
        "JSON, o CSV para una hoja de cálculo",
        "JSON、または表計算用の CSV",
    ),
    wording.QUIT: (
        "Den Bot beenden (nur für seinen Besitzer)",
        "Arrêter le bot (réservé à son propriétaire)",
        "Apagar el bot (solo para su dueño)",
        "ボットを終了します（所有者のみ）",
    ),
}


class Translator(app_commands.Translator):
    """Gives Discord each text of a command in the languages that there are."""

    async def translate(
        self, string: app_commands.locale_str, locale: Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """The text in that language, or None."""
        for language, text in zip(_LANGUAGES, _TEXTS.get(string.message, ()), strict=False):
            if locale in language:
                return text
        return None
