internal import Yams

extension FaultPlan {
  private static let maxFaults = 1000

  /// Reads a plan: a mapping with `faults`, and optionally `seed` and `expect` (pass or fail).
  ///
  /// - Throws: `FaultPlanError` naming the line, what was wrong there and what is allowed.
  package init(yaml: String, path: String, worldSize: Int) throws(FaultPlanError) {
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      throw FaultPlanError("\(path) is not YAML; configs/drills holds examples.")
    }
    guard let mapping = root?.mapping else {
      throw FaultPlanError(
        "\(path) must be a mapping with a list of 'faults'; configs/drills holds examples.")
    }
    let reader = PlanReader(path: path, worldSize: worldSize)
    try reader.check(mapping, keys: ["seed", "expect", "faults"])
    guard let list = mapping["faults"]?.sequence, !list.isEmpty, list.count <= Self.maxFaults else {
      throw FaultPlanError("\(path) has no list of 1 to \(Self.maxFaults) 'faults'.")
    }
    var faults: [Fault] = []
    for node in list { faults.append(try reader.fault(node)) }
    let expect = mapping["expect"]?.string ?? "pass"
    guard expect == "pass" || expect == "fail" else {
      throw FaultPlanError("\(path): 'expect' is '\(expect)'; give pass or fail.")
    }
    self.init(
      name: path, seed: UInt64(clamping: mapping["seed"]?.int ?? 0), faults: faults,
      expectsSuccess: expect == "pass")
  }
}

private struct PlanReader {
  let path: String
  let worldSize: Int

  func check(_ mapping: Node.Mapping, keys: [String]) throws(FaultPlanError) {
    for (key, _) in mapping where !keys.contains(key.string ?? "") {
      throw refusal(
        key, "there is no '\(key.string ?? "nested key")' here; allowed are " + keys.joined(separator: ", "))
    }
  }

  func fault(_ node: Node) throws(FaultPlanError) -> Fault {
    guard let mapping = node.mapping else {
      throw refusal(node, "a fault is a mapping of kind, rank and when")
    }
    try check(mapping, keys: ["kind", "rank", "after_tokens", "during", "for_ms"])
    let names = Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    guard let kind = Fault.Kind(rawValue: mapping["kind"]?.string ?? "") else {
      throw refusal(node, "the kind is '\(mapping["kind"]?.string ?? "missing")'; give one of \(names)")
    }
    guard let rank = mapping["rank"]?.int, (0..<worldSize).contains(rank) else {
      throw refusal(node, "the rank is not on this mesh; give 0 to \(worldSize - 1)")
    }
    let milliseconds = mapping["for_ms"]?.int ?? 200
    guard (1...600_000).contains(milliseconds) else { throw refusal(node, "for_ms is not 1 to 600000") }
    return Fault(kind, rank: rank, trigger: try trigger(mapping, node), milliseconds: milliseconds)
  }

  private func trigger(_ mapping: Node.Mapping, _ node: Node) throws(FaultPlanError) -> Fault.Trigger {
    switch (mapping["after_tokens"], mapping["during"]) {
    case (let tokens?, nil):
      guard let count = tokens.int, count >= 1 else { throw refusal(node, "after_tokens is not at least 1") }
      return .tokens(count)
    case (nil, let during?):
      guard during.string == "recovery" else { throw refusal(node, "during can only be recovery") }
      return .recovery
    default: throw refusal(node, "give either after_tokens: N or during: recovery")
    }
  }

  private func refusal(_ node: Node, _ what: String) -> FaultPlanError {
    FaultPlanError("\(path), line \(node.mark?.line ?? 1): \(what).")
  }
}
