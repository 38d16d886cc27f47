/// Walks step programs with a team of threads.
///
/// All members walk the list in lock-step: an operation is split over them and followed by a barrier; a
/// synchronisation point is the main thread's alone while the others wait at the barrier. Nothing is allocated.
package struct StepExecutor: ~Copyable {
  package let team: ThreadTeam
  package let kernels: KernelTable

  package init(team: consuming ThreadTeam, kernels: KernelTable) {
    self.team = team
    self.kernels = kernels
  }

  /// Runs `program` once.
  ///
  /// - Parameters:
  ///   - marks: gets the time of every element; nil, which costs one comparison each, reads no clock.
  ///   - synchronise: runs on the calling thread; false ends the step at once on all threads.
  /// - Returns: whether the program ran to its end.
  @discardableResult
  package borrowing func run(
    program: StepProgram, memory: StepMemory, tables: StepTables, marks: StepMarks? = nil,
    synchronise: (SyncPoint) -> Bool
  ) -> Bool {
    let barrier = team.barrier
    let main = StepWalker(
      bases: memory.bases, tables: tables, kernels: kernels, thread: 0, threads: team.count)
    var context = StepContext(steps: program.steps, main: main, barrier: barrier)
    // NOTE: the others read the context while this thread changes `lastStep` only: before a barrier at which they
    // wait, and they look at it after that barrier.
    return unsafe withUnsafeMutablePointer(to: &context) { shared in
      unsafe team.run(
        UnsafeMutableRawPointer(shared),
        others: { context, member in
          unsafe StepContext.walk(context!.assumingMemoryBound(to: StepContext.self), member)
        },
        here: {
          for index in program.steps.indices {
            switch program.steps[index] {
            case .op(let op): main.run(op)
            case .sync(let point): if !synchronise(point) { unsafe shared.pointee.lastStep = index }
            }
            marks?.worked(index)
            barrier.wait()
            marks?.met(index)
            if unsafe shared.pointee.lastStep == index { return }
          }
        })
      return unsafe shared.pointee.lastStep == Int.max
    }
  }
}

/// What the members of a team share during one step.
@safe private struct StepContext {
  let steps: [ProgramStep]
  let main: StepWalker
  let barrier: TeamBarrier
  /// Index of the step after which everybody stops. An index and not a flag: a slow member must not take the end of a
  /// later step for that of the one it has just left.
  var lastStep = Int.max

  /// Another member's walk: its share of every operation, and the barriers.
  static func walk(_ shared: UnsafeMutablePointer<StepContext>, _ member: Int) {
    let main = unsafe shared.pointee.main
    let barrier = unsafe shared.pointee.barrier
    let walker = StepWalker(
      bases: main.bases, tables: main.tables, kernels: main.kernels, thread: member, threads: main.threads)
    let count = unsafe shared.pointee.steps.count
    for index in 0..<count {
      if case .op(let op) = unsafe shared.pointee.steps[index] { walker.run(op) }
      barrier.wait()
      if unsafe shared.pointee.lastStep == index { return }
    }
  }
}
