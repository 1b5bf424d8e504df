"""Exercise count_parameters of lesson 03: the answer, what it is tried on, and what people get wrong."""

from tinygpt.course.judging import Exercise, Mistake


def count_parameters(vocab_size, context_length, d_model, n_layers):
    embeddings = (vocab_size + context_length) * d_model
    attention = (3 * d_model * d_model + 3 * d_model) + (d_model * d_model + d_model)
    mlp = (4 * d_model * d_model + 4 * d_model) + (4 * d_model * d_model + d_model)
    norm = 2 * d_model
    return embeddings + n_layers * (attention + mlp + 2 * norm) + norm


def counted(V, T, C, L, linear_biases=True, norms=True, head=0, attention=4, mlp=8, final=1, positions=1):
    """The formula with parts of it changed."""
    biases = (9 if linear_biases else 0) * C
    return (V + positions * T) * C + L * ((attention + mlp) * C * C + biases + 4 * C * norms) + 2 * C * final + head


def look_at_count(got, expected, V, T, C, L):
    if not isinstance(got, int | float):
        return None
    return (
        f"Off by {got - expected:+,}. Here V·C = {V * C:,}, T·C = {T * C:,}, C² = {C * C:,}, C = {C:,}, and there are "
        f"L = {L} blocks of 12·C² + 13·C: which part is too many or missing?"
    )


COUNT_PARAMETERS = Exercise(
    name="count_parameters",
    reference=count_parameters,
    examples=lambda: iter(
        [(9, 5, 3, 1), (3, 2, 1, 1), (5, 4, 2, 2), (7, 3, 4, 3), (2048, 128, 128, 4), (50257, 1024, 768, 12)]
    ),
    hints=(
        "Write a line for each part of the table above, then add: both embeddings, n_layers times one block, the final "
        "norm. A Linear from a to b has a·b weights and b biases.",
        "One block: qkv C → 3C, output C → C, up C → 4C, output 4C → C, each with biases, and two norms of 2C.",
        "(V + T)·C + L·(12·C² + 13·C) + 2·C",
    ),
    explain=look_at_count,
    mistakes=(
        Mistake(
            "That is the lesson's model, whatever sizes were asked for: you used V, T, C and L of the notebook. Take "
            "vocab_size, context_length, d_model and n_layers.",
            lambda V, T, C, L: count_parameters(2048, 128, 128, 4),
        ),
        Mistake(
            "Each block has two norms, of 2C each: one of them is missing.",
            lambda V, T, C, L: count_parameters(V, T, C, L) - 2 * C * L,
        ),
        Mistake(
            "The biases of the Linear layers are missing: 3C + C + 4C + C in every block.",
            lambda V, T, C, L: counted(V, T, C, L, linear_biases=False),
        ),
        Mistake(
            "All biases and the norms are missing: an extra 13·C in every block, and 2·C at the end.",
            lambda V, T, C, L: counted(V, T, C, L, linear_biases=False, norms=False, final=0),
        ),
        Mistake(
            "The head was counted by itself. It is tied: the same V·C numbers as the token embedding.",
            lambda V, T, C, L: counted(V, T, C, L, head=V * C),
        ),
        Mistake(
            "The head was counted, and with a bias. It has none, and its weights are those of the token embedding.",
            lambda V, T, C, L: counted(V, T, C, L, head=V * C + V),
        ),
        Mistake(
            "The head has no bias.",
            lambda V, T, C, L: counted(V, T, C, L, head=V),
        ),
        Mistake(
            "The final norm is missing: 2·C at the end.",
            lambda V, T, C, L: counted(V, T, C, L, final=0),
        ),
        Mistake(
            "The norms inside the blocks are missing: two in each, with C weights and C biases.",
            lambda V, T, C, L: counted(V, T, C, L, norms=False),
        ),
        Mistake(
            "No norm at all was counted: two in each block and one at the end, each C weights and C biases.",
            lambda V, T, C, L: counted(V, T, C, L, norms=False, final=0),
        ),
        Mistake(
            "Each norm has C weights and C biases; you counted one of the two.",
            lambda V, T, C, L: counted(V, T, C, L, norms=0.5, final=0.5),
        ),
        Mistake(
            "Attention's output matrix is missing: C² and its C biases.",
            lambda V, T, C, L: counted(V, T, C, L, attention=3) - L * C,
        ),
        Mistake(
            "The MLP has two matrices, C → 4C and 4C → C; you counted one.",
            lambda V, T, C, L: counted(V, T, C, L, mlp=4) - L * C,
        ),
        Mistake(
            "The position table is missing: T·C.",
            lambda V, T, C, L: counted(V, T, C, L, positions=0),
        ),
        Mistake(
            "That is one block. There are n_layers of them.",
            lambda V, T, C, L: counted(V, T, C, 1),
        ),
        Mistake(
            "Everything was multiplied by n_layers. Embeddings and the final norm are there once.",
            lambda V, T, C, L: L * counted(V, T, C, 1),
        ),
    ),
)
