"""What a text has word for word in common with the texts that a model was trained on.

Held-out text shares runs of words with the training text too: phrases that everybody uses, and siblings of a
document. So a figure of a model's samples says something only beside the same figure of held-out text.

Source: Carlini et al. 2023, Quantifying Memorization Across Neural Language Models; McCoy et al. 2023, How Much Do
Language Models Copy From Their Training Data?
"""

from collections import defaultdict

from tinygpt.config import require_whole
from tinygpt.corpora.duplicates import words

RUN = 8  # so many words in a row are seldom the same by chance


class TrainingRuns:
    """All runs of n words of some texts, and where they stand.

    >>> runs = TrainingRuns(["The lower lip has a small pit"], n=3)
    >>> runs.copied("A small pit in the lower lip"), runs.longest_copy("Has a small pit, too")
    ((2, 5), ['has', 'a', 'small', 'pit'])
    """

    def __init__(self, texts, n=RUN):
        require_whole(n=n)
        self.n, self.words, self.places = n, [], defaultdict(list)
        for text in texts:
            sequence, start = words(text), len(self.words)
            for i, run in enumerate(self.runs_of(sequence)):
                self.places[run].append(start + i)
            self.words += [*sequence, None]  # no copy goes on from one text to the next

    def runs_of(self, sequence):
        return zip(*(sequence[i:] for i in range(self.n)), strict=False)

    def copied(self, text):
        """How many of the text's runs stand in the training text, and how many it has."""
        found = [run in self.places for run in self.runs_of(words(text))]
        return sum(found), len(found)

    def longest_copy(self, text):
        """The longest run of words that stands in the training text as well, at least n; [] where there is none."""
        sequence, longest = words(text), []
        for i, run in enumerate(self.runs_of(sequence)):
            for place in self.places.get(run, ()):
                end = self.end_of_copy(sequence, i, place)
                if end - i > len(longest):
                    longest = sequence[i:end]
        return longest

    def end_of_copy(self, sequence, i, place):
        end = i + self.n
        while end < len(sequence) and sequence[end] == self.words[place + end - i]:
            end += 1
        return end
