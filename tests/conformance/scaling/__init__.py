"""How each measure answers to a change of scale, offset or order of its data.

::

    law      what a law says, and the data that it is tried on
    laws     the laws of all measures, and the names that have none, with the reason
"""
