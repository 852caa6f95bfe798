"""The contestants: the same work with the same library, each as its experts would write it.

Each Python module has the same names; what it does is a statement, which timeit repeats. A compiled one has functions
that are told how many times to repeat it.

    OWN_AND_DROP    own the system handle `raw`, an int, and let its owner go, which closes it
    OWN_AND_CLOSE   own it and close it before the owner goes
    CALL            call HcsGetOperationId on `operation`, which new_operation() made
    CLOSE_ALL       close all of `handles`, a list of what own(raw) made
    ROUND_TRIP      ask the system `system`, made by own(raw), for its properties and wait: a str
    HAND_OVER, USE  what is put into a queue for another thread of `operation`, and what that one does with `handed`

A module that cannot be imported or built here is left out, with the reason.
"""
