"""Exercise my_recipe of lesson 09: open. The check holds a recipe to the rules; the race says what it is worth."""

from dataclasses import asdict

from tinygpt.config import InputError
from tinygpt.course.judging import Exercise, Mistake
from tinygpt.course.speedrun import FIXED, MODEL, RECORD, TRAINING, configs, plain, steps_within


def my_recipe():
    return {"d_model": 64, "n_layers": 1, "batch_size": 8, "head_lr": 0.016}


def once():
    yield ()


def use_recipe(answer):
    """Whether the recipe obeys the rules, in words that show which one it breaks."""
    recipe = answer()
    try:
        model, training = configs(recipe)
        if (asdict(model), asdict(training)) == tuple(asdict(config) for config in configs(RECORD)):
            idle = [f"{name}={value!r}" for name, value in plain(recipe).items() if name not in RECORD]
            return " ".join(["the record's own recipe", *idle])
        steps_within(recipe)
        if any(answer() != recipe for _ in range(7)):
            return "another recipe each time"
    except InputError as error:
        return f"against the rules: {error}"
    except TypeError as error:
        return f"no settings: {error}"
    return "obeys the rules"


def look_at_recipe(got, expected):
    if got.startswith("the record's own recipe "):
        idle = got.removeprefix("the record's own recipe ").replace(" ", ", ")
        return f"That is the record's own recipe: the package has {idle} anyway. Change at least one setting."
    if got == "another recipe each time":
        return "Two calls gave two recipes. Draw if you like, but write down what came: the race needs one recipe."
    if "not NoneType" in got:
        return "Nothing came back: is there a return?"
    if "a recipe is a dictionary" in got:
        return 'A dictionary is wanted, such as {"n_layers": 2}: the rules put the rest in its place.'
    for name, why in FIXED.items():
        if f"{name} is given by the rules" in got:
            return f"{name} is not yours to choose: {why}."
    if "there is no setting" in got:
        return f"That is no setting. Of the model: {', '.join(MODEL)}. Of the training: {', '.join(TRAINING)}."
    return got[0].upper() + got[1:] + "."


MY_RECIPE = Exercise(
    name="my_recipe",
    reference=my_recipe,
    examples=once,
    use=use_recipe,
    explain=look_at_recipe,
    why="it obeys the rules; what it is worth, the race below says.",
    advice={
        "mappingproxy": "the record is for all and can't be changed. Copy it, and change the copy: "
        '{**speedrun.RECORD, "batch_size": 8}.',
    },
    hints=(
        "The budget is so small that the record's recipe takes 40 steps only. Which settings make a step cheaper, and "
        "what do you lose?",
        "Change one thing at a time, and look at steps_within(recipe). Candidates: d_model, n_layers, batch_size, "
        "context_length; then the rates matrix_lr, embedding_lr, head_lr, and bigram_steps.",
        'return {**speedrun.RECORD, "n_layers": 1, "batch_size": 8} obeys the rules and takes more than twice as many '
        "steps. Is it better? Run the race.",
    ),
    mistakes=(
        Mistake("That is the record's own recipe. Change at least one setting.", lambda: dict(RECORD)),
        Mistake("steps is not yours to choose: they follow from the budget.", lambda: {"steps": 1000}),
        Mistake("seed is not yours to choose: every recipe runs with the same two.", lambda: {"seed": 7}),
        Mistake("vocab_size is not yours to choose: the tokens are the same for all.", lambda: {"vocab_size": 512}),
    ),
)
