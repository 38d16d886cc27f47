#include <zmq.h>

// The version of the library that is loaded, as 10000 x major + 100 x minor + patch.
static inline int czmqVersion(void) {
  int major, minor, patch;
  zmq_version(&major, &minor, &patch);
  return ZMQ_MAKE_VERSION(major, minor, patch);
}
