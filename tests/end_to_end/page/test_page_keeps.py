"""What is collected on the search page is kept, and saved as files that our own readers read back."""

from __future__ import annotations

import csv
from pathlib import Path

from page_driver import Page

from ntcir.formats.matching import read_run


def export(page: Page, layout: str, **fields: str) -> Path:
    """Fill in the form of an export and save it; return the file."""
    for path in page.downloads.iterdir():
        path.unlink()
    page.click(f'#export-dialog input[value="{layout}"]')
    for name, value in fields.items():
        page.type(f"#export-{name}", value)
    page.click("#export-dialog button", "Save")
    said = page.find("#export-dialog [role=status]", "Saved as").text
    return page.saved(said.removeprefix("Saved as ").split(". ")[0].removesuffix("."))


def test_hits_are_saved_and_read_back(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[0])
    ranking = page.site.ranker.rank(page.state())
    page.click("#collection-tab")
    page.click("#collection-panel button", "Export")
    found = ranking.slice(0, 48)
    order = [page.site.index.catalogue.ids[row] for row in found.rows]
    for layout, fields in {"trec": {}, "ntcir19": {"group_id": "TEST"}}.items():
        path = export(page, layout, topic="KIS26001", run_id="page", **fields)
        read = read_run(path).ranking("KIS26001")
        assert [item for item, _ in read] == order
        assert [score for _, score in read] == [float(f"{score:.9g}") for score in found.scores]
        assert all(word in path.read_text(encoding="utf-8") for word in ("page", *fields.values()))
    with export(page, "csv", k="5").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == order[:5]


def test_a_collection_is_filled_undone_and_saved(page: Page) -> None:
    page.open(like=page.site.index.catalogue.ids[3])
    first, second, third = page.ids()[:3]
    page.click("#collection-tab")
    page.click("#collection-panel button", "New collection")
    page.type("#collection-name", "Tea")
    page.click("#collection-dialog button", "Create")
    page.announced("The collection Tea is new.")
    for place in range(3):
        page.act(place, "collect")
        page.announced(f"Collected in Tea: {place + 1} photograph")
    page.click("#collection-panel button", "Undo")
    page.announced("Undone")
    page.driver.refresh()
    page.until('return document.querySelectorAll("#collection-items li").length === 2')
    assert page.find(f'.tile[data-id="{second}"] .badges .collected')
    assert not page.shows(f'.tile[data-id="{third}"] .badges .collected')
    page.click("#collection-panel button", "Export")
    read = read_run(export(page, "trec", topic="KIS26002"))
    assert {item for item, _ in read.ranking("KIS26002")} == {first, second}
