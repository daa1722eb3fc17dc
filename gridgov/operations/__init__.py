"""Use cases: load → compute → save, shared by console, API and command line.

importing.py    files → a workspace, all or nothing
checking.py     findings alone, of an import file, a workspace or one file
dispatching.py  the nearest workers for a place
situation.py    what is at a place: the facts a click shows
mapping.py      what the console's map shows
"""
