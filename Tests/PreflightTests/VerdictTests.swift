import Testing

@testable import Launching
@testable import Preflight

private typealias File = CheckpointFingerprint.File

private let files = [
  File(name: "config.json", byteCount: 700, checksum: 1),
  File(name: "model.safetensors", byteCount: 1 << 30, checksum: 2),
]

private func node(_ name: String, _ change: (inout NodeObservation) -> Void = { _ in }) -> NodeObservation {
  var facts = NodeFacts()
  facts.buildID = "b"
  facts.executable = "/opt/md"
  facts.cpuFeatures = ["avx2", "fma", "f16c", "bmi2"]
  facts.instructionSet = "avx512"
  facts.cpusByNode = [Array(0..<8)]
  facts.availableMemory = 1 << 34
  facts.freeDisk = 1 << 34
  facts.maxOpenFiles = 1024
  var node = NodeObservation(host: name, executable: "/opt/md")
  node.facts = facts
  node.checkpoint = CheckpointFingerprint(directory: "/m", files: files)
  node.hasJoined = true
  node.clockOffset = 0.001
  change(&node)
  return node
}

private func exit(_ ending: RankExit.Ending, _ line: String) -> RankExit {
  RankExit(rank: 0, host: "h", incarnation: Incarnation(0), pid: 1, ending: ending, lastLines: [line])
}

private func links(_ count: Int, _ change: (Int, Int, inout LinkFigures) -> Void = { _, _, _ in })
  -> [LinkObservation]
{
  PairSchedule.rounds(of: count, width: 1).map { round in
    var figures = LinkFigures(
      roundTripMicroseconds: 100, forwardBytesPerSecond: 1e9, backwardBytesPerSecond: 1e9)
    change(round[0].0, round[0].1, &figures)
    return LinkObservation(round[0].0, round[0].1, figures: figures)
  }
}

private var limits: PreflightLimits {
  var limits = PreflightLimits()
  limits.buildID = "b"
  return limits
}

private func findings(
  _ nodes: [NodeObservation], _ seen: [LinkObservation] = [], _ limits: PreflightLimits = limits
)
  -> [Finding]
{
  PreflightVerdict(PreflightOutcome(nodes: nodes, links: seen), limits).findings
}

@Suite struct NodeVerdictTests {
  @Test func healthyHostsHaveNoFindings() {
    let outcome = PreflightOutcome(nodes: (0..<4).map { node("h\($0)") }, links: links(4))
    let verdict = PreflightVerdict(outcome, limits)
    #expect(verdict.findings == [] && verdict.passed)
    #expect(
      PreflightReport(outcome, verdict).text.contains("verdict: pass; 0 failures, 0 warnings on 4 hosts"))
  }

  @Test(arguments: [
    (RankExit.Ending.exited(code: 255), "cannot be reached by ssh: last words"),
    (.exited(code: 127), "has no executable at /opt/md"),
    (.exited(code: 126), "cannot be run: last words"),
    (.exited(code: 2), "has another build at /opt/md: last words"),
    (.killed(signal: 9), "its process was killed by signal 9 (SIGKILL): last words"),
  ])
  func silenceIsExplained(ending: RankExit.Ending, words: String) {
    let silent = node("h1") { node in
      node.facts = nil
      node.checkpoint = nil
      node.hasJoined = false
      node.exit = exit(ending, "last words")
    }
    let found = findings([node("h0"), silent])
    #expect(found.count == 1 && found[0].severity == .failure && found[0].subject == .node(1))
    #expect(found.first?.text.contains(words) == true, "\(found)")
  }

  @Test func aHostThatSaysNothingIsNamed() {
    let found = findings([node("h0") { ($0.facts, $0.checkpoint, $0.hasJoined) = (nil, nil, false) }])
    #expect(found.first?.text.contains("did not answer in time") == true)
  }

  private typealias Fault = (change: (inout NodeObservation) -> Void, words: String, isFailure: Bool)

  private static var faults: [Fault] {
    [
      ({ $0.facts?.buildID = "c" }, "is build c at /opt/md, this host b", true),
      ({ $0.hasJoined = false }, "cannot reach this host over the mesh's network", true),
      ({ $0.facts?.freeDisk = 1 << 20 }, "only 1 MiB free", true),
      ({ $0.facts?.maxOpenFiles = 20 }, "allows 20 open files", true),
      ({ $0.clockOffset = -3 }, "a clock 3.0 s behind", false),
      ({ $0.facts?.cpusByNode = [[0, 1]] }, "has 2 CPUs", false),
      ({ $0.facts?.instructionSet = "avx2" }, "AVX2 where others have AVX-512", false),
      (
        {
          $0.facts?.instructionSet = "avx2"
          $0.facts?.cpuFeatures = ["avx2"]
        }, "without AVX2, FMA", true
      ),
      (
        { $0.checkpoint?.missing = ["a.safetensors", "b.safetensors"] }, "lacks /m/a.safetensors and 1", true
      ),
      ({ $0.checkpoint?.problem = "it is torn" }, "cannot load the checkpoint: it is torn", true),
      ({ $0.checkpoint?.files[1].checksum = 9 }, "has another /m/model.safetensors", true),
      ({ $0.checkpoint?.files[1].byteCount = 5 }, "of 5 bytes, the others 1073741824", true),
      ({ $0.checkpoint?.files.removeLast() }, "has no /m/model.safetensors", true),
      ({ $0.checkpoint?.files.append(File(name: "x", byteCount: 1, checksum: 1)) }, "others have not", true),
    ]
  }

  @Test func faultsAreNamed() {
    for fault in Self.faults {
      let found = findings([node("h0"), node("h1"), node("h2", fault.change)], links(3))
      #expect(found.contains { $0.text.contains(fault.words) }, "\(found)")
      #expect(found.allSatisfy { $0.subject == .node(2) })
      #expect(found.contains { $0.severity == .failure } == fault.isFailure, "\(found)")
    }
  }

  @Test func memoryIsCountedAgainstTheRanksOfAHost() {
    var limits = limits
    limits.neededMemory = [1 << 30, 1 << 40]
    let found = findings([node("h0"), node("h1")], [], limits)
    #expect(found.map(\.subject) == [.node(1)])
    #expect(found.first?.text.contains("its ranks need about 1048576 MiB") == true)
  }
}

