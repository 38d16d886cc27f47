internal import Collectives
internal import Compute
internal import Layers
internal import Models
internal import Tensors
internal import Topology
internal import Transport
internal import Wire

/// Carries out the exchanges of a step through the communicator, with its deadline and its place in the step.
struct StepExchanges: ~Copyable {
  private let program: RankProgram
  private var communicator: Communicator
  private let deadline: Duration
  private let mode: ExpertDispatchMode
  private var densePlans: DenseExchanges
  private var expertPlans: ExpertExchanges?
  /// Bytes that came from this rank's twin in each token group; kept for its memory.
  private var received: [Int] = []
  private var step = StepNumber(rawValue: 0)
  private var sequence: UInt32 = 0
  /// Whether this layer's rows of all groups are here already, because its shared expert needed some of them.
  private var hasAllRows = false
  private(set) var waitedNanoseconds: UInt64 = 0
  var recorder: StepRecorder
  /// Synchronisation points of the step so far.
  var point = 0
  private var timeline: StepTimeline?

  init(
    program: RankProgram, communicator: consuming Communicator, deadline: Duration,
    dispatch: ExpertDispatchMode, records: Bool
  ) {
    recorder = StepRecorder(isOn: records)
    self.program = program
    self.communicator = communicator
    self.deadline = deadline
    mode = dispatch
    densePlans = DenseExchanges(program: program)
    expertPlans = ExpertExchanges(program: program)
  }

  /// Whether routed rows alone move in this step.
  var usesAllToAll: Bool { expertPlans?.usesAllToAll(mode) ?? false }

  var payloadBytesSent: Int { communicator.link.traffic.totalSent.payloadBytes }

  /// Frames that came a second time or too late.
  var duplicateFramesDropped: Int { communicator.duplicateFramesDropped }

  /// Moves to another epoch.
  mutating func begin(epoch: Epoch) { communicator.begin(epoch: epoch) }

  /// Numbers the operations of a new step and plans those whose sizes are known now.
  mutating func begin(step newStep: StepNumber, rows: StepRows, tables: StepTables) {
    step = newStep
    sequence = 0
    hasAllRows = false
    waitedNanoseconds = 0
    point = 0
    recorder.begin()
    densePlans.prepare(rows: rows, tables: tables)
  }

  /// What does not change from step to step: the roots of each expert slice and how they add up.
  func describeSlices(_ experts: ExpertPlaces, tables: StepTables) {
    for count in experts.sum.rootCounts { tables.experts.rootsOfSlice.append(Int32(count)) }
    for count in experts.sum.completion { tables.experts.completion.append(count) }
  }

  mutating func dense(_ point: SyncPoint, memory: StepMemory) throws(WorkerError) {
    switch point {
    case .embeddings: try exchange(densePlans.embeddings.plan, .embedding, memory)
    case .sum(.attention): try exchange(densePlans.attentionSum.plan, .attentionSum, memory)
    case .sum(.mlp): try exchange(densePlans.mlpSum.plan, .mlpSum, memory)
    case .gatherRows: try exchange(densePlans.gatherRows.plan, .mlpRows, memory)
    case .sum(.shared): try exchange(densePlans.sharedSum.plan, .sharedSum, memory)
    default: preconditionFailure("\(point) is no exchange of known size")
    }
  }

  /// Writes the times of exchanges into `timeline` from now on; nil writes none.
  mutating func observe(_ timeline: StepTimeline?) {
    self.timeline = timeline
    communicator.notesArrivals = timeline != nil
  }

  /// Every operation gets the next number on every rank, whether or not this one takes part.
  private mutating func exchange(
    _ plan: ExchangePlan, _ operation: StepOperation, _ memory: StepMemory
  ) throws(WorkerError) {
    sequence += 1
    guard !plan.sends.isEmpty || !plan.receives.isEmpty else { return }
    if operation.isSum { try check(plan, operation, memory) }
    let before = recorder.isOn ? communicator.link.traffic : nil
    let started = Deadline.now
    let place = ExchangePlace(step: step, sequence: sequence)
    let isTimed = timeline != nil
    var posted = started
    do throws(CollectiveError) {
      try memory.withWorkspace { bytes throws(CollectiveError) in
        let end = Deadline.after(deadline)
        try communicator.post(plan, at: place, memory: bytes.bytes, deadline: end)
        if isTimed { posted = Deadline.now }
        try communicator.complete(plan, at: place, memory: &bytes, deadline: end)
      }
    } catch {
      throw .collective(error)
    }
    let ended = Deadline.now
    waitedNanoseconds += ended - started
    if let timeline { record(plan, operation, in: timeline, started, posted, ended) }
    if let before {
      recorder.record(operation, before: before, after: communicator.link.traffic, started: started)
    }
  }

