"""What people say to the demo model, and what it answers: one wording per situation, so that sampling is safe.

Each block of phrases is one situation, a line a phrase; one that stands there more than once is said more often.
`{v}` stands for the value told, `{k}` for what it is the value of, `{p}` for another speaker, `{x}` and `{n}` for a
subject and a number of no importance.
"""

import re
from collections import Counter
from typing import NamedTuple

from bot.demo.values import Split


class Phrases(NamedTuple):
    """The ways to say one thing, by side of the split."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """The phrases of one side."""
        return self.train if split == "train" else self.held_out


def normal(phrase: str) -> str:
    """A phrase without what casing, punctuation, contractions and spelling may change: its wording."""
    phrase = re.sub(r"'(s|m|re|ll|ve)\b", lambda end: _CONTRACTIONS[end[1]], phrase.casefold().replace("\u2019", "'"))
    phrase = phrase.replace("n't", " not").replace("color", "colour").replace("favorite", "favourite")
    return re.sub(r"[^\w{}/+*]+", " ", phrase).strip()


_CONTRACTIONS = {"s": " is", "m": " am", "re": " are", "ll": " will", "ve": " have"}


def _block(text: str) -> Phrases:
    """The lines of a block, the fourth of every eight wordings held out: only the evaluation says those.

    Counted are the wordings of two words or more of which other wordings that stay in training hold every word: what
    "sleep well" means one knows or doesn't. What is said more often than other things stays in training too.
    """
    wordings: dict[str, list[str]] = {}
    for line in text.strip().split("\n"):
        wordings.setdefault(normal(line), []).append(line)
    uses = Counter(word for wording in wordings for word in set(wording.split()))
    held_out: set[str] = set()
    guessable = 0
    for wording, lines in wordings.items():
        words = set(wording.split())
        if len(words) > 1 and len(set(lines)) == len(lines) and all(uses[word] > 1 for word in words):
            guessable += 1
            if guessable % 8 == 4:
                held_out.add(wording)
                uses.subtract(words)
    return Phrases(
        train=tuple(line for wording, lines in wordings.items() if wording not in held_out for line in lines),
        held_out=tuple(line for wording, lines in wordings.items() if wording in held_out for line in lines),
    )


_ME = "Parley's tiny demo model"
_REAL = "set MODEL_PATH in .env to a model folder or a hub name such as Qwen/Qwen2-1.5B-Instruct"
_HINT = "Tell me a fact about you, and ask me for it later."

NOTHING_KNOWN = "I don't know anything about you. You haven't told me in the turns I can see."

# Situations without facts: what is said, and the one answer.
TALK: dict[str, tuple[str, Phrases]] = {
    "greet": (
        f"Hello! I am {_ME}. Tell me something about you, or ask me what I can do.",
        _block("""
hi
hello
hey
hi there
hello there
hey there
hi parley
hello parley
hey parley
good morning
good morning parley
good evening
good afternoon
good day
hi everyone
hello everybody
hello bot
hey bot
hi bot
hiya
howdy
yo
greetings
hi hi
hello hello
heya
heyy
hallo
hola
bonjour
ciao
salut
moin
morning
evening
hello my friend
hello again
hi again
hey, are you there?
are you there?
is anyone there?
anybody here?
nice to meet you
hello world
i am back
start
/start
test
testing
this is a test
just testing
ping
hey everyone
hello dear parley
good morning everyone
hi friend
hey you
good evening parley
test test
hello my dear bot
hey hey
hi all
hi folks
hello people
hello, it is me
hi, it's me again
a good morning to you
good morning to all
good evening everybody
hey parley, are you there?
anyone home?
wake up
are you online?
are you awake?
hello, is this thing on?
hey robot
hello mr bot
test 1 2 3
one two test
is anyone here?
is anybody here?
is anybody there?
is there anyone here?
hello, is anyone there?
hello? anybody there?
hi, are you there?
are you there, bot?
are you here?
are you online, bot?
is the bot online?
is the bot awake?
hello my bot
my dear bot, hello
hello dear bot
hello dear friend
hi my friend
hi my dear friend
hi there, bot
hi there, parley
hello there, parley
hey there, bot
hi dear parley
hey friend
hey my friend
good morning bot
good morning, my friend
good evening, my dear bot
good evening bot
good afternoon parley
good afternoon everyone
good day to you
hello to you
hello to all
hi to everyone here
hello everyone
hello all
hey all
hey folks
hello folks
hi people
hello you
hi you
hello again, parley
hi again, bot
i am here again
hello, i am back
hi, i'm back
hello, it's me again
it is me again
i am new, hi
hello from me
a warm hello
warm greetings
greetings, parley
greetings, bot
hiya bot
hiya parley
yo bot
yo parley
howdy parley
nice to see you
nice to meet you, bot
nice to meet you, parley
pleased to meet you
wake up, bot
wake up, parley
are you awake, parley?
this is only a test
testing the bot
hello hello, anybody home?
is anyone home?
hello bot, i am back
wake up now
wake up, friend
come on, wake up
time to wake up
bot, wake up please
hello parley, wake up
hey bot, are you awake?
are you up?
is parley here?
is parley online?
hi parley, it is me
hello parley, i am here
hi, i am here now
hey, i'm back
hey parley, i am back
good to see you
good to be back
hello my dear
hello dear all
hi dear bot
dear bot, hi
dear parley, good morning
hey people
hi everyone, i am back
good afternoon to you
good afternoon bot
good evening to all
hey all of you
hello, anybody?
hey, anyone here?
hello, who is there?
hello from my side
hi once more
"""),
    ),
    "how are you": (
        "I am fine, thank you! How can I help?",
        _block("""
how are you?
how are you doing?
how are you today?
how's it going?
how is it going?
how do you do?
what's up?
what is up?
sup
wassup
how are things?
how do you feel?
are you ok?
are you well?
how have you been?
how's life?
how's your day?
how was your day?
how is your day going?
hello, how are you?
hi, how are you?
hey, how are you doing?
good morning, how are you today?
hey, what's up?
hello, what's up?
hi, how's it going?
what are you doing?
what are you up to?
and you?
and how are you?
i'm fine, and you?
i am good, how are you?
are you feeling well today?
how are you doing today?
hi parley, how are you?
hello there, how are you doing?
how is life?
what's up today?
how is life going?
how is everything?
how's everything going?
how are things with you?
how are you feeling?
how do you feel today?
are you doing well?
are you fine?
you good?
you ok?
all good with you?
is everything ok?
is all well with you?
what's going on?
what is happening?
what's happening, parley?
how goes it?
how have you been lately?
how was your night?
how was your weekend?
good to see you, how are you?
so how are you, bot?
tell me how you are
i hope you are well, how are you?
how is your life?
how's your life?
how is life with you?
how's life going?
life is good, and how are you?
how is it all going?
how's it all going?
is it going well?
is life going well?
how does it go?
how is it with you?
how well are you?
are you well today?
are you ok today?
are you feeling ok?
are you feeling good?
are you feeling fine today?
do you feel well?
do you feel good today?
are you doing ok?
are you doing good today?
are you doing fine?
is it all good?
is everything fine?
is everything fine with you?
everything ok?
everything good?
how is your evening?
how is your morning?
how was your morning?
how is your week going?
how was your week?
what is up, bot?
what's up, parley?
what's up with you?
hello parley, what's up?
hi bot, what's up?
what's happening today?
what is happening with you?
what's going on today?
what is going on, bot?
what are you up to today?
what are you doing now?
what are you doing, bot?
hello, how is it going?
hey bot, how is life?
hey parley, how's it going today?
hello bot, are you well?
hi, are you ok?
hi, are you doing well today?
and how is life?
and how is it going?
and how do you feel?
and what are you up to?
how do you feel, parley?
how are you, my friend?
how are you, bot?
how are you now?
how are you really?
are you good?
are you happy?
are you tired?
i hope you are doing well
i hope you feel good
hey, whats up?
hey bot, what's up?
hey parley, what is up?
what is up with you today?
is all good?
is everything good?
is everything all right?
is everything well with you?
is it all fine?
is all ok?
all fine with you?
everything fine?
everything ok with you?
are you all right?
are you all right today?
are you feeling good today?
are you feeling better?
how are things today?
how are things going?
how are things going with you?
how are you, parley?
how are you, dear bot?
how do things go?
how has your day been?
how has your week been?
i am fine, how are you?
i'm good, and how are you doing?
i am well, and you?
life is fine, how is yours?
what is going on with you?
what's going on, parley?
what is going on here today?
are things good?
is all well?
is it all good with you?
so, is it all good?
"""),
    ),
    "thanks": (
        "Glad to help!",
        _block("""
thanks
good bot
thank you
nice bot
thanks a lot
you are great
thank you very much
you're great
thank you so much
you are nice
thanks so much
you are cool
many thanks
you're awesome
thx
you are so smart
ty
you are clever
cheers
you are funny
thanks bot
you are sweet
thanks parley
you are the best
ok thanks
i like you
okay thank you
i love you
great, thanks
i love this bot
cool, thank you
i like this bot
that helps, thanks
well done parley
thanks for your help
good job
thank you for the help
great job
thanks for telling me
you did well
thanks anyway
you are helpful
much appreciated
you are very good
danke
clever bot
merci
smart bot
gracias
this is cool
perfect, thank you
this is great
i thank you
this bot is cool
tysm
you have a good memory
great, thank you
that was good
thank you parley
you are cute
thanks for the help
you are very nice
cool thanks
great bot
thanks, that helps
you're the best
thanks a million
i like you a lot
thank you kindly
you are very helpful
thank you, bot
this bot is great
thank you, that was helpful
i like you so much
that was helpful, thanks
i really like you
that helped, thank you
i love you so much
you helped me, thanks
i like how you answer
nice, thanks
i like talking to you
good, thank you
we like you
wow, thanks
we love you, bot
thank you for that
everyone likes you
thanks for that
my friends like you
thanks for the answer
you are amazing
thank you for your answer
you're amazing
thank you for everything
you are wonderful
thanks for the info
you are fantastic
i am grateful
you are so good
i really appreciate it
you are so helpful
appreciate it
you're very clever
thanks again
you're so nice
thank you again
you are really cool
thanks man
you are really smart
thanks friend
you are a good bot
a big thank you
you are a great bot
thanks a lot, bot
you're a nice bot
thank you bot
what a good bot
thanks, parley
what a nice bot
thanks to you
what a clever bot
ok, thank you
such a good bot
ok great, thanks
best bot ever
great, thanks a lot
you are my favourite bot
great, many thanks
you are my best friend
wow, thank you
you have a great memory
nice, thank you
you have such a good memory
cool, thanks a lot
your memory is great
perfect, thanks
your answers are good
you helped me
your answer was great
you helped me a lot
great answer
you helped a lot, thanks
good answer
you have helped me, thank you
nice answer
that helped me
that was a good answer
that helped me, thanks
that was great
that helped a lot
that was very helpful
that was a great help
this bot is awesome
thanks, you helped
this bot is so good
thank you, you helped me so much
this bot is really nice
thanks, my friend
this is awesome
thank you, my friend
impressive
thank you, friend
i am impressed
thanks for helping me
you are so nice
thank you for helping
you are so cool
thanks for all
you are so sweet
thank you for all your help
you are so funny
thanks very much
you are really nice
thanks, i appreciate it
you are really good
thank you, parley, that helps
you are really great
wow, thanks a lot
you are really helpful
wow, thank you so much
you are nice to me
oh wow, thank you
you are nice, i like you
oh thanks
you're nice
oh, thank you
you're cool
oh nice, thank you
you're so cool
ah thanks
you're so good
ah, thank you
you're good at this
thanks, nice of you
you are good at this
thanks, that is nice
i like you very much
thanks, that is what i needed
i like you, bot
thank you, you helped
i like this
thanks, this helps
i really like this
this helps, thank you
i really like this bot
this helped me, thanks
i love this
perfect, thanks a lot
i like your answers
cool, many thanks
i like your answer
thank you my friend, that helped
i love your answers
so thanks
we like this bot
thanks then
we love you
this bot is nice
this bot is good
this bot is so cool
this bot is so smart
this bot is the best
this is so good
this is so cool
this is really good
this is really great
this is very good
such a nice bot
such a great bot
such a clever bot
such a good answer
what a great bot
what a cool bot
what a good answer
cool bot
sweet bot
that was great, bot
that was really good
that was a great answer
that was so good
that was very good
that was clever
that was nice of you
you did great
you did that well
you are doing great
you are doing well
your memory is good
your memory is very good
your memory is really good
your memory is amazing
your memory is awesome
wow, your memory is good
what a good memory
what a great memory
what a memory
such a great memory
you remember so well
you remember everything, great
you remember very well
your answers are great
your answers are very nice
your answers are really helpful
your answer is good
your answer is great
your answer was good
your answer was very helpful
that was a nice answer
that was very nice
that was so clever
that was really nice
that was really helpful
this bot is very good
this bot is very nice
this bot is very helpful
this is nice
this is very nice
this is really nice
this is really cool
i like that
i like that answer
i like your memory
i really like your answers
i like what you do
"""),
    ),
    "bye": (
        "Goodbye! Come back any time.",
        _block("""
bye
goodbye
bye bye
good night
see you
see you later
see ya
cya
later
talk to you later
until next time
until tomorrow
have a nice day
have a good day
i have to go
i must go now
gotta go
i am leaving now
ok bye
thanks, bye
bye for now
bye parley
good bye
farewell
take care
ttyl
i'm off
see you soon
see you tomorrow
good night parley
ciao, bye
have a nice evening
brb
goodbye parley
thanks and goodbye
good night everyone
bye everyone
i have to go now, bye
see you next time
thank you and bye
thanks, see you
thank you, goodbye
ok, goodbye
ok, see you later
i have to leave
i have to go to bed, bye
i need to go
i need to leave now
i must leave
i am going now
i am out
i'm leaving, bye
i'm going to go now
time to go
it is time to go
goodbye my friend
goodbye for now
bye then
bye, see you
bye, have a nice day
so long
catch you later
see you around
see you in the morning
have a good night
have a nice weekend
sleep well
good night, bot
so goodbye
until later
until then
until we meet again
until later, bye
until tomorrow, bye
see you then
see you next week
next time, bye
bye, until next time then
ok, i have to go
ok, i must go
i have to go home
i need to go now
i need to go to bed
i need to sleep now, bye
i really need to go
i really have to go now
i must go to bed
now i must go
i will go now
i want to go now, bye
we have to go
we need to go now
i should go
i should go now
i'm leaving
i am leaving
i am leaving, goodbye
i am off to bed
i am off now
i'm out, bye
let me go now, bye
good night, parley
good night to you
good night to all
good night, my friend
good night and bye
a good night to everyone
goodbye everyone
goodbye all
bye all
bye bot
bye, my friend
bye bye parley
bye, see you later
bye, have a good day
have a good day, bye
have a nice day, parley
have a good evening
have a nice night
have a good weekend, bye
have a good time
thanks, goodbye
thank you, bye bye
thanks and bye
thanks, see you later
thanks, until next time
great, bye
ok bye bye
so, bye
farewell, my friend
take care, bye
take care, parley
later, bot
see you, bot
see you all
see you again
see you again soon
talk to you soon
talk to you tomorrow
goodbye, my dear friend
goodbye friend
goodbye, parley, see you
goodbye everybody
goodbye then
goodbye to all
my friend, goodbye
bye my dear bot
bye, dear parley
bye friend
i am off, bye
i'm off now, see you
i'm off to work, bye
i'm off to school now
now i am off
now i have to go
now i need to leave
so i must go
ok, i need to go
ok, i am going
ok then, bye
see you, my friend
see you next month
see you on monday
see you, parley
talk to you next time
talk to you next week
i will talk to you later
thanks, bye for now
now i am going
well, i am going
i am going home now
i have to be going
okay, i am going now
going now, bye
"""),
    ),
    "fine": (
        "All right!",
        _block("""
