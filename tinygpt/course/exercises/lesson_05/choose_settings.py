"""Exercise choose_settings of lesson 05: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.choices import Choices
from tinygpt.course.judging import Exercise

WHY_NOT = {
    ("form", "B"): "drawn anew each time, so the same name gives another text tomorrow",
    ("form", "C"): "drawn anew each time, so the same name gives another text tomorrow",
    ("form", "D"): "drawn anew each time, and one word in five is unseen",
    ("quiz", "A"): "writes the same text fifty times: nothing is left to chance",
    ("quiz", "C"): "about one word in ten is unseen, see the table: the forgery is found out",
    ("quiz", "D"): "one word in five is unseen: the forgery is found out at once",
    ("survey", "A"): "always writes the same; how often a word comes up would be never or always",
    ("survey", "B"): "frequent words come out too often, rare ones never: it asks another model than the one trained",
    ("survey", "D"): "rare words come out too often: it asks another model than the one trained",
}


def choose_settings():
    return {"form": "A", "quiz": "B", "survey": "C"}


CHOICES = Choices(
    choose_settings, "ABCD", "settings", lambda task, setting: f"not {setting} ({WHY_NOT[task, setting]})."
)


CHOOSE_SETTINGS = Exercise(
    name="choose_settings",
    reference=choose_settings,
    examples=lambda: [()],
    use=CHOICES.use,
    choice=True,
    explain=CHOICES.explain,
    why="No chance for the form, few unseen words for the quiz, nothing changed for the survey.",
    hints=(
        "For each task ask: what would be wrong with a text that is always the same? With one that contains a word "
        "that does not exist? With frequencies that are not the model's?",
        "One task forbids chance. One forbids any change of the probabilities. The third wants both chance and words "
        "that exist.",
    ),
)
