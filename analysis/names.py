"""Names that are all different, given one after the other."""


class UniqueNames:
    """Gives each name a `-2`, `-3`, ... where it was given before."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._made: set[str] = set()  # of those, the ones that nobody wanted so
        self._seen: dict[str, int] = {}  # of names wanted again: of most there is nothing to keep

    def take(self, wanted: str) -> str:
        """A name that no earlier call returned."""
        if wanted not in self._taken:
            self._taken.add(wanted)
            return wanted
        n = self._seen.get(wanted, int(wanted not in self._made)) + 1
        unique = f"{wanted}-{n}"
        while unique in self._taken:
            n += 1
            unique = f"{wanted}-{n}"
        self._seen[wanted] = n
        self._taken.add(unique)
        self._made.add(unique)
        return unique
