internal import Transport

extension Fault {
  /// The rules that a link fault puts on the links; empty for other kinds.
  var linkRules: [LinkRule] {
    guard kind.isLink else { return [] }
    return paths.map { path in
      var rule = path
      apply(to: &rule)
      if case .step(let step) = trigger { rule.firstStep = UInt64(step) }
      rule.operation = operation.map { UInt32($0) }
      rule.times = times
      return rule
    }
  }

  private var paths: [LinkRule] {
    let isBothWays = kind == .partition
    switch target {
    case .everywhere: return [LinkRule()]
    case .link(let from, let to): return [LinkRule(from: from, to: to, isBothWays: isBothWays)]
    case .ranks(let ranks):
      return ranks.map { LinkRule(from: $0, isBothWays: true) }
    }
  }

  private func apply(to rule: inout LinkRule) {
    let chance = amount ?? 1
    switch kind {
    case .delay: rule.delay = .microseconds(Int(amount ?? 500))
    case .jitter: rule.jitter = .microseconds(Int(amount ?? 500))
    case .bandwidth: rule.rate = (amount ?? 100) * 1e6
    case .drop: rule.drop = chance
    case .duplicate: rule.duplicate = chance
    case .reorder: rule.reorder = chance
    case .corrupt: rule.corrupt = chance
    case .activationFlip: rule.falsify = chance
    case .truncate: rule.truncate = chance
    case .stale: rule.stale = chance
    case .cut, .partition: rule.isCut = true
    default: break
    }
  }
}