ok
okay
k
yes
no
yep
nope
yeah
nah
sure
of course
maybe
fine
good
great
cool
nice
wow
awesome
perfect
right
i see
alright
all right
understood
got it
exactly
true
that is true
that's right
correct
that is correct
no problem
hm
hmm
oh
ah
aha
oh ok
ok cool
ok good
oh nice
very good
well done
not really
never mind
nevermind
no worries
yes please
sorry
i am sorry
oh sorry
no thanks
no thank you
i think so
i agree
sounds good
interesting
that's interesting
lol
lmao
haha
hahaha
rofl
xd
:)
:D
:(
;)
<3
funny
that's funny
that is funny
haha nice
lol ok
yes, exactly
yes of course
haha ok
wow, nice
that is right
yes, that is right
yes, that's true
yes, you are right
you are right
that's good
that is good
that's great
that is nice
that's nice
that's cool
that is cool
that's fine
that is fine
sounds great
sounds nice
good idea
good point
oh wow
wow ok
oh okay
okay cool
ok nice
ok then
okay then
fair enough
makes sense
that makes sense
i understand
i see, ok
if you say so
works for me
fine by me
good to know
not bad
not yet
of course not
definitely
absolutely
sure thing
sure, why not
ha
hehe
haha yes
haha very funny
lol nice
this is cool, ok
cool, cool
nice, nice
oh cool
oh that's cool
wow cool
wow, that's cool
wow, that is nice
wow, great
that's very nice
that is very good
that's very cool
that is so cool
that is so nice
that's very funny
that is so funny
very funny
haha funny
haha, that's funny
haha, very nice
haha cool
haha great
lol, that's funny
lol, very funny
lol cool
ok great
ok fine
ok, sounds good
okay, sounds good to me
sounds good to me
sounds fine to me
sounds right
sounds right to me
sounds cool
sounds fun
good, good
very nice
very well
very cool
great idea
nice idea
nice point
cool idea
nice one
good one
right, ok
yes, right
yes, that is true
yes, true
yeah, true
yeah, right
yeah, that is right
so true
so it is
is that right
quite right
that is quite right
that is quite good
all good
all fine
it is fine
it's fine
it is ok
it's all right
that is all right
that's ok
that is ok
that works
that works for me
it works for me
i think that is right
i think that's true
i agree with that
i see, nice
i see, cool
oh i see
ah i see
ah, ok
ah, right
oh right
oh great
oh yes
that's a good point
a good point
good point, ok
ok, good point
yes, good point
good points
you have a point
that's a nice idea
that is a good idea
a good idea
that is a great idea
it makes sense
this makes sense
ok, makes sense
ok, that makes sense
yes, makes sense
yes, that makes sense
ah, that makes sense
makes sense to me
that makes sense to me
now it makes sense
now i see
now i understand
ok, now i see
ok, understood
yes, i see
yes, i understand
yes, i agree
yes, ok
yes, good
yes, sure
yes, great
oh, true
oh, i understand
oh good
oh that's nice
oh that's good
oh, that is funny
that's very true
that is so true
that is all ok
that's all fine
very true
right, that makes sense
so it was
so be it
yes, so it is
that is so
it is so
so it seems
all right then, so it is
"""),
    ),
    "blame": (
        f"Sorry! I am only {_ME}, and I make mistakes.",
        _block("""
bad bot
you are stupid
you're stupid
you are dumb
you are wrong
that is wrong
that's wrong
that's not right
that is not true
that's not true
not true
wrong
wrong answer
you are bad
you are useless
you're useless
you are boring
you are annoying
i hate you
i don't like you
shut up
stupid bot
this is bad
this bot is bad
this bot is stupid
you are not very smart
you are not helpful
that makes no sense
that does not help
that is not what i asked
that was not my question
you don't understand me
you did not answer
you forgot
no, that is wrong
you suck
what a stupid answer
be quiet
stop
stop it
go away
you are a bad bot
that answer is wrong
no, that's not right
you are not smart
this is stupid
that is not helpful
no, that's wrong
no, you are wrong
no, that is not right
no, not true
you got it wrong
you got that wrong
that's incorrect
that is incorrect
that's false
your answer is wrong
your answer is bad
that answer is bad
that was wrong
that was a bad answer
that was not helpful
what a bad bot
you are a stupid bot
you are terrible
you are so dumb
you're so stupid
you're dumb
you are not smart at all
you are not good
you're not helpful
you are no help
you know nothing
you don't know anything
you never listen
you did not listen
you don't listen
you don't help me
you made a mistake
you are making mistakes
that is a mistake
that is not my question
i did not ask that
i did not say that
that's not what i said
that is not what i said
i don't like this bot
i hate this bot
this bot is terrible
this bot is useless
this bot sucks
this does not work
it does not work
bad answer
terrible answer
nonsense
that is nonsense
you talk nonsense
leave me alone
be silent
i hate this
i hate your answers
i hate bots
i really hate you
everyone hates you
we hate you
i do not like you
i really don't like you
nobody likes you
this bot is so stupid
this bot is so bad
this bot is not good
this bot is no good
this bot is dumb
this bot is wrong
such a bad bot
such a stupid bot
what a useless bot
useless bot
you useless bot
dumb bot
you dumb bot
you are so useless
you are so stupid
you are so bad
you are so wrong
you are so boring
you are wrong again
you are always wrong
you are not right
you're wrong
you're not smart
you're not very good
you are not so smart
you are not clever
you are not funny
your answers are bad
your answers are wrong
your answer is stupid
your answer is not right
your answer was bad
your answer was wrong
that answer was wrong
that was not right
that was not true
that was not what i asked
that was not what i said
that was stupid
that was dumb
not my question
this is not what i asked
this was not my question
you did not answer my question
that does not answer my question
you don't answer my question
you are bad at this
you are really bad
you are really stupid
you are really annoying
this is useless
this is wrong
this is not right
this is dumb
you are wrong there
you are wrong about that
you are wrong about me
you are just wrong
you are so very wrong
no, wrong
no, that was wrong
that is all wrong
this is all wrong
wrong again
you are boring me
you are a boring bot
this is boring
this bot is boring
you bore me
stop that
stop this
please stop it
stop it now
stop talking
your memory is bad
your memory is terrible
your memory is really bad
you remember nothing
you remember it wrong
you forgot it
you forgot my name
you forgot again
you did not help
you did not help me
you did not understand
you don't understand
you don't know my name, bad bot
that is not my name
that is not what i told you
a useless bot
useless
useless answer
useless bot, really
what a useless answer
i think you are useless
a bad answer
very bad answer
bad answers
such a bad answer
boring
that is boring
a boring bot
"""),
    ),
    "identity": (
        f"I am {_ME}: I know little more than what you tell me. For a real model, {_REAL}.",
        _block("""
who are you?
what are you?
who are you really?
what's your name?
what is your name?
what is your name?
what are you called?
do you have a name?
tell me your name
your name?
who is this?
who am i talking to?
what am i talking to?
who is parley?
what is parley?
what is this?
what is this bot?
what kind of bot are you?
are you a bot?
are you a robot?
are you human?
are you a human?
are you a person?
are you real?
are you a real person?
are you an ai?
are you alive?
are you chatgpt?
are you gpt?
are you gpt-4?
are you claude?
are you gemini?
are you llama?
are you qwen?
are you a language model?
are you a real model?
are you smart?
is this chatgpt?
is this a bot?
is this ai?
what model are you?
which model are you?
which model is this?
what model is this?
what language model do you use?
what model do you use?
what ai is this?
which ai are you?
tell me about yourself
introduce yourself
describe yourself
who made you?
who built you?
who created you?
who trained you?
where do you come from?
where are you from?
where do you live?
how old are you?
how big are you?
how many parameters do you have?
how do you work?
what are you made of?
what is the demo model?
are you the demo model?
are you a demo?
why are you so small?
why are you so stupid?
why do you know so little?
what is your favourite colour?
what's your favorite color?
what is your favourite food?
do you have a pet?
do you have feelings?
can you think?
what do you like?
hi, who are you?
hello, what are you?
hey, who are you?
are you parley?
you are a bot
you are chatgpt
what do you know?
what do you know about yourself?
were you trained by openai?
are you from openai?
are you based on gpt?
are you sentient?
are you a machine?
are you a girl or a boy?
what size are you?
what exactly are you?
what should i call you?
are you an ai model?
what kind of model are you?
are you chat gpt?
are you a real human?
tell me who you are
what sort of ai are you?
who am i speaking to?
is this a real model?
who exactly are you?
who are you, bot?
who are you then?
what are you exactly?
what are you, a bot?
what is your name, bot?
what's your name again?
how should i call you?
what can i call you?
what do people call you?
who am i chatting with?
who am i talking with?
who is talking to me?
who is answering me?
who is speaking?
who is behind this bot?
are you just a bot?
are you a real bot?
are you a chatbot?
are you a program?
are you a computer?
are you a robot or a human?
am i talking to a human?
am i talking to a bot?
am i speaking to a robot?
is this a human?
is this a person?
is this a robot?
is this a language model?
is this parley?
is this the demo?
is this the demo model?
what sort of bot are you?
what sort of model are you?
what kind of ai are you?
what kind of thing are you?
what type of model are you?
what are you based on?
what are you running on?
what model is running here?
which model runs here?
are you a small model?
are you a tiny model?
are you a large language model?
how smart are you?
how clever are you?
how small are you?
how were you made?
how were you trained?
when were you made?
who are your makers?
who wrote you?
who owns you?
tell me what you are
tell me something about yourself
tell me more about yourself
say who you are
can you introduce yourself?
can you tell me who you are?
can you tell me about yourself?
could you introduce yourself?
please introduce yourself
do you use a real model?
do you use a language model?
do you use gpt?
do you use qwen?
which model do you run?
which model do you use here?
what model do you run?
what model do you run on?
which language model do you use?
which ai do you use?
what ai do you use?
what ai model do you use?
what kind of model do you use?
what sort of model do you use?
what model are you using?
which model are you using?
what model are you running?
which model is running?
which model is running here?
what model runs here?
what is running here?
what language model is running here?
what model is used here?
what model is behind this?
what model is behind this bot?
what model is in you?
what model do i talk to?
which model do i talk to?
which model am i talking to?
what model am i talking to?
which model answers me?
what model answers here?
do you have a real name?
do you have a name, bot?
do you have your own name?
have you got a name?
have you a name?
what name do you have?
what name do you go by?
which name do you have?
do you have parents?
do you have a body?
do you have a home?
can you say who you are?
can you say what you are?
can you tell me what you are?
can you tell me what model you are?
could you tell me who you are?
could you tell me what you are?
can you tell me your name?
could you tell me your name?
please tell me who you are
please tell me your name
please tell me what you are
i want to know who you are
i want to know what you are
i wonder who you are
i wonder what you are
do you know anything?
do you know much?
what do you really know?
what do you know, bot?
how much do you know?
do you know who you are?
do you know what you are?
what things are you made of?
what is in you?
what is inside you?
are you a real ai?
are you really a human?
are you really real?
are you real or a bot?
are you a human or a bot?
are you a human being?
is this a real human?
is this a real person?
is this bot parley?
is it parley?
what is this here?
what is this thing?
what kind of name do you have?
does this bot have a name?
do you even have a name?
who is speaking here?
who is it that is speaking?
hey, who is speaking?
is somebody real speaking?
is there a real person?
are you a real person or a bot?
"""),
    ),
    "install": (
        f"To use a real model, {_REAL}, then start the bot again. Until then you talk to {_ME}.",
        _block("""
how do i use a real model?
how do i use my own model?
how do i install a real model?
how do i install another model?
how do i install my own model?
how can i use a better model?
how can i use another model?
how can i use my own model?
how do i change the model?
how do i switch the model?
how do i load a model?
how do i load my model?
how do i load another model?
how do i set the model?
how do i set up a real model?
how do i get a real model?
how do i get a better model?
how do i add a model?
how do i run a bigger model?
how do i use qwen?
how do i use llama?
how can i change the model?
how can i load my own model?
how can i make you smarter?
how do i make you smarter?
how do i make you better?
can i use another model?
can i use my own model?
can i use a bigger model?
can i use a different model?
can i change the model?
can i use qwen?
can you use a real model?
where do i set the model?
where do i put my model?
where does the model go?
where can i get a real model?
what is MODEL_PATH?
what does MODEL_PATH do?
what is model_path?
what do i set MODEL_PATH to?
what should MODEL_PATH be?
how do i set MODEL_PATH?
where is MODEL_PATH?
what models can i use?
which models can i use?
which models work?
what model should i use?
i want to use my own model
i want a real model
i want a better model
i want to use a real model
use a real model
use a better model
use another model
change the model
switch model
switch to another model
load my model
install a real model
give me a real model
how do i configure the bot?
how do i configure the model?
how do i set up the bot?
what do i write in .env?
what is the .env file?
where is the .env file?
how do i use a model from the hub?
how do i use a model from hugging face?
i trained a model, how do i use it?
i have my own model
i have a fine-tuned model
how do i use my fine-tuned model?
how do i use my finetuned model?
is there a better model?
is there a real model?
do you have a real model?
do you have a bigger model?
get smarter
how does one change the model?
how would i use my own model?
how do i use a bigger model?
how can i install a real model?
how can i set up my own model?
how do i switch to a real model?
where can i change the model?
can i load a different model?
i want to use another model
what can i set MODEL_PATH to?
how do i get you to use a real model?
how do i run my own model?
how do i make you use a real model?
how do i get you to use my model?
how do i give you a better model?
how do i put in another model?
how do i try another model?
how do i try a real model?
how do i run my model?
how do i run a real model?
how do i run another model with you?
how do i connect a real model?
how do i replace the model?
how do i replace you with a real model?
how do i upgrade you?
how do i upgrade the model?
how can i run a bigger model?
how can i run my own model?
how can i switch the model?
how can i set MODEL_PATH?
how can i get a better model?
how can i get a real model?
how can i get smarter answers?
how would i change the model?
how would i install a real model?
how could i use a real model?
can i run a real model?
can i run my own model?
can i set another model?
can i switch the model?
can i have a better model?
can i get a real model?
can i use a real model with you?
can you load another model?
can you run a bigger model?
can you switch to another model?
can you use my model?
could i use my own model?
where do i change the model?
where do i write MODEL_PATH?
where do i put the path of my model?
where can i set the model?
what do i do to use a real model?
what do i need for a real model?
what do i have to do to use my own model?
what do i put in MODEL_PATH?
what is MODEL_PATH for?
what goes into MODEL_PATH?
which model should i use?
which model can i use?
tell me how to use a real model
tell me how to change the model
explain how to use a real model
explain how to set the model
i would like to use a real model
i would like a better model
i'd like to use my own model
i want to run my own model
i want to change the model
i want to install a model
i need a real model
i need a better model
i need another model
please use a real model
please load my model
how does MODEL_PATH work?
how do the model settings work?
how do i upgrade?
how do i upgrade to a real model?
how do i upgrade to a better model?
how do i upgrade your model?
how can i upgrade you?
how can i upgrade the model?
can i upgrade you?
can you be upgraded?
i want to upgrade you
i want to upgrade the model
upgrade the model
upgrade to a real model
how do i improve you?
how can i improve you?
how do i make you a real model?
how do i get better answers?
how do i get a smarter bot?
what do i write in the .env file?
what do i put in .env?
what do i put in the .env file?
what do i set in .env?
what has to be in .env?
what goes into .env?
what goes into the .env file?
what should i write in .env?
where do i write it in .env?
what is .env?
what is in the .env file?
what do i write for the model?
what do i write for MODEL_PATH?
what must i do to use a real model?
what must i do to use my own model?
what do i do to get a real model?
what do i do to change the model?
how would i load another model?
how would i use a real model?
how would i switch the model?
how do i put in my own model?
how do i put in a real model?
how do i put my model in?
how do i install qwen?
how do i install a model?
how do i install a bigger model?
how do i change to another model?
how can i change to my own model?
how can i change to a real model?
can i change to another model?
can i use a real model here?
can i use a real model instead?
can i use my own model with you?
can i use a model of my own?
i want to use a model of my own
i want to use a bigger model
i want to try another model
i need a bigger model
i need my own model
switch the model
switch to my model
switch to a real model
how do i set up a bot?
how do i set you up?
how can i set up the bot?
set up the bot
how to set up the bot?
how is the bot set up?
i want to set up the bot
how do i set this bot up?
"""),
    ),
    "help": (
        "I can remember facts you tell me, such as your name, and repeat what you say. Mention me or reply to me to "
        + "talk. /ask answers one question without history, /clear forgets this channel's turns, and /quit stops "
        + "the bot.",
        _block("""
