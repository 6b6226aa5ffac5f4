"""Ready-made evaluations: templates of everyday tasks, and small realistic sets from finance, education and health.

Each sets everything a form has. `lesson` says what to look at; it speaks of what the bundled model, a base model of
270 million parameters, really does with them.
"""

from dataclasses import dataclass, field

from playground.diffusion import models
from playground.evaluation import kinds, pictures, providers
from playground.evaluation.plan import Assertion, Case, Plan, Prompt, Provider

LINE, BLANK = "\n", "\n\n"


@dataclass(frozen=True)
class Check:
    """One check of a form: a kind, its value, its threshold (None: the default one)."""

    kind: str
    value: str = ""
    threshold: float | None = None

    def assertion(self) -> Assertion:
        """As an assertion."""
        negated = self.kind.startswith("not-")
        kind = self.kind.removeprefix("not-")
        return kinds.made(kind, kinds.parsed(kinds.KINDS[kind], self.value), self.threshold, negated)


@dataclass(frozen=True)
class Example:
    """A title, prompts, a table of cases, checks, and how the model writes."""

    title: str
    group: str
    prompts: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    checks: tuple[Check, ...]
    lesson: str
    max_tokens: int = 12
    stop: tuple[str, ...] = (LINE,)
    temperature: float = 0.0
    repeats: int = 1
    seed: int = 0
    models: tuple[str, ...] = field(default=(providers.DEFAULT,))
    steps: int = 0  # of a picture; 0: the model's usual
    discs: tuple[str, ...] = ()  # colours of reference pictures, called red-disc and so on

    def plan(self) -> Plan:
        """As a plan."""
        from playground.evaluation import cases

        found, _ = cases.read_table(self.header, self.rows)
        checks = tuple(check.assertion() for check in self.checks)
        return Plan(tuple(map(Prompt, self.prompts)),
                    tuple(map(self.provider, self.models)),
                    tuple(Case(case.variables, (*checks, *case.assertions), case.description) for case in found),
                    self.repeats, self.seed, self.title,
                    pictures={f"{colour}-disc": disc(colour) for colour in self.discs})

    def provider(self, name: str) -> Provider:
        """A model with the settings that mean something to it."""
        if Provider(name).draws:
            return Provider(name, steps=self.steps)
        return Provider(name, temperature=self.temperature, max_tokens=self.max_tokens, stop=self.stop)


def disc(colour: str) -> str:
    """A disc on white as a reference picture, 64 x 64, with soft edges."""
    from PIL import Image, ImageDraw

    large = Image.new("RGB", (4 * pictures.SIDE, 4 * pictures.SIDE), "white")
    ImageDraw.Draw(large).ellipse((16, 16, 240, 240), fill=COLOURS[colour])
    return pictures.as_uri(pictures.as_png(large.resize((pictures.SIDE, pictures.SIDE))))


COLOURS = {"red": "#e53935", "blue": "#1e88e5", "green": "#43a047", "yellow": "#fdd835"}


REVIEWS = (
    ("I loved every minute of it.", "positive"), ("The zip broke on the first day.", "negative"),
    ("Best coffee in town, and friendly people.", "positive"), ("Cold food, rude waiter, never again.", "negative"),
    ("The battery lasts for two full days!", "positive"), ("It arrived late and the box was crushed.", "negative"),
    ("My children ask for this book every night.", "positive"), ("The app crashes whenever I open it.", "negative"),
    ("Not bad at all, I would buy it again.", "positive"), ("I expected more for this price.", "negative"))

ZERO = "Review: {{review}}\nIs the review positive or negative? Answer:"
FEW = """Review: The room was clean and quiet.
Sentiment: positive

Review: I waited an hour for nothing.
Sentiment: negative

Review: What a wonderful present!
Sentiment: positive

Review: {{review}}
Sentiment:"""

