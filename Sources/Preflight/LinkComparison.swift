/// Which links are slow or dead, and which hosts are to blame for all of theirs.
struct LinkComparison {
  private let outcome: PreflightOutcome
  private let limits: PreflightLimits
  private let roundTrip: Double
  private let bytesPerSecond: Double

  init(_ outcome: PreflightOutcome, _ limits: PreflightLimits) {
    self.outcome = outcome
    self.limits = limits
    let figures = outcome.links.compactMap(\.figures)
    roundTrip = PreflightVerdict.median(figures.map(\.roundTripMicroseconds))
    bytesPerSecond = PreflightVerdict.median(figures.map(\.bytesPerSecond))
  }

  /// Places in the list of links that carry something, but too slowly.
  var slowLinks: [Int] {
    outcome.links.indices.filter { outcome.links[$0].figures != nil && problem(of: outcome.links[$0]) != nil }
  }

  var findings: [Finding] {
    let bad = outcome.links.compactMap { link in problem(of: link).map { (link, $0) } }
    // A host that is at one end of all bad links, all of whose links are bad, is named once.
    let blamed = outcome.nodes.indices.filter { place in
      let own = outcome.links.filter { $0.first == place || $0.second == place }
      return own.count > 1 && bad.count == own.count && own.allSatisfy { problem(of: $0) != nil }
    }
    let each = bad.map { Finding(.failure, .link($0.0.first, $0.0.second), $0.1) }
    guard blamed.count == 1, let place = blamed.first else { return each }
    return each + [
      Finding(.failure, .node(place), "is at one end of every bad link; look at its cable, port and settings")
    ]
  }

  private func problem(of link: LinkObservation) -> String? {
    guard let figures = link.figures else { return "carries nothing (\(link.problem)); look for a firewall" }
    let rate = figures.bytesPerSecond
    let trip = figures.roundTripMicroseconds
    if rate < limits.leastBytesPerSecond || rate * limits.slowFactor < bytesPerSecond {
      return "is slow: \(megabytes(rate)) MB/s; half of the links have at least \(megabytes(bytesPerSecond))"
    }
    // A millisecond more is allowed: on a busy host a process may wait that long for its turn.
    if trip > limits.mostRoundTripMicroseconds || trip > max(roundTrip * limits.slowFactor, roundTrip + 1000)
    {
      return "is slow: \(Int(trip)) us for a round trip; half of the links need at most \(Int(roundTrip))"
    }
    return nil
  }

  private func megabytes(_ rate: Double) -> String { "\((rate / 1e5).rounded() / 10)" }
}
