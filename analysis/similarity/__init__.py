"""How alike two populations represent the same samples.

::

    alignment  CKA and shape angles of arrays
    labelled   the same of labelled data
    records    the measures that `compare` takes by name
"""