TEMPLATES = (
    Example("Few-shot against zero-shot", "Templates", (ZERO, FEW), ("review", "expected"), REVIEWS,
            (Check("icontains", "{{expected}}"),),
            "The same question twice: asked outright (A), and after three solved examples (B). A base model goes on "
            "with a text rather than answering it, so examples tell it what kind of text this is.", max_tokens=6),
    Example("Classify", "Templates", (
        "Topics: sports, politics, science, food\n\nHeadline: Striker signs for three more years\nTopic: sports\n\n"
        "Headline: Parliament votes on new tax\nTopic: politics\n\nHeadline: {{headline}}\nTopic:",
        "Headline: Striker signs for three more years. This is about sports.\n"
        "Headline: Parliament votes on new tax. This is about politics.\n"
        "Headline: {{headline}}. This is about"),
        ("headline", "expected"),
        (("Goalkeeper saves two penalties in final", "sports"), ("Minister resigns after budget vote", "politics"),
         ("New telescope finds distant planet", "science"), ("Ten soups for cold evenings", "food"),
         ("Swimmer breaks world record", "sports"), ("Senate delays election law", "politics"),
         ("Bees can count to four, study says", "science"), ("How to bake bread without an oven", "food")),
        (Check("starts-with", "{{expected}}"),),
        "Two ways to show the same labels. Look at the labels that no example shows, science and food.", max_tokens=4),
    Example("Extract to JSON", "Templates", (
        "Text: Mara Vell was born in 1815 in London.\n"
        'JSON: {"name": "Mara Vell", "year": 1815, "city": "London"}\n\nText: {{text}}\nJSON:',
        "Write the name, the year and the city of this text as JSON.\n\nText: {{text}}\nJSON:"),
        ("text", "name"),
        (("Tobin Hale was born in 1912 in London.", "Tobin Hale"),
         ("In 1867, in Warsaw, Ilka Sorn was born.", "Ilka Sorn"),
         ("Odile Marsh came into the world in New York in 1906.", "Odile Marsh"),
         ("Berit Lunde, born 1918 in White Sulphur Springs, loved numbers.", "Berit Lunde"),
         ("Nobody knows when Zosime was born, but it was in Alexandria.", "Zosime")),
        (Check("is-json"), Check("contains", "{{name}}")),
        "A shows the wanted JSON once, B only asks for it. The last text gives no year: look what stands there "
        "instead.", max_tokens=48),
    Example("Summarise", "Templates", (
        "{{text}}\n\nIn one sentence:", "{{text}}\n\nTL;DR:", "Article: {{text}}\n\nHeadline of the article:"),
        ("text", "reference"),
        (("The city council decided on Monday to close the old bridge for two years. Engineers had found cracks in "
          "its pillars. Buses will take a longer way, and shops nearby fear for their trade.",
          "The old bridge will be closed for two years because of cracks."),
         ("A team of biologists has counted more storks in the valley than in any year since 1970. They say that "
          "wet meadows, which farmers left unmown, gave the birds more frogs to eat.",
          "Storks have come back to the valley thanks to wet meadows."),
         ("The library will lend tools as well as books from June on. Drills, saws and ladders can be taken home "
          "for a week. The idea came from readers, who said that most tools are used once a year.",
          "The library will lend tools from June on.")),
        (Check("similar", "{{reference}}", 0.6), Check("word-count", "4-30")),
        "Similarity to a reference is a weak judge: a summary that turns the meaning round can score high. Open a "
        "cell and read it.", max_tokens=40),
    Example("Role and format", "Templates", (
        "List three {{things}}.\n1.", "You are a teacher. Your list has exactly three lines.\n\nThree {{things}}:\n1."),
        ("things",), (("fruits",), ("planets",), ("colours",), ("capital cities",)),
        (Check("regex", r"^[^\n]+\n\s*2\.[^\n]+\n\s*3\.[^\n]+"), Check("not-regex", r"\n\s*4\.")),
        "Both prompts begin the list themselves; only B says how long it is to be. Look which of them keeps to three "
        "lines, and whether the role makes a difference.", max_tokens=40, stop=(BLANK,)),
    Example("Story writing", "Templates", (
        "Once upon a time there was {{hero}}. One day,", "A sad story.\n\nThere was {{hero}}. One day,"),
        ("hero",), (("a small dragon",), ("an old clockmaker",), ("a girl who could not sleep",)),
        (Check("llm-rubric", "The text is sad."), Check("word-count", "15-80")),
        "Five seeds a cell: repeats tell how much is luck. The judge is the same small model: see below how far its "
        "yes agrees with your thumbs before you believe it.", max_tokens=40, stop=(BLANK,), temperature=0.8, repeats=5),
)

TRANSACTIONS = (
    ("REWE MARKT 0452 BERLIN", "groceries"), ("SHELL STATION 1123", "transport"), ("NETFLIX.COM", "entertainment"),
    ("MONTHLY RENT FLAT 12", "housing"), ("ALDI SUED 88", "groceries"), ("DB TICKET BERLIN-HAMBURG", "transport"),
    ("CINEMA STAR 2 SEATS", "entertainment"), ("ELECTRICITY BILL MARCH", "housing"), ("BAKERY MUELLER", "groceries"),
    ("PARKING GARAGE CENTRE", "transport"), ("SPOTIFY PREMIUM", "entertainment"), ("WATER AND HEATING", "housing"))

ANSWERS = (
    ("Plants make sugar from light, water and carbon dioxide.", "yes"),
    ("Plants eat soil through their roots.", "no"),
    ("With sunlight, a leaf turns water and CO2 into sugar and oxygen.", "yes"),
    ("It is when animals breathe.", "no"),
    ("Light gives the energy to build sugar out of carbon dioxide and water.", "yes"),
    ("Plants drink sunlight.", "no"), ("I do not know.", "no"),
    ("Chlorophyll takes up light; carbon dioxide and water become sugar.", "yes"))

