/// A machine for the predicted step time: what its cores read and multiply, and what messages and steps cost.
///
/// The defaults are those of a two-core virtual machine with ZeroMQ between the processes of one host; `bench scale`
/// measures them anew.
package struct MachineModel: Sendable, Hashable {
  /// Ranks that share one host's memory and links; nil when all do.
  package var ranksPerHost: Int?
  /// Cores of one host; ranks with more threads than that take turns. Nil: one for each rank.
  package var coresPerHost: Int?
  /// Threads of each rank; nil shares the cores out.
  package var threadsPerRank: Int?
  /// Read bandwidth of one host's memory with all cores at work.
  package var memoryBytesPerSecond = 30e9
  /// Measured rates, for few cores and for what fits in caches; empty: `memoryBytesPerSecond` always.
  package var readRates: [ReadRate] = []
  /// Multiply-adds of one host, as its product kernels reach them.
  package var multiplyAddsPerSecond = 100e9
  /// One operation of a step program beside what it reads, on a rank of one thread and on one of several.
  package var operationSeconds = 0.7e-6
  package var teamOperationSeconds = 1.2e-6
  /// One exchange of a small message, from its sending to its arrival.
  package var exchangeSeconds = 45e-6
  /// How much of the time of exchanges is waiting for ranks that are a little behind, rather than the wire: it tells
  /// terms apart and changes no sum.
  package var exchangeWaitShare = 0.5
  /// A further message of the same exchange that has to queue on a host.
  package var messageSeconds = 20e-6
  /// Handing over one message.
  package var sendSeconds = 8e-6
  /// Bytes that the ranks of one host hand to one another.
  package var localBytesPerSecond = 2e9
  /// Bytes that one host puts on its links to other hosts.
  package var linkBytesPerSecond = 2e9
  /// What a message between hosts takes longer than one inside a host, there and back.
  package var remoteRoundTripSeconds = 0.0
  /// Between two steps while every rank has a core; and for each rank of the fullest host that has none.
  package var controlSeconds = 70e-6
  package var controlSecondsPerRank = 10e-6

  /// How long a thread runs before the kernel gives its core to another one.
  static let timeSliceSeconds = 3e-3

  /// One measured point.
  package struct ReadRate: Sendable, Hashable {
    /// Cores that read at the same time.
    package var cores: Int
    /// What each of them goes round in.
    package var bytesPerCore: Double
    /// Of all of them.
    package var bytesPerSecond: Double

    package init(cores: Int, bytesPerCore: Double, bytesPerSecond: Double) {
      self.cores = cores
      self.bytesPerCore = bytesPerCore
      self.bytesPerSecond = bytesPerSecond
    }
  }

  package init() {}

  func operationSeconds(_ threads: Int) -> Double { threads > 1 ? teamOperationSeconds : operationSeconds }

  /// Bytes per second that `cores` cores read together when each goes round in `bytesPerCore`: between measured points
  /// the time per byte is linear in the logarithm of the size and the rate in the number of cores.
  func readRate(cores: Int, bytesPerCore: Double) -> Double {
    let counts = Set(readRates.map(\.cores)).sorted()
    guard let least = counts.first, let most = counts.last else { return memoryBytesPerSecond }
    let below = counts.last { $0 <= cores } ?? least
    let above = counts.first { $0 >= cores } ?? most
    let (low, high) = (rate(of: below, bytesPerCore), rate(of: above, bytesPerCore))
    guard above > below else { return cores < least ? low * Double(cores) / Double(least) : low }
    return low + (high - low) * Double(cores - below) / Double(above - below)
  }

  private func rate(of cores: Int, _ bytes: Double) -> Double {
    let points = readRates.filter { $0.cores == cores }.sorted { $0.bytesPerCore < $1.bytesPerCore }
    guard let next = points.firstIndex(where: { $0.bytesPerCore >= bytes }) else {
      return points[points.count - 1].bytesPerSecond
    }
    guard next > 0 else { return points[0].bytesPerSecond }
    let (small, large) = (points[next - 1], points[next])
    let share =
      Self.doublings(bytes / small.bytesPerCore) / Self.doublings(large.bytesPerCore / small.bytesPerCore)
    let time = (1 - share) / small.bytesPerSecond + share / large.bytesPerSecond
    return 1 / time
  }

  /// The logarithm to base two of a number of at least 1, linear between powers.
  private static func doublings(_ value: Double) -> Double {
    let exponent = max(0, Double(value.exponent))
    return value >= 1 ? exponent + (value.significand - 1) : 0
  }
}
