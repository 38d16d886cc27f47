internal import Coordination
internal import Parsing
internal import Scheduling
internal import Topology
package import Transport
package import Wire

/// Conditions of the links between ranks, changed while a mesh runs; only where it was started with some.
extension MeshEngine {
  /// Puts conditions on the links of all ranks from their next step on.
  ///
  /// - Parameter later: what ranks that are started again get, when that differs.
  package func setLinkConditions(_ conditions: LinkConditions, later: LinkConditions? = nil) {
    linkConditions = (later ?? conditions).description
    let text = Array(conditions.description.utf8)
    for case .some(let name) in names { send(.linkConditions, to: name) { $0.raw(text) } }
  }

  /// What the links of the ranks have seen and done; ranks that do not answer in time are missing.
  package func linkReports(within limit: Duration) throws(EngineError) -> [LinkReport] {
    linkAnswers = [:]
    let end = Self.now + limit
    let ranks = names.prefix(configuration.mesh.worldSize)
    for case .some(let name) in ranks { send(.linkReport, to: name) { _ in } }
    alarm = end
    defer { alarm = nil }
    while linkAnswers.count < ranks.count, Self.now < end { try turn { _ in } }
    return linkAnswers.values.sorted { $0.rank < $1.rank }
  }

  /// Process id of a rank on this host; nil while it does not run.
  package func processID(of rank: Int) -> Int32? { processes.processID(of: rank) }

  /// Where workers reach the coordinator, with its key where there is one.
  package var controlEndpoint: String { server.endpoint.description }

  /// Whether workers tell where their weights lie.
  package var tellsAddresses: Bool { configuration.tellsAddresses }

  /// Connections that were turned away for their key.
  package var connectionRefusals: Int { context.refusals.count }

  /// Goes on with whatever comes, for so long.
  package func idle(for limit: Duration) throws(EngineError) {
    let end = Self.now + limit
    while Self.now < end {
      alarm = end
      try turn { _ in }
    }
    alarm = nil
  }
}
