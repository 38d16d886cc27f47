package import Foundation

extension ProcessOutcome.Ending {
  /// How a child of this process ended; nil while it runs, or when somebody else has waited for it already.
  ///
  /// It stays to be waited for, so Foundation's own book-keeping goes on undisturbed.
  init?(ofChild pid: Int32) {
    var info = unsafe siginfo_t()
    guard pid > 0, unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0,
      unsafe info.si_signo == SIGCHLD
    else { return nil }
    let status = unsafe info._sifields._sigchld.si_status
    self = unsafe info.si_code == Int32(CLD_EXITED) ? .exited(status) : .signalled(status)
  }

  /// Waits for the end of a process that was started.
  package init(of process: Process) {
    while true {
      if let ending = Self(ofChild: process.processIdentifier) {
        self = ending
        return
      }
      if !process.isRunning {
        let status = process.terminationStatus
        self = process.terminationReason == .exit ? .exited(status) : .signalled(status)
        return
      }
      usleep(2000)
    }
  }
}
