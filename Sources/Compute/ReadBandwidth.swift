internal import Synchronization
internal import Tensors

/// The speed at which a number of threads can stream memory: the yardstick of decode.
package enum ReadBandwidth {
  /// Median of seven passes over fresh buffers in huge pages, all threads at once, in bytes per second.
  ///
  /// - Parameter bytesPerThread: of each thread's buffer: far larger than any cache.
  /// - Throws: `AllocationError` or `ThreadTeamError`.
  package static func measure(threads: Int, bytesPerThread: Int = 256 << 20) throws -> Double {
    let buffer = try AlignedBuffer(byteCount: bytesPerThread * threads)
    let team = try ThreadTeam(count: threads, rank: 0)
    let kernels = KernelTable(.best)
    let base = unsafe UncheckedAddress(pointer: buffer.base)
    // The first pass writes every page: untouched ones all read the same zero page.
    team.run { member in
      unsafe (base.pointer + member * bytesPerThread).initializeMemory(
        as: UInt8.self, repeating: 1, count: bytesPerThread)
    }
    let clock = ContinuousClock()
    var rates = (0..<7).map { _ in
      let seconds = clock.measure {
        team.run { member in
          _ = unsafe kernels.readProbe(base.pointer + member * bytesPerThread, byteCount: bytesPerThread)
        }
      }
      return Double(bytesPerThread * threads) / (seconds / .seconds(1))
    }
    rates.sort()
    return rates[3]
  }
}

/// A buffer's address for the members of a team, each of which touches its own part.
@safe private struct UncheckedAddress: @unchecked Sendable {
  @unsafe let pointer: UnsafeMutableRawPointer
}