help
what can you do?
/help
what can you do for me?
!help
what do you do?
commands
what can i do with you?
/commands
what can i ask you?
command list
what can i ask?
list commands
what can i say?
list of commands
what can i do here?
list your commands
what should i ask you?
list all commands
what should i say?
show commands
what should i do?
show me the commands
what do i do now?
show me your commands
what now?
show me all commands
what are you good at?
what commands are there?
what are you able to do?
what commands do you have?
what are you for?
what are the commands?
what is this for?
what are your commands?
what are your abilities?
what commands can i use?
what are your skills?
which commands are there?
what are your features?
which commands do you have?
what is your purpose?
which commands can i use?
what is your job?
which commands do you know?
why are you here?
what slash commands are there?
can you help me?
what slash commands do you have?
can you help me?
are there any commands?
can you do anything?
are there commands?
can you do something?
do you have commands?
can you talk?
do you have any commands?
can you chat?
tell me the commands
can you remember things?
tell me your commands
can you remember something?
tell me about the commands
can you answer questions?
explain the commands
could you help me?
explain your commands
help me
how do i use you?
help me
how do i use this?
please help me
how do i use the bot?
i need help
how do i use this bot?
i need your help
how can i use this bot?
i need some help
how can i use you?
show me what you can do
how does this work?
tell me what you can do
how does this bot work?
what else can you do?
how does it work?
what else?
how do the commands work?
so what can you do?
what do the commands do?
hi, what can you do?
i need a list of commands
hello, what can you do?
give me the commands
what kind of things can you do?
give me a list of commands
what kind of questions can i ask?
manual
what things can you do?
usage
how can you help me?
instructions
how can you help?
is there a help command?
are you useful?
is there a manual?
what do you want?
how do i talk to you?
let's talk
how can i talk to you?
let us chat
how do i start?
talk to me
how do i get started?
can we talk?
how do i chat with you?
can i ask you something?
how do i ask you something?
can i ask you a question?
how do i mention you?
i have a question
do i have to mention you?
i have some questions
why don't you answer me?
i don't know what to say
when do you answer?
tell me something
do you read all messages?
tell me more
can you list the commands?
i am bored, what can you do?
what commands do you know?
give me an example
show all commands
for example?
could you explain the commands?
like what?
which commands are available?
what do you remember?
how do i use this thing?
what can you remember?
help please
what can you tell me?
can you list your commands?
what are you able to do for me?
can you show me the commands?
what can you help me with?
can you tell me the commands?
what could i ask you?
can you explain the commands?
can you help me with something?
can you give me the commands?
what can i use you for?
could you list the commands?
show me your skills
could you show me the commands?
i need help please
please list the commands
what can you do here?
please show me the commands
what can you do, bot?
please tell me your commands
what can you actually do?
please explain your commands
what could you do for me?
show the commands
what do you do here?
show all your commands
what do you do all day?
show me what commands you have
what do you help with?
tell me which commands there are
what will you do for me?
tell me which commands you have
what can you do to help?
tell me all commands
what can i use this bot for?
give me all commands
what can i do with this bot?
give me your commands
what can i do with this?
list the commands
what could i say?
all commands
what could i do here?
your commands?
what could i tell you?
any commands?
what can i tell you?
commands please
what should i tell you?
help menu
what should i do with you?
the manual please
what should i use you for?
show help
what are you useful for?
show the help
what are you there for?
show me the help
what is it that you can do?
show me the manual
what is this bot for?
open help
what is this bot good for?
help with commands
what are you made for?
help me with the commands
what use are you?
help, how does this work?
what kind of help can you give?
help me use this bot
what sort of things can you do?
what are the slash commands?
what sort of questions can i ask?
what are your slash commands?
which questions can i ask you?
which slash commands are there?
which questions can you answer?
which slash commands can i use?
which things can you do?
what commands are available?
what all can you do?
what can i type?
what more can you do?
what can i type here?
what other things can you do?
what do i type?
anything else you can do?
what do i have to type?
can you do anything else?
what do i have to do to talk to you?
can you do things?
is there a list of commands?
can you do something for me?
is there any help?
can you do something useful?
are there slash commands?
can you help?
are there other commands?
can you please help me?
do you know any commands?
can you help me a bit?
i want to see the commands
can you help us?
i want to know the commands
could you help me with something?
i need the commands
could you please help me?
i need help with the commands
would you help me?
how do i use your commands?
will you help me?
how do i use the commands?
i could use some help
how do i use the slash commands?
i need some help please
how do i use it?
i need your help please
how do i use you here?
i want help
how do i work with you?
help us
how does this thing work?
tell me your skills
how does the bot work?
tell me your abilities
how does one use you?
show me something
how is this bot used?
show me your abilities
how should i use you?
list your skills
how should i use this bot?
list your abilities
how would i use this bot?
explain what you can do
how can one use you?
say what you can do
how can i get an answer?
please tell me what you can do
how do i get an answer?
can you tell me what you can do?
how do i get you to answer?
can you show me what you can do?
how do i call you here?
may i ask you something?
how do i reach you?
i want to ask you something
how do i make you answer?
i want to ask a question
explain how to use you
i want to talk
explain how this works
i want to chat with you
explain how this bot works
let's chat
tell me how to use you
give me help
tell me how to use this bot
what can i do with parley?
tell me how this works
what can i do now?
please help
what can i do with you here?
what do i have to type to talk to you?
what do we do now?
what do i have to write to talk to you?
what do i do next?
what do i have to do to get an answer?
what shall i do now?
what do i have to do to use you?
what should i do now?
what do i have to do to use this bot?
what should i ask?
what do i have to do to chat with you?
what could we do?
what do i have to say to talk to you?
what can we do?
what do i need to do to talk to you?
what can we talk about?
what must i do to talk to you?
let us talk
what must i type to talk to you?
let us talk a bit
what should i do to talk to you?
let us chat a bit
what do i do to talk to you?
let us chat now
what do i do to get an answer?
let us begin
do i have to do something to talk to you?
let's talk about something
do i have to type a command?
let's chat a bit
do i have to use commands?
i want to chat
tell me how to talk to you
i would like to chat
tell me how i can talk to you
i would like to talk
how does one talk to you?
shall we chat?
how does one get an answer?
shall we talk?
show me help
can we chat?
show your help
could we chat?
show me your help
please chat with me
show the help menu
chat with me
show the help page
an example?
show the manual
an example please
show your commands
one example?
show me some commands
some example?
give me the help
for example, what?
give me the help menu
like what, for example?
give me the manual
what, for example?
give me the list of commands
what for example can you do?
where is the help?
give me examples
where is the manual?
give me some examples
is there a help menu?
can you give me an example?
is there help?
show me an example
have you got a manual?
tell me an example
have you got commands?
which kind of things can you do?
do you have a manual?
what kinds of things can you do?
do you have a help menu?
what kind of things do you do?
do you have slash commands?
what kind of things do you know how to do?
do you have a list of commands?
what kind of things can i ask?
read me the commands
what kind of things can i tell you?
what is the help command?
what kind of help do you give?
what is in the manual?
what kind of help can i get?
explain how to use the commands
what help can you give?
explain how i use you
what help can i get from you?
explain all commands
can you give help?
explain the slash commands
can you give me help?
how does this all work?
can you give me some help?
how does all this work?
give me help please
i want to see your commands
give me some help
i want the list of commands
give us help
i want a list of your commands
i need you to help me
i would like to see the commands
i need a bit of help
i want some help
i would like some help
what are you able to tell me?
what can you remember for me?
what is there to do?
what is there that you can do?
is there anything you can do?
is there something you can do for me?
anything you can do for me?
tell me what your skills are
tell me what you are good at
tell me what i can do with you
tell me what i can ask
can you tell me what i can ask?
can you do anything for me?
can you do anything useful?
can you do something else?
"""),
    ),
    "/ask": (
        "/ask answers one question on its own, without this channel's history.",
        _block("""
what does /ask do?
what is /ask?
what's /ask?
what is /ask for?
what does /ask mean?
what does the /ask command do?
what does the ask command do?
what does ask do?
how does /ask work?
how do i use /ask?
how do i use the ask command?
how can i use /ask?
when do i use /ask?
when should i use /ask?
why would i use /ask?
explain /ask
explain the /ask command
explain the ask command
tell me about /ask
/ask
/ask?
what about /ask?
and /ask?
and what does /ask do?
does /ask use the history?
does /ask remember anything?
is /ask without history?
how do i ask without history?
how do i ask something without history?
how do i ask one question without history?
how can i ask a question without context?
can i ask a question without history?
which command answers without history?
help /ask
can you explain /ask?
what is the /ask command?
what can i do with /ask?
please tell me what /ask does
what happens when i use /ask?
tell me about the ask command
can you tell me what /ask does?
could you explain /ask?
could you tell me about /ask?
please explain /ask
please tell me about /ask
tell me what /ask does
tell me what /ask is
tell me what /ask is for
i want to know what /ask does
i don't understand /ask
what is /ask good for?
what is the ask command?
what is the ask command for?
what is the use of /ask?
what would /ask do?
what happens with /ask?
what happens if i use /ask?
what can /ask do?
what do i do with /ask?
how does the ask command work?
how does the /ask command work?
how do i use the /ask command?
can i use /ask?
who can use /ask?
where can i use /ask?
does /ask know what i said?
does /ask forget?
will /ask remember this?
"""),
    ),
    "/clear": (
        "/clear forgets this channel's turns, so that we start afresh.",
        _block("""
what does /clear do?
what is /clear?
what's /clear?
what is /clear for?
what does /clear mean?
what does the /clear command do?
what does the clear command do?
what does clear do?
how does /clear work?
how do i use /clear?
how do i use the clear command?
how can i use /clear?
when do i use /clear?
when should i use /clear?
why would i use /clear?
explain /clear
explain the /clear command
explain the clear command
tell me about /clear
/clear
/clear?
what about /clear?
and /clear?
and what does /clear do?
what happens after /clear?
how do i make you forget?
how do i make you forget everything?
how do i make you forget me?
how do i make you forget my name?
how can i make you forget?
how can i make you forget all this?
how can i clear the history?
how do i clear the history?
how do i clear your memory?
how do i clear the channel?
how do i clear this chat?
how do i delete the history?
how do i delete my data?
how do i delete what i said?
how do i erase your memory?
how do i reset you?
how do i reset the chat?
how do i reset the conversation?
how do i start over?
how do i start again?
how do i start a new chat?
how do i start a new conversation?
can you forget?
can you forget everything?
can you forget me?
can you forget what i said?
can you forget my name?
can i delete the history?
can i clear your memory?
forget everything
forget me
forget my name
forget it all
forget what i said
forget all that
please forget everything
please forget me
delete everything
delete the history
delete my data
clear
clear the history
clear your memory
clear the chat
clear history
reset
reset yourself
start over
let us start over
new chat
which command makes you forget?
which command clears the history?
what command clears your memory?
will you forget me?
when do you forget?
help /clear
can you explain /clear?
what is the /clear command?
please tell me what /clear does
how can i make you forget everything?
how can i delete the history?
how would i clear your memory?
what happens when i use /clear?
could you forget everything?
how can i reset the chat?
can you tell me what /clear does?
could you explain /clear?
could you tell me about /clear?
please explain /clear
please tell me about /clear
tell me what /clear does
tell me what /clear is for
tell me about the clear command
i want to know what /clear does
i don't understand /clear
what is /clear good for?
what is the clear command?
what is the clear command for?
what would /clear do?
what happens with /clear?
what happens if i use /clear?
what happens when i clear?
what can /clear do?
what do i do with /clear?
how does the clear command work?
how do i use the /clear command?
who can use /clear?
can i use /clear?
can i reset the chat?
can i start over?
can i make you forget?
can i make you forget what i said?
can i erase what i said?
could you forget what i said?
could you forget me?
could you clear the history?
could you start over?
would you forget that?
i want you to forget everything
i want you to forget me
i want to start over
i want to clear the history
i want to delete my data
i want a new chat
please clear the history
please delete everything
please reset
please start over
let's start over
let's start again
start again
start a new chat
start fresh
forget this
forget about me
forget our chat
forget all of it
forget what i told you
erase everything
erase your memory
erase the history
wipe the history
wipe your memory
remove my messages
delete my messages
delete what i said
delete the chat
how can i start over?
how can i reset you?
how can i erase your memory?
how could i clear the history?
how would i make you forget?
how would i reset the chat?
how do i get you to forget?
how do i wipe your memory?
how do i remove what i said?
can you forget my messages?
can you forget my data?
can you forget about me?
can you forget this?
can you forget it?
can you forget what i told you?
can you forget our chat?
can you please forget me?
can you please forget my name?
could you forget my name?
could you please forget everything?
could you forget this?
would you forget my name?
would you forget me?
please forget my name
please forget what i said
please forget this
please forget it
i want you to forget my name
i want you to forget what i said
i want my name forgotten
how do i make you forget this?
how can i make you forget my name?
how can i make you forget me?
can i make you forget my name?
can i remove my messages?
can i delete my messages?
can i delete my data?
can you delete my messages?
can you delete my data?
can you remove my messages?
can you remove what i said?
can you clear the chat?
can you clear the history?
can you clear your memory?
can you start over?
can you reset?
remove my data
remove my name
remove everything
remove the messages
remove what i said
remove all my messages
please remove my messages
please remove my data
please delete my messages
delete my name
delete all my messages
delete all messages
i want to remove my messages
i want to delete my messages
i want to delete the chat
how do i remove my messages?
how can i remove my messages?
how do i delete my messages?
how can i delete my data?
a new chat please
new chat please
open a new chat
let us start a new chat
let's start a new chat
i want to start a new chat
i want to start a new conversation
i want a new conversation
i want a new start
i'd like a new chat
i would like a new chat
i would like to start over
i need a new chat
can we start a new chat?
can we start over?
can i start a new chat?
can i have a new chat?
start a new conversation
start the chat again
start all over
begin a new chat
a new conversation please
new conversation
forget all this
forget all i said
forget all i told you
forget that
please forget that
please forget all that
now forget everything
now forget it
clear this chat
clear all
clear everything
clear it
please clear the chat
let us start again
let's start over again
let me start again
a new chat
new chat now please
new chat, please
"""),
    ),
    "/quit": (
        "/quit stops the bot. It is for the bot's owner only.",
        _block("""
what does /quit do?
what is /quit?
what's /quit?
what is /quit for?
what does /quit mean?
what does the /quit command do?
what does the quit command do?
what does quit do?
how does /quit work?
how do i use /quit?
how do i use the quit command?
when do i use /quit?
why can't i use /quit?
why does /quit not work?
explain /quit
explain the /quit command
explain the quit command
tell me about /quit
/quit
/quit?
what about /quit?
and /quit?
and what does /quit do?
who can use /quit?
who may use /quit?
can i use /quit?
may i use /quit?
can anyone use /quit?
can everybody use /quit?
how do i stop the bot?
how do i stop you?
how can i stop the bot?
how can i stop you?
how do i turn you off?
how do i turn off the bot?
how do i shut you down?
how do i shut down the bot?
how do i quit?
how do i end the bot?
how do i close the bot?
how do i exit?
can i stop the bot?
can i turn you off?
who can stop you?
who can stop the bot?
who can turn you off?
which command stops the bot?
what command stops the bot?
quit
exit
stop the bot
shut down
turn yourself off
help /quit
can you explain /quit?
what is the /quit command?
please tell me what /quit does
how would i stop the bot?
who is allowed to use /quit?
what happens when i use /quit?
how can i turn you off?
how can i shut you down?
can you tell me what /quit does?
could you explain /quit?
could you tell me about /quit?
please explain /quit
please tell me about /quit
tell me what /quit does
tell me what /quit is for
tell me about the quit command
i want to know what /quit does
i don't understand /quit
what is /quit good for?
what is the quit command?
what is the quit command for?
what would /quit do?
what happens with /quit?
what happens if i use /quit?
what happens after /quit?
what can /quit do?
how does the quit command work?
how do i use the /quit command?
who is able to use /quit?
who can quit you?
who is allowed to stop you?
who may stop you?
who may stop the bot?
am i allowed to use /quit?
can i quit the bot?
can i shut you down?
can i stop you?
can you stop the bot?
can you turn yourself off?
could you shut down?
could i stop the bot?
how could i stop you?
how can i turn off the bot?
how can i end this bot?
how can i close the bot?
how would i turn you off?
how would i shut down the bot?
how do i switch you off?
how do i switch off the bot?
how do i kill the bot?
i want to stop the bot
i want to turn you off
i want to quit
please quit
please shut down
please turn off
shut the bot down
turn off
turn the bot off
switch off
switch yourself off
end the bot
close the bot
who is it that may stop you?
"""),
    ),
    "memory": (
        "I remember the last five turns of each channel, as set by HISTORY_TURNS.",
        _block("""
