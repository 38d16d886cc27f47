internal import CProcesses
internal import Glibc

/// A child that runs: its pidfd, the pipe that is its life line, and the pipe of its standard error.
///
/// The one file of this room with raw memory: `posix_spawn` and `read` want pointers. All descriptors are
/// close-on-exec and the child closes everything above standard error, so that no rank holds another's pipe.
struct ChildProcess: ~Copyable {
  let pid: Int32
  /// Names this child and no later one with the same id.
  let pidfd: Int32
  /// What it writes to standard error; does not block.
  let errorDescriptor: Int32
  private let inputDescriptor: Int32

  /// Starts `executable` as the leader of its own process group, all signals at their defaults.
  ///
  /// `environment`: the whole of it, `NAME=value` each. `input`: what its standard input begins with.
  ///
  /// Throws: `LaunchError` with the system's words.
  /// Cost: under a millisecond.
  static func start(
    executable: String, arguments: [String], environment: [String], input first: String = ""
  ) throws(LaunchError) -> ChildProcess {
    let input = try Pipe()
    let error = try Pipe()
    // It fits into the empty pipe, so this does not wait for the child.
    let bytes = Array(first.utf8)
    _ = unsafe write(input.writeEnd, bytes, bytes.count)
    _ = fcntl(error.readEnd, F_SETFL, O_NONBLOCK)
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_adddup2(&actions, input.readEnd, STDIN_FILENO)
    unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, error.writeEnd, STDERR_FILENO)
    unsafe posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

    var none = sigset_t()
    var all = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

    var child: pid_t = 0
    var argv = unsafe ([executable] + arguments).map { unsafe strdup($0) } + [nil]
    var envp = unsafe environment.map { unsafe strdup($0) } + [nil]
    defer {
      unsafe argv.forEach { unsafe free($0) }
      unsafe envp.forEach { unsafe free($0) }
    }
    let code = unsafe posix_spawn(&child, executable, &actions, &attributes, &argv, &envp)
    close(input.readEnd)
    close(error.writeEnd)
    guard code == 0 else {
      close(input.writeEnd)
      close(error.readEnd)
      throw LaunchError("\(executable): \(words(code))")
    }
    let process = ChildProcess(
      pid: child, pidfd: cprPidfdOpen(child), errorDescriptor: error.readEnd, inputDescriptor: input.writeEnd)
    if process.pidfd < 0 {
      let reason = words(errno)
      // It is ours and was not waited for, so its id is still its own.
      kill(child, SIGKILL)
      waitpid(child, nil, 0)
      throw LaunchError("\(executable): it cannot be watched: \(reason)")
    }
    return process
  }

  private init(pid: Int32, pidfd: Int32, errorDescriptor: Int32, inputDescriptor: Int32) {
    self.pid = pid
    self.pidfd = pidfd
    self.errorDescriptor = errorDescriptor
    self.inputDescriptor = inputDescriptor
  }

  deinit {
    close(inputDescriptor)
    close(errorDescriptor)
    if pidfd >= 0 { close(pidfd) }
  }

  enum Piece {
    case bytes([UInt8])
    /// Nothing now, perhaps later.
    case nothing
    case end
  }

  /// What is in the pipe of its standard error now.
  func readError() -> Piece {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(errorDescriptor, $0.baseAddress, $0.count) }
    if count > 0 { return .bytes(Array(bytes[..<count])) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .end
  }
}

/// A pipe whose ends are closed on exec and lie above the standard descriptors.
private struct Pipe {
  let readEnd: Int32
  let writeEnd: Int32

  init() throws(LaunchError) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else {
      throw LaunchError("no pipe can be made (\(words(errno))); close files or raise ulimit -n")
    }
    for index in 0..<2 where ends[index] <= STDERR_FILENO {
      let above = fcntl(ends[index], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
      close(ends[index])
      ends[index] = above
    }
    readEnd = ends[0]
    writeEnd = ends[1]
  }
}

/// The system's words for an error number.
private func words(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
