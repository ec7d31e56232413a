"""What a text must hold for a regular expression to match: strings, one of which stands in whatever it matches.

To look for a few strings is ten times quicker than to try a pattern at each place of a line, and nearly always enough
to know that it does not match. Derived from the pattern itself, so that nobody has to keep the two in step. Case is
not heeded. Nothing is known here of what the patterns are for.

>>> signs_of(r"\\b(?:leave|post) (?:a )?comments?\\b|©\\s?[A-Z]")
('leave a comment', 'leave comment', 'post a comment', 'post comment', '©')
"""

from __future__ import annotations

# The parser of `re`, which has no public name, is the one reader of patterns that cannot disagree with it.
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

__all__ = ["signs_of"]

#: More strings than these are not worth looking for one by one; and so many at most are put together from parts.
_MOST: Final = 40
_FOLLOWED: Final = 24
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_NO_WIDTH: Final = (_constants.AT, _constants.ASSERT, _constants.ASSERT_NOT)

_Strings = frozenset[str]
_EMPTY: Final = frozenset(("",))


def signs_of(pattern: str) -> tuple[str, ...]:
    """Strings in lower case, one of which stands in every text that `pattern` matches; () if none is known."""
    return tuple(sorted(_needed(_parser.parse(pattern)) or ()))


def _needed(items: Any) -> _Strings | None:
    """The best set of strings one of which stands in every match of this sequence."""
    found: list[_Strings] = []
    run = _EMPTY
    for operation, argument in items:
        exact = _exact(operation, argument)
        if exact is not None and len(run) * len(exact) <= _FOLLOWED:
            run = frozenset(before + after for before in run for after in exact)
            continue
        found.append(run)
        run = _EMPTY if exact is None or len(exact) > _FOLLOWED else exact
        inner = _inner_need(operation, argument)
        if inner is not None:
            found.append(inner)
    found.append(run)
    usable = [_shortest(strings) for strings in found if "" not in strings]
    return max((strings for strings in usable if len(strings) <= _MOST), key=_worth, default=None)


def _shortest(strings: _Strings) -> _Strings:
    """Without those that hold another one."""
    return frozenset(one for one in strings if not any(other in one and other != one for other in strings))


def _worth(strings: _Strings) -> tuple[float, list[str]]:
    """Long strings are rare, and few are looked for quickly."""
    return min(map(len, strings)) - len(strings) / 4, sorted(strings)


def _inner_need(operation: Any, argument: Any) -> _Strings | None:
    """What a part that may match many strings cannot do without."""
    if operation is _constants.SUBPATTERN:
        return _needed(argument[3])
    if operation in _REPEATS and argument[0] > 0:
        return _needed(argument[2])
    if operation is _constants.BRANCH:
        branches = [_needed(branch) for branch in argument[1]]
        return None if None in branches else frozenset().union(*(branch for branch in branches if branch))
    return None


def _exact(operation: Any, argument: Any) -> _Strings | None:
    """All strings that a part matches, in lower case, if they are few."""
    if operation is _constants.LITERAL:
        return frozenset((chr(argument).lower(),))
    if operation in _NO_WIDTH:
        return _EMPTY
    if operation is _constants.IN and all(kind is _constants.LITERAL for kind, _ in argument):
        return frozenset(chr(code).lower() for _, code in argument)
    if operation is _constants.SUBPATTERN:
        return _exact_sequence(argument[3])
    if operation in _REPEATS and argument[1] == 1:
        once = _exact_sequence(argument[2])
        return once if once is None or argument[0] else once | _EMPTY
    if operation is _constants.BRANCH:
        branches = [_exact_sequence(branch) for branch in argument[1]]
        return None if None in branches else frozenset().union(*(branch for branch in branches if branch))
    return None


def _exact_sequence(items: Any) -> _Strings | None:
    strings = _EMPTY
    for operation, argument in items:
        exact = _exact(operation, argument)
        if exact is None or len(strings) * len(exact) > _FOLLOWED:
            return None
        strings = frozenset(before + after for before in strings for after in exact)
    return strings