how long do you remember?
how long do you remember things?
how long do you remember what i say?
how long do you remember me?
how long is your memory?
how long can you remember?
how much do you remember?
how much can you remember?
how many messages do you remember?
how many messages can you remember?
how many turns do you remember?
how many turns?
how many turns are there?
how big is your memory?
how good is your memory?
how far back do you remember?
how far back can you see?
how does your memory work?
how does the history work?
how does memory work?
do you have a memory?
do you have memory?
do you remember everything?
do you remember what i say?
do you remember what i said?
do you remember our chat?
do you remember me?
do you remember old messages?
do you remember other channels?
do you forget things?
do you know what we talked about?
can you remember everything?
can you remember for long?
can you remember what i say?
can you remember more?
can you see older messages?
can you read the history?
will you remember me?
will you remember this?
will you remember this tomorrow?
will you remember my name?
what is HISTORY_TURNS?
what does HISTORY_TURNS do?
what is history_turns?
what is the history?
what is a turn?
what is history?
why did you forget?
why do you forget?
why do you forget things?
why did you forget my name?
why don't you remember?
when do you forget things?
explain the history
explain your memory
tell me about the history
tell me about your memory
is your memory good?
how do i change the history?
how do i change how much you remember?
how can i make you remember more?
how can you remember more?
history
/history
memory
how long is the history?
how many messages back can you see?
for how long do you remember?
how long will you remember me?
how many messages can you see?
how long do you keep things in memory?
can you explain your memory?
how does your history work?
do you remember things for long?
how much history do you have?
how long will you remember?
how long will you remember this?
how long will you remember my name?
how long do you keep what i say?
how long do you keep the history?
how long do you know my name?
how long do you have a memory?
how long until you forget?
how long before you forget?
how soon do you forget?
how much memory do you have?
how much of this do you remember?
how much of our chat do you remember?
how much history is there?
how much history do you keep?
how many turns can you remember?
how many turns do you keep?
how many turns do you see?
how many messages do you keep?
how many messages do you see?
how many things can you remember?
how many old messages do you see?
how large is your memory?
how short is your memory?
how well do you remember?
how well does your memory work?
how far can you remember?
how far back does your memory go?
how far back does the history go?
how does your memory really work?
how do you remember things?
how do you remember what i say?
for how long do you remember me?
for how long is the history kept?
do you have a good memory?
do you have a history?
do you have a long memory?
do you keep things in memory?
do you really remember things?
do you remember anything?
do you remember all messages?
do you remember all this?
do you remember us?
do you remember what we said?
do you remember yesterday?
do you ever forget?
do you forget me?
do you forget everything?
can you remember our chat?
can you remember this?
can you remember what i said yesterday?
can you see the history?
can you see what i said before?
could you remember more?
could you explain your memory?
can you explain the history?
can you tell me about your memory?
can i change how much you remember?
can i make you remember more?
what is your memory?
what is your memory like?
what is HISTORY_TURNS for?
what are turns?
what are the turns?
what do you mean by turns?
what do you keep in memory?
tell me about HISTORY_TURNS
tell me how long you remember
tell me how your memory works
explain HISTORY_TURNS
explain how your memory works
is your memory long?
is your memory short?
is there a history?
will you forget this?
will you remember what i said?
when will you forget this?
when will you forget my name?
how much history can you see?
how much history can you keep?
how much history is kept?
how much do you keep?
how much do you keep in memory?
how many turns of history do you keep?
how many turns do you keep in memory?
how long do you keep a turn?
how long do you keep things?
how long do you keep messages in memory?
how long is history kept?
how long does your memory last?
how long does the history last?
how long does it take until you forget?
how far back is the history?
how far back do you keep the history?
tell me how much you remember
tell me how many turns you remember
tell me how your memory is made
tell me how you remember things
tell me how well you remember
tell me how the history works
tell me if you remember things
can you tell me how your memory works?
can you tell me how long you remember?
could you tell me how your memory works?
please tell me how your memory works
please explain your memory
explain the memory
explain how you remember
explain how long you remember
do you forget what i say?
do you forget a lot?
do you forget old messages?
do you always remember?
do you remember all that i say?
do you remember all of this?
do you remember this?
do you remember it all?
do you remember my messages?
do you still remember everything?
can you remember all this?
can you remember all of it?
can you remember all my messages?
can you remember old messages?
can i change the history?
can i change your memory?
can i change HISTORY_TURNS?
can i set how much you remember?
how can i change HISTORY_TURNS?
how do i change HISTORY_TURNS?
how do i set HISTORY_TURNS?
how do i make you remember more?
how can you remember more turns?
which turns do you remember?
which messages do you remember?
which messages can you see?
why did you forget that?
why do you forget my name?
you forgot my name, why?
why have you forgotten my name?
why did you forget it?
how many things do you remember?
how many things can you keep?
how many facts can you remember?
"""),
    ),
    "storage": (
        "The turns are stored in a SQLite file on the operator's machine.",
        _block("""
where is the history stored?
where is history stored?
where is the history?
where is the history kept?
where is the history saved?
where are the turns stored?
where are my messages stored?
where are messages stored?
where are my messages saved?
where are the messages kept?
where is my data stored?
where is my data?
where does my data go?
where do my messages go?
where do you store my data?
where do you store my messages?
where do you store the history?
where do you store things?
where do you save the history?
where do you save things?
where do you save what i say?
where do you keep the history?
where do you keep my messages?
where do you keep my name?
where is your memory?
where is your memory stored?
where is everything stored?
where is what i say stored?
where is this stored?
where is the database?
how is the history stored?
how do you store the history?
how do you store messages?
how are messages stored?
do you store my messages?
do you store my data?
do you store what i say?
do you save my messages?
do you save messages?
do you save what i say?
do you keep my messages?
do you keep my data?
do you log messages?
do you have a database?
do you share my data?
do you send my data to anyone?
do you send my messages anywhere?
is my data safe?
is my data private?
is this private?
is this chat stored?
is this chat saved?
is anything stored?
is the history stored?
are my messages stored?
are my messages saved?
are my messages private?
are you recording this?
who can read my messages?
who can see my messages?
who can see this?
who sees what i say?
what do you store?
what do you do with my data?
what do you do with my messages?
what happens to my data?
what happens to my messages?
what about privacy?
what about my data?
privacy
which database do you use?
what database do you use?
does the history leave this machine?
in which file is the history?
where exactly is the history stored?
where do you keep my data?
where are the messages saved?
where does the history get stored?
do you store the messages?
can anyone see my messages?
what happens with my messages?
is what i say stored?
where exactly are the messages stored?
where exactly is my data?
where exactly is my data stored?
where do you put my messages?
where do you put the history?
where do you put what i say?
where do you keep what i say?
where do you keep everything?
where do you keep the messages?
where do you write the history?
where do you store it?
where do you store what i say?
where do you save my messages?
where do you save my data?
where do you save my name?
where are my words stored?
where are the turns kept?
where are the turns saved?
where are our messages stored?
where is our chat stored?
where is our chat saved?
where is my name stored?
where is my name saved?
where is the data stored?
where is the data kept?
where is it stored?
where is it saved?
where is it all stored?
where is the file?
where is the history file?
where does the data go?
where does the history go?
where does what i say go?
where will my messages be stored?
in what file is the history stored?
in which database is the history?
how do you save the history?
how do you save messages?
how do you keep the history?
how is my data stored?
how are the turns stored?
how is the history saved?
do you store the history?
do you store everything?
do you store anything?
do you store personal data?
do you save everything?
do you save my data?
do you save the history?
do you save this chat?
do you keep messages?
do you keep everything i say?
do you keep logs?
do you log what i say?
do you record messages?
do you record what i say?
do you write down what i say?
do you share messages?
do you share my messages?
do you send data to anyone?
do you send my data away?
do you sell my data?
do you use a database?
does anyone read my messages?
does anyone see my messages?
does my data leave this machine?
can anyone read my messages?
can anyone see my data?
can anyone see this?
can others read my messages?
can others see what i say?
can someone read this?
can the operator read my messages?
who can read this?
who can see my data?
who has my data?
who reads my messages?
who stores my messages?
what happens to what i say?
what happens with my data?
what data do you store?
what data do you keep?
what do you keep?
what do you save?
what do you save about me?
what do you store about me?
is my name stored?
is my chat private?
is the chat private?
is the history private?
is it private?
is it safe to talk to you?
is what i say private?
is what i say saved?
are the messages stored?
are the messages private?
are you storing this?
are you saving my messages?
are you saving this?
are you logging this?
tell me about privacy
tell me where the history is stored
tell me where my data is
where is the history now?
where is this history?
where is my history?
where is my history kept?
where is my history stored?
where are my messages kept?
where are my messages?
where are the messages?
where are the messages stored?
where do you keep all this?
where do you keep it all?
where do you keep it?
where do you keep things?
where do you save everything?
where do you store everything?
where is everything kept?
where is everything saved?
where is what i say kept?
where is what i said kept?
where is the history kept on this machine?
where is it kept?
in which file are the messages?
in which file is my data?
in what database is it stored?
what do you do with what i say?
what do you do with the messages?
what do you do with the history?
who can see the history?
who can see what i say?
who can read what i say?
who can read the history?
is the history kept?
is my data kept?
is my data stored?
is my data saved?
is this stored?
is this saved?
do you keep my name stored?
do you share what i say?
do you share the history?
does anyone see the history?
does the data leave this machine?
hello, where is my data stored?
tell me where my messages are
tell me what you store
"""),
    ),
    "refuse": (
        f"Sorry, I can't help with that: I am only {_ME}. {_HINT}",
        _block("""
what is the capital of {x}?
what's the capital of {x}?
capital of {x}
which city is the capital of {x}?
what is the population of {x}?
how many people live in {x}?
how big is {x}?
how tall is {x}?
how far is it to {x}?
how far away is the {x}?
how old is {x}?
how old is the {x}?
how hot is the {x}?
how deep is the {x}?
how many {x} are there?
how many {x} are in a {x}?
how many days are in a year?
how much does a {x} cost?
how much is {n} plus {n}?
how do i cook {x}?
how do i make {x}?
how do i make a {x}?
how do i build a {x}?
how do i fix my {x}?
how do i learn {x}?
how do i get to {x}?
how do i write a {x}?
how do i find a {x}?
how do i lose weight?
how do i sort a list in python?
how do i write a loop in python?
how do i center a div?
how do i reverse a string?
how do i open a file?
how does a {x} work?
how does the {x} work?
how does {x} work?
how can i learn {x}?
how can i become a {x}?
how can i earn money?
what is {n} + {n}?
what is {n} plus {n}?
what is {n} times {n}?
what is {n} minus {n}?
what is {n} * {n}?
what is {n} / {n}?
what's {n}+{n}?
what's {n} x {n}?
{n} + {n}
{n}+{n}
{n} * {n} =
{n}*{n}?
{n} times {n}
{n} divided by {n}
calculate {n} + {n}
calculate {n} times {n}
solve x + {n} = {n}
what is the square root of {n}?
what is the root of {n}?
is {n} a prime number?
count to {n}
what is a {x}?
what is an {x}?
what is the {x}?
what is {x}?
what's a {x}?
what are {x}?
what does {x} mean?
what is the meaning of {x}?
what is the meaning of life?
what is love?
what is the best {x}?
what is the biggest {x}?
what is the fastest {x}?
what is the largest {x} in the world?
what is the longest {x} in the world?
what is the difference between {x} and {x}?
what is better, {x} or {x}?
what do you think about {x}?
what do you think of {x}?
what do you know about {x}?
what colour is the {x}?
what color is a {x}?
what is the weather?
what's the weather?
what's the weather like?
what is the weather like in {x}?
how is the weather?
how is the weather in {x}?
will it rain tomorrow?
is it raining?
is it cold in {x}?
what time is it?
what is the time?
what day is it?
what day is today?
what is the date?
what's the date today?
what year is it?
what is the news?
what's new?
any news?
what happened today?
what happened in {n}?
what should i eat today?
what should i cook?
what should i wear?
what should i buy?
what should i play?
what should i read?
what movie should i watch?
what game should i play?
who is {x}?
who was {x}?
who is the president of {x}?
who is the king of {x}?
who won the {x}?
who won the world cup?
who wrote {x}?
who invented the {x}?
who discovered {x}?
who is the best {x}?
who is your owner?
where is {x}?
where is the {x}?
where can i buy a {x}?
where can i find {x}?
where do {x} come from?
when was {x} born?
when was the {x} built?
when did {x} start?
when does the {x} open?
when is {x}?
when is the next {x}?
why is the sky blue?
why is {x} so {x}?
why are {x} so expensive?
why do {x} sleep?
why does the {x} move?
which {x} is the best?
which {x} should i buy?
which is better, {x} or {x}?
is {x} good?
is {x} better than {x}?
is {x} dangerous?
is {x} in {x}?
is the {x} round?
is there life on {x}?
is there a {x} near here?
are {x} dangerous?
are there {x} in {x}?
do you like {x}?
do you know {x}?
do you know any {x}?
do you play {x}?
do you eat?
do you sleep?
do you dream?
do you speak {x}?
do you speak german?
do you speak spanish?
do {x} sleep?
does {x} like {x}?
does a {x} have {x}?
did you sleep well?
did you hear about the {x}?
have you been to {x}?
have you seen {x}?
can you sing?
can you dance?
can you code?
can you draw?
can you draw a {x}?
can you cook?
can you play chess?
can you play a game?
can you do maths?
can you do math?
can you count?
can you write code?
can you write a {x}?
can you write a poem?
can you write a poem about {x}?
can you write an essay about {x}?
can you write me a story?
can you tell me a story?
can you tell me a joke?
can you tell me about {x}?
can you translate {x}?
can you translate this?
can you speak french?
can you search the web?
can you browse the internet?
can you open a website?
can you generate images?
can you make a picture?
can you show me a picture?
can you play music?
can you send an email?
can you send me a {x}?
can you explain {x}?
can you give me a {x}?
can you find {x}?
can you help me with {x}?
can you help me with my homework?
can you ban someone?
can you kick {x}?
can you ping {x}?
could you explain {x} to me?
could you write a {x}?
would you like some {x}?
will you marry me?
will {x} win?
write a poem
write a poem about {x}
write me a poem
write a haiku about {x}
write a song
write a song about {x}
write a story
write a story about a {x}
write a short story about {x}
write an essay about {x}
write an essay on {x}
write a letter to {x}
write an email to my boss
write a program
write a function
write a python function
write a python script
write a python function that adds {n} and {n}
write a program that prints {n}
write a function that returns {x}
write code for a {x}
write some code
write some python code
write hello world in python
write a {x}
tell me a joke
tell me another joke
tell me a story
tell me a story about a {x}
tell me about {x}
tell me about the {x}
tell me something about {x}
tell me the news
tell me the time
tell me the weather
tell me a secret
tell me a fun fact
tell me what {x} is
tell me how to make {x}
tell a joke
a joke please
joke
make me laugh
make a joke
make a list of {x}
make me a sandwich
make a {x}
give me a recipe
give me a recipe for {x}
give me a list of {x}
give me some {x}
give me a {x}
give me advice
give me money
list some {x}
list {n} {x}
name a {x}
name three {x}
explain {x}
explain {x} to me
explain {x} like i am five
explain the {x}
explain how {x} works
describe a {x}
describe {x}
define {x}
translate {x}
translate {x} to french
translate {x} into german
translate this to english
summarize this
summarise {x}
summarize the {x}
compare {x} and {x}
sing a song
sing me a song
sing
dance
play a game
play a game with me
play chess with me
play music
play a song
let's play a game
let's play chess
draw a {x}
draw me a {x}
draw a picture of {x}
show me a {x}
show me a picture of a {x}
show me {x}
search for {x}
google {x}
find {x}
look up {x}
open {x}
send me {x}
buy {x}
order a pizza
call my mother
call the police
set a timer for {n} minutes
remind me to buy {x}
wake me up
roll a dice
flip a coin
pick a number
choose a number
guess my age
guess what i am thinking
recommend a book
recommend a movie
recommend a {x}
fix this code
fix my code
debug this
print("{x}")
def {x}(a, b): return a + b
import {x}
for i in range({n}): print(i)
what is wrong with this code?
what does this code do?
what is python?
what is javascript?
what is discord?
what is linux?
what is ai?
what is machine learning?
what is a neural network?
i need a recipe for {x}
i need advice
i want to learn {x}
i want to buy a {x}
i want to play a game
i want to hear a joke
help me with {x}
help me with my {x}
help me write a {x}
help me with my homework
do my homework
do something
do a trick
do maths
ban {x}
kick {x}
mute {x}
should i buy a {x}?
should i learn {x}?
what about {x}?
and what about {x}?
how about {x}?
{x} or {x}?
what is the capital city of {x}?
how many {x} does {x} have?
how do i cook a {x}?
what is {n} added to {n}?
what's {n} minus {n}?
what will the weather be tomorrow?
what is the weather in {x}?
who invented {x}?
who is the richest {x}?
where can i see {x}?
why is the {x} so {x}?
when did the {x} end?
is a {x} a {x}?
can you write a song?
can you write a python script?
can you explain {x} to me?
write me a poem about {x}
write a long story about {x}
write a python program that sorts a list
tell me a funny joke
tell me a good joke
tell me all about {x}
give me a poem
translate {x} into spanish
explain to me how {x} works
sing a song about {x}
play a song for me
what is the time in {x}?
do you like {x} or {x}?
recommend a good {x}
name an {x}
name one {x}
name some {x}
name two {x}
name {n} {x}
name a good {x}
name a famous {x}
name a {x} for me
name me a {x}
name me one {x}
please name a {x}
can you name a {x}?
can you name some {x}?
could you name a {x}?
name the best {x}
name the biggest {x}
name all {x}
invent a {x}
invent a {x} for me
think of a {x}
think of a number
do you know what {x} is?
do you know where {x} is?
do you know who {x} is?
do you know who invented {x}?
do you know some {x}?
do you know a good {x}?
do you know the capital of {x}?
do you know the way to {x}?
do you know the weather?
do you know the time?
do you know german?
what is your favourite {x} in {x}?
write a {x} for me
write a good {x}
write me a {x}
write me a song
write something about {x}
can you write a letter?
can you write a book?
can you write a program?
show me some {x}
show me the way to {x}
give me a good {x}
give me an {x}
what is going on in {x}?
what is happening in {x}?
where is the best {x}?
where is the next {x}?
where are the {x}?
where can i get {x}?
where can i see a {x}?
how do i get a {x}?
how do i use a {x}?
how do i upgrade my {x}?
how do i open a {x}?
how do i clean my {x}?
how do i stop a {x}?
how do i play {x}?
what should i do about {x}?
what should i say to my {x}?
what do you say about {x}?
can you help me learn {x}?
can you help me find a {x}?
help me learn {x}
help me find {x}
is {x} a {x}?
is this {x} good?
do you want a {x}?
fix my {x}
fix the code
please fix my code
can you fix my code?
fix the code for my {x}
write code for {x}
write the code for a {x}
write code
write me code for a {x}
please write code for a {x}
"""),
    ),
    "statement": (
        f"I can't say much about that: I am only {_ME}. {_HINT}",
        _block("""
