internal import Compute
internal import Parsing
internal import Topology
internal import Transport
internal import Wire

extension CollectiveBenchmark {
  /// One rank's process: `arguments` are the words after the hidden subcommand. Returns the exit code.
  package static func rankMain(_ arguments: [String]) -> Int32 {
    guard arguments.count == 6, let rank = Int(arguments[1]), let ranks = Int(arguments[2]), ranks <= 64,
      (0..<max(1, ranks)).contains(rank), let control = try? Endpoint(arguments[0]),
      let data = try? Endpoint(arguments[3])
    else { return 2 }
    ChildProcess.endWithParent()
    let epoch = Epoch(rawValue: 1)
    let name = WorkerName(rank: UInt32(rank), epoch: epoch, incarnation: 0)
    // Each rank makes its own pair; the public half travels with its address.
    guard let keys = try? CurveKeys.generate(),
      let context = try? ZMQContext(security: arguments[4] == "insecure" ? .insecure : .encrypted(keys)),
      let client = try? ControlClient(context, endpoint: control, name: name)
    else { return 1 }
    do {
      var link = try Links.make(context, rank: rank, worldSize: ranks, endpoint: data, epoch: epoch)
      if !arguments[5].isEmpty {
        link = FaultyLink(link, try LinkConditions(arguments[5], worldSize: ranks))
      }
      // As workers do: a core of its own each, and threads that keep it awake, or no spinning at all.
      let cpus = HostFacts.allowedCPUs
      if ranks <= cpus.count {
        try? ThreadPlacement.pinCallingThread(to: [cpus[rank]])
        link.spinTime = Links.spinTime
      }
      link.interruptSource = client
      let hello = Array(link.endpoint.description.utf8)
      try client.send(
        ControlMessage(kind: .hello, epoch: epoch, payload: hello), deadline: .after(.seconds(5)))
      let model = if case .sharedMemory = data { CostModel.sharedMemory } else { CostModel.local }
      var session = BenchmarkSession(communicator: Communicator(link: link), model: model)
      while let message = try client.receive(deadline: .after(.seconds(60))) {
        switch message.kind {
        case .addressBook: try link.connect(addresses(message.payload, ranks))
        case .inquiry:
          guard let task = BenchmarkTask(message.payload) else { return 1 }
          let answer = ControlMessage(kind: .answer, epoch: epoch, payload: try session.run(task))
          try client.send(answer, deadline: .after(.seconds(5)))
        default: return 0
        }
      }
      return 1
    } catch {
      let text = ControlMessage(kind: .farewell, epoch: epoch, payload: Array("\(error)".utf8))
      try? client.send(text, deadline: .after(.seconds(1)))
      return 1
    }
  }

  private static func addresses(_ payload: [UInt8], _ ranks: Int) throws -> [Endpoint] {
    var reader = ByteReader(payload.span)
    var result: [Endpoint] = []
    for _ in 0..<ranks { result.append(try Endpoint(try reader.lengthPrefixedString(atMost: 300))) }
    return result
  }
}

/// One rank's measurements, task after task.
private struct BenchmarkSession: ~Copyable {
  var communicator: Communicator
  private let model: CostModel
  private var step: UInt64 = 0
  private let limit = Duration.seconds(10)
  private let leafCount = 16

  init(communicator: consuming Communicator, model: CostModel) {
    self.communicator = communicator
    self.model = model
  }

  private var group: RankGroup { RankGroup(ranks: Array(0..<communicator.worldSize)) }

  /// The answer's body: verified or not, then the microseconds of every iteration.
  mutating func run(_ task: BenchmarkTask) throws(CollectiveError) -> [UInt8] {
    let elements = task.bytes / 4
    switch task.operation {
    case .allReduce, .reduceScatter: return try reduce(task, rowElements: elements)
    default: return try move(task, elements: elements)
    }
  }

