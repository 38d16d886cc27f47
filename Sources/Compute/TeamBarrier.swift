import CLinux
import Glibc

/// Where a fixed number of threads meet: everything written before `wait` is seen by all after it.
///
/// Copies refer to the same meeting point, which lives as long as its `ThreadTeam`. Waiting spins a bounded number of
/// times, then keeps the core awake for whoever else can use it, then sleeps on a futex: between two steps, and while
/// the main thread exchanges data, waking up would take longer than the wait.
@safe package struct TeamBarrier: BitwiseCopyable, @unchecked Sendable {
  // Sendable although it holds a pointer: all words behind it are only touched by atomic operations.

  /// Threads that meet.
  package let members: Int
  /// Pauses before a waiting thread sleeps.
  package let spinLimit: Int
  /// Words on cache lines of their own: [0] generation, [16] arrived, [32] sleepers.
  private let words: UnsafeMutablePointer<UInt32>

  static let wordCount = 48

  init(members: Int, spinLimit: Int, words: UnsafeMutablePointer<UInt32>) {
    self.members = members
    self.spinLimit = spinLimit
    unsafe self.words = words
  }

  /// Returns when all members have called it.
  package func wait() {
    if members == 1 { return }
    let generation = unsafe linuxLoadAcquire(words)
    if unsafe linuxFetchAdd(words + 16, 1) == UInt32(members - 1) {
      unsafe linuxStoreRelease(words + 16, 0)
      // NOTE: a full barrier stands between the new generation and the look at the sleepers; a sleeper counts itself
      // first and the kernel compares the generation afterwards, so one of the two sees the other.
      _ = unsafe linuxFetchAdd(words, 1)
      if unsafe linuxLoadSequential(words + 32) != 0 { unsafe linuxFutexWake(words, Int32.max) }
      return
    }
    for look in 0..<spinLimit + spinLimit / 4 {
      if unsafe linuxLoadAcquire(words) != generation { return }
      if look < spinLimit { linuxPause() } else { sched_yield() }
    }
    _ = unsafe linuxFetchAdd(words + 32, 1)
    while unsafe linuxLoadAcquire(words) == generation { _ = unsafe linuxFutexWait(words, generation, -1) }
    _ = unsafe linuxFetchSub(words + 32, 1)
  }
}