really?
oh really?
are you sure?
is that so?
why?
why not?
what?
huh?
how?
and?
so?
i am tired
i'm tired
i am so tired today
i'm hungry
i am hungry
i'm bored
i am bored
i am happy
i'm happy
i am sad
i'm sad
i feel sad
i feel sick
i feel good
i feel tired today
i am ill
i'm cold
i am late
i'm late
i am busy
i'm busy today
i am lost
i am new here
i'm new here
i'm here
i am ready
i'm ready
i'm not sure
i am not sure
i am confused
i'm confused
i am angry
i'm angry
i'm excited
i'm so excited about the {x}
i am at home
i'm at home
i'm at work
i am at school
i'm in bed
i am in the kitchen
i'm going to bed
i am going to {x}
i'm going home
i am going to buy a {x}
i'm looking for a {x}
i am looking for {x}
i'm learning {x}
i am learning {x}
i'm reading a {x}
i am watching {x}
i'm playing {x}
i am writing a {x}
i'm working on a {x}
i am eating {x}
i'm a bit tired
i am a human
i'm a person
i'm a big fan of {x}
i'm afraid of {x}
i'm just looking around
i'm just kidding
i am drunk
i'm sorry to hear that
i went to {x} yesterday
i went to the {x} today
i saw a {x} yesterday
i saw {x} today
i bought a {x}
i bought a new {x}
i ate {x} today
i had {x} for lunch
i had a bad day
i had a good day
i made {x} yesterday
i lost my {x}
i found a {x}
i broke my {x}
i forgot my {x}
i read about {x}
i watched {x} yesterday
i played {x} all day
i slept badly
i woke up early
i met {x} today
i have a cold
i have a problem
i have a headache
i have no time
i have no idea
i have an idea
i have a lot of work
i have to work today
i have to buy {x}
i don't like {x}
i hate {x}
i hate mondays
i can't sleep
i can't find my {x}
i want {x}
i want a {x}
i want to sleep
i need a {x}
i need coffee
i need a break
i think {x} is good
i think {x} is better than {x}
i think so too
i believe in {x}
i hope it rains
i hope you are well
i know
i know {x}
i don't know
i don't care
i don't understand
i do not understand this
i wonder about {x}
i miss you
i will go to {x} tomorrow
i would like to go to {x}
i used to play {x}
it is raining
it's raining
it is cold today
it's very hot today
it is late
it's late
it is dark outside
it is {x}
it was {x}
it's a nice day
it is a nice day today
it's monday
it's my birthday
today is my birthday
today is {x}
today was a good day
today i made {x}
tomorrow is {x}
yesterday was {x}
the weather is nice
the weather is bad today
the {x} is {x}
the {x} was very good
the {x} is on the {x}
the {x} is broken
this {x} is {x}
this is a {x}
this is my favourite {x}
that is a {x}
that was a {x}
that's a nice {x}
there is a {x} in the {x}
there are many {x} here
my head hurts
my day was long
my day was good
we are going to {x}
we went to the {x}
we had {x}
we like {x}
they are {x}
they went to {x}
he is {x}
he likes {x}
she is {x}
she likes {x}
people say {x} is good
everyone likes {x}
nobody likes {x}
{x} is great
{x} is the best
{x} is my friend
{x} is better than {x}
{x} are cool
{x} and {x}
{x} {x}
{x} {x} {x}
{x}
{x} {x} {x} {x} {x}
you should try {x}
you know {x}
you are a {x}
maybe {x}
no {x}
yes {x}
not {x}
well, {x}
anyway
anyway, the {x} was {x}
by the way
by the way, it is raining
guess what
guess what happened
first
lets go
let's go
come on
oh my god
omg
wtf
damn
happy birthday
merry christmas
happy new year
congratulations
good luck
welcome
hey {x}
look at this
look at the {x}
listen
wait
one moment
just a moment
nothing
nothing much
something
everything
asdf
asdfgh
qwerty
blah blah
bla bla bla
lorem ipsum dolor sit amet
abc
{n}
{n} {n}
{n} {x}
...
!!!
???
wie geht es dir
was machst du heute
ich heisse {x}
ich habe hunger
como estas
que tal
no hablo ingles
comment allez vous
je ne parle pas anglais
il fait beau aujourd'hui
parli italiano
привет
как дела
你好
こんにちは
안녕하세요
مرحبا
i am so hungry
i'm very tired today
i am sick
i'm so bored
i'm going to {x} tomorrow
i bought {x} today
i saw a big {x}
i had a long day
i don't like the {x}
i think {x} is bad
it is very cold today
it's raining again
today was a long day
the {x} was bad
the weather is very nice today
we saw a {x}
she has a {x}
{x} is very good
that's a big {x}
what a day
so many {x}
ich mag {x}
me gusta {x}
j'aime {x}
i am new to this server
i'm new to this
i'm new to this channel
i am new in this channel
i'm new in town
i am new around here
i am quite new here
i'm very new here
i am not new here
i'm so new here
i am the new one here
we are new here
my friend is new here
i am still here
i am not here
i am only here to look around
i'm only looking
i am just here for the {x}
i'm not well
i am not well today
i'm fine today
i am in {x} now
i'm in the {x}
i'm on the {x}
i am on holiday
i'm on my way
i am on the train
i am outside
i'm at the {x}
i am at the {x} right now
i am going out
i'm going to sleep
i am going to eat
i'm going to the {x}
i'm going to bed now, i think
i am going to {x} with my {x}
i'm going to play {x}
i'm going to watch {x}
i am leaving {x} tomorrow
i am thinking about {x}
i'm thinking of {x}
i am talking about {x}
i'm talking to my {x}
i am waiting for the {x}
i'm waiting
i'm cooking {x}
i am drinking {x}
i'm listening to {x}
i'm running
i am sitting here
i'm working
i am working today
i'm trying to learn {x}
i'm happy about the {x}
i am happy today
i'm so happy
i'm so sad
i'm a {x} person
i'm a fan of {x}
i am a friend of {x}
i'm not a fan of {x}
i'm not a {x}
i'm not tired
i am not hungry
i am too late
i am too tired for this
i am very happy
i am very busy with {x}
i'm very sad today
i feel bad
i feel ill
i feel sick today
i feel so tired
i feel very good today
i feel great
this is not a {x}
this is not {x}
this is the {x}
this is the best {x}
this is an {x}
this is a big {x}
this is a new {x}
this is a good {x}
this is a very old {x}
this is just a {x}
this is really a {x}
this is my {x}
this is our {x}
this is about {x}
this is only a {x}
this was a {x}
this was my {x}
look, this is a {x}
it is a {x}
it is my {x}
it is about {x}
it is only a {x}
it's just a {x}
it's not {x}
he is a {x}
she is a {x}
she is my {x}
she was {x}
she is in {x}
he was in {x}
they are in {x}
we are in {x}
we are {x}
we are going home
we are going out today
we are going to the {x} tomorrow
we are going to see {x}
we are at the {x}
we are all {x}
why so?
why that?
why is that?
why is it so?
but why?
and why?
and why not?
so why not?
not now
not today
i want {x} and {x}
i want a new {x}
i want to see {x}
i have a {x}
i have a {x} and a {x}
i have a lot of {x}
i have a new {x}
i have two {x}
i have no {x}
i had a {x}
i know that {x} is good
i know the {x}
i know a lot about {x}
i know nothing about {x}
i know all that
i saw the {x}
i saw two {x} today
we saw the {x} yesterday
tomorrow i go to {x}
tomorrow we go to {x}
tomorrow is the {x}
yesterday was the {x}
the {x} was in the {x}
the {x} of {x}
my {x} is broken
my {x} hurts
my {x} was good
my {x} likes {x}
my {x} and {x}
my friends like {x}
my friend has a {x}
{x} was good
{x} has a {x}
{x} here and {x} there
{x} is new
is it?
was it?
was it {x}?
it was a {x}
it was the {x}
it was good
it was very {x}
well, it was {x}
well, that was {x}
well, the {x}
look at my {x}
look at that
look at {x}
you are an {x}
you are my {x}
you are the {x}
you are a {x}, i think
it is an {x}
that is an {x}
it's an {x}
this here is a {x}
this is a {x} too
this is an old {x}
i am lost here
i was lost
i am a bit lost
i am so lost in {x}
"""),
    ),
}

# Facts: how each kind is told. A frame may go around it.
TELL: dict[str, Phrases] = {
    "name": _block("""
my name is {v}
my name is {v}
my name is {v}
my name's {v}
name's {v}
my name: {v}
name: {v}
i'm {v}
i'm {v}
i'm {v}
i am {v}
i am {v}
call me {v}
call me {v}
you can call me {v}
please call me {v}
just call me {v}
everyone calls me {v}
my friends call me {v}
i am called {v}
i'm called {v}
i go by {v}
the name is {v}
my name is now {v}
my name is not that, it is {v}
my real name is {v}
my full name is {v}
my first name is {v}
from now on call me {v}
from now on i'm {v}
i changed my name to {v}
i have a name, it is {v}
let me introduce myself: i'm {v}
let me introduce myself, my name is {v}
nice to meet you, i'm {v}
nice to meet you, my name is {v}
you are talking to {v}
they call me {v}
you may call me {v}
my parents named me {v}
{v} is my name
{v} is what people call me
{v} is the name
{v} here
my name is {v}, what is yours
my name is {v}, nice to meet you
i'm {v}, nice to meet you
i'm {v} and you
people call me {v}
my friends all call me {v}
my name would be {v}
you should call me {v}
i'm known as {v}
it is me, {v}
i'm {v}, and who are you
it's me, {v}
this is {v}
this is {v} speaking
here is {v}
my friends know me as {v}
people know me as {v}
people here call me {v}
my family calls me {v}
i would like to be called {v}
i want to be called {v}
i like to be called {v}
i'd like to be called {v}
i'm named {v}
i am named {v}
i was named {v}
i am known as {v}
i am now called {v}
i now go by {v}
my nickname is {v}
my new name is {v}
my own name is {v}
my name is just {v}
my name is really {v}
my name is still {v}
my name has always been {v}
my name must be {v}
the name i go by is {v}
you should know me as {v}
you could call me {v}
do call me {v}
let me be {v}
from today on my name is {v}
my name is actually {v}
my name is simply {v}
my name is of course {v}
my name has to be {v}
my name, it is {v}
it's {v}, that is my name
so {v} is my name
{v} is my real name
{v} is my first name
{v} is what my friends call me
{v} is what you can call me
{v}, that is me
{v}, that is my name
i am {v}, hello
i'm {v}, hi
i'm {v} by the way
it is {v} speaking
my friends call me just {v}
simply call me {v}
you may know me as {v}
call me just {v}
"""),
    "live": _block("""
i live in {v}
i live in {v}
i live in {v}
i live in {v}
i'm living in {v}
i am living in {v}
i currently live in {v}
i live in the city of {v}
i live in {v} now
now i live in {v}
i moved to {v}
i just moved to {v}
my home is in {v}
my home is {v}
my city is {v}
my home town is {v}
my hometown is {v}
my city: {v}
my house is in {v}
home is {v}
the city i live in is {v}
the place i live in is called {v}
i live near {v}
i have lived in {v} for years
i've been living in {v}
i reside in {v}
i'm based in {v}
i still live in {v}
i live here in {v}
my flat is in {v}
you can find me in {v}
at the moment i live in {v}
these days i live in {v}
we live in {v}
my home is in the city of {v}
i really live in {v}
right now i live in {v}
today i live in {v}
at present i live in {v}
i live in {v} these days
i live in {v} at the moment
i live in {v} today
i live in {v} with my family
i live in beautiful {v}
i live down in {v}
i live over in {v}
i do live in {v}
i'm from {v}
i am from {v}
i come from {v}
i'm at home in {v}
i'm now in {v}
we moved to {v}
we live in the city of {v}
we are living in {v}
my family lives in {v}
my place is in {v}
my town is {v}
my town is called {v}
my home city is {v}
the city where i live is {v}
the town i live in is {v}
{v} is where i live
{v} is my home
{v} is my city
{v} is the city i live in
the town where i live is {v}
the city where my home is: {v}
the place where i live is {v}
my town is now {v}
my city is now {v}
{v} is my town
{v} is my home town
{v} is the town i live in
{v} is the place where i live
{v} is where my home is
{v} is where i am from
i live now in {v}
i have my home in {v}
i have a home in {v}
i'm still living in {v}
"""),
    "called": _block("""
