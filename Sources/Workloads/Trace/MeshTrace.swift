package import Engine
package import Models
internal import Parsing
internal import Wire

/// One trace of a run over the coordinator and all ranks, on the coordinator's clock.
///
/// A process of the viewer for each of them. On a rank's track lie steps, in them layers, in them operations and
/// exchanges, and in an exchange what it was busy with: sending, waiting for another rank to send, the wire, taking.
/// Arrows lead from plans to steps and from a frame's sender to the rank that waited for it.
package struct MeshTrace {
  private let timeline: MeshTimeline
  private let labels: [Int: [StepLabel]]
  private let ranks: [Int: MeshTimeline.Rank]
  /// By rank and step.
  private var steps: [Int: [UInt64: StepTiming]] = [:]

  /// - Parameter labels: by rank, one for each element of its program.
  package init(_ timeline: MeshTimeline, labels: [Int: [StepLabel]]) {
    self.timeline = timeline
    self.labels = labels
    ranks = Dictionary(timeline.ranks.map { ($0.rank, $0) }, uniquingKeysWith: { $1 })
    for rank in timeline.ranks {
      steps[rank.rank] = Dictionary(
        rank.steps.map { ($0.step.rawValue, $0) }, uniquingKeysWith: { $1 })
    }
  }

  private static func track(of rank: Int) -> TraceEvents.Track {
    TraceEvents.Track(process: rank + 1, thread: 0)
  }

  /// Text of the whole file.
  package var json: String {
    let starts =
      timeline.coordinator.map { Int64($0.planned) }
      + timeline.ranks.flatMap { rank in rank.steps.map { rank.aligned($0.received) } }
    var events = TraceEvents(origin: starts.min() ?? 0)
    coordinator(&events)
    for rank in timeline.ranks {
      let uncertainty = max(0, rank.roundTripNanoseconds) / 2
      events.name(
        Self.track(of: rank.rank), process: "rank \(rank.rank)",
        thread: "steps (clock \(rank.clockOffset) ns ahead, within \(uncertainty) ns)")
      for timing in rank.steps { step(timing, of: rank, &events) }
    }
    let dropped = timeline.ranks.map(\.droppedSteps).max() ?? 0
    return "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"dropped_steps\":\(dropped)},\"traceEvents\":[\n"
      + events.lines.joined(separator: ",\n") + "\n]}\n"
  }

  private func coordinator(_ events: inout TraceEvents) {
    for replica in Set(timeline.coordinator.map(\.replica)).sorted() {
      let track = TraceEvents.Track(process: 0, thread: replica)
      events.name(track, process: "coordinator", thread: "replica \(replica)")
      let entries = timeline.coordinator.filter { $0.replica == replica && $0.answered >= $0.sent }
      for (index, entry) in entries.enumerated() {
        let number = entry.step.rawValue
        events.span(track, "send plan \(number)", "control", Int64(entry.planned), Int64(entry.sent))
        events.span(
          track, "ranks compute step \(number)", "wait", Int64(entry.sent), Int64(entry.answered))
        if index + 1 < entries.count, entries[index + 1].planned >= entry.answered {
          events.span(
            track, "take results, schedule", "control", Int64(entry.answered),
            Int64(entries[index + 1].planned))
        }
        for rank in timeline.ranks {
          // A step that was given up and computed again has an older start on some ranks: no arrow then.
          guard let timing = steps[rank.rank]?[number], rank.aligned(timing.received) >= Int64(entry.planned)
          else { continue }
          events.flow(
            "plan", from: track, at: Int64(entry.planned), to: Self.track(of: rank.rank),
            at: rank.aligned(timing.received))
        }
      }
    }
  }

  private func step(_ timing: StepTiming, of rank: MeshTimeline.Rank, _ events: inout TraceEvents) {
    let track = Self.track(of: rank.rank)
    let base = rank.aligned(timing.received)
    func at(_ offset: UInt32) -> Int64 { base + Int64(offset) }
    events.span(
      track, "step \(timing.step.rawValue)", "step", base, at(timing.sent),
      [
        (key: "rows", value: .integer(Int64(timing.rows))),
        (key: "epoch", value: .integer(Int64(timing.epoch.rawValue))),
      ])
    events.span(track, "read plan", "control", base, at(timing.begun))
    let labels = labels[rank.rank] ?? []
    guard labels.count * 2 == timing.marks.count else { return }
    var starts: [UInt32] = [timing.begun]
    for index in labels.indices { starts.append(max(starts[index], timing.marks[2 * index + 1])) }
    layers(labels, starts) { name, first, end in events.span(track, name, "layer", at(first), at(end)) }
    let exchanges = Dictionary(timing.exchanges.map { ($0.point, $0) }, uniquingKeysWith: { $1 })
    var point: UInt32 = 0
    for (index, label) in labels.enumerated() {
      let worked = max(starts[index], min(timing.marks[2 * index], starts[index + 1]))
      events.span(
        track, label.name, label.isExchange ? "exchange" : "compute", at(starts[index]), at(worked))
      // Shorter ones are the marks themselves.
      if starts[index + 1] > worked + 1000 {
        events.span(track, "wait for threads", "wait", at(worked), at(starts[index + 1]))
      }
      guard label.isExchange else { continue }
      if let exchange = exchanges[point] { self.exchange(exchange, timing, of: rank, &events) }
      point += 1
    }
    events.span(track, "report", "control", at(max(timing.ended, starts[labels.count])), at(timing.sent))
  }

  /// Runs of elements of one layer.
  private func layers(
    _ labels: [StepLabel], _ starts: [UInt32], _ span: (String, UInt32, UInt32) -> Void
  ) {
    var first = 0
    for index in 1...max(1, labels.count)
    where index == labels.count || labels[index].layer != labels[first].layer {
      let name = labels[first].layer.map { "layer \($0)" } ?? (first == 0 ? "embedding" : "head")
      span(name, starts[first], starts[index])
      first = index
      if first == labels.count { break }
    }
  }

  private func exchange(
    _ exchange: ExchangeTiming, _ timing: StepTiming, of rank: MeshTimeline.Rank, _ events: inout TraceEvents
  ) {
    let track = Self.track(of: rank.rank)
    let base = rank.aligned(timing.received)
    func at(_ offset: UInt32) -> Int64 { base + Int64(offset) }
    events.span(
      track, "send", "serialise", at(exchange.started), at(exchange.posted),
      [
        (key: "bytes", value: .integer(Int64(exchange.bytesSent))),
        (key: "frames", value: .integer(Int64(exchange.frames))),
      ])
    let arrived = at(exchange.arrived)
    let peer = Int(exchange.lastPeer)
    if peer >= 0, let other = ranks[peer], let theirs = steps[peer]?[timing.step.rawValue],
      let source = theirs.exchanges.first(where: { $0.sequence == exchange.sequence })
    {
      // Its frame left before the last one of the exchange did, perhaps so early that it had come by then.
      let posted = other.aligned(theirs.received + UInt64(source.posted))
      let sent = max(other.aligned(theirs.received + UInt64(source.started)), min(posted, arrived))
      let turn = min(max(sent, at(exchange.posted)), arrived)
      if turn > at(exchange.posted) {
        events.span(track, "wait for rank \(peer)", "wait", at(exchange.posted), turn)
      }
      events.span(track, "wire", "wire", turn, arrived)
      events.flow("frame", from: Self.track(of: peer), at: sent, to: track, at: arrived)
    } else if exchange.arrived > exchange.posted {
      events.span(track, "wait", "wait", at(exchange.posted), arrived)
    }
    events.span(track, "take", "serialise", arrived, at(exchange.ended))
  }
}
