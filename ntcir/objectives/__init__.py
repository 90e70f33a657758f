"""What training minimises: small functions of a batch's embeddings.

Several are those of Chrysakis, Laenen, Theodoropoulos and Moens, "Information Retrieval and Search Engines Project
2020-2021" (KU Leuven, 2021), a family of cross-modal retrievers; their docstrings name the equations of that text.
"""
