internal import Synchronization

/// Walks step programs with a team of threads.
///
/// All members walk the list in lock-step: an operation is split over them and followed by a barrier; a
/// synchronisation point is the main thread's alone while the others wait at the barrier.
package struct StepExecutor: ~Copyable {
  package let team: ThreadTeam
  package let kernels: KernelTable

  package init(team: consuming ThreadTeam, kernels: KernelTable) {
    self.team = team
    self.kernels = kernels
  }

  /// Runs `program` once.
  ///
  /// - Parameter synchronise: runs on the calling thread; false ends the step at once on all threads.
  /// - Returns: whether the program ran to its end.
  @discardableResult
  package borrowing func run(
    program: StepProgram, memory: StepMemory, tables: StepTables, synchronise: (SyncPoint) -> Bool
  ) -> Bool {
    let stopped = Atomic<Bool>(false)
    let bases = memory.bases
    let kernels = kernels
    let threads = team.count
    let barrier = team.barrier
    return withoutActuallyEscaping(synchronise) { synchronise in
      // NOTE: only member 0, which is the calling thread, touches `synchronise`; tables and arenas are written by the
      // main thread before the barrier that precedes the others' reads.
      let shared = StepContext(program: program, tables: tables, bases: bases, synchronise: synchronise)
      team.run { member in
        let walker = StepWalker(
          bases: shared.bases, tables: shared.tables, kernels: kernels, thread: member, threads: threads)
        for step in shared.program.steps {
          switch step {
          case .op(let op): walker.run(op)
          case .sync(let point):
            if member == 0, !shared.synchronise(point) { stopped.store(true, ordering: .releasing) }
          }
          barrier.wait()
          if stopped.load(ordering: .acquiring) { return }
        }
      }
      return !stopped.load(ordering: .acquiring)
    }
  }
}

/// What the members of a team share during one step; see the note in `StepExecutor.run` for who touches what.
private struct StepContext: @unchecked Sendable {
  let program: StepProgram
  let tables: StepTables
  let bases: StepBases
  let synchronise: (SyncPoint) -> Bool
}
