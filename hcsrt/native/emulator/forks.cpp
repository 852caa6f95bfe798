/* The emulator's own watch for forks: its module is not linked with the native library of the others. */
#include "core/forks.cpp"