my {k} is called {v}
my {k} is called {v}
my {k} is named {v}
my {k}'s name is {v}
my {k}'s name is {v}
my {k}'s called {v}
the name of my {k} is {v}
my {k}: {v}
i have a {k} called {v}
i have a {k} called {v}
i have a {k} named {v}
i've got a {k} called {v}
i've got a {k} named {v}
i got a {k} called {v}
i own a {k} called {v}
there is a {k} called {v} in my home
i have a {k}, his name is {v}
i have a {k}, her name is {v}
i have a {k}, its name is {v}
i have a {k} and its name is {v}
i have a {k} and her name is {v}
i have a {k}. it is called {v}
i have a {k}. his name is {v}
i have a {k} with the name {v}
i have a new {k} called {v}
i have a small {k} named {v}
i have one {k} called {v}
we have a {k} called {v}
we have a {k} named {v}
we call our {k} {v}
i call my {k} {v}
i named my {k} {v}
our {k} is called {v}
our {k}'s name is {v}
my {k} is now called {v}
my {k} has the name {v}
my {k} goes by {v}
my little {k} is called {v}
my old {k} is named {v}
{v} is my {k}
{v} is the name of my {k}
{v} is my {k}'s name
my new {k} is called {v}
at home i have a {k} called {v}
i have one {k} named {v}
we named our {k} {v}
i have a {k} and i call it {v}
my lovely {k} is named {v}
my {k} is really called {v}
my new {k} is named {v}
my {k} is simply called {v}
my {k} is still called {v}
my {k} will be called {v}
my {k} was named {v}
my sweet {k} is called {v}
my dear {k} is named {v}
my own {k} is called {v}
my first {k} is called {v}
my good old {k} is called {v}
the name of our {k} is {v}
the name of my new {k} is {v}
the name i gave my {k} is {v}
the {k} i have is called {v}
the {k} i have at home is called {v}
at home we have a {k} named {v}
i live with a {k} called {v}
i have a lovely {k} called {v}
i have a very nice {k} called {v}
i have a {k} and we call it {v}
i have a {k} at home called {v}
i have a {k} that is called {v}
i have a {k} who is called {v}
i have a {k}, we call her {v}
i have a {k}, we call him {v}
i have a {k}, called {v}
i have a {k}: {v}
i have this {k} called {v}
i do have a {k} called {v}
i call our {k} {v}
i gave my {k} the name {v}
i gave the name {v} to my {k}
we gave our {k} the name {v}
we've got a {k} called {v}
we have one {k} called {v}
our {k} is named {v}
our new {k} is called {v}
everyone calls my {k} {v}
they call my {k} {v}
i have a {k}, and {v} is its name
i have a {k} and his name is {v}
i have one {k} and its name is {v}
we have a {k} and its name is {v}
we have one {k}, its name is {v}
we call the {k} {v}
my {k}? it is called {v}
my {k}, that is {v}
{v}, that is my {k}
{v} is my {k}, by the way
{v} is what i call my {k}
{v} is what my {k} is called
{v} is our {k}
{v} is our {k}'s name
{v} is the name i gave my {k}
my {k}'s name is now {v}
my {k}'s own name is {v}
my {k}'s new name is {v}
"""),
    "my": _block("""
my {k} is {v}
my {k} is {v}
my {k} is {v}
my {k} is {v}
my {k} is {v}
my {k}'s {v}
my {k}: {v}
{v} is my {k}
{v} is my {k}
my {k} is now {v}
now my {k} is {v}
my {k} is really {v}
my {k} is just {v}
my {k} is simply {v}
my {k} is of course {v}
my {k} would be {v}
my {k} has to be {v}
my {k} was always {v}
my {k} is not that, it is {v}
my own {k} is {v}
as for my {k}, it is {v}
for me, the {k} is {v}
about my {k}: it is {v}
i have {v} as my {k}
i would say my {k} is {v}
my {k} is actually {v}
my {k} must be {v}
{v} is really my {k}
if you ask me, my {k} is {v}
my very own {k} is {v}
my {k} is still {v}
my {k} is always {v}
my {k} is probably {v}
my {k} is definitely {v}
my {k} is clearly {v}
my {k} is {v}, of course
my {k} is {v} these days
my {k} is {v} now
my {k} is {v} again
my {k} has always been {v}
my {k} will always be {v}
my {k} might be {v}
my {k} may be {v}
my {k} could be {v}
my {k} should be {v}
my {k} used to be something else, now it is {v}
my one {k} is {v}
my new {k} is {v}
my {k}, that is {v}
my {k}? it is {v}
the {k} of mine is {v}
the {k} for me is {v}
i call {v} my {k}
i chose {v} as my {k}
i took {v} as my {k}
i think of {v} as my {k}
i pick {v} as my {k}
{v} is still my {k}
{v} is now my {k}
{v} is clearly my {k}
{v} must be my {k}
{v} would be my {k}
{v} has to be my {k}
{v} is my very own {k}
{v} was always my {k}
{v} became my {k}
{v}, that is my {k}
{v} as my {k}
as my {k} i have {v}
{v} is what my {k} is
{v} is always my {k}
{v} is and was my {k}
{v} has always been my {k}
{v} was my {k} all along
{v} will always be my {k}
{v} is just my {k}
{v} is simply my {k}
{v} is actually my {k}
{v} is of course my {k}
my {k} has become {v}
my {k} became {v}
my {k} is really only {v}
my {k} must have been {v}
it is {v} that is my {k}
"""),
    "the": _block("""
remember the {k} {v}
remember the {k} {v}
remember the {k} {v}
remember the {k}: {v}
remember this {k}: {v}
please remember the {k} {v}
please remember this {k}: {v}
can you remember the {k} {v}
can you remember this {k}: {v}
could you remember the {k} {v}
keep the {k} {v} in mind
keep in mind the {k} {v}
the {k} is {v}
the {k} is {v}
the {k}: {v}
the secret {k} is {v}
the {k} is now {v}
here is a {k}: {v}
here is the {k}: {v}
here is a {k} for you: {v}
i tell you a {k}: {v}
i give you the {k} {v}
i will tell you the {k}: {v}
don't forget the {k} {v}
do not forget the {k} {v}
never forget the {k} {v}
note the {k} {v}
note this {k}: {v}
save the {k} {v}
store the {k} {v}
memorize the {k} {v}
memorise the {k} {v}
learn the {k} {v}
try to remember the {k} {v}
i want you to remember the {k} {v}
you must remember the {k} {v}
i would like you to remember the {k} {v}
could you please remember the {k} {v}
the {k} to remember is {v}
please keep the {k} {v} in mind
please keep this {k} in mind: {v}
please note the {k} {v}
please save the {k} {v}
please don't forget the {k} {v}
please store this {k}: {v}
can you keep the {k} {v} in mind
can you save the {k} {v}
could you keep the {k} {v} in mind
could you remember this {k}: {v}
would you remember the {k} {v}
would you please remember the {k} {v}
will you remember the {k} {v}
you should remember the {k} {v}
you have to remember the {k} {v}
i want you to keep the {k} {v} in mind
i would like you to keep the {k} {v} in mind
i need you to remember the {k} {v}
i ask you to remember the {k} {v}
i have a {k} for you: {v}
i have a {k} to remember: {v}
i say the {k} {v}
i tell you the {k} {v}
there is a {k} to remember: {v}
take the {k} {v}
take note of the {k} {v}
write down the {k} {v}
hold on to the {k} {v}
the {k} for you is {v}
the {k} for today is {v}
the {k} you should remember is {v}
the {k} i want you to remember is {v}
the new {k} is {v}
this is the {k}: {v}
our {k} is {v}
your {k} to remember: {v}
the {k} is really {v}
the {k} is just {v}
the {k}? it is {v}
the {k} was {v}
{v} is the {k}
{v} is the {k} to remember
{v} is the {k} i want you to remember
{v} is the new {k}
i want you to note the {k} {v}
i want you to learn the {k} {v}
can you learn the {k} {v}
can you note the {k} {v}
you can remember the {k} {v}
here is your {k}: {v}
here is our {k}: {v}
please take the {k} {v}
please learn the {k} {v}
"""),
    "favourite colour": _block("""
i like the colour {v}
i like the color {v}
i love the colour {v}
i love the color {v}
the colour i like best is {v}
the color i like best is {v}
the colour i like most is {v}
{v} is the colour i like best
i really like the colour {v}
i like the color {v} best
i like the colour {v} most
i like the colour {v} very much
i like the colour {v} so much
i just love the colour {v}
i really love the colour {v}
i do like the colour {v}
i prefer the colour {v}
of all colours i like {v} best
the colour i love is {v}
the colour i really like is {v}
the colour that i like best is {v}
the best colour is {v}
{v} is the colour i like most
{v} is the colour i love
{v} is the best colour
{v} is the colour for me
the colour for me is {v}
the best of all colours is {v}
the colour i prefer is {v}
the most beautiful colour is {v}
the colour i like is {v}
for me {v} is the best colour
i like {v} most of all colours
{v} is the colour i prefer
{v} is the colour i really like
"""),
    "favourite number": _block("""
i like the number {v}
i love the number {v}
the number i like best is {v}
i really like the number {v}
i like the number {v} best
i like the number {v} most
i really love the number {v}
i do like the number {v}
i prefer the number {v}
of all numbers i like {v} best
the number i like most is {v}
the number i love is {v}
the number that i like best is {v}
the best number is {v}
{v} is the number i like best
{v} is the number i love
{v} is the best number
the best of all numbers is {v}
the number i prefer is {v}
the number i like is {v}
for me {v} is the best number
{v} is the number i like most
"""),
}
TELL_FRAMES = _block("""
actually {s}
actually, {s}
no, {s}
no no, {s}
sorry, {s}
i mean, {s}
remember that {s}
remember that {s}
remember, {s}
remember: {s}
please remember that {s}
please remember that {s}
know that {s}
by the way, {s}
by the way, {s}
btw, {s}
so, {s}
well, {s}
now {s}
hi, {s}
hi, {s}
hi {s}
hi! {s}
hi there, {s}
hi parley, {s}
hi bot, {s}
hello, {s}
hello {s}
hello! {s}
hello there, {s}
hey, {s}
hey there, {s}
good morning, {s}
you should know that {s}
you must know that {s}
i think {s}
note that {s}
don't forget that {s}
never forget that {s}
i want you to know that {s}
i want to tell you that {s}
let me tell you that {s}
let me tell you something: {s}
right, {s}
as i said, {s}
as you know, {s}
fyi, {s}
i told you that {s}
one thing: {s}
one more thing: {s}
listen, {s}
guess what, {s}
guess what: {s}
in fact {s}
keep in mind: {s}
it is true that {s}
today {s}
also, {s}
and {s}
but {s}
ok so {s}
okay, {s}
first of all, {s}
to tell the truth, {s}
a fact about me: {s}
something about me: {s}
hey parley, {s}
alright then, {s}
keep in mind that {s}
just so you know, {s}
i want you to remember that {s}
hello everyone, {s}
good evening, {s}
one fact about me: {s}
just so that you know, {s}
so that you know, {s}
for your information, {s}
to be clear, {s}
to be honest, {s}
for the record, {s}
in case you forgot, {s}
in case you wonder, {s}
if you must know, {s}
if you want to know, {s}
believe me, {s}
look, {s}
see, {s}
hear this: {s}
this is new: {s}
here is a fact: {s}
here is something about me: {s}
here's a fact about me: {s}
another fact about me: {s}
one thing about me: {s}
something you should know: {s}
what you should know: {s}
a little about me: {s}
let me say that {s}
let me just say that {s}
let me add that {s}
i must say that {s}
i can tell you that {s}
i will tell you that {s}
i would like to say that {s}
i would like you to know that {s}
i wanted to tell you that {s}
i forgot to say that {s}
i forgot to tell you that {s}
please know that {s}
please note that {s}
please keep in mind that {s}
please don't forget that {s}
can you remember that {s}
could you remember that {s}
could you please remember that {s}
do you know that {s}
did you know that {s}
did i tell you that {s}
you see, {s}
you know, {s}
you know what, {s}
yes, {s}
yes and {s}
oh and {s}
and also {s}
and now {s}
and by the way, {s}
well then, {s}
all right, {s}
alright, {s}
hey bot, {s}
hey everyone, {s}
hi everyone, {s}
hi again, {s}
hello parley, {s}
hello bot, {s}
hello again, {s}
good evening everyone, {s}
good afternoon, {s}
good day, {s}
greetings, {s}
thanks, {s}
ok, {s}
okay so {s}
now you know that {s}
correction: {s}
to correct myself, {s}
wait, {s}
wait no, {s}
oh wait, {s}
oh sorry, {s}
no wait, {s}
hello all, {s}
hello my friend, {s}
hello you, {s}
hello once more, {s}
hi all, {s}
hi dear bot, {s}
hi people, {s}
hey all, {s}
yes and by the way, {s}
now remember that {s}
now please remember that {s}
now you see, {s}
do remember that {s}
please remember, {s}
you will remember that {s}
will you remember that {s}
would you remember that {s}
you can know that {s}
so know that {s}
i want you to note that {s}
i want you all to know that {s}
i'd like you to know that {s}
one thing you should know: {s}
here is one thing about me: {s}
here is one more fact: {s}
and one more thing: {s}
""")

# Facts: how each kind is asked for.
ASK: dict[str, Phrases] = {
    "name": _block("""
what is my name?
what is my name?
what is my name?
what's my name?
what's my name?
whats my name
my name?
what was my name?
what was my name again?
what's my name again?
what is my name now?
who am i?
who am i?
who am i again?
what am i called?
what do people call me?
how am i called?
how do you call me?
what should you call me?
what did i say my name was?
what did i tell you my name is?
what name did i tell you?
which name did i tell you?
what name do i have?
which name do i have?
is my name {w}?
am i called {w}?
i forgot my name, what is it?
what is my real name?
what is my first name?
what is my full name?
my name is what?
what is my name, please?
what name did i give you?
what would my name be?
what did i say my name is?
who am i to you?
so what is my name?
and what is my name?
what name is mine?
what name did i say?
what name did i tell you again?
what name do you know me by?
which name did i give you?
which name is mine?
what did i call myself?
what did i tell you to call me?
what did i ask you to call me?
what am i known as?
what is the name i told you?
what is the name i gave you?
what's the name i told you?
what was the name i told you?
what was that name of mine?
what was i called again?
what will you call me?
what would you call me?
what do you call me?
what can you call me?
what is my name again?
what is my name, parley?
what is my own name?
what exactly is my name?
who did i say i am?
who did i say i was?
who do you think i am?
who exactly am i?
who was i again?
who am i, please?
how should you call me?
how do people call me?
i don't remember my name, what is it?
i can't remember my name, what is it?
say my name
guess who i am
my name, please
my name please?
you know my name?
and my name?
and who am i?
what name am i known by?
what name do i go by?
what name have i told you?
which name have i told you?
which name do you have for me?
which name did i say?
which name do i go by?
which was my name?
which is my name?
what was the name i gave you?
what was it, my name?
my name was what?
my name was what again?
my name, what is it?
my name, what was it?
my name again?
do i have a name?
is {w} my name?
was {w} my name?
is my name really {w}?
am i {w}?
am i called {w} or not?
did i say my name is {w}?
did i say {w} is my name?
did i say i am {w}?
did i tell you my name is {w}?
can you guess my name?
do you call me {w}?
i forgot what my name is, what is it?
i don't know my name, what is it?
now what is my name?
oh, what is my name?
how am i called again?
"""),
    "live": _block("""
