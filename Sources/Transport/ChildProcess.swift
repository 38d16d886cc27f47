internal import CLinux
internal import Glibc

/// One process started from this very executable, killed and reaped when its owner goes.
///
/// For measurements that need ranks as processes. Real workers are started by a launcher.
package final class ChildProcess {
  package let processID: Int32
  private var status: Int32?

  /// Starts `/proc/self/exe` with `arguments`; it inherits the descriptors and a minimal environment.
  package init(arguments: [String]) throws(TransportError) {
    var environment: [String] = []
    for name in ["PATH", "HOME", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "TMPDIR"] {
      guard let value = unsafe getenv(name) else { continue }
      environment.append("\(name)=\(unsafe String(cString: value))")
    }
    var words = unsafe ChildProcess.words(["meshdecode"] + arguments)
    var variables = unsafe ChildProcess.words(environment)
    defer {
      unsafe words.forEach { unsafe free($0) }
      unsafe variables.forEach { unsafe free($0) }
    }
    var identifier: pid_t = 0
    let result = unsafe posix_spawn(&identifier, "/proc/self/exe", nil, nil, &words, &variables)
    guard result == 0 else {
      throw TransportError(
        .resourceExhausted, "a process for a rank could not be started (error \(result)): raise `ulimit -u`",
        errno: result)
    }
    processID = identifier
  }

  deinit {
    if status == nil {
      kill(processID, SIGKILL)
      _ = waitpid(processID, nil, 0)
    }
  }

  /// Its exit code (or minus the signal that ended it), once it has ended; nil while it runs.
  package var exitCode: Int32? {
    if status == nil {
      var value: Int32 = 0
      if unsafe waitpid(processID, &value, WNOHANG) == processID { status = value }
    }
    return status.map { $0 & 0x7F == 0 ? ($0 >> 8) & 0xFF : -($0 & 0x7F) }
  }

  /// Copies on the C heap with a closing null, as `exec` wants them.
  private static func words(_ strings: [String]) -> [UnsafeMutablePointer<CChar>?] {
    var result: [UnsafeMutablePointer<CChar>?] = unsafe []
    for string in strings { unsafe result.append(strdup(string)) }
    unsafe result.append(nil)
    return unsafe result
  }

  /// Asks the kernel to kill the calling process when its parent ends, and ends it now if that has happened.
  package static func endWithParent() {
    _ = linuxParentDeathSignal(SIGKILL)
    if getppid() == 1 { exit(1) }
  }
}
