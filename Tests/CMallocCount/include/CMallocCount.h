// Counts allocations of the process that links it, by interposing glibc's malloc family. For probes, never for products.
#pragma once

// Starts counting anew. Libraries loaded by then are known; ZeroMQ's calls are kept apart.
void mallocCountBegin(void);
void mallocCountEnd(void);
// Allocations of the calling thread are not counted from now on.
void mallocCountExemptThread(void);
// What was counted between begin and end: calls from anywhere but ZeroMQ, and those from it (and its C++ library).
long mallocCountOthers(void);
long mallocCountZeroMQ(void);
