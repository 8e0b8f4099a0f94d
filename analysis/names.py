"""Names that are all different, given one after the other."""

from collections import Counter


class UniqueNames:
    """Gives each name a `-2`, `-3`, ... where it was given before."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """A name that no earlier call returned."""
        unique = wanted
        self._seen[wanted] += 1
        while unique in self._taken:
            unique = f"{wanted}-{self._seen[wanted]}"
            self._seen[wanted] += unique in self._taken
        self._taken.add(unique)
        return unique