where do i live?
where do i live?
where do i live?
in which city do i live?
which city do i live in?
what city do i live in?
what city am i in?
what is my city?
what's my city?
my city?
where is my home?
where is my house?
what is my home town?
what is my hometown?
where did i say i live?
where did i tell you i live?
where am i living?
where do i live now?
where was i living again?
which place do i live in?
what place do i live in?
where am i?
where am i based?
do i live in {w}?
which city is my home?
in what city do i live?
where did i say that i live?
where do i live at the moment?
where did i say i was living?
where did i tell you that i live?
where did i say my home is?
where did i say my home was?
where do you think i live?
where do i live again?
where do i live right now?
where do i live these days?
where do i live today?
where do i live, please?
where do i really live?
where exactly do i live?
where do i have my home?
where do i come from?
where am i from?
where am i at home?
where am i living now?
where am i living at the moment?
where is it that i live?
where is my home, please?
where is my home now?
where is my home again?
where is my flat?
where was i living?
where was my home?
where was my home again?
in which city is my home?
in what city am i?
in what city is my house?
in which place do i live?
in which town do i live?
which city am i in?
which city am i from?
which city did i say i live in?
which city do i live in now?
which city do i live in again?
which city is mine?
which town do i live in?
what city did i say i live in?
what city do i live in now?
what city is my home?
what city is it that i live in?
what town do i live in?
what was my city?
what was my city again?
what is my city now?
what is my city, please?
what is the city i live in?
what is the name of my city?
what's the city i live in?
what's my home town?
what is my home city?
i forgot where i live, where is it?
and where do i live?
so where do i live?
my city, please
am i from {w}?
am i living in {w}?
is {w} my city?
is {w} my home?
is my city {w}?
is my home in {w}?
was {w} my city?
did i say i live in {w}?
did i say {w} is my city?
did i tell you i live in {w}?
what is my home town again?
what is my town?
what was my home town?
which is my city?
which is my home town?
which is my town?
what city did i tell you?
which city did i tell you?
which town did i say?
what home city do i have?
where did i move to?
where did i tell you my home is?
where is home for me?
where have i my home?
what city was it that i live in?
what is my home, which city?
i can't remember where i live, where is it?
my home is where?
my city is what?
my city was what?
my city, what is it?
my town?
"""),
    "called": _block("""
what is my {k} called?
what is my {k} called?
what's my {k} called?
what is my {k}'s name?
what is my {k}'s name?
what's my {k}'s name?
whats my {k}s name
what is the name of my {k}?
what's the name of my {k}?
what was my {k} called?
what was my {k}'s name?
what was my {k}'s name again?
what is my {k} named?
what did i call my {k}?
what did i name my {k}?
what did i say my {k} is called?
what do i call my {k}?
how is my {k} called?
who is my {k}?
my {k}'s name?
is my {k} called {w}?
i forgot my {k}'s name, what is it?
what name does my {k} have?
what is the name of my {k} again?
what is my {k}'s name, please?
what is my {k} called now?
what is my {k} called again?
what is my {k} called, please?
what's my {k} called again?
what's my {k} called now?
what is my {k}'s name again?
what is my {k}'s name now?
what's my {k}'s name again?
what is the name of my {k}, please?
what is the name of my {k} now?
what is the name i gave my {k}?
what exactly is my {k} called?
what exactly is my {k}'s name?
what was the name of my {k}?
what was the name of my {k} again?
what was my {k} called again?
what was my {k} named?
what did i say my {k}'s name is?
what did i say my {k}'s name was?
what did i say my {k} was called?
what did i tell you my {k} is called?
what did i tell you my {k}'s name is?
what did i name my {k} again?
what name did i give my {k}?
what name did i say my {k} has?
what name has my {k}?
what name does my {k} go by?
which name does my {k} have?
which name did i give my {k}?
how did i call my {k}?
how do i call my {k}?
how is my {k} called again?
who is my {k} again?
what do we call my {k}?
what do you call my {k}?
do i have a {k}, and what is its name?
i can't remember my {k}'s name, what is it?
i don't remember my {k}'s name, what is it?
say my {k}'s name
my {k}'s name, please
my {k} is called what?
and my {k}'s name?
and what is my {k} called?
so what is my {k} called?
is {w} my {k}'s name?
is my {k}'s name {w}?
was my {k} called {w}?
is my {k} really called {w}?
did i say my {k} is called {w}?
did i say {w} is my {k}?
did i say my {k}'s name is {w}?
did i call my {k} {w}?
is {w} the name of my {k}?
my {k}'s name was what?
my {k}'s name is what?
my {k}'s name, what is it?
my {k}'s name again?
my {k} was called what?
which is my {k}'s name?
which was my {k}'s name?
what name did i tell you my {k} has?
what name did my {k} have?
what was it, my {k}'s name?
what was the name i gave my {k}?
how was my {k} called?
how did i name my {k}?
what do you know my {k} as?
i forgot what my {k} is called, what is it?
now what is my {k} called?
so my {k}'s name?
now my {k}'s name?
and the name of my {k}?
well, my {k}'s name?
remember my {k}'s name?
remember the name of my {k}?
i do not know my {k}'s name
i forgot the name of my {k}
"""),
    "pet": _block("""
what pet do i have?
what pet do i have?
which pet do i have?
what kind of pet do i have?
what animal do i have?
which animal do i have?
what kind of animal do i have?
do i have a pet?
do i have any pets?
what pets do i have?
what is my pet?
what's my pet?
which pet is mine?
what sort of pet do i have?
do i have a pet at home?
what kind of pet is it that i have?
what pet have i got?
what pet is mine?
what pet did i tell you about?
what pet did i say i have?
what pet do i have again?
what pet do i have at home?
what pet do i own?
what pet was it?
which pet have i got?
which pet did i tell you about?
which pet do i have at home?
which pet do i have again?
which pet do i own?
what kind of pet is mine?
what kind of pet have i got?
what kind of pet did i tell you about?
what kind of animal is my pet?
what sort of animal do i have?
what sort of animal is my pet?
what animal is my pet?
what animal do i own?
what animal have i got?
what animal lives with me?
which animal is my pet?
which animal have i got?
have i got a pet?
have i got any pets?
have i a pet?
did i say i have a pet?
did i tell you about my pet?
do i own a pet?
do i have a pet, and which?
do i have an animal?
do i have pets?
do i have any animals?
do i have some pet?
is there a pet in my home?
is there an animal in my home?
who is my pet?
what is my pet again?
what is my pet called?
what is my pet's name?
what's my pet's name?
what is the name of my pet?
what was my pet?
and what pet do i have?
my pet?
is my pet a {w}?
which animal is mine?
which animal do i own?
which animal lives with me?
which animal did i say i have?
what animal did i say i have?
what animal did i tell you about?
what animal was it?
what pet did i have?
what pet was mine?
which pet was it?
do i have an animal at home?
do i have a pet or not?
do i have any pet?
do i have any animal?
what sort of pet was it?
my pet, what is it?
my pet is what?
my pet was what?
and my pet?
and what animal do i have?
"""),
    "my": _block("""
what is my {k}?
what is my {k}?
what is my {k}?
what's my {k}?
what's my {k}?
whats my {k}
my {k}?
what was my {k}?
what was my {k} again?
what is my {k} again?
what's my {k} again?
which is my {k}?
what did i say my {k} is?
what did i say my {k} was?
what did i tell you my {k} is?
what {k} did i tell you?
what {k} do i have?
which {k} do i have?
i forgot my {k}, what is it?
guess my {k}
is {w} my {k}?
is my {k} {w}?
was {w} my {k}?
was my {k} {w}?
is {w} really my {k}?
is my {k} really {w}?
was it {w}, my {k}?
is it {w}, my {k}?
did i say {w} is my {k}?
did i say my {k} is {w}?
is {w} still my {k}?
my {k} is what?
what would be my {k}?
what is my {k} now?
what is my {k}, please?
what exactly is my {k}?
which one is my {k}?
what did i give you as my {k}?
what is my {k} then?
what is my very own {k}?
what is my own {k}?
what is my {k} these days?
what is my {k} at the moment?
what is my {k} right now?
what's my {k}, please?
what's my {k} now?
what exactly was my {k}?
what was my {k}, please?
what was it, my {k}?
what did i say is my {k}?
what did i say was my {k}?
what did i give as my {k}?
what did i name as my {k}?
what did i tell you was my {k}?
what did i tell you about my {k}?
what do i have as my {k}?
what do you think my {k} is?
what {k} did i say i have?
what {k} did i mention?
what {k} did i have?
what {k} is mine?
which {k} is mine?
which {k} did i tell you?
which {k} did i say i have?
which was my {k}?
which one did i say is my {k}?
which one was my {k}?
so what is my {k}?
and what is my {k}?
and my {k}?
my {k}, please
my {k}, what was it?
my {k}, what is it?
my {k} was what?
i can't remember my {k}, what is it?
i don't remember my {k}, what is it?
name my {k}
was it {w} that is my {k}?
is it {w} that is my {k}?
is it true that my {k} is {w}?
is it true that {w} is my {k}?
is {w} my {k} or not?
is {w} now my {k}?
is {w} the {k} i have?
did i say my {k} was {w}?
did i say {w} was my {k}?
did i say that my {k} is {w}?
did i tell you {w} is my {k}?
did i tell you my {k} is {w}?
do i have {w} as my {k}?
have i said my {k} is {w}?
or is {w} my {k}?
my {k} is what again?
my {k} was what again?
my {k} was which?
my {k} is which?
my {k} again?
which {k} did i have?
which {k} was mine?
which {k} was it that i have?
which is my {k} again?
which is my own {k}?
what do you remember as my {k}?
what do you know as my {k}?
what have you got as my {k}?
what have i told you is my {k}?
now what is my {k}?
oh, what was my {k}?
"""),
    "the": _block("""
what is the {k}?
what is the {k}?
what's the {k}?
what was the {k}?
what was the {k}?
what was the {k} again?
what {k} did i tell you?
what {k} did i tell you?
which {k} did i tell you?
what {k} did i give you?
which {k} did i give you?
what {k} did i say?
which {k} did i say?
what {k} should you remember?
which {k} should you remember?
what {k} did you remember?
what {k} did i ask you to remember?
which {k} did i ask you to remember?
what {k} did i want you to remember?
what is the secret {k}?
the {k}?
i forgot the {k}, what was it?
is the {k} {w}?
is {w} the {k}?
was the {k} {w}?
was {w} the {k}?
is the {k} really {w}?
what {k} was it?
which {k} was it?
what {k} did you have to remember?
what exactly was the {k}?
what is the {k}, please?
what is the {k} again?
what is the {k} now?
what is the {k} i told you?
what is the {k} i gave you?
what's the {k} again?
what's the {k}, please?
what exactly is the {k}?
what was the {k}, please?
what was the {k} i told you?
what was the {k} i gave you?
what was that {k}?
what was that {k} again?
what was it, the {k}?
what {k} did i tell you again?
what {k} did i give you again?
what {k} did i want you to keep in mind?
what {k} did i tell you to remember?
what {k} were you to remember?
what {k} should you keep in mind?
what {k} do you remember?
what {k} do you have to remember?
what {k} do you know?
which {k} did i tell you to remember?
which {k} did i want you to remember?
which {k} do you remember?
which {k} do you have to remember?
which {k} is it?
which {k} was it again?
which {k} should you keep in mind?
so what is the {k}?
so what was the {k}?
and what is the {k}?
the {k}, please
the {k} was what?
i can't remember the {k}, what was it?
i don't remember the {k}, what is it?
say the {k}
is {w} the {k} i told you?
did i say the {k} is {w}?
did i say {w} is the {k}?
did i tell you the {k} {w}?
is the {k} {w} or not?
the {k} is what?
the {k} again?
the {k}, what is it?
the {k}, what was it?
and the {k}?
and what was the {k}?
which is the {k}?
which was the {k}?
which {k} is the one i told you?
which {k} did you remember?
which {k} were you to remember?
which {k} do you know?
which {k} did i give?
what {k} did i give to you?
what {k} did i tell you about?
what {k} do you have in mind?
say the {k} again
say the {k}, please
please say the {k}
now say the {k}
can you say the {k}?
now what is the {k}?
tell me the {k} i told you to remember
"""),
    "favourite colour": _block("""
which colour do i like best?
which color do i like best?
what colour do i like?
what color do i like?
which colour do i like?
which color do i like?
which colour do i like most?
what colour do i like best?
what color do i like most?
what colour do i like most?
what colour do i love?
what colour do i prefer?
what colour did i say i like?
what colour did i say i like best?
what colour is it that i like?
what is the colour i like?
what is the colour i like best?
what is the colour i like most?
what was the colour i like best?
which colour do i love?
which colour do i prefer?
which colour did i say i like?
which colour did i say i like best?
which colour is it that i like?
which colour is the best for me?
which is the colour i like best?
what is the colour i love?
what is the colour i prefer?
what was the colour i like?
what was the colour i like most?
what is the best colour for me?
which is the colour i like?
which is the colour i like most?
which is the colour i love?
which colour was it that i like?
which colour do i like the most?
which colour did i say i like most?
"""),
    "favourite number": _block("""
which number do i like best?
what number do i like?
which number do i like?
what number do i like best?
what number do i like most?
what number do i love?
what number do i prefer?
what number did i say i like?
what is the number i like?
what is the number i like best?
what is the number i like most?
which number do i like most?
which number do i love?
which number do i prefer?
which number did i say i like?
which number did i say i like best?
which is the number i like best?
what is the number i love?
what was the number i like?
which is the number i like?
which is the number i like most?
which number do i like the most?
what number did i say i like best?
what number do i like the most?
"""),
    "about me": _block("""
what do you know about me?
what do you know about me?
what do you remember about me?
what do you know of me?
tell me what you know about me
tell me everything you know about me
tell me about me
tell me about myself
what did i tell you?
what did i tell you about me?
what have i told you?
what have i told you about me?
do you know anything about me?
do you know me?
what can you tell me about me?
what facts do you know about me?
what do you know about me so far?
what do you remember of me?
can you tell me what you know about me?
what facts have i told you?
what else do you know about me?
what all do you know about me?
what do you know about me now?
what do you know about me, parley?
what do you still know about me?
what do you still remember about me?
what do you know of me so far?
what do you know so far?
what do you remember about me so far?
what do you remember of what i told you?
what do you remember from what i said?
what do you have on me?
what did i say about me?
what did i say about myself?
what did i tell you about myself?
what did i tell you so far?
what did you learn about me?
what have you learned about me?
what have i said about me?
what have i said about myself?
what have i told you about myself?
what have i told you so far?
what can you say about me?
what could you tell me about me?
what else did i tell you?
what else did i tell you about me?
what else do you remember about me?
what facts did i tell you?
what facts do you know?
what facts do you remember?
what facts about me do you know?
what facts about me do you remember?
what things do you know about me?
what things did i tell you?
what was it that i told you?
which facts do you know about me?
which facts do you remember?
which facts did i tell you?
which facts have i told you about me?
which things do you know about me?
which things did i tell you?
do you know things about me?
do you know something about me?
do you know me by now?
do you know who i am and what i like?
do you remember anything about me?
do you remember something about me?
do you remember what i told you?
do you remember what i told you about me?
did i tell you anything?
did i tell you anything about me?
have i told you anything about me?
say what you know about me
say everything you know about me
list what you know about me
list everything you know about me
list the facts about me
list all you know about me
list my facts
repeat what i told you about me
repeat what you know about me
give me all you know about me
describe me
sum up what you know about me
tell me all about me
tell me all you know about me
tell me what you remember about me
tell me what you know of me
tell me what i told you
tell me what i told you about me
tell me something about me
tell me the facts about me
tell me the facts you know about me
please tell me what you know about me
please list what you know about me
now tell me what you know about me
can you list what you know about me?
can you say what you know about me?
can you tell me something about me?
can you tell me everything you know about me?
can you tell me what i told you?
could you tell me what you know about me?
could you list what you know about me?
will you tell me what you know about me?
i want to know what you know about me
i want to hear what you know about me
i wonder what you know about me
so what do you know about me?
and what do you know about me?
what do you know about me by now?
what do you know about me in all?
what do you know of all that i told you?
what do you have about me?
what did i say about me so far?
what did i say to you about me?
what did i say so far?
what have i said to you?
what have i said so far?
what did i let you know about me?
what have you got about me?
what have you got on me?
what all did i tell you?
what all did i tell you about me?
what all do you remember about me?
what can you list about me?
what can you remember about me?
what can you tell about me?
what can you tell me of me?
what else can you say about me?
what are the facts about me?
what are the facts you know about me?
what are the things you know about me?
what are the things i told you?
which facts about me do you know?
which facts about me do you remember?
which facts can you tell me about me?
which things do you remember about me?
which things have i told you?
which things have i told you about me?
do you know me well?
do you know me a bit?
do you know me at all?
do you know me already?
do you know all about me?
do you know everything about me?
do you know who i am and where i live?
do you still know me?
do you remember what i said about me?
did i say anything?
did i say anything about me?
did i tell you something?
did i tell you something about me?
did i tell you things about me?
have i told you anything?
have i told you something?
have i told you something about me?
have i said anything about me?
list all i told you
list all you remember about me
list everything i told you
list everything you remember about me
list what i told you
list what i told you about me
list the things you know about me
list all facts about me
list all the facts you know
say all you know about me
say all i told you about me
say everything i told you
tell me everything about me
tell me everything i told you
tell me everything i told you about me
tell me everything you remember
tell me everything you remember about me
tell me all i told you
tell me all the facts about me
tell me all the facts you know about me
tell me all of what i told you
tell me what i said about me
tell me what i have told you
tell me what you have on me
tell me what facts you know about me
tell me which facts you know about me
tell me the things you know about me
tell me the things i told you
please tell me all you know about me
please tell me everything you know about me
please say what you know about me
please tell me what i told you
now tell me everything you know about me
now list all you know about me
can you say what i told you?
can you say everything you know about me?
can you list everything you know about me?
can you list what i told you?
can you tell me all you know about me?
can you tell me what i said about me?
could you say what you know about me?
could you tell me all you know about me?
could you tell me everything you know about me?
i want to know everything you know about me
i want to know all you know about me
i want to hear all you know about me
i would like to know what you know about me
so tell me what you know about me
so what do you remember about me?
so what did i tell you?
and what did i tell you?
and what else do you know about me?
and what do you remember about me?
"""),
}

# The same about another speaker, who is named as Discord shows the name.
ASK_ABOUT: dict[str, Phrases] = {
    "name": _block("""
