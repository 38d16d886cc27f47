package import Topology

/// A cluster that need not exist, as `plan --simulate` names it:
/// `nodes=64,tp=8,ep=32,attn_dp=8,link=25gbe,rtt=40us`.
package struct ClusterDescription: Sendable, Hashable {
  /// Node counts to look at: one, or doubling from the first to the last.
  package var nodes: [Int] = [1]
  /// Degrees of the mesh; empty: the fastest predicted mesh of each node count is looked for.
  package var degrees: [MeshAxis: Int] = [:]
  /// Workers of one node where the mesh is looked for.
  package var ranksPerNode = 1
  package var machine = MachineModel()
  /// Sequences decoded at once on the whole cluster; nil: one for each attention group.
  package var batch: Int?
  /// Tokens already in the cache of each sequence.
  package var contextLength = 512

  package static let maximumNodes = 4096

  /// Reads `key=value` pairs separated by commas.
  ///
  /// Throws: one sentence that names the pair, the allowed values and an example.
  package init(_ text: String) throws(PlanningError) {
    // What stands for a link between hosts until the text says otherwise: 10 Gbit/s Ethernet.
    machine.linkBytesPerSecond = 1.25e9
    machine.remoteRoundTripSeconds = 50e-6
    var seen: Set<Substring> = []
    for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[1].isEmpty else {
        throw PlanningError(
          "--simulate has '\(pair)' where key=value is expected; for example "
            + "nodes=64,tp=8,link=25gbe,rtt=40us."
        )
      }
      guard seen.insert(parts[0]).inserted else {
        throw PlanningError("--simulate gives \(parts[0]) twice; give it once.")
      }
      try take(String(parts[0]), String(parts[1]))
    }
    if nodes.count > 1, !degrees.isEmpty {
      throw PlanningError(
        "--simulate gives a range of nodes and degrees of the mesh; for a range leave out tp, ep, attn_dp, "
          + "attn_dp_expert and dp, so that the mesh of each count is looked for.")
    }
  }

  private mutating func take(_ key: String, _ value: String) throws(PlanningError) {
    if let axis = MeshAxis.allCases.first(where: { $0.degreeName == key }) {
      degrees[axis] = try Self.whole(key, value, 1...MeshShape.maximumWorldSize)
      return
    }
    switch key {
    case "nodes": nodes = try Self.nodeCounts(value)
    case "ranks": ranksPerNode = try Self.whole(key, value, 1...256)
    case "cores": machine.coresPerHost = try Self.whole(key, value, 1...4096)
    case "batch": batch = try Self.whole(key, value, 1...1_048_576)
    case "context": contextLength = try Self.whole(key, value, 0...16_777_216)
    case "link":
      machine.linkBytesPerSecond =
        try Self.quantity(key, value, ["gbe": 1e9 / 8, "gb/s": 1e9, "mb/s": 1e6], 1e5...1e13)
    case "rtt":
      machine.remoteRoundTripSeconds =
        try Self.quantity(key, value, ["us": 1e-6, "ms": 1e-3], 0...10)
    case "memory":
      machine.memoryBytesPerSecond = try Self.quantity(key, value, ["gb/s": 1e9], 1e8...1e14)
    case "flops":
      // A multiply-add is two of them.
      machine.multiplyAddsPerSecond =
        try Self.quantity(key, value, ["gflops": 0.5e9, "tflops": 0.5e12], 1e8...1e16)
    default:
      throw PlanningError(
        "--simulate knows no '\(key)'; it takes nodes, ranks, cores, memory, flops, link, rtt, batch, "
          + "context, dp, attn_dp, attn_dp_expert, ep and tp.")
    }
  }

  /// `64`, or `1..256`: doubling from the first, the last one included.
  private static func nodeCounts(_ value: String) throws(PlanningError) -> [Int] {
    guard let dots = value.firstRange(of: "..") else {
      return [try whole("nodes", value, 1...maximumNodes)]
    }
    let first = try whole("nodes", String(value[..<dots.lowerBound]), 1...maximumNodes)
    let last = try whole("nodes", String(value[dots.upperBound...]), first...maximumNodes)
    var counts = Array(sequence(first: first) { $0 * 2 <= last ? $0 * 2 : nil })
    if counts[counts.count - 1] != last { counts.append(last) }
    return counts
  }

  private static func whole(
    _ key: String, _ value: String, _ range: ClosedRange<Int>
  ) throws(PlanningError) -> Int {
    guard let number = Int(value), range.contains(number) else {
      throw PlanningError(
        "--simulate cannot take \(key)=\(value); give a whole number from \(range.lowerBound) to "
          + "\(range.upperBound).")
    }
    return number
  }

  /// A number with one of the units, which stand for factors; `range` is of the result.
  private static func quantity(
    _ key: String, _ value: String, _ units: [String: Double], _ range: ClosedRange<Double>
  ) throws(PlanningError) -> Double {
    let lower = value.lowercased()
    for (unit, factor) in units where lower.hasSuffix(unit) {
      guard let number = Double(lower.dropLast(unit.count)) else { break }
      let result = number * factor
      guard result.isFinite, range.contains(result) else { break }
      return result
    }
    throw PlanningError(
      "--simulate cannot take \(key)=\(value); give a number with one of the units "
        + units.keys.sorted().joined(separator: ", ") + ", within reason, for example "
        + "\(key)=\(key == "rtt" ? "40us" : "25\(units.keys.sorted()[0])").")
  }
}
