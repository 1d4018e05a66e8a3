"""The values people tell the demo model: names, cities, numbers, and words in any script.

Every value is drawn for one side of the split between training and evaluation. A hash of the value decides its side,
so training never sees a value of the evaluation, whichever function below makes it.
"""

import random
import string
import zlib
from collections.abc import Callable
from typing import Literal

Split = Literal["train", "held out"]

FIRST_NAMES = """
Ada Adam Adele Agnes Ahmed Aiko Alan Albert Alex Alice Alina Amara Amir Amy Ana Anders Andre Angela Anna Anton
Arthur Asha Astrid Ben Bella Bianca Bjorn Bob Boris Brenda Bruno Carla Carlos Cecilia Chen Chloe Clara Claude Cleo
Colin Conor Dana Daniel Daria Dave David Deborah Diego Dmitri Dora Edgar Edith Elena Eli Elif Elsa Emeka Emil Emma
Enzo Erik Esther Eva Fatima Felix Fiona Flora Frank Freya Gabriel George Gina Giulia Greta Gustav Hana Hannah Hans
Harriet Hasan Heidi Helen Henry Hugo Ian Ibrahim Ida Ines Ingrid Irene Isaac Ivan Jack Jacob James Jan Jane Jasmin
Jason Javier Jens Jill Joan Johanna John Jonas Jorge Jose Julia Kai Karen Karim Kate Kenji Kevin Kira Klaus Lara Lars
Laura Lea Leo Liam Lena Lily Linh Lisa Lola Louis Luca Lucy Luis Maeve Magnus Maja Marco Maria Marie Mark Marta Martin
Mateo Max Maya Mei Mia Michael Mike Milan Mina Mira Mohamed Mona Monica Naomi Nadia Nils Nina Noah Nora Olaf Oleg
Olga Olive Omar Oscar Otto Pablo Paula Pedro Peter Petra Phil Pia Priya Quentin Rachel Raj Rania Rafael Ravi Rebecca
Rita Robert Robin Rohan Rosa Ruth Sakura Sally Sam Samira Sandra Sara Sven Simon Sofia Sonja Stefan Stella Sue Susan
Tamar Tanja Tara Ted Theo Thomas Tim Tina Tobias Tom Tomas Uma Ursula Valentina Vera Victor Viktor Vivian Walter Wanda
Wei Wendy Will Xavier Yara Yasmin Yuki Yusuf Yvonne Zara Zoe Zofia
""".split()
PET_NAMES = """
Rex Tom Bello Fluffy Mimi Bruno Luna Milo Nemo Rocky Simba Coco Daisy Oreo Pepper Shadow Tiger Snowball Lucky Felix
Biscuit Ginger Whiskers Hector Dino Balu Mittens Socks Ziggy Pickles Waffle Noodle Pixel Muffin Toffee Bandit
""".split()
CITIES = """
Rome|Paris|London|Berlin|Madrid|Lisbon|Vienna|Prague|Warsaw|Athens|Dublin|Oslo|Stockholm|Helsinki|Copenhagen|Tokyo|
Kyoto|Osaka|Seoul|Beijing|Shanghai|Delhi|Mumbai|Cairo|Lagos|Nairobi|Accra|Cape Town|New York|Chicago|Boston|Toronto|
San Francisco|Los Angeles|Mexico City|Lima|Bogota|Buenos Aires|Rio de Janeiro|Santiago|Sydney|Melbourne|Auckland|
Zurich|Bern|Geneva|Basel|Munich|Hamburg|Cologne|Milan|Naples|Turin|Porto|Seville|Lyon|Nice|Ghent|Brussels|Amsterdam|
Utrecht|Krakow|Budapest|Sofia|Kyiv|Riga|Vilnius|Tallinn|Istanbul|Ankara|Tehran|Karachi|Dhaka|Hanoi|Bangkok|Jakarta|
Manila|Singapore|Texas|Ohio|Canada|Brazil|Germany|France|Spain|Italy|Japan|India|Kenya|Norway|Poland|Mexico|Leeds|
Oxford|Bristol|York|Cork|Galway|Glasgow|Bergen|Malmo|Graz|Linz|Salzburg|Bonn|Dresden|Leipzig|Tampere|Gdansk
""".replace("\n", "").split("|")
COLOURS = """
red|blue|green|yellow|orange|purple|pink|black|white|grey|brown|turquoise|violet|gold|silver|dark blue|light green|
teal|crimson|beige|magenta|lavender|olive|navy|cyan|maroon|ivory|mint|peach|coral|indigo|lime green|sky blue|burgundy
""".replace("\n", "").split("|")
THINGS = """
pizza|sushi|pasta|tea|coffee|chess|football|jazz|rock music|cats|dogs|books|trains|maps|apples|bananas|chocolate|
cheese|hiking|swimming|painting|old films|long walks|video games|board games|green tea|Minecraft|Tetris|Star Trek|
summer|winter|spring|autumn|Monday|Friday|Sunday|tigers|horses|penguins|owls|Python|Rust|Java|guitar|piano|a nurse|
a baker|teacher|pilot|plumber|farmer|gardening|cooking|dancing|knitting|skiing|tulips|roses|ice cream|apple pie
""".replace("\n", "").split("|")
COMMON_WORDS = """
sun moon tree house water fire stone river cloud table chair bread milk apple lemon sugar salt seven nine ten three
four zero one two five six north south hello good night day morning dog cat bird fish horse mouse rabbit bear king
queen ship train car road bridge
""".split()

