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
  var routing = RoutingCapture()
  /// Rows of the running step that produce logits, in row order.
  var sampled: [SampledRow] = []
  var sampler: Sampler
  private var executor: StepExecutor
  private var failure: WorkerError?

  package init(
    program: RankProgram, memory: StepMemory, executor: consuming StepExecutor,
    communicator: consuming Communicator,
    collectiveDeadline: Duration, dispatch: ExpertDispatchMode
  ) {
    self.program = program
    self.memory = memory
    tables = StepTables(limits: program.limits)
    rows = StepRows(geometry: program.geometry)
    exchanges = StepExchanges(
      program: program, communicator: communicator, deadline: collectiveDeadline, dispatch: dispatch)
    sequences = SequenceStore()
    sampler = Sampler(vocabularySize: program.vocabularySize)
    self.executor = executor
    if let experts = program.places.experts { exchanges.describeSlices(experts, tables: tables) }
  }

  /// Whether this rank samples for its attention group and reports the step's result.
  package var isReporter: Bool { program.geometry.attentionGroup.ranks[0] == program.geometry.rank }

  /// Index of this rank's attention group in the plans of its replica.
  package var planGroup: Int { program.geometry.tokenGroupIndex }

  /// Payload bytes sent by this rank so far.
  package var payloadBytesSent: Int { exchanges.payloadBytesSent }

  /// Runs one step; the result is nil on ranks that do not report.
  package func run(_ plan: StepPlan) throws(WorkerError) -> StepResult? {
    let started = Deadline.now
    try fill(plan)
    exchanges.begin(plan: plan, rows: rows, tables: tables)
    failure = nil
    executor.run(program: program.program, memory: memory, tables: tables) { point in
      self.synchronise(at: point)
    }
    if let failure { throw failure }
    guard isReporter else { return nil }
    var result = try report(plan)
    result.timings.total = Deadline.now - started
    result.timings.communication = exchanges.waitedNanoseconds
    result.timings.bytesSent = UInt64(exchanges.payloadBytesSent)
    return result
  }

  /// One synchronisation point on the main thread; false ends the step.
  private func synchronise(at point: SyncPoint) -> Bool {
    do throws(WorkerError) {
      switch point {
      case .embeddings, .sum, .gatherRows: try exchanges.dense(point, memory: memory)
      case .gatherSharedRows: try exchanges.gatherSharedRows(rows: rows, memory: memory)
      case .dispatch(let layer):
        try exchanges.dispatch(rows: rows, memory: memory, tables: tables)
        if let experts = program.places.experts {
          routing.record(layer: layer, rows: rows.own, places: experts, memory: memory)
        }
      case .expertResults: try exchanges.expertResults(memory: memory)
      case .logits: try gatherLogits()
      }
      return true
    } catch {
      failure = error
      return false
    }
  }
}
