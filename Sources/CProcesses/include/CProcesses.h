// What Glibc's Swift overlay does not offer for watching processes: event descriptors, pidfd, epoll, the
// parent-death signal. Plain integers in and out, so that callers need no pointers. Thin wrappers, no logic.
// Without _GNU_SOURCE, which would give fd_set other members than Swift's Glibc module knows.
#pragma once
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPR static inline __attribute__((unused))

// An event descriptor: readable after cprSignal until cprDrain; -1 when none is left.
CPR int cprEventOpen(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
// May be called in a signal handler.
CPR void cprEventSignal(int descriptor) {
  const uint64_t one = 1;
  (void)!write(descriptor, &one, sizeof one);
}
CPR void cprEventDrain(int descriptor) {
  uint64_t count;
  (void)!read(descriptor, &count, sizeof count);
}

// A set of watched descriptors, each with a tag that says whose it is; -1 when none is left.
CPR int cprWatchOpen(void) { return epoll_create1(EPOLL_CLOEXEC); }
CPR int cprWatchAdd(int watch, int descriptor, uint64_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = tag}};
  return epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &event);
}
CPR void cprWatchRemove(int watch, int descriptor) {
  struct epoll_event event = {0};
  (void)epoll_ctl(watch, EPOLL_CTL_DEL, descriptor, &event);
}
// The tag of one descriptor that is readable or at its end; -1 after `milliseconds` (negative: no limit).
CPR int64_t cprWatchNext(int watch, int milliseconds) {
  struct epoll_event event;
  int count;
  do count = epoll_wait(watch, &event, 1, milliseconds);
  while (count < 0 && errno == EINTR && milliseconds < 0);
  return count == 1 ? (int64_t)event.data.u64 : -1;
}

// A descriptor for a child that has not been waited for: readable once it has ended.
CPR int cprPidfdOpen(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
CPR int cprPidfdSignal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, (void *)0, 0);
}
// Waits for the ended child: its exit code, or 256 + the signal that killed it, or -1.
CPR int cprPidfdReap(int pidfd) {
  siginfo_t info = {0};
  if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED) != 0) return -1;
  return info.si_code == CLD_EXITED ? info.si_status : 256 + info.si_status;
}

// Lets `signal` reach the calling thread and those that it starts.
CPR void cprUnblock(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  (void)sigprocmask(SIG_UNBLOCK, &set, (sigset_t *)0);
}
CPR int cprIsIgnored(int signal) {
  struct sigaction action;
  return sigaction(signal, (struct sigaction *)0, &action) == 0 && action.sa_handler == SIG_IGN;
}

// A pipe with flags.
extern int pipe2(int *ends, int flags);

// The child closes `lowest` and every descriptor above it.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);

// The calling process gets `signal` when the thread that started it ends.
CPR void cprParentDeathSignal(int signal) { (void)prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }
