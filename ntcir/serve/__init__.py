"""The search page: a corpus in the browser, asked by words, pictures and readings. Needs ``ntcir[serve]``.

``state`` is what an address says, ``catalogue`` what is known of each item, ``index`` both on disk beside the vectors;
``asking`` makes vectors of what is asked, ``ranking`` ranks; ``app`` is the ASGI application over a ``Site``.
"""
