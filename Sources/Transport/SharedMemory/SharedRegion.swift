internal import CLinux
internal import Glibc

/// A mapped part of memory that processes share; unmapped when its last user goes.
///
/// The file has no name (`memfd`), so nothing is left of it when all processes have ended, however they ended; and it
/// is sealed against changes of its size, so that touching a mapping never faults.
@safe final class SharedRegion {
  @unsafe let base: UnsafeMutableRawPointer
  let byteCount: Int

  /// Maps `byteCount` bytes from `offset`, a multiple of the page size, of an open file.
  init(descriptor: Int32, offset: Int, byteCount: Int) throws(TransportError) {
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      let number = errno
      throw TransportError(
        .resourceExhausted,
        "\(byteCount) bytes of shared memory could not be mapped (errno \(number)): raise `ulimit -v`, or use "
          + "--transport ipc", errno: number)
    }
    unsafe base = unsafe address
    self.byteCount = byteCount
  }

  deinit { _ = unsafe munmap(base, byteCount) }

  /// A 32-bit word that processes change by atomic operations only.
  func word(_ offset: Int) -> UnsafeMutablePointer<UInt32> {
    precondition(offset >= 0 && offset % 4 == 0 && offset + 4 <= byteCount, "no word at \(offset)")
    return unsafe (base + offset).assumingMemoryBound(to: UInt32.self)
  }

  /// A 64-bit word that processes change by atomic operations only.
  func longWord(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
    precondition(offset >= 0 && offset % 8 == 0 && offset + 8 <= byteCount, "no word at \(offset)")
    return unsafe (base + offset).assumingMemoryBound(to: UInt64.self)
  }
}

/// Where a sleeper of another process is woken: a flag that says whether anybody sleeps, waited for by futex.
///
/// The sleeper raises the flag, looks once more whether it has anything to do, and sleeps while the flag is up. The
/// waker publishes its work first and looks at the flag after a full barrier: one of the two sees the other.
@safe struct Doorbell {
  private let region: SharedRegion
  private let flag: UnsafeMutablePointer<UInt32>

  init(_ region: SharedRegion, offset: Int) {
    self.region = region
    unsafe flag = unsafe region.word(offset)
  }

  /// Wakes the sleeper, if there is one; call after the work is visible.
  func ring() {
    linuxFullBarrier()
    guard unsafe linuxLoadAcquire(flag) != 0 else { return }
    if unsafe linuxExchange(flag, 0) != 0 { unsafe linuxSharedFutexWake(flag, 1) }
  }

  /// Sleeps until it is rung, unless `isReady` says that there is something to do; at most `nanoseconds`.
  func sleep(atMost nanoseconds: Int64, unless isReady: () -> Bool) {
    _ = unsafe linuxExchange(flag, 1)
    if !isReady() { _ = unsafe linuxSharedFutexWait(flag, 1, max(nanoseconds, 0)) }
    unsafe linuxStoreRelease(flag, 0)
  }
}
