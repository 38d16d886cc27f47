internal import Transport
internal import Wire

/// What a run records beside its results; nothing by default, since it costs time.
package struct RunObservations: OptionSet, Sendable, Hashable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Every exchange of every rank, as the links count it.
  package static let exchanges = RunObservations(rawValue: 1)
  /// How many rows each expert of each layer got.
  package static let expertLoad = RunObservations(rawValue: 2)
  /// Whether the ranks of an attention group hold the same activations.
  package static let digests = RunObservations(rawValue: 4)
}

/// Keeps what the exchanges of a step sent, read off the counters of the link.
struct StepRecorder {
  let isOn: Bool
  /// Layer of the synchronisation point that is being carried out; -1 outside the layers.
  var layer: Int32 = -1
  private(set) var exchanges: [ExchangeTrace] = []
  private(set) var routing: [RoutingTrace] = []
  private var stepStart: UInt64 = 0

  init(isOn: Bool) { self.isOn = isOn }

  mutating func begin() {
    guard isOn else { return }
    stepStart = Deadline.now
    exchanges.removeAll(keepingCapacity: true)
    routing.removeAll(keepingCapacity: true)
  }

  mutating func record(
    _ operation: StepOperation, before: LinkTraffic, after: LinkTraffic, started: UInt64
  ) {
    var exchange = ExchangeTrace(
      operation: operation, layer: layer, start: started - stepStart, duration: Deadline.now - started)
    for (peer, (old, new)) in zip(before.sent, after.sent).enumerated() where new.frames > old.frames {
      exchange.sent.append(
        ExchangeTrace.Message(
          peer: UInt32(peer), frames: UInt32(new.frames - old.frames),
          payloadBytes: UInt64(new.payloadBytes - old.payloadBytes)))
    }
    exchanges.append(exchange)
  }

  mutating func record(routing trace: RoutingTrace) { routing.append(trace) }
}