  private mutating func reduce(_ task: BenchmarkTask, rowElements: Int) throws(CollectiveError) -> [UInt8] {
    let tree = CanonicalTree(leafCount: leafCount)
    let ranges = LeafSplit(count: leafCount, parts: communicator.worldSize).ranges
    let rank = communicator.rank
    let algorithm: AllReducePlan.Algorithm =
      task.operation == .reduceScatter
      ? .scattered
      : task.algorithm
        ?? AllReducePlan.choose(
          tree: tree, ranges: ranges, group: group, rowElements: rowElements, model: model)
    let plan = AllReducePlan(
      tree: tree, ranges: ranges, group: group, index: rank, rowElements: rowElements, algorithm: algorithm)
    // Leaves that depend on leaf and element; all ranks know all of them, so each can verify.
    let leaves: [[Float]] = (0..<leafCount).map { leaf -> [Float] in
      (0..<rowElements).map { element -> Float in Float(leaf * 3 + 3 + element % 1009) * 0.37 }
    }
    var memory = [Float](repeating: 0, count: plan.rootCount * rowElements)
    for (row, root) in zip(plan.ownRows, ReferenceCollectives.roots(tree, of: ranges[rank], leaves)) {
      memory.replaceSubrange(row * rowElements..<(row + 1) * rowElements, with: root)
    }
    try once(task.operation, plan, &memory)
    let expected = ReferenceCollectives.canonicalSum(leaves)
    let checked = task.operation == .allReduce ? 0..<rowElements : plan.segment
    let verified = checked.allSatisfy { memory[$0].bitPattern == expected[$0].bitPattern }
    for index in memory.indices { memory[index] = 0 }
    var samples: [Double] = []
    for iteration in 0..<(task.iterations + warmUp(task)) {
      let start = Deadline.now
      try once(task.operation, plan, &memory)
      if iteration >= warmUp(task) { samples.append(Double(Deadline.now - start) / 1000) }
    }
    return body(verified, samples)
  }

  private mutating func once(
    _ operation: CollectiveOperation, _ plan: AllReducePlan, _ memory: inout [Float]
  ) throws(CollectiveError) {
    step += 1
    let number = StepNumber(rawValue: step)
    var span = memory.mutableSpan
    if operation == .allReduce {
      try communicator.allReduce(plan, step: number, sequence: 0, memory: &span, deadline: .after(limit))
    } else {
      try communicator.reduceScatter(plan, step: number, sequence: 0, memory: &span, deadline: .after(limit))
    }
  }

  private mutating func move(_ task: BenchmarkTask, elements: Int) throws(CollectiveError) -> [UInt8] {
    let ranks = communicator.worldSize
    let rank = communicator.rank
    let shares = LeafSplit(count: elements, parts: ranks).ranges.map { $0.count * 4 }
    func content(_ from: Int, _ to: Int) -> [UInt8] {
      let share = shares[task.operation == .allGather ? from : to]
      return (0..<share).map { place -> UInt8 in
        UInt8(truncatingIfNeeded: from &* 57 &+ to &* 11 &+ place &* 3)
      }
    }
    var memory: [UInt8]
    let plan: MovementPlan
    let expected: [UInt8]
    let result: Range<Int>
    if task.operation == .allGather {
      plan = .allGather(group: group, index: rank, byteCounts: shares)
      expected = ReferenceCollectives.allGather((0..<ranks).map { content($0, 0) })
      memory = [UInt8](repeating: 0, count: expected.count)
      let start = shares[..<rank].reduce(0, +)
      memory.replaceSubrange(start..<(start + shares[rank]), with: content(rank, 0))
      result = 0..<expected.count
    } else {
      let counts = Array(repeating: shares, count: ranks)
      let sent = (0..<ranks).flatMap { content(rank, $0) }
      plan = .allToAll(
        group: group, index: rank, byteCounts: counts, sendOffset: 0, receiveOffset: sent.count)
      expected = (0..<ranks).flatMap { content($0, rank) }
      memory = sent + [UInt8](repeating: 0, count: expected.count)
      result = sent.count..<(sent.count + expected.count)
    }
    try once(plan, &memory)
    let verified = Array(memory[result]) == expected
    var samples: [Double] = []
    for iteration in 0..<(task.iterations + warmUp(task)) {
      let start = Deadline.now
      try once(plan, &memory)
      if iteration >= warmUp(task) { samples.append(Double(Deadline.now - start) / 1000) }
    }
    return body(verified, samples)
  }

  private mutating func once(_ plan: MovementPlan, _ memory: inout [UInt8]) throws(CollectiveError) {
    step += 1
    var span = memory.mutableSpan
    var raw = span.frameBytes
    try communicator.move(
      plan, step: StepNumber(rawValue: step), sequence: 0, memory: &raw, deadline: .after(limit))
  }

  private func warmUp(_ task: BenchmarkTask) -> Int { task.iterations / 10 + 1 }

  private func body(_ verified: Bool, _ samples: [Double]) -> [UInt8] {
    var writer = ByteWriter(reserving: 1 + samples.count * 8)
    writer.bool(verified)
    for sample in samples { writer.f64(sample) }
    return writer.bytes
  }
}
