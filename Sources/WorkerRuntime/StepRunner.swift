package import Collectives
package import Compute
internal import Layers
package import Models
internal import Sampling
internal import Topology
internal import Transport
package import Wire

/// Runs step plans on one rank: fills the tables, walks the program, exchanges partial results, reads off the
/// outcome.
///
/// Everything happens on the worker's main thread, which is also member 0 of the team. Buffers and tables are
/// allocated once; a plan that exceeds them is refused before anything runs.
package final class StepRunner {
  package let program: RankProgram
  let memory: StepMemory
  let tables: StepTables
  var rows: StepRows
  var exchanges: StepExchanges
  var sequences: SequenceStore
  /// Routing of the running step, per MoE layer, when a chunk asked for it.
  var routing: RoutingCapture
  /// Rows of the running step that produce logits, in row order.
  var sampled: [SampledRow] = []
  /// Transfers of the gathered candidates and logits, and the step's result; kept for their memory.
  var list = TransferList()
  var result = StepResult(epoch: Epoch(rawValue: 0), step: StepNumber(rawValue: 0), group: 0)
  var sampler: Sampler
  private var executor: StepExecutor
  private let progress: StepProgress
  private let comparesDigests: Bool
  /// Rows of the running step that the ranks of an attention group compare; 0 compares nothing.
  private(set) var digestRows = 0
  private var failure: WorkerError?
  /// Layer of each synchronisation point, for records; empty unless the run keeps them.
  private let syncLayers: [Int32]
  private var nextSync = 0
  /// Final norm and head alone.
  let headProgram: StepProgram
  /// Times of the newest steps, while somebody wants them.
  package private(set) var timeline: StepTimeline?

  package init(
    program: RankProgram, memory: StepMemory, executor: consuming StepExecutor,
    communicator: consuming Communicator,
    collectiveDeadline: Duration, dispatch: ExpertDispatchMode, observations: RunObservations = [],
    progress: StepProgress = StepProgress()
  ) {
    let records = observations.contains(.exchanges)
    comparesDigests = observations.contains(.digests)
    syncLayers = records ? Self.syncLayers(program) : []
    headProgram = program.head
    routing = RoutingCapture(countsLoad: observations.contains(.expertLoad))
    self.program = program
    self.memory = memory
    tables = StepTables(limits: program.limits)
    rows = StepRows(geometry: program.geometry)
    exchanges = StepExchanges(
      program: program, communicator: communicator, deadline: collectiveDeadline, dispatch: dispatch,
      records: records)
    sequences = SequenceStore(maxSequences: program.runLimits.maxSequences)
    sampler = Sampler(vocabularySize: program.vocabularySize)
    self.executor = executor
    self.progress = progress
    if let experts = program.places.experts { exchanges.describeSlices(experts, tables: tables) }
  }

  /// Whether this rank samples for its attention group and reports the step's result.
  package var isReporter: Bool { program.geometry.attentionGroup.ranks[0] == program.geometry.rank }

  /// Index of this rank's attention group in the plans of its replica.
  package var planGroup: Int { program.geometry.tokenGroupIndex }

  /// Payload bytes sent by this rank so far.
  package var payloadBytesSent: Int { exchanges.payloadBytesSent }

  /// Leaves the epoch behind: frames of it that still come are dropped. Weights, keys and values stay as they are;
  /// sequences are admitted anew by the next plan.
  package func begin(epoch: Epoch) { exchanges.begin(epoch: epoch) }

  /// Keeps the times of the newest `steps` steps from now on; 0 keeps none.
  package func recordTimes(steps: Int) {
    timeline = nil
    if steps > 0 {
      let points = program.program.steps.count { if case .sync = $0 { true } else { false } }
      timeline = StepTimeline(programSteps: program.program.steps.count, exchanges: points, steps: steps)
    }
    exchanges.observe(timeline)
  }

  /// Runs one step; the result is nil on ranks that do not report.
  ///
  /// Allocates nothing once the largest steps have been seen, as long as the last result is not kept elsewhere.
  package func run(_ plan: StepPlan) throws(WorkerError) -> StepResult? {
    let started = Deadline.now
    try fill(plan)
    exchanges.begin(step: plan.step, rows: rows, tables: tables)
    progress.begin(plan.step)
    defer { progress.enter(.idle) }
    timeline?.begin(plan, rows: rows.own)
    digestRows = comparesDigests ? rows.own : 0
    defer { digestRows = 0 }
    try execute(program.program)
    timeline?.end()
    guard isReporter else { return nil }
    progress.enter(.sampling)
    try report(plan)
    result.timings.total = Deadline.now - started
    result.timings.communication = exchanges.waitedNanoseconds
    result.timings.bytesSent = UInt64(exchanges.payloadBytesSent)
    result.expertLoad = routing.load
    return result
  }

  /// Walks the whole program or its end.
  func execute(_ steps: StepProgram) throws(WorkerError) {
    failure = nil
    nextSync = steps.steps.count == program.program.steps.count ? 0 : max(syncLayers.count - 1, 0)
    let marks = steps.steps.count == program.program.steps.count ? timeline?.marks : nil
    executor.run(program: steps, memory: memory, tables: tables, marks: marks) { point in
      self.synchronise(at: point)
    }
    if let failure { throw failure }
  }

  /// Wrong numbers are told with their rank and layer.
  private func named(_ error: WorkerError) -> WorkerError {
    guard case .numeric(let text) = error else { return error }
    let layers = Self.syncLayers(program)
    let layer = nextSync <= layers.count ? layers[nextSync - 1] : -1
    let place = layer >= 0 ? "layer \(layer)" : "the first or last operation"
    return .numeric("rank \(program.geometry.rank), \(place): \(text)")
  }

  /// What the last step moved, when the run records exchanges.
  package func trace(of plan: StepPlan) -> StepTrace? {
    guard exchanges.recorder.isOn else { return nil }
    var trace = StepTrace(
      epoch: plan.epoch, step: plan.step, rank: UInt32(program.geometry.rank), rows: UInt32(rows.own),
      sampledRows: UInt32(sampled.count), wholeRows: UInt32(sampled.count { $0.whole }))
    trace.exchanges = exchanges.recorder.exchanges
    trace.routing = exchanges.recorder.routing
    return trace
  }

  /// A layer begins where its input is captured.
  private static func syncLayers(_ program: RankProgram) -> [Int32] {
    var layer: Int32 = -1
    let numLayers = program.geometry.plan.model.layers.count
    return program.program.steps.compactMap { step in
      switch step {
      case .op(.capture(_, let index, _)): layer = index < numLayers ? Int32(index) : -1
      case .sync: return layer
      default: break
      }
      return nil
    }
  }

  private func recordRouting(layer: Int) {
    guard isReporter, exchanges.recorder.isOn, let experts = program.places.experts else { return }
    let chosen = memory.withInts(experts.chosen, count: rows.own * experts.numChosen) { span in
      span.indices.map { span[$0] }
    }
    exchanges.recorder.record(
      routing: RoutingTrace(
        layer: Int32(layer), usesAllToAll: exchanges.usesAllToAll, experts: chosen))
  }

  /// One synchronisation point on the main thread; false ends the step.
  private func synchronise(at point: SyncPoint) -> Bool {
    exchanges.point += 1
    if !syncLayers.isEmpty { exchanges.recorder.layer = syncLayers[nextSync] }
    nextSync += 1
    progress.enter(.communicating)
    defer { progress.enter(.computing) }
    do throws(WorkerError) {
      switch point {
      case .embeddings, .sum, .gatherRows: try exchanges.dense(point, memory: memory)
      case .gatherSharedRows: try exchanges.gatherSharedRows(rows: rows, memory: memory)
      case .dispatch(let layer):
        try exchanges.dispatch(rows: rows, memory: memory, tables: tables)
        if let experts = program.places.experts {
          routing.record(layer: layer, rows: rows.own, places: experts, memory: memory)
        }
        recordRouting(layer: layer)
      case .expertResults: try exchanges.expertResults(memory: memory)
      case .logits: try gatherLogits()
      }
      return true
    } catch {
      failure = named(error)
      return false
    }
  }
}