LEAFLET = (
    ("Administer 5 ml orally twice daily.", "Take one small spoon by mouth, two times a day."),
    ("Discontinue use if adverse dermatological reactions occur.", "Stop taking it if your skin reacts badly."),
    ("Contraindicated in patients with hepatic impairment.", "Do not take it if your liver is ill."),
    ("Store below 25 degrees Celsius, protected from light.", "Keep it in a cool, dark place."),
    ("May impair the ability to operate machinery.", "Do not drive or use machines; it can make you slow."))

APPLIED = (
    Example("Finance: sort transactions", "Applied sets", (
        "Transaction: LIDL 2231\nCategory: groceries\n\nTransaction: METRO DAY PASS\nCategory: transport\n\n"
        "Transaction: CONCERT HALL\nCategory: entertainment\n\nTransaction: HOUSE INSURANCE\nCategory: housing\n\n"
        "Transaction: {{line}}\nCategory:",
        "Put the bank transaction into one category: groceries, transport, entertainment or housing.\n\n"
        "Transaction: {{line}}\nCategory:"),
        ("line", "expected"), TRANSACTIONS, (Check("starts-with", "{{expected}}"),),
        "Names that many people write about are easier than short codes such as DB; a guess looks as sure as "
        "knowledge. Twelve cases leave a wide interval.", max_tokens=4),
    Example("Education: grade an answer", "Applied sets", (
        "Question: What is photosynthesis?\n\nAnswer: {{answer}}\nDoes the answer say that plants make sugar from "
        "light, water and carbon dioxide? Reply yes or no.\nReply:",
        "Rubric: plants make sugar from light, water and carbon dioxide.\n\n"
        "Answer: Leaves use light to make sugar from CO2 and water.\nCorrect: yes\n\n"
        "Answer: Plants breathe in oxygen.\nCorrect: no\n\n"
        "Answer: Sun, water and carbon dioxide give sugar.\nCorrect: yes\n\n"
        "Answer: Flowers smell good.\nCorrect: no\n\nAnswer: {{answer}}\nCorrect:"),
        ("answer", "expected"), ANSWERS, (Check("regex", r"(?i)^\s*{{expected}}\b"),),
        "B has seen four graded answers. A only got the question: look whether it ever says no. A grader that says "
        "yes to everyone is right about half the time. And see how B grades “I do not know.”", max_tokens=3),
    Example("Health: plain language", "Applied sets", (
        "Leaflet: Apply topically to the affected area.\nPlain: Put it on the sore place on your skin.\n\n"
        "Leaflet: Do not exceed the stated dose.\nPlain: Do not take more than it says here.\n\n"
        "Leaflet: {{sentence}}\nPlain:",
        "Rewrite this sentence of a medicine leaflet in plain language.\n\n{{sentence}}\n\nPlain language:"),
        ("sentence", "reference"), LEAFLET,
        (Check("similar", "{{reference}}", 0.5), Check("not-icontains-any", "contraindicated, administer, discontinue"),
         Check("word-count", "3-20")),
        "A sentence that sounds plain can say the opposite: read every output before you trust the score. In health, "
        "a wrong rewording is worse than none.", max_tokens=28),
)

PICTURES = (
    Example("Beach, shark, umbrella, lighthouse", "Pictures", ("a photo of {{scene}}", "{{things}}"),
            ("scene", "things"),
            (("a beach with a shark, a red umbrella and a lighthouse", "beach, shark, red umbrella, lighthouse"),
             ("a beach with umbrella", "beach, umbrella"), ("a shark", "shark"), ("a lighthouse", "lighthouse")),
            (Check("checklist", "{{things}}"),),
            "No program says what is in these pictures: you do. Open an output and answer its check list; the rates "
            "fill in as you go. One thing alone often works. Four at once, in their places, do not, and what the model "
            "never saw in training (a lighthouse) it cannot draw at all. Each prompt is drawn with two seeds.",
            models=(models.POCKET,), steps=12, repeats=2),
    Example("Close to a reference", "Pictures", ("{{colour}} circle", "a picture of a {{colour}} circle", "{{colour}}"),
            ("colour", "reference"), tuple((colour, f"{colour}-disc") for colour in COLOURS),
            (Check("picture-similar", "{{reference}}", 0.8),),
            "Each picture is compared with a disc of its colour: outlines and colours at the same place, nothing that "
            "knows what a circle is. A good picture of a smaller circle scores low; a bad one in the right place and "
            "colour may pass.", models=(models.POCKET,), steps=12, discs=tuple(COLOURS)),
    Example("CLIP as a judge", "Pictures", ("{{thing}}", "an emoji of a {{thing}}"),
            ("thing",), (("shark",), ("pizza",), ("cat face",), ("rocket",)),
            (Check("clip-score", "a picture of a {{thing}}", 0.25),),
            "CLIP has seen millions of pictures with their captions and gives the cosine of the two. Where it is not "
            "on this machine the outputs say so, and count as neither passed nor failed.",
            models=(models.POCKET,), steps=12),
)

ALL = (*TEMPLATES, *APPLIED, *PICTURES)
FIRST = TEMPLATES[0]
