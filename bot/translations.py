"""The commands' names and descriptions in other languages, by Discord's locale codes.

What the bot itself says is English.
"""

from bot import texts

_COLUMNS = {"de": 0, "fr": 1, "es-ES": 2, "es-419": 2, "ja": 3}
_TEXTS = {
    "ask": ("fragen", "demander", "preguntar", "質問"),
    "prompt": ("frage", "question", "pregunta", "質問文"),
    "private": ("privat", "privé", "privado", "非公開"),
    "clear": ("vergessen", "oublier", "olvidar", "忘れる"),
    "forget": ("alles_vergessen", "tout_oublier", "olvidar_todo", "全部忘れる"),
    "export": ("exportieren", "exporter", "exportar", "書き出し"),
    "format": ("format", "format", "formato", "形式"),
    "quit": ("beenden", "quitter", "salir", "終了"),
    "persona": ("persona", "persona", "persona", "ペルソナ"),
    "set": ("festlegen", "définir", "definir", "設定する"),
    "use": ("verwenden", "utiliser", "usar", "使う"),
    "list": ("auflisten", "lister", "listar", "一覧"),
    "name": ("name", "nom", "nombre", "名前"),
    "show": ("zeigen", "montrer", "mostrar", "表示する"),
    "settings": ("einstellungen", "réglages", "ajustes", "設定"),
    "temperature": ("temperatur", "température", "temperatura", "温度"),
    "answer_length": ("antwortlänge", "longueur", "longitud", "回答の長さ"),
    "turns": ("gemerkt", "retenues", "recordadas", "覚える数"),
    "reset": ("zurücksetzen", "réinitialiser", "restablecer", "元に戻す"),
    "help": ("hilfe", "aide", "ayuda", "ヘルプ"),
    "status": ("zustand", "état", "estado", "状態"),
    "privacy": ("datenschutz", "confidentialité", "privacidad", "プライバシー"),
    "feedback": ("rückmeldungen", "retours", "valoraciones", "フィードバック"),
    texts.ASK: (
        "Eine einzelne Frage stellen, ohne das Gespräch in diesem Kanal",
        "Poser une seule question, sans la conversation de ce salon",
        "Hacer una sola pregunta, sin la conversación de este canal",
        "このチャンネルの会話とは別に、質問をひとつします",
    ),
    texts.ASK_PROMPT: (
        "Deine Frage",
        "Ta question",
        "Tu pregunta",
        "質問の内容",
    ),
    texts.ASK_PRIVATE: (
        "Die Antwort nur dir zeigen",
        "Montrer la réponse à toi seul",
        "Mostrarte la respuesta solo a ti",
        "回答を自分だけに表示します",
    ),
    texts.ABOUT_MESSAGE: (
        "Nach dieser Nachricht fragen",
        "Interroger sur ce message",
        "Preguntar por este mensaje",
        "このメッセージについて質問",
    ),
    texts.CORRECT_ANSWER: (
        "Diese Antwort berichtigen",
        "Corriger cette réponse",
        "Corregir esta respuesta",
        "この回答を訂正",
    ),
    texts.CLEAR: (
        "Das Gespräch in diesem Kanal vergessen",
        "Oublier la conversation de ce salon",
        "Olvidar la conversación de este canal",
        "このチャンネルの会話を忘れます",
    ),
    texts.HELP: (
        "Was ich tue, meine Befehle und was ich mir merke",
        "Ce que je fais, mes commandes et ce que je retiens",
        "Qué hago, mis comandos y qué recuerdo",
        "できること、コマンド、覚えている内容について",
    ),
    texts.STATUS: (
        "Wie es mir geht: das Modell, seine Auslastung und sein Tempo",
        "Comment je vais : le modèle, sa charge et sa vitesse",
        "Cómo estoy: el modelo, su carga y su velocidad",
        "現在の状態：モデル、負荷、速さ",
    ),
    texts.FORGET: (
        "Alles vergessen, was du mich gefragt hast, in allen Kanälen",
        "Oublier tout ce que tu m'as demandé, dans tous les salons",
        "Olvidar todo lo que me preguntaste, en todos los canales",
        "すべてのチャンネルで、あなたの質問をすべて忘れます",
    ),
    texts.EXPORT: (
        "Als Datei bekommen, was ich mir von diesem Kanal gemerkt habe",
        "Obtenir en fichier ce que je retiens de ce salon",
        "Obtener en un archivo lo que recuerdo de este canal",
        "このチャンネルについて覚えている内容をファイルで受け取ります",
    ),
    texts.EXPORT_FORMAT: (
        "JSON, oder CSV für eine Tabelle",
        "JSON, ou CSV pour un tableur",
        "JSON, o CSV para una hoja de cálculo",
        "JSON、または表計算用の CSV",
    ),
    texts.PRIVACY: (
        "Ob ich behalten darf, was du mich fragst, um mein Modell zu trainieren",
        "Si je peux garder ce que tu me demandes pour entraîner mon modèle",
        "Si puedo guardar lo que me preguntas para entrenar mi modelo",
        "あなたの質問をモデルの学習用に保存してよいかどうか",
    ),
    texts.FEEDBACK: (
        "Wie viele Antworten fürs Training behalten werden und wie sie gefallen",
        "Combien de réponses sont gardées pour l'entraînement, et si elles plaisent",
        "Cuántas respuestas se guardan para entrenar y si gustan",
        "学習用に保存された回答の数と評価",
    ),
    texts.PERSONA: (
        "Meine Persona (der Systemprompt) in diesem Kanal",
        "Mon persona (l'invite système) dans ce salon",
        "Mi persona (las instrucciones de sistema) en este canal",
        "このチャンネルでのペルソナ（システムプロンプト）",
    ),
    texts.PERSONA_SET: (
        "Meine Persona (den Systemprompt) in diesem Kanal festlegen",
        "Définir mon persona (l'invite système) dans ce salon",
        "Definir mi persona (las instrucciones de sistema) en este canal",
        "このチャンネルでのペルソナ（システムプロンプト）を設定します",
    ),
    texts.PERSONA_SHOW: (
        "Meine Persona in diesem Kanal nur dir zeigen",
        "Montrer à toi seul mon persona dans ce salon",
        "Mostrarte solo a ti mi persona en este canal",
        "このチャンネルでのペルソナを自分だけに表示します",
    ),
    texts.PERSONA_USE: (
        "Eine der vorbereiteten Personas für diesen Kanal wählen",
        "Choisir un des personas préparés pour ce salon",
        "Elegir una de las personas preparadas para este canal",
        "このチャンネルで使う、用意されたペルソナを選びます",
    ),
    texts.PERSONA_NAME: (
        "Ihr Name",
        "Son nom",
        "Su nombre",
        "ペルソナの名前",
    ),
    texts.PERSONA_LIST: (
        "Die vorbereiteten Personas nur dir zeigen",
        "Montrer à toi seul les personas préparés",
        "Mostrarte solo a ti las personas preparadas",
        "用意されたペルソナの一覧を自分だけに表示します",
    ),
    texts.PERSONA_CLEAR: (
        "Die eigene Persona dieses Kanals entfernen",
        "Supprimer le persona propre à ce salon",
        "Quitar la persona propia de este canal",
        "このチャンネル独自のペルソナを削除します",
    ),
    texts.SETTINGS: (
        "Zeigen oder ändern, wie ich in diesem Kanal antworte",
        "Montrer ou changer ma façon de répondre dans ce salon",
        "Mostrar o cambiar cómo respondo en este canal",
        "このチャンネルでの答え方を表示または変更します",
    ),
    texts.SETTINGS_TEMPERATURE: (
        "Wie frei ich Wörter wähle; 0 nimmt immer das wahrscheinlichste",
        "Ma liberté dans le choix des mots ; 0 prend toujours le plus probable",
        "Con cuánta libertad elijo las palabras; 0 toma siempre la más probable",
        "言葉の選び方の自由さ。0 なら常に最も確からしいものを選びます",
    ),
    texts.SETTINGS_LENGTH: (
        "Die längste Antwort, in Tokens",
        "La plus longue réponse, en tokens",
        "La respuesta más larga, en tokens",
        "回答の最大の長さ（トークン数）",
    ),
    texts.SETTINGS_TURNS: (
        "Wie viele Fragen und Antworten ich mir merke; ältere werden sofort vergessen",
        "Combien de questions et réponses je retiens ; les plus anciennes sont oubliées aussitôt",
        "Cuántas preguntas y respuestas recuerdo; las más antiguas se olvidan enseguida",
        "覚えておく質問と回答の数。それより古いものはすぐに忘れます",
    ),
    texts.SETTINGS_RESET: (
        "Verwerfen, was hier eingestellt wurde; die Persona bleibt",
        "Annuler ce qui a été réglé ici ; le persona reste",
        "Descartar lo que se ajustó aquí; la persona se queda",
        "ここでの設定を取り消します。ペルソナは残ります",
    ),
    texts.QUIT: (
        "Den Bot beenden (nur für seinen Besitzer)",
        "Arrêter le bot (réservé à son propriétaire)",
        "Apagar el bot (solo para su dueño)",
        "ボットを終了します（所有者のみ）",
    ),
}


def translated(text: str, locale: str) -> str | None:
    """Return a command's name or description in the language of a Discord locale code, or None if there is none."""
    column = _COLUMNS.get(locale)
    return None if column is None or text not in _TEXTS else _TEXTS[text][column]
