internal import Yams

/// Reads one fault of a YAML plan.
struct FaultReader {
  let path: String
  let worldSize: Int
  let hosts: [[Int]]
  let reporters: Set<Int>

  private static let keys = [
    "kind", "rank", "ranks", "host", "role", "link", "after_tokens", "during", "at_ms", "at_step", "chance",
    "for_ms", "amount", "times", "operation",
  ]

  func check(_ mapping: Node.Mapping, keys: [String]) throws(FaultPlanError) {
    for (key, _) in mapping where !keys.contains(key.string ?? "") {
      throw refusal(
        key, "there is no '\(key.string ?? "nested key")' here; allowed are " + keys.joined(separator: ", "))
    }
  }

  func fault(_ node: Node) throws(FaultPlanError) -> Fault {
    guard let mapping = node.mapping else {
      throw refusal(node, "a fault is a mapping of kind, where and when")
    }
    try check(mapping, keys: Self.keys)
    let names = Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    guard let kind = Fault.Kind(rawValue: mapping["kind"]?.string ?? "") else {
      throw refusal(node, "the kind is '\(mapping["kind"]?.string ?? "missing")'; give one of \(names)")
    }
    var fault = Fault(kind, try target(mapping, node, kind), trigger: try trigger(mapping, node))
    fault.milliseconds =
      try integer("for_ms", mapping, 1...600_000) ?? (kind == .pause ? 200 : nil)
    fault.times = try integer("times", mapping, 1...1_000_000)
    fault.operation = try integer("operation", mapping, 0...Int(Int32.max))
    if let amount = mapping["amount"] {
      guard let value = amount.float ?? amount.int.map({ Double($0) }), value > 0, value <= 1e6 else {
        throw refusal(amount, "amount is not a number above 0 and up to 1000000")
      }
      fault.amount = value
    }
    let hasTimes = kind.isLink || kind.breaksMemory
    let hasAmount = hasTimes || kind == .clockJump
    if !hasTimes && (fault.times != nil || fault.operation != nil) || !hasAmount && fault.amount != nil {
      throw refusal(node, "times, operation and amount are for faults of links, not for \(kind.rawValue)")
    }
    return fault
  }

  private func target(
    _ mapping: Node.Mapping, _ node: Node, _ kind: Fault.Kind
  ) throws(FaultPlanError) -> Fault.Target {
    let given = ["rank", "ranks", "host", "role", "link"].filter { mapping[$0] != nil }
    if kind.concernsCoordinator {
      guard given.isEmpty, mapping["after_tokens"] != nil, mapping["for_ms"] == nil || kind == .diskFull
      else {
        throw refusal(
          node, "a coordinator-kill has after_tokens: N and nothing else, a disk-full for_ms: N as well")
      }
      return .everywhere
    }
    guard given.count <= 1 else { throw refusal(node, "give one of \(given.joined(separator: ", "))") }
    switch given.first {
    case "rank": return .ranks([try rank(mapping["rank"], node)])
    case "ranks":
      var ranks: [Int] = []
      for entry in mapping["ranks"]?.sequence ?? [] { ranks.append(try rank(entry, entry)) }
      guard !ranks.isEmpty else { throw refusal(node, "ranks is not a list such as [0, 1]") }
      return .ranks(ranks)
    case "host":
      guard let host = mapping["host"]?.int, hosts.indices.contains(host) else {
        throw refusal(node, "the host is not one of this run; give 0 to \(hosts.count - 1)")
      }
      return .ranks(hosts[host])
    case "role":
      let wanted = mapping["role"]?.string
      let found = (0..<worldSize).filter { reporters.contains($0) == (wanted == "reporter") }
      guard wanted == "reporter" || wanted == "follower", let first = found.first else {
        throw refusal(node, "the role is not one of this mesh; give reporter (samples) or follower")
      }
      return .ranks([first])
    case "link":
      let ends = mapping["link"]?.sequence
      guard kind.isLink, let ends, ends.count == 2 else {
        throw refusal(node, "link is [from, to], for faults of links")
      }
      let link = (from: try rank(ends[0], node), to: try rank(ends[1], node))
      guard link.from != link.to else { throw refusal(node, "a link joins two different ranks") }
      return .link(from: link.from, to: link.to)
    default:
      guard kind.isEverywhere else {
        throw refusal(node, "the rank is missing; give rank: 0 to \(worldSize - 1)")
      }
      return .everywhere
    }
  }

  private func rank(_ entry: Node?, _ node: Node) throws(FaultPlanError) -> Int {
    guard let rank = entry?.int, (0..<worldSize).contains(rank) else {
      throw refusal(node, "the rank is not on this mesh; give 0 to \(worldSize - 1)")
    }
    return rank
  }

  private func integer(
    _ key: String, _ mapping: Node.Mapping, _ range: ClosedRange<Int>
  ) throws(FaultPlanError) -> Int? {
    guard let entry = mapping[key] else { return nil }
    guard let value = entry.int, range.contains(value) else {
      throw refusal(entry, "\(key) is not \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private func trigger(_ mapping: Node.Mapping, _ node: Node) throws(FaultPlanError) -> Fault.Trigger {
    let given = ["after_tokens", "during", "at_ms", "at_step", "chance"].filter { mapping[$0] != nil }
    guard given.count == 1, let key = given.first, let value = mapping[key] else {
      throw refusal(node, "give either after_tokens: N, at_ms: N, at_step: N, chance: P or during: recovery")
    }
    switch key {
    case "during":
      guard value.string == "recovery" else { throw refusal(node, "during can only be recovery") }
      return .recovery
    case "chance":
      guard let chance = value.float ?? value.int.map({ Double($0) }), chance > 0, chance <= 1 else {
        throw refusal(node, "chance is not above 0 and up to 1")
      }
      return .chance(chance)
    default:
      guard let count = value.int, count >= 1, count <= 1_000_000_000 else {
        throw refusal(node, "\(key) is not at least 1")
      }
      return key == "after_tokens" ? .tokens(count) : key == "at_ms" ? .milliseconds(count) : .step(count)
    }
  }

  private func refusal(_ node: Node, _ what: String) -> FaultPlanError {
    FaultPlanError("\(path), line \(node.mark?.line ?? 1): \(what).")
  }
}
