/* An HCS with nothing behind it: each call completes at once, on threads of its own. For measurements of what is above,
 * and for tests of what happens when HCS takes long to take a call. */
#ifndef INSTANT_H
#define INSTANT_H

#include <cstdint>

#include "hcsrt.h"

namespace instant {

const HcsApi *api();

/* How long each kick-off, and each close of a system or a process, takes from now on. */
void delay(uint32_t kick_off_ms, uint32_t close_ms);

/* While it is set, a start hangs in its kick-off. */
void hang_starts(bool hang);

/* Handles and strings given out and not released. */
int64_t live();

}  // namespace instant

#endif
