internal import Coordination
internal import Glibc
internal import Launching
internal import Scheduling

/// SIGINT, SIGTERM and SIGHUP while the mesh runs.
extension MeshEngine {
  /// The signal that this run is coming to its end for, while what runs may go on.
  package var drainSignal: Int32? { graceEnds == nil ? nil : TerminationSignals.received }

  /// Throws when a signal has come; after SIGTERM only once the time for what runs is over.
  ///
  /// A second signal does not come here: it ends the process at once.
  func heedSignals() throws(EngineError) {
    guard configuration.handlesSignals, let signal = TerminationSignals.received else { return }
    if let graceEnds {
      guard Self.now >= graceEnds else { return }
    } else if signal == SIGTERM, configuration.drainTimeout > .zero, core.numUnfinished > 0 {
      graceEnds = Self.now + configuration.drainTimeout
      events.append(.drain)
      log(
        .warning,
        "SIGTERM: nothing new is begun, what runs may end within \(configuration.drainTimeout); a second signal ends it"
      )
      return
    }
    throw EngineError(.interrupted(signal: signal), "interrupted by signal \(signal)")
  }
}
