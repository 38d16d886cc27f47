internal import Launching

/// What is expected of hosts and links.
package struct PreflightLimits: Sendable {
  /// The build that all must have.
  package var buildID = ""
  /// Seconds; a larger difference of clocks is only a warning, as nothing but logs goes by them.
  package var mostClockOffset = 0.1
  /// A link slower than the median of all by this factor is slow.
  package var slowFactor = 4.0
  /// Bytes per second below which a link is slow, whatever the others are.
  package var leastBytesPerSecond = 10e6
  /// Round trip above which it is.
  package var mostRoundTripMicroseconds = 10_000.0
  /// Bytes that the ranks of each host will need, by place in the list; empty when not known.
  package var neededMemory: [Int] = []

  package init() {}
}

/// One thing that is wrong, or that somebody should know.
package struct Finding: Sendable, Equatable {
  package enum Severity: String, Sendable {
    case warning
    case failure
  }

  /// What it is about: a host, or a link as its two places.
  package enum Subject: Sendable, Equatable {
    case node(Int)
    case link(Int, Int)
  }

  package var severity: Severity
  package var subject: Subject
  /// One sentence without its subject.
  package var text: String

  package init(_ severity: Severity, _ subject: Subject, _ text: String) {
    (self.severity, self.subject, self.text) = (severity, subject, text)
  }
}

/// Judges what was seen: a pure function of observations and limits.
package struct PreflightVerdict: Sendable {
  package let findings: [Finding]

  package var passed: Bool { !findings.contains { $0.severity == .failure } }

  package init(_ outcome: PreflightOutcome, _ limits: PreflightLimits) {
    let reference = CheckpointComparison(outcome.nodes.map(\.checkpoint))
    var findings: [Finding] = []
    for (place, node) in outcome.nodes.enumerated() {
      findings += Self.judge(node, place, outcome, limits)
      findings += reference.problems(of: place).map { Finding(.failure, .node(place), $0) }
    }
    self.findings = findings + LinkComparison(outcome, limits).findings
  }

  /// The worst that is said of a host or a link.
  package func severity(of subject: Finding.Subject) -> Finding.Severity? {
    let about = findings.filter { $0.subject == subject }
    return about.contains { $0.severity == .failure } ? .failure : about.first?.severity
  }

  private static func judge(
    _ node: NodeObservation, _ place: Int, _ outcome: PreflightOutcome, _ limits: PreflightLimits
  ) -> [Finding] {
    func failure(_ text: String) -> Finding { Finding(.failure, .node(place), text) }
    func warning(_ text: String) -> Finding { Finding(.warning, .node(place), text) }
    guard let facts = node.facts else { return [failure(silence(of: node))] }
    guard facts.buildID == limits.buildID else {
      return [
        failure(
          "is build \(facts.buildID) at \(facts.executable), this host \(limits.buildID); install the same build"
        )
      ]
    }
    var findings: [Finding] = []
    if !node.hasJoined {
      let last = node.exit?.lastLines.last.map { ": \($0)" } ?? ""
      findings.append(
        failure("was started but cannot reach this host over the mesh's network; open its firewall\(last)"))
    }
    if facts.instructionSet == "avx2",
      !["avx2", "fma", "f16c", "bmi2"].allSatisfy(facts.cpuFeatures.contains)
    {
      findings.append(failure("has a processor without AVX2, FMA, F16C and BMI2, which the kernels need"))
    }
    let others = outcome.nodes.compactMap(\.facts)
    if facts.instructionSet == "avx2", others.contains(where: { $0.instructionSet == "avx512" }) {
      findings.append(
        warning("has AVX2 where others have AVX-512: same bits, but the mesh waits for the slowest"))
    }
    let middle = median(others.map { Double($0.numCPUs) })
    if Double(facts.numCPUs) * 2 <= middle {
      findings.append(warning("has \(facts.numCPUs) CPUs, half of the hosts at least \(Int(middle))"))
    }
    findings += limitsOfHost(facts, place, outcome.nodes.count, limits)
    if let offset = node.clockOffset, abs(offset) > limits.mostClockOffset {
      findings.append(
        warning(
          "has a clock \(decimal(abs(offset))) s \(offset > 0 ? "ahead" : "behind"): times in logs will not agree"
        ))
    }
    return findings
  }

  private static func limitsOfHost(
    _ facts: NodeFacts, _ place: Int, _ numNodes: Int, _ limits: PreflightLimits
  ) -> [Finding] {
    var findings: [Finding] = []
    let mebibyte = 1 << 20
    if limits.neededMemory.indices.contains(place), limits.neededMemory[place] > facts.availableMemory {
      findings.append(
        Finding(
          .failure, .node(place),
          "has \(facts.availableMemory / mebibyte) MiB of memory available, its ranks need about "
            + "\(limits.neededMemory[place] / mebibyte) MiB; use more hosts or -q q8"))
    }
    if facts.freeDisk < 64 * mebibyte {
      findings.append(
        Finding(
          .failure, .node(place),
          "has only \(facts.freeDisk / mebibyte) MiB free in \(facts.runDirectory), where sockets are made; free some"
        ))
    }
    let needed = 64 + 4 * numNodes
    if facts.maxOpenFiles > 0, facts.maxOpenFiles < needed {
      findings.append(
        Finding(
          .failure, .node(place),
          "allows \(facts.maxOpenFiles) open files, about \(needed) are needed; raise ulimit -n"))
    }
    return findings
  }

  /// Why a host told nothing.
  private static func silence(of node: NodeObservation) -> String {
    guard let exit = node.exit else {
      return "did not answer in time; check the network and --startup-timeout-seconds"
    }
    let last = exit.lastLines.last.map { ": \($0)" } ?? ""
    switch exit.ending {
    case .exited(code: 255): return "cannot be reached by ssh\(last)"
    case .exited(code: 127):
      return "has no executable at \(node.executable); copy it there or give executable="
    case .exited(code: 126): return "has something at \(node.executable) that cannot be run\(last)"
    case .exited(code: 2), .exited(code: 64): return "has another build at \(node.executable)\(last)"
    default: return "did not answer: its process \(exit.ending)\(last)"
    }
  }

  /// The upper one of two in the middle; 0 of nothing.
  static func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }

  static func decimal(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
