"""Files without code: an archive of arrays, and a tree of the objects that hold them.

`archive` reads and writes the file, `codec` turns objects into a tree and back, and
`registry` lists the classes that a file may hold.
"""