  private func record(
    _ plan: ExchangePlan, _ operation: StepOperation, in timeline: StepTimeline, _ started: UInt64,
    _ posted: UInt64, _ ended: UInt64
  ) {
    let last = communicator.lastArrival
    timeline.record(
      ExchangeTiming(
        operation: operation, point: UInt32(max(0, point - 1)), sequence: sequence,
        started: timeline.offset(started), posted: timeline.offset(posted),
        arrived: timeline.offset(last.peer < 0 ? posted : max(posted, last.at)),
        ended: timeline.offset(ended), lastPeer: Int32(last.peer), frames: UInt32(plan.sends.count),
        bytesSent: UInt64(plan.sends.reduce(0) { $0 + $1.byteCount })))
  }

  /// What leaves this rank as a part of a sum must be numbers.
  private func check(_ plan: ExchangePlan, _ operation: StepOperation, _ memory: StepMemory)
    throws(WorkerError)
  {
    for index in plan.sends.indices {
      for piece in plan.sends[index].pieces {
        let place = plan.sendPieces[piece]
        let region = Region(arena: .workspace, byteOffset: place.offset)
        let isBroken = memory.withInts(region, count: place.byteCount / 4) { NumericGuard.isBroken($0) }
        guard !isBroken else {
          throw .numeric("its part of the \(operation.name) is not finite or beyond all bounds")
        }
      }
    }
  }

  /// Rows for a shared expert: those of its own groups, or all of them where the routed experts take all
  /// anyway.
  mutating func gatherSharedRows(rows: StepRows, memory: StepMemory) throws(WorkerError) {
    guard let allToAll = expertPlans?.usesAllToAll(mode) else { return }
    if allToAll {
      try exchange(densePlans.gatherRows.plan, .mlpRows, memory)
    } else {
      try moveRows(rows: rows, allToAll: false, memory: memory)
      hasAllRows = true
    }
  }

  private mutating func moveRows(rows: StepRows, allToAll: Bool, memory: StepMemory) throws(WorkerError) {
    expertPlans?.planDispatch(rows: rows, allToAll: allToAll, memory: memory)
    guard let plan = expertPlans?.dispatch.plan else { return }
    try exchange(plan, allToAll ? .expertDispatch : .expertRows, memory)
  }

  mutating func dispatch(rows: StepRows, memory: StepMemory, tables: StepTables) throws(WorkerError) {
    guard let allToAll = expertPlans?.usesAllToAll(mode) else { return }
    if !hasAllRows { try moveRows(rows: rows, allToAll: allToAll, memory: memory) }
    hasAllRows = false
    received.removeAll(keepingCapacity: true)
    for twin in program.geometry.tokenGroup.ranks { received.append(communicator.bytesReceived(from: twin)) }
    expertPlans?.placeRows(rows: rows, allToAll: allToAll, receivedBytes: received, memory: memory)
    expertPlans?.sortAssignments(memory: memory, tables: tables)
    expertPlans?.prepareResults(ownRows: rows.own, memory: memory, tables: tables)
  }

  mutating func expertResults(memory: StepMemory) throws(WorkerError) {
    guard let plan = expertPlans?.results.plan else { return }
    try exchange(plan, .expertResults, memory)
  }

  /// Candidates, and whole rows where `wholeRows` names them, go to the first rank of the attention group.
  mutating func gather(_ plan: ExchangePlan, memory: StepMemory) throws(WorkerError) {
    try exchange(plan, .head, memory)
  }
}

extension StepOperation {
  /// Sums of floats, to which every rank adds its part, and rows that they begin with.
  fileprivate var isSum: Bool {
    switch self {
    case .embedding, .attentionSum, .mlpSum, .sharedSum, .expertResults: true
    default: false
    }
  }

  fileprivate var name: String {
    switch self {
    case .embedding: "embedding"
    case .attentionSum: "attention output"
    case .mlpSum: "MLP output"
    case .sharedSum: "shared expert's output"
    case .expertResults: "experts' output"
    default: "\(self)"
    }
  }
}
