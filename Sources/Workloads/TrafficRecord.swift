package import Topology
package import Wire

/// What the ranks of one replica sent in one step, beside what the formulas say.
package struct RecordedStep: Sendable {
  package let step: StepNumber
  /// Rows by attention group.
  package let rows: [Int]
  /// In the order of the step; those that move nothing on this mesh are left out.
  package let operations: [Operation]

  /// One operation of one layer.
  package struct Operation: Sendable {
    package let operation: StepOperation
    /// Nil outside the layers.
    package let layer: Int?
    /// Without empty ones.
    package let messages: [Message]
    package let formulaBytes: Int

    package var bytes: Int { messages.reduce(0) { $0 + $1.bytes } }
  }

  package struct Message: Sendable, Hashable {
    package let sender: Int
    package let receiver: Int
    package let bytes: Int
  }

  package var bytes: Int { operations.reduce(0) { $0 + $1.bytes } }
  package var formulaBytes: Int { operations.reduce(0) { $0 + $1.formulaBytes } }
  package var equalsFormula: Bool { operations.allSatisfy { $0.bytes == $0.formulaBytes } }
  /// Whether each group has rows.
  package var isFull: Bool { !rows.contains(0) }

  /// - Parameter traces: those of all ranks of the first replica for one step.
  package init(_ traces: [StepTrace], plan: ShardPlan) {
    let mesh = plan.mesh
    var groups = Array(
      repeating: StepTraffic.GroupRows(rows: 0, sampledRows: 0, wholeRows: 0), count: mesh.tokenOwners)
    var sent: [Key: [Message]] = [:]
    var routing: [Int: Routing] = [:]
    for trace in traces.sorted(by: { $0.rank < $1.rank }) {
      let group = mesh.tokenIndex(of: Int(trace.rank))
      groups[group] = StepTraffic.GroupRows(
        rows: Int(trace.rows), sampledRows: Int(trace.sampledRows), wholeRows: Int(trace.wholeRows))
      for exchange in trace.exchanges {
        sent[Key(exchange.operation, Int(exchange.layer)), default: []] += exchange.sent
          .filter { $0.payloadBytes > 0 }
          .map { Message(sender: Int(trace.rank), receiver: Int($0.peer), bytes: Int($0.payloadBytes)) }
      }
      for entry in trace.routing {
        let layer = Int(entry.layer)
        let empty = Routing(allToAll: entry.usesAllToAll, chosen: Array(repeating: [], count: groups.count))
        routing[layer, default: empty].chosen[group] = entry.experts
      }
    }
    step = traces.first?.step ?? StepNumber(rawValue: 0)
    rows = groups.map(\.rows)
    var expected = Self.expected(plan: plan, traffic: StepTraffic(plan, groups: groups), routing: routing)
    // Whatever was sent without a formula shows as a difference.
    let known = Set(expected.map(\.key))
    for key in sent.keys.filter({ !known.contains($0) }) { expected.append((key, 0)) }
    operations = expected.compactMap { key, bytes in
      let messages = sent[key] ?? []
      guard bytes > 0 || !messages.isEmpty else { return nil }
      return Operation(
        operation: key.operation, layer: key.layer < 0 ? nil : key.layer, messages: messages,
        formulaBytes: bytes)
    }
  }

  private struct Key: Hashable {
    let operation: StepOperation
    let layer: Int

    init(_ operation: StepOperation, _ layer: Int) {
      self.operation = operation
      self.layer = layer
    }
  }

  private struct Routing {
    var allToAll: Bool
    var chosen: [[Int32]]
  }

  /// Every operation of the step and its bytes by formula.
  private static func expected(
    plan: ShardPlan, traffic: StepTraffic, routing: [Int: Routing]
  ) -> [(key: Key, bytes: Int)] {
    var all: [(key: Key, bytes: Int)] = [(Key(.embedding, -1), traffic.embedding)]
    for (layer, dimensions) in plan.model.layers.enumerated() {
      all.append((Key(.attentionSum, layer), traffic.attentionSum(layer: layer)))
      switch dimensions.feedForward {
      case .dense(let width):
        all.append((Key(.mlpRows, layer), traffic.mlpRows))
        all.append((Key(.mlpSum, layer), traffic.mlpSum(width: width)))
      case .experts(let experts):
        guard let routing = routing[layer] else { continue }
        let isShared = experts.sharedIntermediateSize > 0
        if routing.allToAll {
          if isShared { all.append((Key(.mlpRows, layer), traffic.mlpRows)) }
        } else {
          all.append((Key(.expertRows, layer), traffic.expertRows(experts)))
        }
        if isShared {
          all.append((Key(.sharedSum, layer), traffic.mlpSum(width: experts.sharedIntermediateSize)))
        }
        if routing.allToAll {
          all.append(
            (Key(.expertDispatch, layer), traffic.expertDispatch(experts, chosen: routing.chosen)))
        }
        all.append((Key(.expertResults, layer), traffic.expertResults(experts, chosen: routing.chosen)))
      }
    }
    all.append((Key(.head, -1), traffic.head))
    return all
  }
}
