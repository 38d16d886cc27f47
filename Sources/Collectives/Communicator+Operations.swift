package import Transport
package import Wire

extension Communicator {
  /// Sums the members' roots by the canonical tree; the total is in row 0 of `memory` afterwards, on every member.
  ///
  /// - Parameter memory: the workspace of the plan, whose byte offset must be 0 for this entry.
  package mutating func allReduce(
    _ plan: AllReducePlan, step: StepNumber, sequence: UInt32, memory: inout MutableSpan<Float>,
    deadline: Deadline
  ) throws(CollectiveError) {
    for (round, exchange) in plan.rounds.enumerated() {
      let place = ExchangePlace(step: step, sequence: sequence, round: UInt32(round))
      var bytes = memory.frameBytes
      try self.exchange(exchange, at: place, memory: &bytes, deadline: deadline, operation: .allReduce)
      if round == 0 { plan.addRows(&memory) }
    }
  }

  /// The first half of a scattered all-reduce: the total of the own segment is in row 0 afterwards.
  package mutating func reduceScatter(
    _ plan: AllReducePlan, step: StepNumber, sequence: UInt32, memory: inout MutableSpan<Float>,
    deadline: Deadline
  ) throws(CollectiveError) {
    precondition(plan.algorithm == .scattered, "a reduce-scatter needs a scattered plan")
    let place = ExchangePlace(step: step, sequence: sequence)
    var bytes = memory.frameBytes
    try exchange(plan.rounds[0], at: place, memory: &bytes, deadline: deadline, operation: .reduceScatter)
    plan.addRows(&memory)
  }

  /// Carries out an all-gather, all-to-all, broadcast or barrier.
  package mutating func move(
    _ plan: MovementPlan, step: StepNumber, sequence: UInt32, memory: inout MutableRawSpan, deadline: Deadline
  ) throws(CollectiveError) {
    for (round, exchange) in plan.rounds.enumerated() {
      let place = ExchangePlace(step: step, sequence: sequence, round: UInt32(round))
      try self.exchange(exchange, at: place, memory: &memory, deadline: deadline, operation: plan.operation)
    }
  }
}

extension AllReducePlan {
  /// The tree over the rows of `memory`, for the own segment; a block of columns at a time, to stay in cache.
  package func addRows(_ memory: inout MutableSpan<Float>) {
    let block = 1024
    var start = segment.lowerBound
    while start < segment.upperBound {
      let count = min(block, segment.upperBound - start)
      for addition in additions {
        let target = addition.target * rowElements + start
        let source = addition.source * rowElements + start
        for index in 0..<count { memory[target + index] += memory[source + index] }
      }
      start += count
    }
  }
}
