internal import Coordination
internal import Engine
internal import Settings
internal import Topology

/// How the shares of ranks are sized.
package enum Balance: Sendable, Hashable {
  /// Weight of each rank; empty: all alike.
  case weights([Double])
  /// By the read bandwidth of each rank, which has not been measured yet.
  case measured

  /// As the flag takes it.
  package var text: String {
    switch self {
    case .measured: "measured"
    case .weights(let weights): weights.isEmpty ? "even" : weights.map { "\($0)" }.joined(separator: ",")
    }
  }

  /// Reads `even`, `measured` or numbers separated by commas.
  init(_ text: String, worldSize: Int) throws(SetupError) {
    switch text {
    case "even": self = .weights([])
    case "measured": self = .measured
    default:
      let weights = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
      guard weights.allSatisfy({ $0 > 0 && $0 <= 1e12 }) else {
        throw SetupError(
          "--balance cannot be '\(text)'; give even, measured, or a number above 0 for each rank, separated by commas.",
          isUsage: true)
      }
      guard weights.count == worldSize else {
        throw SetupError(
          "--balance '\(text)' has \(weights.count) weights, but the mesh \(worldSize) ranks; give one for each.",
          isUsage: true)
      }
      self = .weights(weights)
    }
  }
}

extension RunSetup {
  /// Lets all ranks read memory at once, on workers that hold no model, and takes their bandwidths as weights.
  ///
  /// - Returns: bytes per second by rank.
  /// - Throws: `SetupError` or `EngineError`; also when workers are started by somebody else, who would have to start
  ///   them twice.
  package mutating func measureBalance() throws -> [Double] {
    guard settings.launch.launcher != .external else {
      throw SetupError(
        "--balance measured needs workers that this command starts; with --launcher external give a weight for each "
          + "rank, such as --balance 1,2,1.", isUsage: true)
    }
    let copies = try MeshShape(dp: shape.worldSize)
    var configuration = try EmptyDecoder.setup(settings, on: copies).engineConfiguration()
    configuration.onRankLoss = .fail
    let engine = try MeshEngine(configuration)
    defer { engine.stop() }
    try engine.waitUntilReady()
    let rates = try engine.measureReadBandwidth()
    balance = .weights(Self.weights(rates))
    return rates
  }

  /// Whole percents of the average; even when they differ by less than a tenth, which is noise.
  static func weights(_ rates: [Double]) -> [Double] {
    guard let least = rates.min(), let most = rates.max(), most > least * 1.1 else { return [] }
    let mean = rates.reduce(0, +) / Double(rates.count)
    return rates.map { max(0.01, ($0 / mean * 100).rounded() / 100) }
  }
}
