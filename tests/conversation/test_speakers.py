"""An answer speaks for nobody but the bot, while lists, code and dialogues that somebody asked for stay as they are."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.answer import State
from bot.conversation.speakers import SpeakerFilter
from bot.engine import NoAnswer, Stream
from bot.engine.prompt import Exchange, Prompt
from bot.texts import NO_ANSWER
from tests.conversation.test_conversations import HERE, Screen, ask, channel_settings, database, stored, talk, turns
from tests.support.engine_stand_in import EngineServer
from tests.support.parley import parley, run, without_a_model
from tests.support.remote import asking
from tests.support.scripted import ScriptedEngine
from tests.support.timing import assert_linear

__all__ = ["channel_settings", "database", "talk", "turns"]  # fixtures

EARLIER = (Exchange("Alice", "I like tea.", "Good to know!"), Exchange("Bob (he)", "So do I.", "Both of you!"))


def prompt(question: str = "And you?", *turns: Exchange, speaker: str | None = "Carol") -> Prompt:
    return Prompt("Be brief.", turns or EARLIER, speaker, question)


def passed(*pieces: str, to: Prompt | None = None, bot_name: str = "Parley", read: int | None = None) -> str:
    """What is passed on of the pieces, once a filter has seen all of them or has ended the answer."""
    loop = asyncio.new_event_loop()
    stream = Stream(loop)
    loop.close()
    stream.turns_read = read
    speakers = SpeakerFilter(stream, to or prompt(), bot_name)
    shown = ""
    for piece in pieces:
        shown += speakers.push(piece)
        if speakers.ended:
            break
    return shown + speakers.finish()


CASES = [
    ("Parley: Hello.", "Hello."),
    ("Parley:\n\nHello.", "Hello."),
    ("Parley Smith: Hello.", "Parley Smith: Hello."),
    ("Hello.\nParley: Hello.", "Hello.\nParley: Hello."),
    ("Parley: Parley: that is me.", "Parley: that is me."),
    ("I do.\nAlice: Great!", "I do."),
    ("I do. \n\nBob (he): Great!\nCarol: Yes!", "I do. \n"),
    ("I do.\nCarol:", "I do."),
    ("Parley: I do.\nCarol:\nGreat!", "I do."),
    ("Alice: Great!", "Great!"),
    ("Alice:Great!", "Alice:Great!"),
    ("Alice: \n\nGreat!\nCarol: Yes!", "Great!"),
    ("Parley: Alice: Great!", "Great!"),
    ("Carol: Carol: Yes!", "Carol: Yes!"),
    ("Carol:", ""),
    ("Carol: Hi!\nParley: Hello!\n\nCarol: Bye!", "Carol: Hi!\nParley: Hello!\n\nCarol: Bye!"),
    ("Alice: tea\n\nBob (he): milk\nCarol: tea", "Alice: tea\n\nBob (he): milk\nCarol: tea"),
    ("Carol: Hi!\nHow are you?\nAlice: Fine.", "Hi!\nHow are you?"),
    ("Carol: Hi!\nCarol: Hi!", "Hi!"),
    ("I do.\nAlice", "I do.\nAlice"),
    ("I do.\nAlice likes it.", "I do.\nAlice likes it."),
    ("I do.\nAlice:tea", "I do.\nAlice:tea"),
    ("I do, said\nalice: no", "I do, said\nalice: no"),
    ("I like Alice: she is kind.", "I like Alice: she is kind."),
    ("I do.\n- Alice: tea\n- Carol: coffee", "I do.\n- Alice: tea\n- Carol: coffee"),
    ("I do.\n> Alice: I like tea.", "I do.\n> Alice: I like tea."),
    ("I do.\nNote: it is late.\nStep 1: sleep", "I do.\nNote: it is late.\nStep 1: sleep"),
    ("Romeo: Hello.\nJuliet: Hello.", "Romeo: Hello.\nJuliet: Hello."),
    ("You all do:\n\nAlice: tea\nCarol: milk", "You all do:\n\nAlice: tea\nCarol: milk"),
    ("I do.\n```yaml\nAlice: tea\n```\nAlice: no", "I do.\n```yaml\nAlice: tea\n```"),
    ("", ""),
    ("P", "P"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
@given(cuts=st.lists(st.integers(0, 60)))
def test_it_ends_where_it_begins_to_speak_for_somebody(text, shown, cuts):
    at = sorted({cut for cut in cuts if 0 < cut < len(text)})
    pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    assert passed(*pieces) == shown


@pytest.mark.parametrize(
    "question", ["Write a dialogue between Alice and Carol.", "what would alice and carol say?", "Tell @Alice, @Carol."]
)
def test_it_may_speak_for_those_whom_the_question_names(question):
    dialogue = "Alice: Hi!\nCarol: Hello!"
    assert passed(dialogue, to=prompt(question)) == dialogue
    assert passed(f"{dialogue}\nBob (he): Me, too.", to=prompt(question)) == dialogue
    assert passed(f"Well!\n{dialogue}", to=prompt("What of Alicent and Caroline?")) == "Well!"


def test_a_dialogue_that_was_asked_for_can_go_on():
    asked = Exchange("Alice", "Alice and Carol talk, write that.", "Alice: Hi!\nCarol: Hello!")
    longer = "Alice: Hi!\nCarol: Hello, Alice!"
    assert passed(longer, to=prompt("Longer!", asked)) == longer
    assert passed(f"{longer}\nBob: Me, too.", to=prompt("Longer!", asked, EARLIER[1])) == f"{longer}\nBob: Me, too."
    assert passed(f"{longer}\nBob (he): Me, too.", to=prompt("Longer!", asked, EARLIER[1])) == longer


def test_only_those_whom_the_model_was_shown_count():
    text = "I do.\nAlice: Great!\nBob (he): Yes!"
    assert passed(text, read=2) == "I do."
    assert passed(text, read=1) == "I do.\nAlice: Great!"
    assert passed(text, read=0) == text
    alone = prompt("And you?", Exchange(None, "I like tea.", "Good!"), speaker=None)
    assert passed(text, to=alone) == text


def test_names_count_as_the_model_was_shown_them():
    shown = prompt("And you?", Exchange("A:b\u202e  c", "Hi.", "Hi."), Exchange("\u200b", "Hi.", "Hi."))
    assert passed("I do.\nA b c: Hi.", to=shown) == "I do."
    assert passed("I do.\nSomebody: Hi.", to=shown) == "I do."


def test_the_bots_name_is_what_it_is_called_there():
    assert passed("Parley: Hi.", bot_name="Pal") == "Parley: Hi."
    assert passed("Pal (bot): Hi.", bot_name="Pal (bot)") == "Hi."


def test_what_may_become_a_label_is_never_shown():
    loop = asyncio.new_event_loop()
    speakers = SpeakerFilter(Stream(loop), prompt(), "Parley")
    loop.close()
    pieces = ["Par", "ley", ":", " ", "I ", "do.", "\n", "\n", "Al", "so ", "Alice: no.", "\nAl", "ice", ":", " x", "y"]
    shown = [speakers.push(piece) for piece in pieces]
    assert shown == ["", "", "", "", "I ", "do.", "", "\n", "", "\nAlso ", "Alice: no.", "", "", "", "", ""]
    assert speakers.ended
    assert speakers.finish() == ""


@pytest.mark.parametrize("piece", [" ", "\n", "word ", "\nAlice", "\n\n \nAl", ":"])
def test_any_text_is_filtered_in_linear_time(piece):
    assert_linear(lambda size: passed(*[piece] * size), 500)


async def test_the_model_stops_and_only_what_it_said_for_itself_is_stored(talk, turns):
    conversations, engine = talk(["Parley", ": Hello", ".\nAlice", ": And", asyncio.Event()])
    async with asyncio.timeout(5), conversations.answering(ask("hi")) as answer:
        while answer.state < State.FINISHED:
            await answer.changed()
        assert answer.text == "Hello."
        assert engine.streams[0].stopped
    assert await stored(turns) == [("hi", "Hello.")]


@pytest.mark.parametrize("script", [["Parley: "], ["Ali", "ce:"]])
async def test_an_answer_of_which_nothing_is_left_is_none(talk, turns, script):
    conversations, _ = talk(["Hello."], script, script)
    await Screen(12).show(conversations.answering(ask("hi")))
    with pytest.raises(NoAnswer):
        await Screen().show(conversations.answering(ask("again")))
    with pytest.raises(NoAnswer):
        await Screen().show(conversations.regenerating(HERE, 12, 1))
    assert await stored(turns) == [("hi", "Hello.")]


async def test_a_stopped_answer_shows_what_was_held_back(talk, turns):
    conversations, _ = talk(["I do", ".\nAl", asyncio.Event()])
    screen = Screen()
    asked = asyncio.create_task(screen.show(conversations.answering(ask("hi"))))
    await screen.grown.wait()
    screen.answer.stop()
    await asked
    assert screen.text == "I do.\nAl"


async def test_in_discord_it_loses_the_name_that_the_bot_has_there(discord, path):
    guild = discord.guild("Home")
    channel, alice = guild.channel("general"), guild.member("Alice")
    guild.members[discord.bot.id].nick = "Pal"
    engine = ScriptedEngine(
        ["Pal: Hello.\nAlice: Hi!"], ["Pal: Hi.\nAlice: Hello!"], ["Pal: Hm."], [f"{discord.bot.name}: Hm."]
    )
    async with parley(discord, engine, path) as running:
        answer = await running.ask(channel, alice)
        assert answer.content == "Hello."
        await running.until_stored(channel.id, ("hi", "Hello."))
        await discord.quiet()
        await alice.press(answer, "Regenerate")
        await running.until_stored(channel.id, ("hi", "Hi."))
        await discord.until(lambda: answer.content == "Hi.")
        asked = await alice.command(channel, "ask", prompt="what is up?")
        await asked.wait_for("Hm.")
        direct = alice.direct
        await direct.reply_to(await alice.say(direct, "hi"), wanted=lambda message: message.content == "Hm.")


async def test_an_engine_elsewhere_is_told_to_stop(talk):
    server = EngineServer(["I do.", "\nAli", "ce: Great", asyncio.Event()])
    conversations, _ = talk()
    async with asking(server) as engine:
        conversations._engine = engine
        screen = Screen()
        await screen.show(conversations.answering(ask("hi")))
        assert screen.text == "I do."
        while not server.given_up:
            await asyncio.sleep(0)


@pytest.mark.slow
def test_in_a_terminal_it_loses_the_name_that_stands_before_it(tmp_path):
    asked = run(tmp_path, *without_a_model(["Par", "ley: Hi."]), "ask", "--model", "demo", "hello")
    assert asked.stdout == "Hi.\n"
    talked = run(tmp_path, *without_a_model(["Par", "ley: Hi."]), "chat", "--model", "demo", stdin="hello\nquit\n")
    assert "Parley: Hi.\n" in talked.stdout
    nothing = run(tmp_path, *without_a_model(["Parley: "]), "ask", "--model", "demo", "hello")
    assert (nothing.returncode, nothing.stdout.strip(), nothing.stderr) == (1, "", f"{NO_ANSWER}\n")
