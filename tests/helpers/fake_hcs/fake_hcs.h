/* An HCS with nothing behind it: each call completes at once, on threads of its own, unless it is told to take long to
 * take calls and closes, as a busy one does. */
#ifndef FAKE_HCS_H
#define FAKE_HCS_H

#include <cstdint>

#include "hcsrt.h"

namespace fake_hcs {

const HcsApi *api();

/* How long each kick-off, and each close of a system or a process, takes from now on. */
void delay(uint32_t kick_off_ms, uint32_t close_ms);

/* While it is set, a start hangs in its kick-off. */
void hang_starts(bool hang);

/* Handles and strings given out and not released. */
int64_t live();

}  // namespace fake_hcs

#endif