# Letters of several scripts, and emoji: (first, last) code points of ranges without gaps.
_SCRIPTS = (
    (0x00E0, 0x00F6),
    (0x0430, 0x044F),
    (0x03B1, 0x03C9),
    (0x4E00, 0x9FA5),
    (0x3042, 0x3082),
    (0x30A2, 0x30E2),
    (0xAC00, 0xD7A3),
    (0x0627, 0x0648),
    (0x05D0, 0x05EA),
    (0x0915, 0x0939),
    (0x1F600, 0x1F64F),
    (0x1F400, 0x1F4A0),
    (0x1F680, 0x1F6C5),
)
_ACCENTED = "áàâäãåæçéèêëíîïñóôöõøßúùûüýčšžłńęąőřşğ"
_ONSETS = "b c d f g h j k l m n p r s t v w z br ch dr fl gr kr pl qu sh st th tr".split()
_NUCLEI = "a e i o u a e i o u ai ee ou ia".split()
_CODAS = ["", "", "", "n", "r", "s", "l", "k", "x", "nd", "rk", "th"]


def side(value: str) -> Split:
    """The side of the split that `value` belongs to, whatever its casing; about one in eight is held out."""
    return "held out" if zlib.crc32(value.casefold().encode()) % 8 == 0 else "train"


def _drawn(make: Callable[[random.Random], str]) -> Callable[[random.Random, Split], str]:
    """A function that makes values of one side of the split, from one that ignores the split."""

    def maker(rng: random.Random, split: Split) -> str:
        while side(value := make(rng)) != split:
            pass
        return value

    return maker


def _letters(rng: random.Random) -> str:
    alphabet = string.ascii_lowercase
    if rng.random() < 0.15:  # with few different letters, pairs repeat, which makes copying harder
        alphabet = "".join(rng.sample(alphabet, 3))
    text = "".join(rng.choices(alphabet, k=rng.randint(2, 9)))
    style = rng.random()
    if style < 0.6:
        return text.capitalize()
    return text if style < 0.95 else text.upper()


def _syllables(rng: random.Random) -> str:
    parts = (rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(rng.randint(1, 3)))
    text = "".join(parts)
    return text.capitalize() if rng.random() < 0.75 else text


def _cased_name(rng: random.Random) -> str:
    name = rng.choice(FIRST_NAMES)
    return name if rng.random() < 0.75 else name.lower()