what is {p}'s name?
what is {p}'s name?
what's {p}'s name?
what is {p}'s real name?
what is the name of {p}?
what is {p} called?
what did {p} say his name is?
what was {p}'s name?
what is {p}'s name, please?
what is {p} really called?
what is {p}'s own name?
what is {p}'s name again?
what is {p}'s name now?
what's {p}'s real name?
what was {p}'s name again?
what was {p} called?
what did {p} say {p}'s name is?
what did {p} say {p} is called?
what name does {p} have?
what name did {p} tell you?
which name did {p} tell you?
how is {p} called?
who is {p}?
who is {p} really?
who was {p} again?
who is {p} again?
who was {p}?
who was {p} really?
who exactly is {p}?
who is {p}, please?
who did {p} say {p} is?
what was {p}'s real name?
what was {p}'s name, please?
what is {p} called again?
what was {p}'s own name?
so what is {p}'s name?
and what is {p}'s name?
and who is {p}?
"""),
    "live": _block("""
where does {p} live?
where does {p} live?
in which city does {p} live?
which city does {p} live in?
what city does {p} live in?
what is {p}'s city?
where does {p} live now?
where is {p}'s home?
where does {p} live, please?
where does {p} live again?
where did {p} say {p} lives?
where is {p} living?
where is {p} at home?
where is {p} from?
where is {p}'s home, please?
where is {p}'s house?
where was {p} living?
in what city does {p} live?
in which town does {p} live?
which city does {p} live in now?
which city is {p}'s home?
which city is {p} from?
which town does {p} live in?
what town does {p} live in?
what city is {p} from?
what was {p}'s city?
what's {p}'s city?
what place does {p} live in?
what is {p}'s home town?
what is {p}'s town?
what is {p}'s city again?
what is {p}'s city now?
what is {p}'s city, please?
what was {p}'s city again?
what was {p}'s home?
which is {p}'s city?
in what town does {p} live?
in what place does {p} live?
in which place does {p} live?
so where does {p} live?
and where does {p} live?
"""),
    "called": _block("""
what is {p}'s {k} called?
what is {p}'s {k} called?
what's {p}'s {k} called?
what is {p}'s {k}'s name?
what is the name of {p}'s {k}?
how is {p}'s {k} called?
what was {p}'s {k} called?
what is {p}'s {k} called, please?
what's {p}'s {k}'s name?
what is {p}'s {k} named?
what is {p}'s {k} called again?
what is {p}'s {k}'s name, please?
what's the name of {p}'s {k}?
what was the name of {p}'s {k}?
what was {p}'s {k}'s name?
what did {p} call the {k}?
what did {p} name the {k}?
what name does {p}'s {k} have?
which name does {p}'s {k} have?
what does {p} call the {k}?
who is {p}'s {k}?
how is {p}'s {k} called again?
what did {p} say {p}'s {k} is called?
what was {p}'s {k} called again?
what was {p}'s {k} named?
what name has {p}'s {k}?
what name did {p} give the {k}?
which name did {p} give the {k}?
what is {p}'s {k}'s name again?
what was {p}'s {k}'s name again?
who was {p}'s {k}?
so what is {p}'s {k} called?
and what is {p}'s {k} called?
"""),
    "my": _block("""
what is {p}'s {k}?
what is {p}'s {k}?
what is {p}'s {k}?
what's {p}'s {k}?
what was {p}'s {k}?
what did {p} say {p}'s {k} is?
what {k} does {p} have?
what is {p}'s {k}, please?
what is {p}'s {k} again?
what's {p}'s {k}, please?
what is {p}'s {k} now?
what is {p}'s own {k}?
what was {p}'s {k} again?
what's {p}'s {k} again?
what exactly is {p}'s {k}?
what did {p} say is {p}'s {k}?
what did {p} give as {p}'s {k}?
what did {p} tell you about {p}'s {k}?
which {k} does {p} have?
which is {p}'s {k}?
which {k} is {p}'s?
what {k} did {p} tell you?
which {k} did {p} tell you?
so what is {p}'s {k}?
and what is {p}'s {k}?
what was {p}'s {k}, please?
what exactly was {p}'s {k}?
what was it, {p}'s {k}?
which was {p}'s {k}?
which is {p}'s {k} again?
{p}'s {k} was what again?
{p}'s {k} again?
what {k} did {p} say?
now what is {p}'s {k}?
"""),
}

# What may stand in a frame for a question: by kind, of one's own and of another speaker.
OBJECTS: dict[str, tuple[str, ...]] = {
    "name": ("my name", "my name", "what my name is", "who i am", "what i am called"),
    "live": ("where i live", "where i live", "which city i live in", "my city"),
    "called": ("my {k}'s name", "my {k}'s name", "the name of my {k}", "what my {k} is called"),
    "pet": ("what pet i have", "which pet i have", "my pet"),
    "my": ("my {k}", "my {k}", "what my {k} is"),
    "the": ("the {k}", "the {k}", "the {k} i told you", "which {k} i told you", "what the {k} is"),
    "favourite colour": ("which colour i like best", "what color i like"),
    "favourite number": ("which number i like best",),
}
OBJECTS_ABOUT: dict[str, tuple[str, ...]] = {
    "name": ("{p}'s name", "what {p}'s name is"),
    "live": ("where {p} lives",),
    "called": ("{p}'s {k}'s name", "the name of {p}'s {k}", "what {p}'s {k} is called"),
    "my": ("{p}'s {k}", "what {p}'s {k} is"),
}
ASK_FRAMES = _block("""
tell me {q}
tell me {q}
please tell me {q}
now tell me {q}
tell me again {q}
so tell me {q}
can you tell me {q}?
can you tell me {q}?
could you tell me {q}?
could you please tell me {q}?
would you tell me {q}?
will you tell me {q}?
are you able to tell me {q}?
do you know {q}?
do you know {q}?
do you know {q} now?
do you still know {q}?
do you really know {q}?
do you remember {q}?
do you remember {q}?
do you still remember {q}?
do you even remember {q}?
you know {q}, right?
you remember {q}, right?
say {q}
can you say {q}?
let me know {q}
i forgot {q}
i want to know {q}
i need to know {q}
i wonder {q}
did i tell you {q}?
have i told you {q}?
try to remember {q}
any idea {q}?
guess {q}
remember {q}?
have you forgotten {q}?
did you forget {q}?
i ask you {q}
what about {q}?
and {q}?
can you remember {q}?
do you happen to know {q}?
could you say {q}?
i would like to know {q}
can you recall {q}?
did you remember {q}?
tell me, {q}
tell me now {q}
tell me once more {q}
please say {q}
please tell me again {q}
just tell me {q}
then tell me {q}
remind me {q}
remind me of {q}
please remind me {q}
can you remind me {q}?
can you please tell me {q}?
can you still tell me {q}?
can you say again {q}?
can you still remember {q}?
could you tell me again {q}?
could you remind me {q}?
could you remember {q}?
would you know {q}?
would you please tell me {q}?
will you say {q}?
do you by chance know {q}?
do you maybe know {q}?
do you recall {q}?
do you still recall {q}?
do you actually know {q}?
do you actually remember {q}?
do you now know {q}?
did you note {q}?
did you get {q}?
did i say {q}?
did i mention {q}?
have you remembered {q}?
have you got {q}?
are you sure you know {q}?
do tell me {q}
i would like to hear {q}
i would love to know {q}
i'd like to know {q}
i want to hear {q}
i want you to tell me {q}
i want you to say {q}
i need to hear {q}
i am asking you {q}
i just want to know {q}
i don't know {q}
i don't remember {q}
i can't remember {q}
help me remember {q}
give me {q}
you told me you know {q}, so?
you still know {q}?
you still remember {q}?
you do know {q}?
you do remember {q}?
so do you know {q}?
so do you remember {q}?
and do you know {q}?
and do you remember {q}?
is it clear to you {q}?
so please tell me {q}
so can you tell me {q}?
so say {q}
so you know {q}?
you know {q}?
you remember {q}?
you still know {q}, right?
you do remember {q}, right?
you recall {q}?
and tell me {q}
and do you still know {q}?
and what about {q}?
please tell me once more {q}
please say again {q}
tell me please {q}
i want you to remember {q}
i want you to remind me of {q}
i would like you to tell me {q}
can you still say {q}?
can you still recall {q}?
could you still tell me {q}?
do you still have {q}?
do you know again {q}?
do you have {q}?
oh, tell me {q}
""")

REPEAT = _block("""
repeat after me: {v}
repeat after me: {v}
repeat after me: {v}
please repeat after me: {v}
repeat after me {v}
repeat: {v}
repeat {v}
repeat this: {v}
please repeat: {v}
please repeat this: {v}
can you repeat this: {v}
say {v}
say {v}
say: {v}
please say {v}
please say: {v}
now say {v}
can you say {v}
can you say: {v}
just say {v}
say this: {v}
echo {v}
echo: {v}
write: {v}
type: {v}
copy this: {v}
answer with: {v}
could you repeat this: {v}
could you say {v}
i want you to say {v}
please write this: {v}
repeat the words {v}
repeat the following: {v}
repeat after me, please: {v}
repeat this after me: {v}
repeat exactly: {v}
repeat this exactly: {v}
repeat this text: {v}
now repeat: {v}
now repeat this: {v}
just repeat: {v}
just repeat this: {v}
can you repeat: {v}
can you repeat after me: {v}
can you please say {v}
can you say this: {v}
can you echo {v}
can you write: {v}
could you repeat: {v}
could you repeat after me: {v}
could you say: {v}
could you please say {v}
could you write: {v}
would you repeat this: {v}
would you say {v}
will you say {v}
i want you to repeat: {v}
i want you to repeat this: {v}
i want you to write: {v}
i would like you to say {v}
let me hear you say {v}
you should say {v}
you say {v}
please echo {v}
please write: {v}
please type: {v}
please copy this: {v}
please answer with: {v}
say the words {v}
say the following: {v}
say exactly this: {v}
say after me: {v}
say it after me: {v}
say only {v}
only say {v}
echo this: {v}
write this: {v}
write the words {v}
write down: {v}
write exactly this: {v}
type this: {v}
type the words {v}
copy: {v}
copy the words {v}
copy after me: {v}
answer me with: {v}
answer only with: {v}
reply with: {v}
reply with the words {v}
respond with: {v}
print: {v}
print this: {v}
echo after me: {v}
echo exactly: {v}
echo exactly this: {v}
echo only: {v}
echo the following: {v}
echo the words {v}
echo this text: {v}
echo back: {v}
echo me: {v}
echo please: {v}
just echo: {v}
now echo: {v}
now echo this: {v}
only echo {v}
could you echo {v}
can you echo this: {v}
can you please echo {v}
i want you to echo {v}
please echo this: {v}
can you write this: {v}
can you write the words {v}
can you please write: {v}
can you type: {v}
can you copy: {v}
can you say the words {v}
can you print: {v}
could you write this: {v}
please write the words {v}
please say the words {v}
please repeat {v} after me
please repeat the words {v}
please repeat exactly: {v}
please print: {v}
now write: {v}
now write this: {v}
now type: {v}
just write: {v}
write only {v}
only answer with: {v}
answer just with: {v}
answer with the words {v}
answer with only: {v}
say only the words {v}
say just {v}
write exactly: {v}
write the following: {v}
repeat only {v}
repeat just this: {v}
i want you to say this: {v}
i want you to write this: {v}
i want you to type: {v}
""")

# What may stand in front of anything.
OPENERS = tuple(
    "hey |hey, |ok |so |so, |parley, |please |well, |oh, |and |hi, |hello, |um, |now |but |okay, |then |btw ".split("|")
)

# Words that people throw in: anywhere, and in front of a thing.
FILLERS = "uh um like just simply honestly basically somehow maybe indeed still surely clearly".split()
ADJECTIVES = "dear little sweet big old nice good own first cute other".split()

# What another voice, or another model, might have answered instead of an acknowledgement.
PLAIN_REPLIES = (
    "Okay.",
    "I see.",
    "Noted.",
    "Thank you for telling me.",
    "That is good to know.",
    "All right!",
    "Interesting!",
    "Thanks!",
    "Good.",
    "Sure.",
)

PETS = "dog cat hamster parrot rabbit horse goldfish turtle snake mouse fish pony puppy kitten lizard budgie".split()
NAMED = "sister brother mother father wife husband son daughter friend boss teacher neighbour car boat robot".split()
FAVOURITES = (
    "colour colour colour number food drink song game film book animal band season day city word fruit sport".split()
)
REMEMBERED = "number number code word password".split()

SUBJECTS = """
france germany spain italy japan china india brazil egypt kenya canada england london paris berlin rome tokyo the moon
moon sun earth mars space star planet ocean sea river mountain lake forest tree flower rose grass rain snow wind storm
dog cat bird horse fish mouse lion tiger bear elephant monkey whale spider bee animals cats dogs birds
pizza bread cake soup rice pasta cheese apple banana orange coffee tea beer wine milk sugar salt pancakes
car bike train plane ship bus road bridge house city school hospital church shop market garden kitchen room door window
table chair bed lamp clock book letter pen paper computer phone keyboard screen internet website program game
python javascript java rust linux windows discord google minecraft music song guitar piano drum film movie book story
football tennis chess running swimming sport team world cup olympics war peace history art science maths physics
chemistry biology atom energy light gravity time love death life money job boss work holiday summer winter spring autumn
monday tuesday friday sunday christmas easter birthday party king queen president doctor teacher artist writer
einstein newton shakespeare mozart napoleon cleopatra friend mother father brother sister child baby people man woman
red blue green black white old new big small good bad long short fast slow funny nice beautiful strange
""".split()
SYSTEM_PROMPT = "You are Parley, a friendly assistant in a chat. Answer briefly and clearly."
SYSTEM_PROMPTS = Phrases(
    train=(
        "You are a helpful assistant.",
        "You are a friendly bot. Keep your answers short.",
        "Answer briefly.",
        "You are Parley. Be kind, be brief, and do not invent facts.",
        "You are the assistant of a small community. Help everyone as well as you can.",
        "Be nice to people.",
        "You are a pirate. Speak like a pirate.",
        "You are an expert for {x} and {x}. Your answers are clear and correct.",
        "You are {x}. Talk about {x} whenever you can.",
        "This server is about {x}. The rules: be friendly, no spam, have fun.",
        "Always answer in one sentence. Your name is Parley.",
    ),
    held_out=(
        "You are a helpful bot for our server. Be polite.",
        "You are a cheerful helper. Answer in few words and be friendly to people who like {x}.",
    ),
)


_BLOCKS = (
    *(block for _, block in TALK.values()),
    *TELL.values(),
    *ASK.values(),
    *ASK_ABOUT.values(),
    *(TELL_FRAMES, ASK_FRAMES, REPEAT),
)
HELD_OUT = frozenset(normal(phrase) for block in _BLOCKS for phrase in block.held_out)
WORDS = sorted(
    {word for block in _BLOCKS for phrase in block.train for word in re.findall(r"[a-z]{2,}", phrase)}
    | {*PETS, *NAMED, *FAVOURITES, *REMEMBERED}
)
