"""The ports of event loops, for the public face of the engine.

Internal: no wheel has this file.
"""

from libc.stdint cimport uint32_t

from hcsrt._core cimport hcsrt_port


# Made by port_of(), one a loop.
cdef class Port:
    cdef object __weakref__
    cdef object loop        # a weak reference
    cdef object context     # for the callbacks of futures, which need none; only one thread at a time may enter it
    cdef hcsrt_port *port
    cdef uint32_t epoch
    cdef bint plain_futures  # loop.create_future() makes an asyncio.Future and no more
    cdef bint sends_soon     # the loop is about to call send()
    cdef int send_soon(self, loop) except -1

# The port of an event loop, made at its first use; on the loop's thread.
cdef Port port_of(object loop)
