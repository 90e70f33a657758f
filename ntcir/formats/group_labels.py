"""What stands for a day or a session in the id of a topic."""

from __future__ import annotations

from collections.abc import Sequence

from ntcir.formats.columns import as_word
from ntcir.system.errors import short, some
from ntcir.system.progress import say


def group_labels(groups: Sequence[str], are_days: bool, most: int) -> dict[str, str]:
    """Return what stands for a group in a topic's id: MMDD for a day (YYYYMMDD over several years), else its name.

    Names that differ in blanks only get a number. A name that cannot be in an id, because of control characters or for
    having more than ``most`` bytes, is escaped or cut, which is said.

    Args:
        groups: days ``YYYY-MM-DD``, or sessions by any name.
        are_days: which of the two they are.
        most: bytes of a label, 64 or more.

    Returns:
        group -> label, each another.
    """
    if are_days:
        years = {group[:4] for group in groups}
        return {group: (group if len(years) > 1 else group[5:]).replace("-", "") for group in groups}
    labels: dict[str, str] = {}
    taken: set[str] = set()
    altered = []
    for group in groups:
        name = "-".join(group.split()) or "unnamed"
        label = as_word(name, most)
        if label != name:
            altered.append(f"'{short(group)}' is {short(label)}")
        while label in taken:
            # A digest in place of the name's end leaves room for the number.
            label = f"{label}-2" if len(label.encode()) + 2 <= most else as_word(f"{label}-2", most)
        labels[group] = label
        taken.add(label)
    if altered:
        say(f"Names of sessions that cannot be in a topic's id: {len(altered)}; there {some(altered)}.")
    return labels
