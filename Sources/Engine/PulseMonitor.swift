internal import Compute
internal import Dispatch
internal import Foundation
internal import Parsing
internal import Synchronization
internal import Transport
internal import Wire

/// The coordinator's pulse thread: hears the workers' pulses, answers each, and notes when each rank was heard.
///
/// A thread of its own, so that a coordinator that is busy, or waits for its reader to take output, neither misses
/// silence nor looks silent itself. It decides nothing: what silence means is the core's business.
final class PulseMonitor: Sendable {
  /// The latest pulse of one process of a rank.
  struct Heard: Sendable {
    var pulse: Pulse
    var incarnation: UInt32
    /// Monotonic clock, nanoseconds.
    var at: UInt64
  }

  /// Where the workers' pulses go.
  let endpoint: Endpoint
  private let notes: Notes
  private let closing: EventDescriptor

  /// What the thread leaves for the coordinator.
  private final class Notes: Sendable {
    struct State {
      var opened: Result<Endpoint, TransportError>?
      /// By rank: only the last one counts.
      var heard: [UInt32: Heard] = [:]
      var takenUntil: UInt64 = 0
    }

    let state = Mutex(State())
    let isOpen = DispatchSemaphore(value: 0)
  }

  /// Starts the thread; it looks around at least four times in a period.
  init(_ context: ZMQContext, endpoint: Endpoint, period: Duration) throws(TransportError) {
    let closing = try EventDescriptor()
    let notes = Notes()
    let thread = Thread { Self.run(context, endpoint, closing, period, notes) }
    thread.name = "pulses"
    thread.start()
    notes.isOpen.wait()
    guard let opened = notes.state.withLock({ $0.opened }) else { preconditionFailure("no answer") }
    self.endpoint = try opened.get()
    self.closing = closing
    self.notes = notes
  }

  deinit { closing.signal() }

  /// Ends the thread soon.
  func close() { closing.signal() }

  /// The pulses since the last call, and until when all that came have been noted.
  func take() -> (heard: [Heard], until: UInt64) {
    notes.state.withLock { state in
      defer { state.heard.removeAll(keepingCapacity: true) }
      return (Array(state.heard.values), state.takenUntil)
    }
  }

  // MARK: On the thread

  private static func run(
    _ context: ZMQContext, _ endpoint: Endpoint, _ closing: EventDescriptor, _ period: Duration,
    _ notes: Notes
  ) {
    // The socket belongs to this thread from its birth.
    let server: ControlServer
    do throws(TransportError) {
      server = try ControlServer(context, endpoint: endpoint) { HardwareChecksum.crc32c($0, $1) }
      notes.state.withLock { $0.opened = .success(server.endpoint) }
    } catch {
      notes.state.withLock { $0.opened = .failure(error) }
      notes.isOpen.signal()
      return
    }
    notes.isOpen.signal()
    while !closing.checkInterrupt() {
      _ = try? server.wait(descriptors: [closing.descriptor], until: .after(period / 4))
      let until = Deadline.now
      while let event = try? server.receive() { note(event, server, notes) }
      notes.state.withLock { $0.takenUntil = until }
    }
  }

  private static func note(_ event: ControlServer.Event, _ server: ControlServer, _ notes: Notes) {
    guard case .message(let message, let name) = event, message.kind == .pulse,
      let pulse = try? Pulse(decoding: message.payload), pulse.rank == name.rank
    else { return }
    let heard = Heard(pulse: pulse, incarnation: name.incarnation, at: Deadline.now)
    notes.state.withLock { $0.heard[name.rank] = heard }
    // A worker that does not take its answer will not hear it; its own pulses tell of it.
    try? server.send(message, to: name)
  }
}
