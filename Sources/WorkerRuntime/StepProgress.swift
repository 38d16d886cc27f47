internal import Synchronization
internal import Wire

/// Where a worker is: written by its main thread, read by its pulse thread. One store per phase, no lock.
package final class StepProgress: Sendable {
  private let epochNumber = Atomic<UInt64>(0)
  private let stepNumber = Atomic<UInt64>(0)
  private let phaseNumber = Atomic<UInt8>(Pulse.Phase.starting.rawValue)
  private let count = Atomic<UInt64>(0)

  package init() {}

  /// The main thread does something else from now on.
  func enter(_ phase: Pulse.Phase) {
    phaseNumber.store(phase.rawValue, ordering: .relaxed)
    advance()
  }

  /// Something got done. Only the main thread counts, so no atomic addition is needed.
  func advance() { count.store(count.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }

  func begin(_ step: StepNumber) {
    stepNumber.store(step.rawValue, ordering: .relaxed)
    enter(.computing)
  }

  func begin(_ epoch: Epoch) { epochNumber.store(epoch.rawValue, ordering: .relaxed) }

  /// The worker's state as a pulse. The fields are read one after the other: near a change they may be of two moments.
  func pulse(rank: UInt32) -> Pulse {
    Pulse(
      rank: rank, epoch: Epoch(rawValue: epochNumber.load(ordering: .relaxed)),
      step: StepNumber(rawValue: stepNumber.load(ordering: .relaxed)),
      phase: Pulse.Phase(rawValue: phaseNumber.load(ordering: .relaxed)) ?? .starting,
      progress: count.load(ordering: .relaxed))
  }
}
