"""Use cases: load → compute → save, shared by console, API and command line.

importing.py    files → a workspace, all or nothing
  districts.py    what an import does with grids     findings.py  findings as a file
  publishing.py   all or nothing on disk
checking.py     findings alone, of an import file, a workspace or one file
dispatching.py  the nearest workers for a place
situation.py    what is at a place: the facts a click shows
mapping.py      what the console's map shows
catalogue.py    layers and findings as tables
"""