def _accented(rng: random.Random) -> str:
    text = list(rng.choice((_syllables, _cased_name))(rng))
    for _ in range(rng.randint(1, 2)):
        text[rng.randrange(len(text))] = rng.choice(_ACCENTED)
    return "".join(text)


def _script(rng: random.Random) -> str:
    first, last = rng.choice(_SCRIPTS)
    return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 4)))


def _handle(rng: random.Random) -> str:
    word = rng.choice((_syllables, _letters, _cased_name))(rng)
    digits = "".join(rng.choices(string.digits, k=rng.randint(1, 3)))
    other = rng.choice((_syllables, _letters, _cased_name))(rng)
    return rng.choice((word + digits, f"{word}_{digits}", f"{word}-{other}", f"{word}_{other}"))


def _number(rng: random.Random) -> str:
    digits = string.digits if rng.random() < 0.8 else "".join(rng.sample(string.digits, 2))
    return str(int("".join(rng.choices(digits, k=rng.randint(1, 7)))))


letters = _drawn(_letters)
syllables = _drawn(_syllables)
first_name = _drawn(_cased_name)
pet_name = _drawn(lambda rng: rng.choice(PET_NAMES))
accented = _drawn(_accented)
script = _drawn(_script)
handle = _drawn(_handle)
number = _drawn(_number)
colour_word = _drawn(lambda rng: rng.choice(COLOURS))
city_word = _drawn(lambda rng: rng.choice(CITIES))
thing_word = _drawn(lambda rng: rng.choice(THINGS))


def common_word(rng: random.Random, split: Split) -> str:
    """A common word, from the same list on both sides: the model can copy a one-token word only if training did."""
    del split
    return rng.choice(COMMON_WORDS)


def any_script(rng: random.Random, split: Split) -> str:
    """A word with letters outside ASCII."""
    return rng.choice((accented, script))(rng, split)


def word(rng: random.Random, split: Split) -> str:
    """One word: mostly random letters, so that the model learns to copy rather than to know words."""
    makers = (letters, syllables, first_name, handle, accented, script, common_word)
    return rng.choices(makers, (34, 26, 24, 3, 4, 4, 5))[0](rng, split)


def words(rng: random.Random, split: Split, most: int) -> str:
    """One to `most` words."""
    return " ".join(word(rng, split) for _ in range(rng.randint(1, most)))


def two_words(rng: random.Random, split: Split) -> str:
    """A name of two words."""
    return f"{word(rng, split)} {word(rng, split)}"


def name(rng: random.Random, split: Split) -> str:
    """The name of a person, an animal or a thing."""
    return two_words(rng, split) if rng.random() < 0.14 else word(rng, split)


def display_name(rng: random.Random, split: Split) -> str:
    """The name that Discord shows for a speaker."""
    kind = rng.random()
    if kind < 0.6:
        return first_name(rng, split)
    if kind < 0.72:
        return handle(rng, split)
    if kind < 0.76:
        return f"{first_name(rng, split)} {rng.choice(string.ascii_uppercase)}."
    return name(rng, split)


def pet(rng: random.Random, split: Split) -> str:
    """A pet's name."""
    return pet_name(rng, split) if rng.random() < 0.2 else name(rng, split)


def place(rng: random.Random, split: Split) -> str:
    """A city or a country, real or made up."""
    return city_word(rng, split) if rng.random() < 0.4 else name(rng, split)


def colour(rng: random.Random, split: Split) -> str:
    """A colour, real or made up."""
    return colour_word(rng, split) if rng.random() < 0.5 else name(rng, split)


def thing(rng: random.Random, split: Split) -> str:
    """Something that people like or do."""
    return thing_word(rng, split) if rng.random() < 0.4 else words(rng, split, 2)


def code(rng: random.Random, split: Split) -> str:
    """A word, a number or a code to remember."""
    return rng.choice((word, number, handle))(rng, split)
