"""The search page: a corpus in the browser, asked by words, pictures and readings. Needs ``ntcir[serve]``.

``state`` is what an address says. The rooms, each of which imports only those before it: ``index``, what is known of a
corpus; ``pictures``, its photographs; ``ranking``, vectors of what is asked and the order of what is found;
``collecting``, what is put aside; ``studies``, topics and runs; ``routes``, the addresses, over a ``Site`` that has all
of these. ``app`` is the ASGI application, ``opening`` makes a site, ``running`` serves it.
"""