@Suite struct LinkVerdictTests {
  @Test func aSlowLinkIsNamedAndNobodyElse() {
    let narrow = links(4) { first, second, figures in
      if (first, second) == (1, 3) { figures.backwardBytesPerSecond = 2e8 }
    }
    let found = findings((0..<4).map { node("h\($0)") }, narrow)
    #expect(found.map(\.subject) == [.link(1, 3)])
    #expect(found.first?.text.contains("is slow: 200.0 MB/s; half of the links have at least 1000.0") == true)
    let far = links(4) { first, second, figures in
      if (first, second) == (0, 2) { figures.roundTripMicroseconds = 5000 }
    }
    #expect(findings((0..<4).map { node("h\($0)") }, far).map(\.subject) == [.link(0, 2)])
  }

  @Test func aHostWhoseLinksAreAllSlowIsBlamed() {
    let narrow = links(4) { first, second, figures in
      if first == 2 || second == 2 { figures.forwardBytesPerSecond = 1e6 }
    }
    let found = findings((0..<4).map { node("h\($0)") }, narrow)
    #expect(found.last?.subject == .node(2))
    #expect(found.last?.text.contains("one end of every bad link") == true)
    #expect(found.count == 4)
  }

  @Test func twoHostsAreJudgedByTheFloor() {
    let slow = links(2) { _, _, figures in figures.forwardBytesPerSecond = 5e6 }
    #expect(findings([node("h0"), node("h1")], slow).map(\.subject) == [.link(0, 1)])
    #expect(findings([node("h0"), node("h1")], links(2)) == [])
  }

  @Test func aDeadLinkIsAFailure() {
    let found = findings([node("h0"), node("h1")], [LinkObservation(0, 1, problem: "no answer")])
    #expect(found.map(\.severity) == [.failure])
    #expect(found.first?.text.contains("carries nothing (no answer)") == true)
  }

  @Test func everyPairMeetsOnceAndNobodyTwiceInARound() {
    for count in 0...17 {
      for width in [1, 2, 100] {
        let rounds = PairSchedule.rounds(of: count, width: width)
        for round in rounds {
          #expect(round.count <= width && Set(round.flatMap { [$0.0, $0.1] }).count == round.count * 2)
        }
        let pairs = rounds.flatMap { $0 }.map { [$0.0, $0.1] }
        #expect(Set(pairs).count == count * max(0, count - 1) / 2 && pairs.count == Set(pairs).count)
        #expect(pairs.allSatisfy { $0[0] < $0[1] })
      }
    }
  }
}
